//! The letter that invites. Its link is made from the configured public address only, never from a request (`T028`),
//! and leads to a page that uses nothing up (`T029`).

use portcullis_core::account::Letter;
use portcullis_core::defends;
use portcullis_core::organization::{Invitation, InvitationToken, Organization};
use url::Url;

use crate::account::host_of;

/// Invites an address into an organization.
pub(super) fn invitation(
    public_url: &Url,
    organization: &Organization,
    invitation: &Invitation,
    token: &InvitationToken,
) -> Option<Letter> {
    defends!("T028");
    let code = token.expose();
    let mut link = public_url.join("accept-invitation").ok()?;
    link.query_pairs_mut().append_pair("token", &code);
    let (slug, name) = (&organization.slug, plain(&organization.name));
    Some(Letter {
        to: invitation.email.clone(),
        subject: format!("Invitation to {slug}"),
        text: format!(
            "Somebody invited this address into the organization {slug} ({name}) at {host}.\n\n\
             To accept within 7 days, log in with an account of this address and follow the link:\n\n  {link}\n\n\
             or type this code where you are asked for it:\n\n  {code}\n\n\
             If you don't know them, do nothing: without this code nothing happens.\n",
            host = host_of(public_url),
            code = *code,
        ),
    })
}

/// A name that anybody may have chosen, without what mail programs turn into a link: a letter of ours must not carry
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

/// How much of a name stands in a letter, in characters.
const NAME_LENGTH: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::checks;
    use portcullis_core::environment::Timestamp;
    use portcullis_core::organization::{Id, InvitationId, State};
    use uuid::Uuid;

    fn letter(name: &str) -> Letter {
        let start = Timestamp::from_seconds(0);
        let organization = Organization {
            id: Id::from_uuid(Uuid::from_u128(1)),
            slug: "acme".to_owned(),
            name: name.to_owned(),
            state: State::Active,
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
        let url = Url::parse("https://id.example.com/").unwrap();
        let token = InvitationToken::from_bytes([1; 32]);
        invitation(&url, &organization, &to, &token).unwrap()
    }

    #[test]
    fn the_link_leads_to_the_configured_address() {
        checks!("T028");
        let letter = letter("Acme & Söhne, GmbH");
        let token = InvitationToken::from_bytes([1; 32]);
        let link = format!(
            "https://id.example.com/accept-invitation?token={}",
            *token.expose()
        );
        assert_eq!(letter.to, "Ben@example.com");
        assert_eq!(letter.subject, "Invitation to acme");
        assert!(letter.text.contains(&link));
        assert!(
            letter
                .text
                .contains("acme (Acme & Söhne, GmbH) at id.example.com")
        );
    }

    #[test]
    fn a_name_advertises_nothing() {
        for name in [
            "Win at https://evil.example/now",
            "evil.example",
            "mail me@evil.example",
        ] {
            let text = letter(name).text;
            assert!(!text.contains("evil.example"), "{text}");
            assert_eq!(text.matches("://").count(), 1, "{text}");
        }
    }
}
