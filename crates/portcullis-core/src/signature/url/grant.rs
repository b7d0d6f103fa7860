//! What a signed URL opens, for whom, and for how long.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::canonical::{Query, percent_encoded};
use super::{ADDRESS, EXPIRES, ONCE, SUBJECT};
use crate::environment::Environment;
use crate::signature::Nonce;

/// What a signed URL is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct UrlGrant {
    lifetime: Duration,
    method: String,
    subject: Option<String>,
    address: Option<IpAddr>,
    once: bool,
}

/// Why an address isn't signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrant {
    /// What is to be signed is no address as it is sent.
    #[error(
        "sign a path such as /files/7?size=large, or an http or https URL with one, percent-encoded and without a fragment"
    )]
    Target,
    /// The address has a parameter of ours already.
    #[error("parameters that begin with pc_ are those of signed URLs: leave them out")]
    Reserved,
    /// The time is none, or too long.
    #[error("a signed URL is good for a second to a year, and for a day at most if it is good once")]
    Lifetime,
    /// The method is none.
    #[error("a method is written in capital letters, such as GET, which is good for HEAD too")]
    Method,
    /// The subject is empty or too long.
    #[error("a subject has 1 to {MAX_SUBJECT} bytes")]
    Subject,
    /// There is no key to sign with.
    #[error("there is no key to sign with")]
    NoKey,
}

impl UrlGrant {
    /// For `GET` and `HEAD`, by whoever has it, as often as they like, for so long: in whole seconds.
    pub fn lasting(lifetime: Duration) -> Self {
        Self {
            lifetime,
            method: "GET".to_owned(),
            subject: None,
            address: None,
            once: false,
        }
    }

    /// The same for another method, such as `PUT`.
    pub fn by_method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// The same, made for somebody: the handler is told whom. It is visible in the address.
    pub fn made_for(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }

    /// The same, for requests from this address alone. It is visible in the address.
    pub fn from_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// The same, good once: the first request uses it up, on all nodes, whatever comes of it. Something that looks at links before people
    /// do, such as a mail scanner, uses it up as well.
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// The query with what is said of the address, as it is signed.
    pub(super) fn added_to(&self, query: &str, environment: &Environment) -> Result<String, InvalidGrant> {
        self.check()?;
        if Query::read(query).has_own() {
            return Err(InvalidGrant::Reserved);
        }
        let mut pairs = Vec::new();
        if !query.is_empty() {
            pairs.push(query.to_owned());
        }
        let expires = environment.now().plus(self.lifetime).as_seconds();
        pairs.push(format!("{EXPIRES}={expires}"));
        if let Some(subject) = &self.subject {
            pairs.push(format!("{SUBJECT}={}", percent_encoded(subject)));
        }
        if let Some(address) = &self.address {
            pairs.push(format!("{ADDRESS}={}", address.to_canonical()));
        }
        if self.once {
            let once: [u8; 16] = environment.bytes();
            pairs.push(format!("{ONCE}={}", URL_SAFE_NO_PAD.encode(once)));
        }
        Ok(pairs.join("&"))
    }

    fn check(&self) -> Result<(), InvalidGrant> {
        let longest = if self.once {
            Nonce::MAX_LIFETIME
        } else {
            MAX_LIFETIME
        };
        if self.lifetime < Duration::from_secs(1) || self.lifetime > longest {
            return Err(InvalidGrant::Lifetime);
        }
        if self.method.is_empty()
            || !self.method.bytes().all(|byte| byte.is_ascii_uppercase())
            || self.method == "HEAD"
        {
            return Err(InvalidGrant::Method);
        }
        if self
            .subject
            .as_ref()
            .is_some_and(|subject| subject.is_empty() || subject.len() > MAX_SUBJECT)
        {
            return Err(InvalidGrant::Subject);
        }
        Ok(())
    }
}

/// How long one may be good for that is good more than once.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 86_400);

/// How long a subject may be, in bytes.
const MAX_SUBJECT: usize = 256;
