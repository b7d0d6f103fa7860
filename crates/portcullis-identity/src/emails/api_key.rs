//! The e-mail about a key that ends soon.

use portcullis_core::account::Account;
use portcullis_core::api_key::Expiring;
use portcullis_core::email::Email;
use url::Url;

/// One to each who is to be told and has an address.
pub(crate) fn emails_about(public_url: Option<&Url>, expiring: &Expiring) -> Vec<Email> {
    let email = |to: &Account| expires_soon(public_url, expiring, to);
    expiring.recipients.iter().filter_map(email).collect()
}

fn expires_soon(public_url: Option<&Url>, expiring: &Expiring, told: &Account) -> Option<Email> {
    let (to, end) = (told.email.clone()?, expiring.key.expires_at?);
    let at = public_url
        .and_then(Url::host_str)
        .map_or_else(String::new, |host| format!(" at {host}"));
    let (subject, whose) = if told.id == expiring.owner.id {
        ("An API key of yours expires soon", "your account".to_owned())
    } else {
        let name = expiring.owner.username.as_deref();
        let id = expiring.owner.id.to_string();
        let whose = format!("the account {}", name.unwrap_or(&id));
        ("An API key that you look after expires soon", whose)
    };
    Some(Email {
        to,
        subject: subject.to_owned(),
        text: format!(
            "An API key of {whose}{at} ends soon; whatever uses it is refused from then on.\n\n\
             \x20 name: {name}\n  key:  {hint}\n  ends: {end}\n\n\
             Rotate it with a later end, or make a new key, and put the new text where this one is used. If nothing \
             uses it any more, there is nothing to do.\n",
            name = expiring.key.name,
            hint = expiring.key.hint,
        ),
    })
}
