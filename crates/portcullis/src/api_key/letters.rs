//! The letter about a key that ends soon.

use portcullis_core::account::Letter;
use portcullis_core::api_key::Expiring;
use url::Url;

/// Tells the owner; `None` for an owner without an address.
pub(crate) fn expires_soon(public_url: Option<&Url>, expiring: &Expiring) -> Option<Letter> {
    let (to, end) = (expiring.owner.email.clone()?, expiring.key.expires_at?);
    let at = public_url
        .and_then(Url::host_str)
        .map_or_else(String::new, |host| format!(" at {host}"));
    Some(Letter {
        to,
        subject: "An API key of yours expires soon".to_owned(),
        text: format!(
            "An API key of your account{at} ends soon; whatever uses it is refused from then on.\n\n\
             \x20 name: {name}\n  key:  {hint}\n  ends: {end}\n\n\
             Make a new key, put it where this one is used, and revoke this one. If nothing uses it any more, there is \
             nothing to do.\n",
            name = expiring.key.name,
            hint = expiring.key.hint,
        ),
    })
}
