//! The e-mails about accounts. Links are made from the configured public address only, never from a request
//! (`T028`), and lead to a page that asks before it uses the token up (`T029`).

use portcullis_core::account::{Account, Claimed, VerificationToken};
use portcullis_core::defends;
use portcullis_core::email::{Email, device_of};
use portcullis_core::environment::Timestamp;
use portcullis_core::session::Device;
use url::Url;

use super::host_of;

/// Asks the owner of an address that an account claims to confirm it. It says which account, when and from where, so
/// that nobody credits another's; what a stranger could word freely isn't in it.
pub(crate) fn verify_email(public_url: &Url, claimed: &Claimed, token: &VerificationToken) -> Option<Email> {
    defends!("T028");
    defends!("T125");
    let to = claimed.account.email.clone()?;
    let name = claimed.account.username.as_deref().unwrap_or("(none)");
    let from = claimed
        .from
        .map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
    let token = token.expose();
    let mut link = public_url.join("verify-email").ok()?;
    link.query_pairs_mut().append_pair("token", &token);
    Some(Email {
        to,
        subject: "Confirm your e-mail address".to_owned(),
        text: format!(
            "Somebody registered an account with this address at {host}.\n\n\
             \x20 user name: {name}\n  when:      {at}\n  from:      {from}\n\n\
             If it was you, confirm the address within 24 hours with the account's password:\n\n  {link}\n\n\
             or type this code where you are asked for it:\n\n  {code}\n\n\
             If it wasn't you, do nothing: without this code the address stays unconfirmed. Or take the account over on \
             the same page, with a password of yours: whoever registered it is shut out.\n",
            host = host_of(public_url),
            at = claimed.at,
            code = *token,
        ),
    })
}

/// Tells the owner that somebody tried to register the same address.
pub(crate) fn already_registered(public_url: &Url, to: &str) -> Email {
    Email {
        to: to.to_owned(),
        subject: "You have an account already".to_owned(),
        text: format!(
            "Somebody tried to register an account with this address at {host}, where you have one already.\n\n\
             If it was you, log in as usual. If it wasn't you, nothing happened and there is nothing to do.\n",
            host = host_of(public_url),
        ),
    }
}

/// Tells the owner of a login from a device not seen before.
pub(crate) fn new_device(
    public_url: &Url,
    account: &Account,
    device: &Device,
    at: Timestamp,
) -> Option<Email> {
    let to = account.email.clone()?;
    let agent = device_of(device.user_agent.as_deref());
    let from = device
        .ip
        .map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
    Some(Email {
        to,
        subject: "New login to your account".to_owned(),
        text: format!(
            "Your account at {host} was logged in to from a device it hasn't been used on before.\n\n\
             \x20 when:   {at}\n  device: {agent}\n  from:   {from}\n\n\
             If it was you, there is nothing to do. If it wasn't you, log out everywhere and change your password.\n",
            host = host_of(public_url),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::account::{AccountState, Id, Stamp};
    use portcullis_core::checks;
    use uuid::Uuid;

    fn account(email: Option<&str>) -> Account {
        Account {
            id: Id::from_uuid(Uuid::from_u128(1)),
            email: email.map(ToOwned::to_owned),
            username: None,
            state: AccountState::Unverified,
            email_verified_at: None,
            stamp: Stamp::from_uuid(Uuid::from_u128(2)),
            created_at: Timestamp::from_seconds(0),
            kind: portcullis_core::account::AccountKind::Person,
        }
    }

    // Shows: PW-8
    #[test]
    fn a_link_leads_to_the_configured_address() {
        checks!("T028");
        checks!("T125");
        let url = Url::parse("https://id.example.com/").unwrap();
        let token = VerificationToken::from_bytes([1; 32]);
        let claimed = |email| Claimed {
            account: Account {
                username: Some("attacker".into()),
                ..account(email)
            },
            at: Timestamp::from_seconds(0),
            from: Some(std::net::IpAddr::from([203, 0, 113, 7])),
        };
        let email = verify_email(&url, &claimed(Some("Anna@example.com")), &token).unwrap();
        for said in ["name: attacker\n", "1970-01-01T00:00:00Z", "203.0.113.7"] {
            assert!(email.text.contains(said), "{}", email.text);
        }
        assert_eq!(email.to, "Anna@example.com");
        assert!(email.text.contains(&format!(
            "https://id.example.com/verify-email?token={}",
            *token.expose()
        )));
        assert!(verify_email(&url, &claimed(None), &token).is_none());
    }

    // Shows: SE-5
    #[test]
    fn nothing_of_a_user_agent_is_in_the_email() {
        checks!("T132");
        let url = Url::parse("http://127.0.0.1:8080").unwrap();
        let device = Device {
            user_agent: Some("Firefox/9 see http://evil.example/ on Linux".into()),
            ..Device::default()
        };
        let email = new_device(&url, &account(Some("a@b.c")), &device, Timestamp::from_seconds(0)).unwrap();
        assert!(email.text.contains("device: Firefox on Linux\n"));
        assert!(!email.text.contains("evil"));
        assert!(email.text.contains("127.0.0.1:8080"));
    }
}
