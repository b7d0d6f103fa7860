//! The cookie's text: sealed and opened.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;

use super::{CookieSessionError, MAX_BYTES};
use crate::Gate;
use crate::cookie::Reader;

/// What a presented cookie holds.
pub(super) enum Opened {
    /// None was presented.
    Nothing,
    /// Nothing that counts.
    Refused,
    /// The data, and the cookie that replaces one that an older key sealed.
    Json {
        json: Vec<u8>,
        anew: Option<HeaderValue>,
    },
}

/// The `Set-Cookie` for data that was changed at `issued_at`.
pub(super) fn seal(
    gate: &Gate,
    json: &[u8],
    issued_at: Timestamp,
) -> Result<HeaderValue, CookieSessionError> {
    let cookies = gate.cookies();
    let name = cookies.data();
    let plaintext = [&issued_at.as_micros().to_le_bytes(), json].concat();
    let sealed = gate.sealer().seal(PURPOSE, name.as_bytes(), &plaintext);
    let sealed = sealed.map_err(|_| CookieSessionError::Unsealable)?;
    let text = URL_SAFE_NO_PAD.encode(sealed.as_bytes());
    let bytes = name.len() + 1 + text.len();
    if bytes > MAX_BYTES {
        return Err(CookieSessionError::TooLarge { bytes });
    }
    let age = gate.environment().now().since(issued_at);
    let left = cookies.data_lifetime().saturating_sub(age);
    cookies
        .set(name, &text, left, Reader::Nobody)
        .ok_or(CookieSessionError::Unsealable)
}

/// Opens what [`seal`] wrote: under any key of the ring, for this name, not expired at `now`.
pub(super) fn open(gate: &Gate, text: &[u8], now: Timestamp) -> Opened {
    defends!("T051");
    read(gate, text, now).unwrap_or(Opened::Refused)
}

fn read(gate: &Gate, text: &[u8], now: Timestamp) -> Option<Opened> {
    let cookies = gate.cookies();
    if text.len() > MAX_BYTES {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let plaintext = gate.sealer().open(PURPOSE, cookies.data().as_bytes(), &sealed);
    let plaintext = plaintext.ok()?;
    let (issued_at, json) = plaintext.expose().split_first_chunk::<8>()?;
    let issued_at = Timestamp::from_micros(i64::from_le_bytes(*issued_at));
    let living = now < issued_at.plus(cookies.data_lifetime()) && issued_at <= now.plus(CLOCKS_DIFFER);
    living.then(|| Opened::Json {
        // A key that leaves the ring takes nothing along: whoever comes by gets the cookie under the current one.
        anew: gate
            .sealer()
            .needs_reseal(&sealed)
            .then(|| seal(gate, json, issued_at).ok())
            .flatten(),
        json: json.to_vec(),
    })
}

/// What the key is derived for.
const PURPOSE: &str = "cookie session";

/// How far the clock of another node may be ahead.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);
