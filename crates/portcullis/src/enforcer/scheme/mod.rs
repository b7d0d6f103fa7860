//! Finds the credential in a request.
//!
//! Each file knows one place where a credential can stand and answers [`Seen`]. A request with more than one
//! is refused: two layers must never read two callers out of one request (`T019`).
//!
//! Source: RFC 6750 §2

mod api_key;
mod authorization;
mod basic;
mod cookie;
mod session_header;

use std::borrow::Cow;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_core::api_key::Format;
use portcullis_core::authn::{Bearer, Credential, Refused, Seeming};
use portcullis_core::authz::CredentialKind;
use portcullis_core::{defends, session, token};

pub(crate) use self::api_key::KeyInQuery;
pub use self::api_key::{InvalidPlace, Places};
pub(crate) use self::basic::decode as decode_basic;
use super::Gate;
use super::context::RequestContext;
use super::unknown::Unknown;
use crate::Problem;

/// What stands in one place of a request.
enum Seen<'r> {
    /// Nothing stands there.
    Nothing,
    /// A credential, sorted by its form.
    Credential(Credential<'r>),
    /// A credential of a kind nobody here reads.
    Foreign,
    /// Something that has the form of no credential.
    Invalid,
    /// Something whose form says by itself why it is refused.
    Refused(Refused),
    /// Something that isn't even written as this place demands.
    Malformed,
    /// More than one credential stands there, and one request has one.
    Several,
}

/// How a credential travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In a header that only the caller's own code sets.
    Header,
    /// In a cookie, which browsers attach by themselves.
    Cookie,
    /// In `Authorization: Basic`, which browsers remember and attach by themselves, and programs send too.
    Remembered,
}

/// The header that a request's one credential stands in, kept to be read once more: a value is shared, not copied.
pub(crate) struct Presented(HeaderName, HeaderValue);

/// What a request presents.
pub(crate) enum Found<'r> {
    /// The request presents no credential anywhere.
    Nothing,
    /// A credential of a kind nobody here reads, such as `Negotiate`.
    Foreign,
    /// One credential, and where it stands.
    Credential(Credential<'r>, Place),
}

/// The request's one credential.
pub(super) fn find<'r>(headers: &'r HeaderMap, context: &RequestContext) -> Result<Found<'r>, Unknown> {
    let gate = &context.gate;
    find_in(
        headers,
        context.key_in_query,
        gate.cookies().session(),
        (gate.api_key_format(), gate.api_key_places()),
    )
}

/// The one credential of a request with these headers, in whose address this stood.
pub(crate) fn find_in<'r>(
    headers: &'r HeaderMap,
    query: KeyInQuery,
    cookie: &str,
    (format, keys): (&Format, &Places),
) -> Result<Found<'r>, Unknown> {
    defends!("T019");
    if query == KeyInQuery::Nothing && only_authorization(headers, keys) {
        return judged(
            authorization::extract(headers, format),
            Place::Authorization,
            keys,
        );
    }
    let places = [
        (authorization::extract(headers, format), Place::Authorization),
        (session_header::extract(headers), Place::SessionHeader),
        (api_key::in_header(headers, keys, format), Place::KeyHeader),
        (query.into(), Place::Query),
        (cookie::extract(headers, cookie), Place::Cookie),
    ];
    let mut presented = places
        .into_iter()
        .filter(|(found, _)| !matches!(found, Seen::Nothing));
    match (presented.next(), presented.next()) {
        (None, _) => Ok(Found::Nothing),
        (Some((_, one)), Some((_, other))) => Err(several(one, other, keys).into()),
        (Some((found, place)), None) => judged(found, place, keys),
    }
}

/// What the one place brings where something stands.
fn judged<'r>(found: Seen<'r>, place: Place, keys: &Places) -> Result<Found<'r>, Unknown> {
    match found {
        Seen::Nothing => Ok(Found::Nothing),
        Seen::Credential(credential) => Ok(Found::Credential(credential, place)),
        Seen::Foreign => Ok(Found::Foreign),
        Seen::Invalid => Err(Unknown::from(Problem::invalid_token()).carried(place.carrier())),
        Seen::Refused(reason) => Err(reason.into()),
        Seen::Malformed => Err(malformed().into()),
        Seen::Several => Err(several(place, place, keys).into()),
    }
}

/// Whether no other header can hold a credential: one look at each name, which most requests have few of.
fn only_authorization(headers: &HeaderMap, keys: &Places) -> bool {
    headers
        .keys()
        .all(|name| *name != COOKIE && *name != session_header::X_SESSION_TOKEN && !keys.takes(name))
}

/// What the request's one credential seems to be, where it stands in `Authorization`, and the header's value.
pub(super) fn seeming<'r>(
    headers: &'r HeaderMap,
    context: &RequestContext,
) -> Option<(Seeming<'r>, Presented)> {
    let alone = context.key_in_query == KeyInQuery::Nothing
        && only_authorization(headers, context.gate.api_key_places());
    let (seeming, value) = alone.then(|| authorization::seeming(headers)).flatten()?;
    Some((seeming, Presented(AUTHORIZATION, value.clone())))
}

/// The answer to credentials in these two places, or to several in one.
fn several(one: Place, other: Place, keys: &Places) -> Problem {
    let (first, second) = (one.name(keys), other.name(keys));
    let seen = match (one, other) {
        (Place::Cookie, Place::Cookie) => {
            "more than one session cookie came: all of them are taken back; another host may have planted one, so log in \
             again"
                .to_owned()
        }
        _ if one == other => format!("more than one credential came in {first}"),
        (_, Place::Cookie) => format!(
            "two credentials came, in {first} and in {second}, which browsers send by themselves: fetch leaves it out with \
             credentials: \"omit\""
        ),
        _ => format!("two credentials came, in {first} and in {second}"),
    };
    Problem::invalid_credentials(
        "multiple_credentials",
        format!(
            "{seen}; send exactly one credential: one Authorization header, X-Session-Token, session cookie or API key"
        ),
    )
}

impl Presented {
    /// What stands in this place, unless that is the address.
    pub(super) fn in_place(place: Place, headers: &HeaderMap, gate: &Gate) -> Option<Self> {
        let name = match place {
            Place::Authorization => AUTHORIZATION,
            Place::SessionHeader => session_header::X_SESSION_TOKEN,
            Place::KeyHeader => gate.api_key_places().name().clone(),
            Place::Query => return None,
            Place::Cookie => {
                let value = cookie::header_of(headers, gate.cookies().session())?;
                return Some(Self(COOKIE, value.clone()));
            }
        };
        let value = headers.get(&name)?.clone();
        Some(Self(name, value))
    }

    /// As it stood in the request.
    pub(super) fn to_headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(self.0.clone(), self.1.clone())])
    }
}

/// Where a credential can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Authorization,
    SessionHeader,
    KeyHeader,
    Query,
    Cookie,
}

impl Place {
    /// How a credential of this kind travels here.
    pub(super) const fn carries(self, kind: CredentialKind) -> Carrier {
        match self {
            Self::Authorization if matches!(kind, CredentialKind::Basic) => Carrier::Remembered,
            other => other.carrier(),
        }
    }

    const fn carrier(self) -> Carrier {
        match self {
            Self::Cookie => Carrier::Cookie,
            Self::Authorization | Self::SessionHeader | Self::KeyHeader | Self::Query => Carrier::Header,
        }
    }

    fn name(self, keys: &Places) -> Cow<'static, str> {
        match self {
            Self::Authorization => "the Authorization header".into(),
            Self::SessionHeader => "the X-Session-Token header".into(),
            Self::KeyHeader => format!("the {} header", keys.header()).into(),
            Self::Query => "the address".into(),
            Self::Cookie => "the session cookie".into(),
        }
    }
}

fn malformed() -> Problem {
    Problem::invalid_credentials(
        "invalid_request",
        "the Authorization header must read: Bearer, one space, the token; or Basic, one space, identifier:password in \
         base64",
    )
}

/// Sorts a bearer token by its form.
fn sort<'r>(text: &'r str, keys: &Format) -> Seen<'r> {
    if keys.claims(text) {
        return api_key::read(text, keys);
    }
    if text.starts_with(SESSION_PREFIX) {
        return session::Token::parse(text).map_or(Seen::Invalid, |token| {
            Seen::Credential(Credential::Session(token))
        });
    }
    // Longer ones are refused before anything is computed from them.
    if text.len() <= token::jws::MAX_LENGTH && has_three_parts(text) {
        Seen::Credential(Credential::Jwt(Bearer(text)))
    } else {
        api_key::made_elsewhere(text, keys).unwrap_or(Seen::Invalid)
    }
}

fn has_three_parts(token: &str) -> bool {
    let signature = token.split_once('.').and_then(|(_, rest)| rest.split_once('.'));
    signature.is_some_and(|(_, signature)| !signature.contains('.'))
}

const SESSION_PREFIX: &str = <session::SessionToken as portcullis_core::secret::TokenKind>::PREFIX;
