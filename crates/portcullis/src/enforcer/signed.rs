//! Signatures: what is signed in a request, and what a signed body must be.
//!
//! Flow: where a route accepts signatures or signed URLs, it is looked for them first ([`caller`]); what is found is verified, once in a
//! request, and the digest of the body that was signed is left for whoever reads it ([`SignedBody`]): each part is hashed on its
//! way, and the last one is held back until the whole is known to be what was signed.
//!
//! Invariants: a body is handed on to its end only if it is the signed one (`T256`). A second look at the same request takes no second
//! nonce. What somebody shows beside a signature counts only where the route accepts that, too: then it is refused, for two callers
//! must never be read out of one request (`T019`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use hyper::body::Frame;
use portcullis_core::authn::Verified;
use portcullis_core::authz::{CredentialKind, Kinds};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::signature::{BodyDigest, Hashing, Proven, SignatureError, Unsigned, Urls, Visit};

use super::context::RequestContext;
use super::scheme::{self, Found};
use super::unknown::Unknown;
use crate::Problem;
use crate::signed::SignedParts;

/// Whether a route that accepts these kinds is asked with a signature at all. Most aren't.
pub(super) const fn is_accepted(accepted: Kinds) -> bool {
    !accepted.intersection(Kinds::SIGNED).is_empty()
}

/// The caller by a signature, if one came.
pub(super) async fn caller(
    parts: &Parts,
    context: &RequestContext,
    accepted: Kinds,
) -> Result<Option<Verified>, Unknown> {
    if let Some(before) = proven_before(context, accepted) {
        return Ok(Some(before));
    }
    let Some(kind) = found(parts, context, accepted)? else {
        return Ok(None);
    };
    let at = context.snapshot().at;
    let verified = match kind {
        CredentialKind::SignedUrl => visited(parts, context, at).await,
        _ => signed(parts, context, at).await,
    };
    let proven = verified.map_err(|error| refused(error).of(kind))?;
    Ok(Some(Verified::by_signature(proven)))
}

/// The request as it was sent.
fn parts_of<'p>(parts: &'p Parts, context: &RequestContext) -> SignedParts<'p> {
    let gate = &context.gate;
    SignedParts::of(parts, gate.origin().map(|_| gate.is_https()))
}

/// The same later in the request.
pub(super) async fn again(
    context: &RequestContext,
    proven: &Proven,
    now: Timestamp,
) -> Result<Verified, Unknown> {
    let again = match context.gate.signatures() {
        Some(verifier) => verifier.again(proven, now).await,
        None => proven.still(now),
    };
    again.map(Verified::by_signature).map_err(refused)
}

/// Whom a layer, or another rule, found by the same signature.
fn proven_before(context: &RequestContext, accepted: Kinds) -> Option<Verified> {
    let caller = context.snapshot().caller.clone()?;
    caller.proven()?;
    accepted.accepts(caller.principal().kind()).then_some(caller)
}

/// What is signed, if anything is; nothing else that the route accepts may come along.
fn found(
    parts: &Parts,
    context: &RequestContext,
    accepted: Kinds,
) -> Result<Option<CredentialKind>, Unknown> {
    let request = parts_of(parts, context);
    let verifier = context.gate.signatures();
    let by_request = accepted.accepts(CredentialKind::Signature)
        && verifier.is_some_and(|verifier| verifier.is_signed(&request.request()));
    let by_url = accepted.accepts(CredentialKind::SignedUrl) && Urls::is_signed(request.query());
    let kind = match (by_request, by_url) {
        (true, true) => return Err(several().into()),
        (true, false) => CredentialKind::Signature,
        (false, true) => CredentialKind::SignedUrl,
        (false, false) => return Ok(None),
    };
    let shown = accepted.intersection(Kinds::OF_ACCOUNTS);
    if shown.is_empty() {
        return Ok(Some(kind));
    }
    match scheme::find(&parts.headers, context)? {
        Found::Nothing => Ok(Some(kind)),
        Found::Credential(other, _) if !shown.accepts(other.kind()) => Ok(Some(kind)),
        Found::Foreign | Found::Credential(..) => Err(several().into()),
    }
}

async fn signed(parts: &Parts, context: &RequestContext, at: Timestamp) -> Result<Proven, SignatureError> {
    let Some(verifier) = context.gate.signatures() else {
        return Err(Unsigned::Bad.into());
    };
    let request = parts_of(parts, context);
    let body = &context.signed_body;
    let proven = verifier.verify(&request.request(), body.is_there(), at).await?;
    if let Some(digest) = proven.digest() {
        body.expect(digest)?;
    }
    Ok(proven)
}

async fn visited(parts: &Parts, context: &RequestContext, at: Timestamp) -> Result<Proven, SignatureError> {
    let request = parts_of(parts, context);
    let visit = Visit {
        method: parts.method.as_str(),
        path: request.path(),
        query: request.query(),
        address: context.client,
    };
    context.gate.signed_urls().verify(&visit, at).await
}

fn refused(error: SignatureError) -> Unknown {
    Problem::from(error).into()
}

fn several() -> Problem {
    Problem::invalid_credentials(
        "multiple_credentials",
        "a signature came together with another credential that is accepted here; send one of them",
    )
}

/// What is known of a request's body, where it may be signed.
#[derive(Default)]
pub(crate) struct SignedBody {
    there: AtomicBool,
    begun: AtomicBool,
    /// Apart from the rest: most requests have none.
    expected: OnceLock<Box<Mutex<Option<Hashing>>>>,
}

impl SignedBody {
    /// Says that the request has one.
    pub(crate) fn announce(&self) {
        self.there.store(true, Ordering::Relaxed);
    }

    fn is_there(&self) -> bool {
        self.there.load(Ordering::Relaxed)
    }

    /// Lets the body be this one only. What was read before nobody has hashed: then it can't be told any more.
    fn expect(&self, digest: &BodyDigest) -> Result<(), SignatureError> {
        if self.begun.load(Ordering::Acquire) {
            tracing::error!(
                "a layer reads the body before the route's rule has verified its signature: put it behind the rule"
            );
            return Err(Unsigned::OtherBody.into());
        }
        self.expected
            .get_or_init(|| Box::new(Mutex::new(Some(digest.hashing()))));
        Ok(())
    }

    /// Takes a part in that is about to be handed on.
    pub(crate) fn take_in(&self, part: &Frame<Bytes>) {
        self.begun.store(true, Ordering::Release);
        let (Some(expected), Some(data)) = (self.expected.get(), part.data_ref()) else {
            return;
        };
        if let Some(hashing) = &mut *expected.lock().unwrap_or_else(PoisonError::into_inner) {
            hashing.update(data);
        }
    }

    /// Whether what came is what was signed, now that all of it has come.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        defends!("T256");
        let Some(expected) = self.expected.get() else {
            return Ok(());
        };
        let hashing = expected.lock().unwrap_or_else(PoisonError::into_inner).take();
        match hashing.is_none_or(Hashing::matches) {
            true => Ok(()),
            false => Err(Problem::from(Unsigned::OtherBody)),
        }
    }
}
