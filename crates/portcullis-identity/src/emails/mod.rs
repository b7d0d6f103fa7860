//! What e-mails say: one file for each slice whose routes send them.
//!
//! Invariants: a link is made from the configured public address only, never from a request (`T028`), and leads to a page
//! that asks before it uses a code up (`T029`). What a stranger could word freely isn't in an e-mail.
//!
//! **Deliberately absent:** sending. `portcullis/emails.rs` does that, beside the requests.

pub(crate) mod account;
pub(crate) mod api_key;
pub(crate) mod organization;

use url::Url;

/// The host that people know this server by.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("this server");
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
