//! An answer on its way.
//!
//! An answer is handed over in parts of at most [`PART`], the next one only when there is room for it. So whoever reads
//! shows it by the parts that are taken, in HTTP/1 as in HTTP/2, and who doesn't read holds one part in our buffers and
//! no more.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::activity::{Running, Turn};

/// The body of an answer, which tells what it waits for while it is sent.
pub(super) struct Answer {
    body: Body,
    /// What came at once and is still to be handed over.
    rest: Bytes,
    /// Whether a part was asked for. The first one is taken by our buffers, whoever reads.
    begun: bool,
    running: Running,
}

impl Answer {
    /// The answer to a request, whose turn it is from now on.
    pub(super) fn new(body: Body, running: Running) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            begun: false,
            running,
        }
    }

    fn part(&mut self) -> Frame<Bytes> {
        let length = self.rest.len().min(PART);
        Frame::data(self.rest.split_to(length))
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.begun {
            self.running.asked();
        }
        self.begun = true;
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.part())));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.running.pass(match polled {
            Poll::Ready(Some(_)) => Turn::Peers,
            Poll::Ready(None) | Poll::Pending => Turn::Ours,
        });
        polled.map_ok(|frame| match frame.into_data() {
            Ok(data) => {
                self.rest = data;
                self.part()
            }
            Err(trailers) => trailers,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.body.size_hint());
        // The upper bound first: the lower one may not pass it.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

/// The largest part of an answer that is handed over at once: one frame of HTTP/2, as most peers take them.
const PART: usize = 16 * 1024;
