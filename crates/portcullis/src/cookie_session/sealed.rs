//! The cookie's text: sealed and opened.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use portcullis_core::defends;
use portcullis_core::environment::{Environment, Timestamp};
use portcullis_core::key::Sealer;

use super::{CookieSessionError, MAX_BYTES};
use crate::Gate;
use crate::cookie::{Cookies, Keep, Reader};

/// What a presented cookie holds.
pub(crate) enum Opened {
    /// The request presented no such cookie.
    Nothing,
    /// One was presented that counts for nothing: it doesn't open under any key, or its time is over.
    Refused,
    /// The data, and the cookie that replaces one that an older key sealed.
    Json {
        json: Vec<u8>,
        anew: Option<HeaderValue>,
    },
}

/// What seals cookies here, and how they are called.
#[derive(Clone, Copy)]
pub(crate) struct Seal<'g> {
    pub(crate) cookies: &'g Cookies,
    pub(crate) sealer: &'g Sealer,
    pub(crate) environment: &'g Environment,
}

impl<'g> Seal<'g> {
    pub(super) fn of(gate: &'g Gate) -> Self {
        Self {
            cookies: gate.cookies(),
            sealer: gate.sealer(),
            environment: gate.environment(),
        }
    }

    /// The `Set-Cookie` for data that was changed at `issued_at`.
    pub(super) fn close(self, json: &[u8], issued_at: Timestamp) -> Result<HeaderValue, CookieSessionError> {
        let name = self.cookies.data();
        let text = self.text(json, issued_at)?;
        let age = self.environment.now().since(issued_at);
        let left = self.cookies.data_lifetime().saturating_sub(age);
        self.cookies
            .set(name, &text, Keep::For(left), Reader::Nobody)
            .ok_or(CookieSessionError::Unsealable)
    }

    /// The cookie's value for data that was changed at `issued_at`.
    pub(crate) fn text(self, json: &[u8], issued_at: Timestamp) -> Result<String, CookieSessionError> {
        let name = self.cookies.data();
        let plaintext = [&issued_at.as_micros().to_le_bytes(), json].concat();
        let sealed = self.sealer.seal(PURPOSE, name.as_bytes(), &plaintext);
        let sealed = sealed.map_err(|_| CookieSessionError::Unsealable)?;
        let text = URL_SAFE_NO_PAD.encode(sealed.as_bytes());
        let bytes = name.len() + 1 + text.len();
        if bytes > MAX_BYTES {
            return Err(CookieSessionError::TooLarge { bytes });
        }
        Ok(text)
    }

    /// Opens what [`close`](Self::close) wrote: under any key of the ring, for this name, not expired at `now`.
    pub(crate) fn open(self, text: &[u8], now: Timestamp) -> Opened {
        defends!("T051");
        self.read(text, now).unwrap_or(Opened::Refused)
    }

    fn read(self, text: &[u8], now: Timestamp) -> Option<Opened> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let name = self.cookies.data().as_bytes();
        let plaintext = self.sealer.open(PURPOSE, name, &sealed).ok()?;
        let (issued_at, json) = plaintext.expose().split_first_chunk::<8>()?;
        let issued_at = Timestamp::from_micros(i64::from_le_bytes(*issued_at));
        let living =
            now < issued_at.plus(self.cookies.data_lifetime()) && issued_at <= now.plus(CLOCKS_DIFFER);
        living.then(|| Opened::Json {
            // A key that leaves the ring takes nothing along: whoever comes by gets the cookie under the current one.
            anew: self
                .sealer
                .needs_reseal(&sealed)
                .then(|| self.close(json, issued_at).ok())
                .flatten(),
            json: json.to_vec(),
        })
    }
}

/// What the key is derived for.
const PURPOSE: &str = "cookie session";

/// How far the clock of another node may be ahead.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);
