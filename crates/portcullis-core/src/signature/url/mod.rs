//! Signed URLs: an address that opens itself, for a time.
//!
//! ```text
//! /files/7?size=large&pc_expires=1700000300&pc_signature=…
//! ```
//!
//! | parameter | what |
//! |---|---|
//! | `pc_expires` | until when it is good: whole seconds since 1970; at that second it is over |
//! | `pc_subject` | whom it was made for, if that was said |
//! | `pc_address` | the one address that it may be used from, if one was said |
//! | `pc_once` | what makes it good once, if it is |
//! | `pc_signature` | HMAC-SHA256 over method, path and every parameter but this one |
//!
//! **What is the same:** parameters of different names in another order, wherever those above stand among them; and `HEAD` where `GET` was
//! signed. **Everything else is another address, and refused:** a parameter added, left out, or repeated; two of one name that changed
//! places (a program may take the first or the last of them); the same character encoded otherwise (`%7E` for `~`, `+` for `%20`,
//! `%2f` for `%2F`); another path, also one that means the same.
//!
//! The keys are derived from the deployment's master key for this purpose alone (`T263`), so a signature here is none of a request, nor
//! of anything else. The host isn't signed: whoever serves the same master key serves the address.
//!
//! **Deployment caveat:** whoever has the address may use it, and addresses end up in logs, histories and `Referer` headers. A proxy that
//! changes paths or queries breaks it.
//!
//! **Deliberately absent:** taking one back. Where that is needed there are tokens that are kept
//! ([`KeptPurpose`](crate::token::KeptPurpose)).

mod canonical;
mod grant;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::canonical::{Query, percent_decoded};
pub use self::grant::{InvalidGrant, UrlGrant};
use super::proven::{By, Proven, Signer};
use super::refused::{SignatureError, Unsigned};
use super::{Nonce, Nonces};
use crate::defends;
use crate::environment::{Environment, Timestamp};
use crate::key::Sealer;

/// Signs addresses, and verifies those that are visited.
#[derive(Clone)]
pub struct Urls {
    keys: Arc<[hmac::Key]>,
    nonces: Arc<dyn Nonces>,
}

/// A request to an address that may be signed.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'r> {
    /// The method, as it was sent.
    pub method: &'r str,
    /// The path, as it was sent.
    pub path: &'r str,
    /// What follows the question mark, as it was sent.
    pub query: Option<&'r str>,
    /// Where the request comes from, if that is known.
    pub address: Option<IpAddr>,
}

impl Urls {
    /// The parameter that a signed URL is known by.
    pub const PARAMETER: &'static str = "pc_signature";

    /// Signs with a key of the sealer's own, and verifies with each of its ring. What is good once is remembered in `nonces`.
    pub fn new(sealer: &Sealer, nonces: Arc<dyn Nonces>) -> Self {
        let keys = sealer.derive(LABEL);
        let keys = keys
            .iter()
            .map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
        Self {
            keys: keys.collect(),
            nonces,
        }
    }

    /// The address, signed: `target` is a path with its query (`/files/7?size=large`), or all of it (`https://host/files/7`), encoded as
    /// it will be sent.
    ///
    /// # Errors
    /// [`InvalidGrant`]: it can't be signed, or not so.
    pub fn sign(
        &self,
        target: &str,
        grant: &UrlGrant,
        environment: &Environment,
    ) -> Result<String, InvalidGrant> {
        let (path, query) = canonical::split(target)?;
        let query = grant.added_to(query, environment)?;
        let key = self.keys.first().ok_or(InvalidGrant::NoKey)?;
        let text = canonical::text(grant.method(), path, &Query::read(&query).canonical());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(key, text.as_bytes()));
        let end = target.find('?').unwrap_or(target.len());
        let front = target.get(..end).unwrap_or_default();
        Ok(format!("{front}?{query}&{SIGNATURE}={signature}"))
    }

    /// Whether the address is signed. Whether well, nobody has looked.
    pub fn is_signed(query: Option<&str>) -> bool {
        query.is_some_and(|query| Query::read(query).names(SIGNATURE) > 0)
    }

    /// What the address proves at `now`. One that is good once is used up by it.
    ///
    /// # Errors
    /// [`SignatureError::Refused`] if it isn't good, [`SignatureError::Fault`] if that can't be found out.
    pub async fn verify(&self, visit: &Visit<'_>, now: Timestamp) -> Result<Proven, SignatureError> {
        let query = Query::read(visit.query.unwrap_or_default());
        self.check_signature(visit, &query)?;
        defends!("T261");
        let until = query.one(EXPIRES).and_then(seconds).ok_or(Unsigned::BadUrl)?;
        if now >= until {
            return Err(Unsigned::UrlExpired.into());
        }
        if let Some(address) = query.one(ADDRESS) {
            let meant: IpAddr = address.parse().map_err(|_| Unsigned::BadUrl)?;
            if visit.address.map(|from| from.to_canonical()) != Some(meant.to_canonical()) {
                return Err(Unsigned::OtherAddress.into());
            }
        }
        let subject = query
            .one(SUBJECT)
            .map(|text| percent_decoded(text).ok_or(Unsigned::BadUrl));
        let subject = subject.transpose()?;
        if let Some(once) = query.one(ONCE) {
            let nonce = Nonce::new("signed URL", &[once.as_bytes()], until);
            if !self.nonces.take(nonce, now).await? {
                return Err(Unsigned::UrlUsed.into());
            }
        }
        Ok(Proven {
            signer: Arc::new(Signer {
                caller: None,
                key_id: None,
                created: None,
                tag: None,
                subject,
            }),
            permissions: Arc::new([]),
            digest: None,
            by: By::Url { until },
        })
    }

    /// Method, path and query are those that were signed, with whichever key of the ring.
    fn check_signature(&self, visit: &Visit<'_>, query: &Query<'_>) -> Result<(), Unsigned> {
        defends!("T260");
        let one = query.one(SIGNATURE).filter(|_| query.names(SIGNATURE) == 1);
        let signature = one
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .ok_or(Unsigned::BadUrl)?;
        let method = if visit.method == "HEAD" {
            "GET"
        } else {
            visit.method
        };
        let text = canonical::text(method, visit.path, &query.canonical());
        let good = |key: &hmac::Key| hmac::verify(key, text.as_bytes(), &signature).is_ok();
        match self.keys.iter().any(good) {
            true => Ok(()),
            false => Err(Unsigned::BadUrl),
        }
    }
}

impl Proven {
    /// The same later in the request, where there are no keys to ask: a signed address is good until its end.
    ///
    /// # Errors
    /// [`SignatureError::Refused`] after that, and for whatever a key has signed.
    pub fn still(&self, now: Timestamp) -> Result<Self, SignatureError> {
        match self.is_url() && self.holds(now) {
            true => Ok(self.clone()),
            false => Err(Unsigned::UrlExpired.into()),
        }
    }
}

impl fmt::Debug for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Urls").finish_non_exhaustive()
    }
}

/// Whole seconds in one spelling.
fn seconds(text: &str) -> Option<Timestamp> {
    let seconds: i64 = text.parse().ok().filter(|seconds| *seconds > 0)?;
    (seconds.to_string() == text).then(|| Timestamp::from_seconds(seconds))
}

/// What the keys are derived for.
const LABEL: &str = "signed URLs";

const EXPIRES: &str = "pc_expires";
const SUBJECT: &str = "pc_subject";
const ADDRESS: &str = "pc_address";
const ONCE: &str = "pc_once";
const SIGNATURE: &str = Urls::PARAMETER;
/// What the names of our own parameters begin with.
const OWN: &str = "pc_";
