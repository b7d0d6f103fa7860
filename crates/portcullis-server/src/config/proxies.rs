//! Which proxies are believed about the client's address.

use std::cell::Cell;

use portcullis_identity::proxies::{Header, Proxies};

use super::reader::Reader;

/// The proxies in front; none unless they are named.
pub(super) fn read(from: &mut Reader) -> Proxies {
    let wrong = Cell::new(false);
    let network = |text: &str| network(text).inspect_err(|_| wrong.set(true));
    let trusted = from.list("proxies.trusted", network, String::clone);
    let header = from.text("proxies.header", Header::default(), header, Header::to_string);
    if trusted.is_empty() && !wrong.get() && from.is_set("proxies.header") {
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

fn header(text: &str) -> Result<Header, String> {
    Header::parse(text).ok_or_else(|| "must be X-Forwarded-For or Forwarded".to_owned())
}
