//! Form bodies, and the one strict reading of `application/x-www-form-urlencoded` that queries share.
//!
//! Source: WHATWG URL §5.1, with two differences: text that isn't UTF-8 is refused instead of repaired, and so is a
//! parameter that comes twice (RFC 6749 §3.2).

use std::collections::HashSet;

use axum::extract::{FromRequest, Request};
use portcullis_core::defends;
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;

use super::check;
use super::errors::{FieldErrors, Place, clip, wrong_field};
use crate::Problem;
use crate::describe::{Documented, Input, Operation};

mod value;

/// A form body (`application/x-www-form-urlencoded`), read strictly and checked by `T`'s schema.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<T>(pub T);

impl<S: Sync, T: DeserializeOwned + Documented + 'static> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = super::read(request, &["application/x-www-form-urlencoded"]).await?;
        parse(&bytes).map(Self)
    }
}

/// Reads parameters into a type.
pub(super) fn parse<T: DeserializeOwned + Documented + 'static>(encoded: &[u8]) -> Result<T, Problem> {
    defends!("T026");
    let pairs = pairs(encoded)?;
    refuse_twice(&pairs)?;
    let plan = super::plan::<T>()?;
    let wrong = |pairs: &[(String, String)]| check::named(&plan, pairs).into_errors(Place::Parameter);
    if plan.bounded() {
        wrong(&pairs).done(())?;
    }
    let values = pairs.into_iter().map(|(name, text)| (name, value::Value(text)));
    let reader = MapDeserializer::<_, serde::de::value::Error>::new(values);
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let first = wrong_field(Place::Parameter, error.path(), &error.inner().to_string());
        match self::pairs(encoded) {
            Ok(pairs) => first.with_all(wrong(&pairs)).into(),
            Err(problem) => problem,
        }
    })
}

fn pairs(encoded: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    encoded
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            Ok((name, decode(halves.next().unwrap_or_default())?))
        })
        .collect()
}

fn refuse_twice(pairs: &[(String, String)]) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    let mut errors = FieldErrors::new();
    for (name, _) in pairs
        .iter()
        .filter(|(name, _)| !seen.insert(name.as_str()))
        .take(8)
    {
        errors.push(clip(name), "duplicate", "this parameter must come once");
    }
    errors.done(())
}

/// Decodes once: `+` is a space, `%XX` a byte, anything else stands for itself.
fn decode(encoded: &[u8]) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    loop {
        match rest {
            [] => break,
            [b'%', high, low, tail @ ..] => {
                bytes.push(hex(*high)? << 4 | hex(*low)?);
                rest = tail;
            }
            [b'%', ..] => return Err(broken_percent()),
            [byte, tail @ ..] => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::bad_request("invalid_utf8", "the text must be valid UTF-8"))
}

fn hex(digit: u8) -> Result<u8, Problem> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(broken_percent()),
    }
}

fn broken_percent() -> Problem {
    Problem::bad_request(
        "invalid_encoding",
        "a percent sign must be followed by two hexadecimal digits",
    )
}

impl<T: Documented + 'static> Input for Form<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.checked::<T>();
        operation.body::<T>("application/x-www-form-urlencoded");
        operation.body_refusals();
    }
}
