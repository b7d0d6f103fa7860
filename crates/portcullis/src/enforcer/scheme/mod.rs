//! Finds the credential in a request.
//!
//! Each file knows one place where a credential can stand and answers [`Presented`]. A request with more than one
//! is refused: two layers must never read two callers out of one request (`T019`).
//!
//! Source: RFC 6750 §2

mod api_key;
mod authorization;
mod basic;
mod cookie;
mod session_header;

use std::borrow::Cow;

use http::HeaderMap;
use http::request::Parts;
use portcullis_core::api_key::Format;
use portcullis_core::authn::{Bearer, Credential, Refused};
use portcullis_core::{defends, session, token};

pub(crate) use self::api_key::KeyInQuery;
pub use self::api_key::{InvalidPlace, Places};
pub(crate) use self::basic::decode as decode_basic;
use super::unknown::Unknown;
use crate::Problem;
use crate::enforcer::context::RequestContext;

/// What stands in one place of a request.
enum Presented<'r> {
    /// Nothing.
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
    /// More than one.
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

/// What a request presents.
pub(crate) enum Found<'r> {
    /// Nothing.
    Nothing,
    /// A credential of a kind nobody here reads, such as `Negotiate`.
    Foreign,
    /// One credential.
    Credential(Credential<'r>, Carrier),
}

/// The request's one credential.
pub(super) fn find<'r>(parts: &'r Parts, context: &RequestContext) -> Result<Found<'r>, Unknown> {
    let gate = &context.gate;
    find_in(
        &parts.headers,
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
    let places = [
        (authorization::extract(headers, format), Place::Authorization),
        (session_header::extract(headers), Place::SessionHeader),
        (api_key::in_header(headers, keys, format), Place::KeyHeader),
        (query.into(), Place::Query),
        (cookie::extract(headers, cookie), Place::Cookie),
    ];
    let mut presented = places
        .into_iter()
        .filter(|(found, _)| !matches!(found, Presented::Nothing));
    match (presented.next(), presented.next()) {
        (None, _) => Ok(Found::Nothing),
        (Some((_, one)), Some((_, other))) => Err(several(one, other, keys).into()),
        (Some((found, place)), None) => match found {
            Presented::Nothing => Ok(Found::Nothing),
            Presented::Credential(Credential::Basic(pair)) => {
                Ok(Found::Credential(Credential::Basic(pair), Carrier::Remembered))
            }
            Presented::Credential(credential) => Ok(Found::Credential(credential, place.carrier())),
            Presented::Foreign => Ok(Found::Foreign),
            Presented::Invalid => Err(Unknown::from(Problem::invalid_token()).carried(place.carrier())),
            Presented::Refused(reason) => Err(reason.into()),
            Presented::Malformed => Err(malformed().into()),
            Presented::Several => Err(several(place, place, keys).into()),
        },
    }
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

/// Where a credential can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Authorization,
    SessionHeader,
    KeyHeader,
    Query,
    Cookie,
}

impl Place {
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
fn sort<'r>(text: &'r str, keys: &Format) -> Presented<'r> {
    if keys.claims(text) {
        return api_key::read(text, keys);
    }
    if text.starts_with(SESSION_PREFIX) {
        return session::Token::parse(text).map_or(Presented::Invalid, |token| {
            Presented::Credential(Credential::Session(token))
        });
    }
    // Longer ones are refused before anything is computed from them.
    if text.len() <= token::jws::MAX_LENGTH && has_three_parts(text) {
        Presented::Credential(Credential::Jwt(Bearer(text)))
    } else {
        Presented::Invalid
    }
}

fn has_three_parts(token: &str) -> bool {
    let signature = token.split_once('.').and_then(|(_, rest)| rest.split_once('.'));
    signature.is_some_and(|(_, signature)| !signature.contains('.'))
}

const SESSION_PREFIX: &str = <session::SessionToken as portcullis_core::secret::Kind>::PREFIX;
