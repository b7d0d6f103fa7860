//! A request's body, bounded, and whether all of it has come.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::Limited;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use portcullis_core::defends;

/// Whether a request's body was read to its end: decides whose fault a time-out is.
#[derive(Clone, Default)]
pub(super) struct Progress(Option<Arc<AtomicBool>>);

impl Progress {
    /// Whether the caller still owes a part of the body.
    pub(super) fn is_owed(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

/// Bounds `body` to `limit` bytes. A request without a body costs nothing.
pub(super) fn bound(body: &mut Body, limit: usize) -> Progress {
    defends!("T032");
    if body.is_end_stream() {
        return Progress::default();
    }
    let ended = Arc::new(AtomicBool::new(false));
    let inner = Limited::new(std::mem::take(body), limit);
    *body = Body::new(Bounded {
        inner,
        ended: Arc::clone(&ended),
    });
    Progress(Some(ended))
}

struct Bounded {
    inner: Limited<Body>,
    ended: Arc<AtomicBool>,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        // An error ends it too: whatever comes after is not the caller's delay.
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.inner.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
