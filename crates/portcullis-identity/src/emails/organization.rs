//! The e-mail that invites. Its link is made from the configured public address only, never from a request (`T028`),
//! and leads to a page that uses nothing up (`T029`).

use portcullis_core::defends;
use portcullis_core::email::Email;
use portcullis_core::organization::{Invitation, InvitationToken, Organization};
use url::{Host, Url};

/// Invites an address into an organization of the program at `host`; the link leads to `page`, which accepts it or shows the code.
pub(crate) fn invitation(
    page: Url,
    host: &str,
    organization: &Organization,
    invitation: &Invitation,
    token: &InvitationToken,
) -> Email {
    defends!("T028");
    let code = token.expose();
    let mut link = page;
    link.query_pairs_mut().append_pair("token", &code);
    let (slug, name) = (&organization.slug, plain(&organization.name));
    Email {
        to: invitation.email.clone(),
        subject: format!("Invitation to {slug}"),
        text: format!(
            "Somebody invited this address into the organization {slug} ({name}) at {host}.\n\n\
             To accept within 7 days, log in with an account of this address and enter this code where you are asked for \
             an invitation:\n\n  {code}\n\n\
             Or open this page:\n\n  {link}\n\n\
             If you don't know them, do nothing: without this code nothing happens.\n",
            code = *code,
        ),
    }
}

/// Whether a link may lead to the address: nobody on the way reads the code in it, and it has a place for the code.
pub(crate) fn is_page(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    let bare = url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    (url.scheme() == "https" || (url.scheme() == "http" && loopback)) && bare && anonymous
}

/// A name that anybody may have chosen, without what mail programs turn into a link: an e-mail of ours must not carry
/// somebody's advertisement.
fn plain(name: &str) -> String {
    let kept = |c: char| {
        if c.is_alphanumeric() || matches!(c, '-' | '&' | '\'' | ',') {
            c
        } else {
            ' '
        }
    };
    let text: String = name.chars().map(kept).take(NAME_LENGTH).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How much of a name stands in an e-mail, in characters.
const NAME_LENGTH: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::checks;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::organization::{Id, InvitationId, OrganizationState};
    use uuid::Uuid;

    fn email(name: &str) -> Email {
        let start = Timestamp::from_seconds(0);
        let organization = Organization {
            id: Id::from_uuid(Uuid::from_u128(1)),
            slug: "acme".to_owned(),
            name: name.to_owned(),
            state: OrganizationState::Active,
            created_at: start,
        };
        let to = Invitation {
            id: InvitationId::from_uuid(Uuid::from_u128(2)),
            email: "Ben@example.com".to_owned(),
            roles: Vec::new(),
            invited_by: None,
            created_at: start,
            expires_at: start,
        };
        let page = Url::parse("https://app.example.com/invited").unwrap();
        let token = InvitationToken::from_bytes([1; 32]);
        invitation(page, "id.example.com", &organization, &to, &token)
    }

    #[test]
    fn the_link_leads_to_the_configured_address() {
        checks!("T028");
        let email = email("Acme & Söhne, GmbH");
        let token = InvitationToken::from_bytes([1; 32]);
        let link = format!("https://app.example.com/invited?token={}", *token.expose());
        assert_eq!(email.to, "Ben@example.com");
        assert_eq!(email.subject, "Invitation to acme");
        assert!(email.text.contains(&link));
        assert!(email.text.contains("acme (Acme & Söhne, GmbH) at id.example.com"));
    }

    #[test]
    fn a_link_leads_by_tls_to_a_page_with_a_place_for_the_code() {
        for (url, fits) in [
            ("http://app.example.com/invited", false),
            ("http://127.0.0.1.example.com/invited", false),
            ("ftp://localhost/invited", false),
            ("javascript:alert(1)", false),
            ("https://me:pw@app.example.com/invited", false),
            ("https://app.example.com/invited?token=mine", false),
            ("https://app.example.com/#/invited", false),
            ("https://app.example.com", true),
            ("https://app.example.com/invited", true),
            ("http://localhost:3000/invited", true),
            ("http://[::1]:3000/invited", true),
        ] {
            assert_eq!(is_page(&Url::parse(url).unwrap()), fits, "{url}");
        }
    }

    #[test]
    fn a_name_is_text_and_no_template() {
        for name in ["{{7*7}}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "{name} 7*7"] {
            let text = email(name).text;
            assert!(text.contains("7 7") && !text.contains("49"), "{text}");
            assert_eq!(text.matches("acme").count(), 1, "{text}");
        }
    }

    #[test]
    fn a_name_advertises_nothing() {
        for name in [
            "Win at https://evil.example/now",
            "evil.example",
            "mail me@evil.example",
        ] {
            let text = email(name).text;
            assert!(!text.contains("evil.example"), "{text}");
            assert_eq!(text.matches("://").count(), 1, "{text}");
        }
    }
}
