//! Which proxies are believed about the client's address.

use portcullis_identity::proxies::{Header, Proxies};

use super::form::{list, text};
use super::reader::Reader;
use super::section::section;

section! {
    /// The proxies as they are named.
    struct Keys {}
    "proxies.trusted" => trusted: Vec<String> = Vec::new(), list(network, String::clone),
        "addresses and networks of the proxies in front, such as [\"10.0.0.0/8\"]; no other is believed",
        manual "addresses and networks (CIDR) of the proxies in front, such as `[\"10.0.0.0/8\"]`, in a variable \
            separated by spaces: only they are believed about the client's address (see [Proxies](#several-nodes))";
    "proxies.header" => header: Header = Header::default(), text(parse_header, Header::to_string),
        "header in which they name the client: X-Forwarded-For or Forwarded",
        manual "the one header in which they name it: `X-Forwarded-For` or `Forwarded`";
}

/// The proxies in front; none unless they are named.
pub(super) fn read(from: &mut Reader) -> Proxies {
    let Keys { trusted, header } = Keys::declared(from);
    if trusted.is_empty() && !from.is_wrong("proxies.trusted") && from.is_set("proxies.header") {
        from.fail(
            "proxies.header",
            "nobody's header is read without proxies.trusted: name the proxies' addresses or networks there",
        );
    }
    // Each was good alone: there may be too many of them.
    Proxies::new(&trusted, header).unwrap_or_else(|(_, error)| {
        from.fail("proxies.trusted", error.to_string());
        Proxies::default()
    })
}

fn network(text: &str) -> Result<String, String> {
    match Proxies::new(&[text], Header::default()) {
        Ok(_) => Ok(text.to_owned()),
        Err((_, error)) => Err(format!("{}: {error}", text.escape_debug())),
    }
}

fn parse_header(text: &str) -> Result<Header, String> {
    Header::parse(text).ok_or_else(|| "must be X-Forwarded-For or Forwarded".to_owned())
}
