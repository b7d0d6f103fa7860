//! What a signature says of itself.
//!
//! Source: RFC 9421 §2.3

use super::field::Bare;
use super::refused::{Part, Unsigned};
use crate::environment::Timestamp;

/// The parameters of a signature that counts here. Others are covered by it, too, and mean nothing to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) created: Timestamp,
    pub(super) expires: Option<Timestamp>,
    pub(super) key_id: String,
    pub(super) nonce: String,
    pub(super) alg: Option<String>,
    pub(super) tag: Option<String>,
}

impl Parameters {
    /// Reads them, in whatever order they came.
    pub(super) fn read(all: Vec<(&str, Bare)>) -> Result<Self, Unsigned> {
        let (mut created, mut expires) = (None, None);
        let (mut key_id, mut nonce, mut alg, mut tag) = (None, None, None, None);
        for (name, value) in all {
            match (name, value) {
                ("created", Bare::Integer(seconds)) => created = Some(Timestamp::from_seconds(seconds)),
                ("expires", Bare::Integer(seconds)) => expires = Some(Timestamp::from_seconds(seconds)),
                ("keyid", Bare::Text(text)) => key_id = Some(text),
                ("nonce", Bare::Text(text)) => nonce = Some(text),
                ("alg", Bare::Text(text)) => alg = Some(text),
                ("tag", Bare::Text(text)) => tag = Some(text),
                ("created" | "expires" | "keyid" | "nonce" | "alg" | "tag", _) => {
                    return Err(Unsigned::MALFORMED);
                }
                _ => {}
            }
        }
        Ok(Self {
            created: created.ok_or(Unsigned::lacks("created"))?,
            key_id: bounded(key_id, Part::KeyId)?,
            nonce: bounded(nonce, Part::Nonce)?,
            expires,
            alg,
            tag,
        })
    }
}

/// The text of a parameter that must be there, and short enough.
pub(super) fn bounded(text: Option<String>, part: Part) -> Result<String, Unsigned> {
    let text = text.ok_or(Unsigned::lacks(part.as_str()))?;
    if text.is_empty() || text.len() > MAX_LENGTH {
        return Err(Unsigned::Length(part));
    }
    Ok(text)
}

/// How long a nonce and the id of a key may be, in bytes.
pub(super) const MAX_LENGTH: usize = 128;
