//! An answer on its way, and whose turn it is.
//!
//! An answer is handed over in parts of at most [`PART`], the next one only when there is room for it. So whoever reads
//! shows it by the parts that are taken, in HTTP/1 as in HTTP/2, and who doesn't read holds one part in our buffers and
//! no more.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// What is known of a connection's requests.
#[derive(Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    running: AtomicUsize,
    asked: AtomicU64,
    untaken: AtomicUsize,
}

/// What was known at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sight {
    /// How many requests have begun so far.
    pub(super) begun: u64,
    /// How many of them aren't answered to the end.
    pub(super) running: usize,
    /// How often another part of an answer was asked for so far, or an answer came to its end.
    pub(super) asked: u64,
    /// How many answers have a part ready that there is no room for.
    pub(super) untaken: usize,
}

impl Activity {
    /// Counts a request that begins; it counts as running until what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running {
            activity: Arc::clone(self),
            turn: Turn::Ours,
        }
    }

    pub(super) fn look(&self) -> Sight {
        Sight {
            begun: self.begun.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
            asked: self.asked.load(Ordering::Relaxed),
            untaken: self.untaken.load(Ordering::Relaxed),
        }
    }
}

/// Whom an answer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The handler, or whatever makes the answer's next part.
    Ours,
    /// The peer, who must make room.
    Peers,
}

/// A request that isn't answered to the end.
pub(super) struct Running {
    activity: Arc<Activity>,
    turn: Turn,
}

impl Running {
    /// The answer to it.
    pub(super) fn answer(mut self, body: Body) -> Answer {
        self.pass(Turn::Peers);
        Answer {
            body,
            rest: Bytes::new(),
            begun: false,
            running: self,
        }
    }

    fn pass(&mut self, turn: Turn) {
        match (self.turn, turn) {
            (Turn::Ours, Turn::Peers) => self.activity.untaken.fetch_add(1, Ordering::Relaxed),
            (Turn::Peers, Turn::Ours) => self.activity.untaken.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        self.turn = turn;
    }

    fn asked(&self) {
        self.activity.asked.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.asked();
        self.pass(Turn::Ours);
        self.activity.running.fetch_sub(1, Ordering::Relaxed);
    }
}

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
