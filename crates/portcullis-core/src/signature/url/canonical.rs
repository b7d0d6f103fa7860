//! An address in the form that is signed.

use super::grant::InvalidGrant;
use super::{OWN, SIGNATURE};

/// The parameters of a query, as they were sent: nothing is decoded.
pub(super) struct Query<'q>(Vec<&'q str>);

impl<'q> Query<'q> {
    pub(super) fn read(query: &'q str) -> Self {
        Self(query.split('&').collect())
    }

    /// The value of the first parameter with this name.
    pub(super) fn one(&self, name: &str) -> Option<&'q str> {
        self.0
            .iter()
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// How many parameters have this name.
    pub(super) fn names(&self, name: &str) -> usize {
        self.0.iter().filter(|pair| name_of(pair) == name).count()
    }

    /// Whether a parameter has a name that belongs to signed URLs.
    pub(super) fn has_own(&self) -> bool {
        self.0.iter().any(|pair| pair.starts_with(OWN))
    }

    /// All but the signature, sorted by name; those of one name in the order in which they came.
    pub(super) fn canonical(&self) -> String {
        let mut pairs: Vec<&str> = self
            .0
            .iter()
            .copied()
            .filter(|pair| name_of(pair) != SIGNATURE)
            .collect();
        pairs.sort_by_key(|pair| name_of(pair));
        pairs.join("&")
    }
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

/// What is signed. The first line is of this form alone: no other text that a key signs begins with it.
pub(super) fn text(method: &str, path: &str, query: &str) -> String {
    format!("portcullis signed URL 1\n{method}\n{path}\n{query}")
}

/// The path and the query of a target.
pub(super) fn split(target: &str) -> Result<(&str, &str), InvalidGrant> {
    let visible = target.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || target.contains('#') {
        return Err(InvalidGrant::Target);
    }
    let (front, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match front.split_once("://") {
        Some(("http" | "https", rest)) => {
            let path = rest.find('/').filter(|at| *at > 0).and_then(|at| rest.get(at..));
            path.ok_or(InvalidGrant::Target)?
        }
        _ => front,
    };
    if !path.starts_with('/') {
        return Err(InvalidGrant::Target);
    }
    Ok((path, query))
}

/// Writes a text as the value of a parameter.
///
/// Source: RFC 3986 §2.3
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Reads such a value.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}
