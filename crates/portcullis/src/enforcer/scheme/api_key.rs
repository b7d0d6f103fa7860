//! `X-API-Key: pk_live_…`, and the query where a deployment wants it.
//!
//! The header's name can be another. The query is not looked at unless the deployment names a parameter: addresses
//! end up in logs, histories and `Referer` headers. Where it does, the parameter is taken out of the address, and only
//! its hash kept, before anything of the route runs: on every route, whoever may call it and whatever comes of it
//! (`T082`).
//!
//! A text of another form may be a key that was made elsewhere and imported; in a header, not in the query.
//!
//! **Deployment caveat:** what stands around the finished router sees the address as it was sent, and so does whatever
//! stands in front of the server. A layer that logs addresses logs keys there.
//!
//! Source: RFC 9700 §4.3.2 (why not)

use axum::extract::{OriginalUri, Request};
use http::{HeaderMap, HeaderName, Uri};
use portcullis_core::api_key::{ForeignKey, Format, InvalidApiKey, KeyDigest};
use portcullis_core::authn::{Credential, Refused};
use portcullis_core::defends;

use super::Seen;

/// Why a place can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    /// Not the name of a header.
    #[error("the name of a header has letters, digits and hyphens, such as X-API-Key")]
    Header,
    /// A header with a meaning of its own.
    #[error("this header has a meaning of its own: use another, such as X-API-Key")]
    Taken,
    /// Not the name of a parameter.
    #[error("the name of a parameter has 1 to 64 of a-z A-Z 0-9 _ - ., such as api_key")]
    Parameter,
}

/// Where API keys stand in a request, besides `Authorization: Bearer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    shown: String,
    header: HeaderName,
    parameter: Option<String>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            shown: "X-API-Key".to_owned(),
            header: HeaderName::from_static("x-api-key"),
            parameter: None,
        }
    }
}

impl Places {
    /// In the header of this name.
    ///
    /// # Errors
    /// [`InvalidPlace::Header`] if it can't be a header's name, [`InvalidPlace::Taken`] if the header has a meaning of
    /// its own.
    pub fn in_header(name: &str) -> Result<Self, InvalidPlace> {
        let header: HeaderName = name.parse().map_err(|_| InvalidPlace::Header)?;
        let browsers = ["sec-", "proxy-"]
            .iter()
            .any(|own| header.as_str().starts_with(own));
        if browsers || TAKEN.contains(&header.as_str()) {
            return Err(InvalidPlace::Taken);
        }
        Ok(Self {
            shown: name.to_owned(),
            header,
            parameter: None,
        })
    }

    /// And in the query parameter of this name.
    ///
    /// The parameter is taken out of the address before the route sees it.
    ///
    /// **Deployment caveat:** whoever logs addresses (proxies, browsers, monitoring, layers around the finished router)
    /// then logs keys.
    ///
    /// # Errors
    /// [`InvalidPlace::Parameter`] unless it is 1 to 64 of the characters a-z, A-Z, 0-9 and `_-.`.
    pub fn and_in_query(mut self, parameter: &str) -> Result<Self, InvalidPlace> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if parameter.is_empty() || parameter.len() > 64 || !parameter.bytes().all(plain) {
            return Err(InvalidPlace::Parameter);
        }
        self.parameter = Some(parameter.to_owned());
        Ok(self)
    }

    /// Whether keys stand in this header.
    #[doc(hidden)]
    pub fn takes(&self, header: &HeaderName) -> bool {
        self.header == header
    }

    pub(super) fn name(&self) -> &HeaderName {
        &self.header
    }

    /// The header's name, as it was written.
    pub fn header(&self) -> &str {
        &self.shown
    }

    /// The parameter's name, if there is one.
    pub fn parameter(&self) -> Option<&str> {
        self.parameter.as_deref()
    }
}

pub(super) fn in_header<'r>(headers: &'r HeaderMap, places: &Places, format: &Format) -> Seen<'r> {
    let mut values = headers.get_all(&places.header).iter();
    match (values.next(), values.next()) {
        (None, _) => Seen::Nothing,
        (Some(_), Some(_)) => Seen::Several,
        (Some(value), None) => value.to_str().map_or(Seen::Invalid, |text| read(text, format)),
    }
}

/// What stood in the query where keys stand. The text itself isn't kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyInQuery {
    /// There was no parameter of that name.
    Nothing,
    /// What stood there has a key's form: the digest that it is looked up by.
    Key(KeyDigest),
    /// What stood there is no key of ours, by its form alone.
    Invalid(InvalidApiKey),
    /// The parameter stood there more than once.
    Several,
}

impl KeyInQuery {
    /// What stands in the address.
    pub(crate) fn of(uri: &Uri, places: &Places, format: &Format) -> Self {
        let (Some(name), Some(query)) = (places.parameter(), uri.query()) else {
            return Self::Nothing;
        };
        let mut values = query.split('&').filter_map(|pair| value_of(pair, name));
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(_), Some(_)) => Self::Several,
            // Every character of a key stands for itself: an encoded one isn't decoded.
            (Some(text), None) => format.read(text).map_or_else(Self::Invalid, Self::Key),
        }
    }

    /// Takes it out of the request, wherever the address stands.
    pub(crate) fn take(request: &mut Request, places: &Places, format: &Format) -> Self {
        defends!("T082");
        let found = Self::of(request.uri(), places, format);
        if let (Some(name), true) = (places.parameter(), found != Self::Nothing) {
            clean(request.uri_mut(), name);
            if let Some(OriginalUri(original)) = request.extensions_mut().get_mut() {
                clean(original, name);
            }
        }
        found
    }
}

impl From<KeyInQuery> for Seen<'_> {
    fn from(found: KeyInQuery) -> Self {
        match found {
            KeyInQuery::Nothing => Self::Nothing,
            KeyInQuery::Key(digest) => Self::Credential(Credential::ApiKey(digest)),
            KeyInQuery::Invalid(why) => Self::Refused(Refused::Key(why)),
            KeyInQuery::Several => Self::Several,
        }
    }
}

/// Takes the parameter out of the address. An address that couldn't be put together again is none.
fn clean(uri: &mut Uri, name: &str) {
    if uri.query().is_some() {
        *uri = without_parameter(uri, name).unwrap_or_default();
    }
}

/// The same address without the parameter.
fn without_parameter(uri: &Uri, name: &str) -> Option<Uri> {
    let query = uri.query()?;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| value_of(pair, name).is_none())
        .collect();
    let mut path = uri.path().to_owned();
    if !kept.is_empty() {
        path.push('?');
        path.push_str(&kept.join("&"));
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn value_of<'p>(pair: &'p str, name: &str) -> Option<&'p str> {
    let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
    (found == name).then_some(value)
}

/// A text that stands where only keys stand.
pub(super) fn read<'r>(text: &str, format: &Format) -> Seen<'r> {
    match format.read(text) {
        Ok(digest) => Seen::Credential(Credential::ApiKey(digest)),
        Err(error) => made_elsewhere(text, format).unwrap_or(Seen::Refused(Refused::Key(error))),
    }
}

/// A text that may be a key made elsewhere. Whether it is, isn't told by its form.
pub(super) fn made_elsewhere<'r>(text: &str, format: &Format) -> Option<Seen<'r>> {
    let digest = ForeignKey::presented(text, format)?;
    Some(Seen::Credential(Credential::ImportedKey(digest)))
}

/// What other layers read, and what proxies write.
const TAKEN: [&str; 24] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-csrf-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-organization-id",
    "x-real-ip",
    "x-request-id",
    "x-session-token",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_another_meaning_is_refused() {
        for (name, expected) in [
            ("", Err(InvalidPlace::Header)),
            ("X API Key", Err(InvalidPlace::Header)),
            ("x-api-key:", Err(InvalidPlace::Header)),
            ("Cookie", Err(InvalidPlace::Taken)),
            ("AUTHORIZATION", Err(InvalidPlace::Taken)),
            ("x-session-token", Err(InvalidPlace::Taken)),
            ("User-Agent", Err(InvalidPlace::Taken)),
            ("X-CSRF-Token", Err(InvalidPlace::Taken)),
            ("Sec-Fetch-Site", Err(InvalidPlace::Taken)),
            ("Proxy-Authorization", Err(InvalidPlace::Taken)),
            ("X-Acme-Key", Ok("X-Acme-Key".to_owned())),
        ] {
            let found = Places::in_header(name).map(|places| places.header().to_owned());
            assert_eq!(found, expected, "{name:?}");
        }
        assert!(TAKEN.iter().all(|name| *name == name.to_ascii_lowercase()));
    }

    #[test]
    fn a_parameter_needs_a_plain_name() {
        for (name, good) in [
            ("", false),
            ("a&b", false),
            ("a=b", false),
            ("k%65y", false),
            ("api_key", true),
        ] {
            assert_eq!(Places::default().and_in_query(name).is_ok(), good, "{name:?}");
        }
    }

    #[test]
    fn the_parameter_is_taken_out_and_everything_else_stays() {
        for (uri, expected) in [
            ("/a?api_key=x", "/a"),
            ("/a?b=1&api_key=x&c=%20", "/a?b=1&c=%20"),
            ("/a?api_key&b", "/a?b"),
            ("/a?api_keys=x&xapi_key=y", "/a?api_keys=x&xapi_key=y"),
            ("http://h:1/a?api_key=x&q", "http://h:1/a?q"),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(without_parameter(&uri, "api_key").unwrap().to_string(), expected);
        }
    }
}
