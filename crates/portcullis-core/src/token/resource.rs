//! Whom an access token is for: the issuer itself, or one resource that the deployment registered.
//!
//! A client names the resource with every request for a token, so nothing is kept of it: the answer is the token's
//! `aud`. A token for one application is refused by every other one and by the issuer, so an application that is given
//! tokens gains nothing beyond itself (`T094`).
//!
//! **Deliberately absent:** several audiences in one token: each of them could use it at the others.

use crate::problem::{Details, Refusal};
use std::fmt;
use std::time::Duration;

/// An application elsewhere that tokens may be for, as it is written in their `aud`: an absolute URI without fragment.
/// Two are the same only to the letter.
///
/// Source: RFC 8707 §2, RFC 3986 §4.3
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    uri: String,
    lifetime: Option<Duration>,
}

/// Why a text can't be registered as a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResource {
    /// No absolute URI, or one with a fragment.
    #[error(
        "{0:?} can't be a resource: write an absolute URI without fragment, such as https://blog.example.com"
    )]
    Form(String),
    /// Tokens that live too long or not at all.
    #[error("the tokens for {0:?} must live for {LEAST_LIFETIME:?} to {MOST_LIFETIME:?}")]
    Lifetime(String),
    /// The issuer's own audience: a token for the application would be one for the issuer.
    #[error("the resource {0:?} is the issuer's own audience: give the application another name")]
    Own(String),
}

/// A `resource` that a client named isn't registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no such resource: name one that is registered here, to the letter, or none for a token for this server"
)]
pub struct UnknownResource;

impl Refusal for UnknownResource {
    fn details(&self) -> Details {
        Details::bad_request("invalid_target")
    }
}

/// Whom a token is for. Only an [`Issuer`](super::Issuer) makes one, of what it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(pub(super) String);

impl Audience {
    /// The text that stands in `aud` (RFC 7519 §4.1.3).
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Resource {
    /// Reads an absolute URI.
    ///
    /// # Errors
    /// [`InvalidResource::Form`] with the text, if it isn't an absolute URI.
    pub fn parse(text: &str) -> Result<Self, InvalidResource> {
        if is_absolute(text) {
            Ok(Self {
                uri: text.to_owned(),
                lifetime: None,
            })
        } else {
            Err(InvalidResource::Form(text.to_owned()))
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// The same, whose access tokens live for this long: ten seconds to a day.
    ///
    /// # Errors
    /// [`InvalidResource::Lifetime`]: shorter, or longer.
    pub fn living(mut self, lifetime: Duration) -> Result<Self, InvalidResource> {
        if !(LEAST_LIFETIME..=MOST_LIFETIME).contains(&lifetime) {
            return Err(InvalidResource::Lifetime(self.uri));
        }
        self.lifetime = Some(lifetime);
        Ok(self)
    }

    /// How long access tokens for it live, if not as long as those for the issuer.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }
}

/// The shortest life of an access token for a resource.
const LEAST_LIFETIME: Duration = Duration::from_secs(10);

/// The longest life of an access token for a resource.
const MOST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

/// Whether a text is a URI with a scheme, something after it, and no fragment.
fn is_absolute(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_is_one = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // Of these two everybody knows that a host must follow.
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let host_is_there = rest
        .strip_prefix("//")
        .is_some_and(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_alphanumeric()));
    scheme_is_one
        && text.len() <= MOST
        && !rest.is_empty()
        && rest.bytes().all(may_stand_in_a_uri)
        && (!web || host_is_there)
}

/// Source: RFC 3986 §2, without `#`
fn may_stand_in_a_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

/// The longest resource, in bytes.
const MOST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absolute_uri_without_fragment_is_a_resource() {
        for text in [
            "",
            "blog",
            "/blog",
            "//blog.example.com",
            "blog.example.com",
            ":x",
            "1a:x",
            "https:",
            "https://",
            "https:///posts",
            "https:blog",
            "https://blog.example.com#",
            "https://blog.example.com/#top",
            "https://blog.example.com /",
            "https://blog.example.com\n",
            "https://blog.example.com/\"x\"",
            "https://bl\u{f6}g.example.com",
            &format!("https://{}", "a".repeat(505)),
        ] {
            let refused = Resource::parse(text).unwrap_err();
            assert_eq!(refused, InvalidResource::Form(text.to_owned()), "{text}");
        }
        for text in [
            "https://blog.example.com",
            "https://blog.example.com/",
            "http://127.0.0.1:8081",
            "http://[::1]:8081/a?b=c",
            "urn:example:blog",
            &format!("https://{}", "a".repeat(504)),
        ] {
            assert_eq!(Resource::parse(text).unwrap().as_str(), text);
        }
    }
}
