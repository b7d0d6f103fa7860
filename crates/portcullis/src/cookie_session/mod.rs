//! A small session for anybody, held wholly in a cookie: a basket, a language, the step of a form.
//!
//! Flow: the extractor opens the cookie, or begins with `T::default()`. [`CookieSession::insert`] and
//! [`CookieSession::clear`] leave a `Set-Cookie` with the request's context, which the layer around every route puts on the
//! answer: a handler has nothing to return, and what isn't changed isn't sent.
//!
//! ```text
//! cookie = base64url(sealed), sealed by the master key for this purpose and this cookie's name
//! sealed = issued at (8 bytes) ‖ JSON of T
//! ```
//! Invariants: nobody without the master key reads or makes one, and the content of another cookie doesn't open
//! (`T051`). What is forged, expired or of another type is an empty session, and the browser is told to drop it.
//! A value that doesn't fit is refused and the one before it stays. It is no credential: it never makes a
//! [`Principal`](crate::Principal). A form of another site's page changes nothing (`T088`): browsers send the cookie to it
//! no more than a login's, but they would keep the answer's.
//!
//! **Deployment caveat:** the browser keeps it, so whoever holds an old copy can bring it back until it expires. What must
//! be used once, or taken back, belongs into the database. An application has one type `T`, for there is one cookie.
//!
//! **Deliberately absent:** an id to look things up by on the server, and a session that outlives its cookie.
//!
//! Source: RFC 6265bis §5.6 (4,096 bytes for name and value)

mod sealed;

use std::sync::{Arc, PoisonError};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use portcullis_core::defends;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::sealed::{Opened, Seal};
use crate::cookie::{self, Reader};
use crate::enforcer::{Outgoing, RequestContext, is_foreign_change};
use crate::{Gate, Problem};

/// The data of an anonymous session. Stands after the access rule in a handler's parameters.
///
/// ```
/// use portcullis::{CookieSession, Problem, Public};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Basket {
///     articles: Vec<u32>,
/// }
///
/// async fn add(_: Public, mut basket: CookieSession<Basket>) -> Result<String, Problem> {
///     let mut articles = basket.get().articles.clone();
///     articles.push(7);
///     basket.insert(Basket { articles })?;
///     Ok(format!("{} articles", basket.get().articles.len()))
/// }
/// ```
pub struct CookieSession<T> {
    value: T,
    /// What the browser holds.
    held: Option<Vec<u8>>,
    gate: Gate,
    /// Whether a page of another site makes the browser send this.
    foreign: bool,
    outgoing: Outgoing,
}

/// Why data isn't kept. What was kept before stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CookieSessionError {
    /// Browsers drop longer cookies without a word.
    #[error(
        "the cookie would have {bytes} bytes with its name, and browsers keep {MAX_BYTES}: keep less in it, or keep it in \
         the database"
    )]
    TooLarge {
        /// How long the cookie would be with its name, sealed and encoded.
        bytes: usize,
    },
    /// A page of another site made the browser send the request: what its visitor keeps here is none of its business.
    #[error("a page of another site can't change what a visitor keeps here")]
    AnotherSite,
    /// The data can't be written as JSON: a map whose keys are no texts.
    #[error("the data can't be written as JSON")]
    Unwritable,
    /// The crypto library could not seal it.
    #[error("the crypto library could not seal the cookie")]
    Unsealable,
}

impl From<CookieSessionError> for Problem {
    fn from(error: CookieSessionError) -> Self {
        match error {
            CookieSessionError::TooLarge { .. } => Self::new(
                StatusCode::CONFLICT,
                "cookie_session_full",
                "there is no room for more in the session's cookie; nothing was changed",
            ),
            CookieSessionError::AnotherSite => Self::forbidden(
                "cross_site_request",
                "what a visitor keeps here is changed from pages of this site only",
            ),
            other => Self::internal(other),
        }
    }
}

impl<T> CookieSession<T> {
    /// The data as the request brought it, or as it was set since.
    pub fn get(&self) -> &T {
        &self.value
    }
}

impl<T: Serialize> CookieSession<T> {
    /// Replaces the data, and lets it live for its whole lifetime again. The same data as before isn't sent again.
    ///
    /// # Errors
    /// [`CookieSessionError`]; the data is as it was.
    pub fn insert(&mut self, value: T) -> Result<(), CookieSessionError> {
        defends!("T088");
        if self.foreign {
            return Err(CookieSessionError::AnotherSite);
        }
        let json = serde_json::to_vec(&value).map_err(|_| CookieSessionError::Unwritable)?;
        if self.held.as_ref() != Some(&json) {
            let header = Seal::of(&self.gate).close(&json, self.gate.environment().now())?;
            self.leave(Some(header));
            self.held = Some(json);
        }
        self.value = value;
        Ok(())
    }
}

impl<T: Default> CookieSession<T> {
    /// Forgets the data, and takes the cookie back if the browser has one.
    ///
    /// # Errors
    /// [`CookieSessionError::AnotherSite`]; the data is as it was.
    pub fn clear(&mut self) -> Result<(), CookieSessionError> {
        if self.foreign {
            return Err(CookieSessionError::AnotherSite);
        }
        self.value = T::default();
        if self.held.take().is_some() {
            self.leave(taken_back(&self.gate));
        }
        Ok(())
    }
}

impl<T> CookieSession<T> {
    fn leave(&self, header: Option<HeaderValue>) {
        *self.outgoing.lock().unwrap_or_else(PoisonError::into_inner) = header;
    }
}

fn taken_back(gate: &Gate) -> Option<HeaderValue> {
    let cookies = gate.cookies();
    cookies.clear(cookies.data(), Reader::Nobody)
}

impl<T> std::fmt::Debug for CookieSession<T> {
    /// The data is the application's: it isn't shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CookieSession").finish_non_exhaustive()
    }
}

impl<T, S> FromRequestParts<S> for CookieSession<T>
where
    T: Serialize + DeserializeOwned + Default,
    S: Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = RequestContext::of(&parts.extensions)?;
        let gate = context.gate.clone();
        let opened = {
            let mut presented = cookie::values(&parts.headers, gate.cookies().data());
            match (presented.next(), presented.next()) {
                (None, _) => Opened::Nothing,
                (Some(text), None) => Seal::of(&gate).open(text, context.snapshot().at),
                (Some(_), Some(_)) => Opened::Refused,
            }
        };
        let read = |json: Vec<u8>| Some((serde_json::from_slice::<T>(&json).ok()?, json));
        let (data, header) = match opened {
            Opened::Nothing => (None, None),
            Opened::Refused => (None, taken_back(&gate)),
            Opened::Json { json, anew } => match read(json) {
                Some(data) => (Some(data), anew),
                None => (None, taken_back(&gate)),
            },
        };
        // What is refused is dropped by the browser already: there is nothing left to take back.
        let (value, held) = data.map_or_else(|| (T::default(), None), |(value, json)| (value, Some(json)));
        let session = Self {
            value,
            held,
            foreign: is_foreign_change(parts, &gate),
            gate,
            outgoing: Outgoing::default(),
        };
        session.leave(header);
        context.leave(Arc::clone(&session.outgoing));
        Ok(session)
    }
}

impl<T> crate::describe::Input for CookieSession<T> {}

/// The longest cookie that every browser keeps, with its name and the sign between them.
const MAX_BYTES: usize = 4_096;

#[cfg(test)]
mod tests;
