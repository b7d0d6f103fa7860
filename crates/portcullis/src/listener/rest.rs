//! The rest of a request that was answered before all of it was read.
//!
//! A connection goes on only behind the request's last byte. So what is left of a small one is read and thrown away before
//! the answer leaves; where that can't be done soon, the answer says that the connection ends with it (`T153`). Otherwise
//! a proxy would send the next request into a connection that is being closed.
//!
//! Source: RFC 9112 §9.3, §9.6

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use portcullis_core::defends;

/// Where a body that nobody reads any more is left. A request without one has none.
#[derive(Clone, Default)]
pub(super) struct Rest(Arc<Mutex<Left>>);

#[derive(Default)]
struct Left {
    body: Option<Incoming>,
    /// Whether the peer waits until it is asked for the body.
    waits: bool,
}

impl Rest {
    /// Whatever of the request's body isn't read comes back here.
    pub(super) fn of(request: Request<Incoming>) -> (Option<Self>, Request<Body>) {
        if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
            // In HTTP/2 each request has a stream of its own, which ends alone.
            return (None, request.map(Body::new));
        }
        let rest = Self::default();
        rest.left(|left| left.waits = request.headers().contains_key(EXPECT));
        let home = rest.clone();
        let request = request.map(|body| {
            Body::new(Lent {
                body: Some(body),
                home,
            })
        });
        (Some(rest), request)
    }

    /// Makes an end with what is left, or says on the answer that the connection has one.
    pub(super) async fn settle(&self, answer: &mut Response) {
        defends!("T153");
        let (Some(mut body), waits) = self.left(|left| (left.body.take(), left.waits)) else {
            return;
        };
        // Who didn't send it in time won't now.
        let late = answer.status() == StatusCode::REQUEST_TIMEOUT;
        let drained = !waits && !late && drain(&mut body).await;
        if !drained {
            answer
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }

    fn left<T>(&self, look: impl FnOnce(&mut Left) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the body came to its end soon.
async fn drain(body: &mut Incoming) -> bool {
    let most = u64::try_from(MOST).unwrap_or(u64::MAX);
    if body.size_hint().lower() > most {
        return false;
    }
    let all = async {
        let mut room = MOST;
        while let Some(frame) = body.frame().await {
            let length = frame.ok()?.data_ref().map_or(0, Bytes::len);
            room = room.checked_sub(length)?;
        }
        Some(())
    };
    matches!(tokio::time::timeout(PATIENCE, all).await, Ok(Some(())))
}

/// A body that comes home when it is dropped before its end.
struct Lent {
    body: Option<Incoming>,
    home: Rest,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        // Whoever asks for the body has the peer told to send it.
        self.home.left(|left| left.waits = false);
        let frame = ready!(polled);
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let ended = || SizeHint::with_exact(0);
        self.body.as_ref().map_or_else(ended, HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            self.home.left(|left| left.body = Some(body));
        }
    }
}

/// As much as a request's body may be long unless a route says otherwise.
const MOST: usize = 64 * 1024;

/// For what is on its way already.
const PATIENCE: Duration = Duration::from_secs(1);
