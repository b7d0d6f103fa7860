//! A request's body on its way to whoever reads it: bounded, and guarded to its end.
//!
//! Flow: each part is looked at before it is handed on ([`look`]). Where something moved since the caller was let in, the part
//! is held back until the caller is checked anew; a refusal breaks the body off, and the layer answers it. So does it a body
//! beyond the limit, where axum would in words of its own.
//!
//! Invariant: every reader reads through this, because there is no other body in the request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body_util::{LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use portcullis_core::defends;

use crate::enforcer::{LateRefusal, Look, RequestContext, decide_again, look};
use crate::validate::too_large;

/// Bounds `body` to `limit` bytes and guards it. A request without a body costs nothing.
pub(super) fn guard(body: &mut Body, limit: usize, context: &Arc<RequestContext>) {
    defends!("T032");
    if body.is_end_stream() {
        return;
    }
    context.owe_body(true);
    context.signed_body.announce();
    let inner = Limited::new(std::mem::take(body), limit);
    *body = Body::new(Guarded {
        inner,
        context: Arc::clone(context),
        state: State::Open,
    });
}

/// What is answered: the extractors of axum that take a body whole, `String` and `Bytes`, say in words of their own that it is too
/// long, and get ours.
pub(super) fn or_too_large(context: &RequestContext, answer: Response) -> Response {
    let axums = || {
        let media_type = answer.headers().get(CONTENT_TYPE);
        answer.status() == StatusCode::PAYLOAD_TOO_LARGE
            && media_type.is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/plain"))
    };
    match context.is_body_cut() && axums() {
        true => too_large().into_response(),
        false => answer,
    }
}

struct Guarded {
    inner: Limited<Body>,
    context: Arc<RequestContext>,
    state: State,
}

enum State {
    /// The next part is handed on if a look at it says so.
    Open,
    /// A part, or the end, is held back until it is known whether the caller is still let in.
    Held {
        part: Option<Frame<Bytes>>,
        last: bool,
        checked: BoxFuture<'static, Result<(), LateRefusal>>,
    },
    /// There is nothing more: everything has come, or the caller isn't let in any more.
    Ended,
}

impl Guarded {
    /// The next part, or the end, once the caller may have it.
    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, BoxError>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(Ok(None)),
                State::Held { part, last, checked } => {
                    let checked = ready!(checked.as_mut().poll(context));
                    let part = part.take();
                    self.state = State::after(*last || checked.is_err());
                    return Poll::Ready(checked.map(|()| part).map_err(Into::into));
                }
                State::Open => {
                    let polled = ready!(Pin::new(&mut self.inner).poll_frame(context)).transpose();
                    let last = !matches!(&polled, Ok(Some(_))) || self.inner.is_end_stream();
                    if last {
                        // An error ends it too: whatever comes after is not the caller's delay.
                        self.context.owe_body(false);
                    }
                    let part = polled.inspect_err(|error| {
                        if error.is::<LengthLimitError>() {
                            self.context.cut_body();
                        }
                    })?;
                    if let Some(part) = &part {
                        self.context.signed_body.take_in(part);
                    }
                    if last && let Err(problem) = self.context.signed_body.check() {
                        self.state = State::Ended;
                        self.context.refuse_late(problem.clone());
                        return Poll::Ready(Err(LateRefusal(problem).into()));
                    }
                    defends!("T180");
                    if look(&self.context, last) == Look::Unchanged {
                        self.state = State::after(last);
                        return Poll::Ready(Ok(part));
                    }
                    self.state = State::Held {
                        part,
                        last,
                        checked: Box::pin(decide_in(Arc::clone(&self.context))),
                    };
                }
            }
        }
    }
}

impl State {
    /// What a body is in after a part, which may have been the last.
    const fn after(last: bool) -> Self {
        if last { Self::Ended } else { Self::Open }
    }
}

/// A body may be read by another task than the request's: what is answered there names the request, too.
async fn decide_in(context: Arc<RequestContext>) -> Result<(), LateRefusal> {
    context.around(decide_again(&context)).await.map_err(LateRefusal)
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.poll_part(context).map(Result::transpose)
    }

    /// Not before the last part was handed on: whoever asks instead of reading to the end must not miss a refusal.
    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Open => self.inner.size_hint(),
            State::Held { .. } => SizeHint::default(),
            State::Ended => SizeHint::with_exact(0),
        }
    }
}
