//! Which pages of other origins may call.

use portcullis_identity::Cors;

use super::form::{flag, list};
use super::reader::Reader;
use super::section::section;

section! {
    /// The origins as they are named.
    struct Keys {}
    "cors.origins" => origins: Vec<String> = Vec::new(), list(parse_origin, String::clone),
        "origins whose pages may call, such as [\"https://app.example.com\"]",
        manual "origins whose pages may call the server from a browser and read its answers, such as \
            `[\"https://app.example.com\"]`, each as browsers send it; in a variable separated by spaces. `*` alone is every \
            origin. Without any, only the server's own pages do";
    "cors.credentials" => credentials: bool = false, flag(),
        "whether browsers send the session cookie from these origins too",
        manual "whether browsers send the session cookie from these origins too (`fetch` with `credentials: \"include\"`); a \
            change needs the session's CSRF token all the same. The cookie reaches origins of the same site only \
            (`SameSite`)";
}

/// What pages of other origins may do; nothing unless origins are named.
pub(super) fn read(from: &mut Reader) -> Option<Cors> {
    let Keys { origins, credentials } = Keys::declared(from);
    if origins.is_empty() {
        if credentials && !from.is_wrong("cors.origins") {
            from.fail(
                "cors.credentials",
                "nobody's pages call without cors.origins: name them there",
            );
        }
        return None;
    }
    let cors = Cors::origins(origins);
    let cors = if credentials { cors.credentials() } else { cors };
    // Each was good alone.
    for error in cors.errors() {
        from.fail("cors.origins", error.to_string());
    }
    Some(cors)
}

fn parse_origin(text: &str) -> Result<String, String> {
    match Cors::origins([text]).errors().first() {
        None => Ok(text.to_owned()),
        Some(error) => Err(error.to_string()),
    }
}
