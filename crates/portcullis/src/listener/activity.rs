//! What happens on a connection: which requests run, and whose turn it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::body::Body;
use http::Request;
use hyper::body::Body as HttpBody;

use super::answer::Answer;
use super::head::Reading;

/// What is known of a connection's requests, and of what was read of it.
#[derive(Default)]
pub(super) struct Activity {
    pub(super) reading: Reading,
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
    pub(super) fn begin<B: HttpBody>(self: &Arc<Self>, request: &Request<B>) -> Running {
        self.reading.served(request);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running {
            activity: Arc::clone(self),
            turn: Turn::Ours,
        }
    }

    /// Whether the head of another request has begun to come while nothing else is to be done.
    pub(super) fn waits_for_head(&self) -> bool {
        let served = self.begun.load(Ordering::Relaxed) > 0;
        served && self.running.load(Ordering::Relaxed) == 0 && self.reading.has_begun()
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
pub(super) enum Turn {
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
        Answer::new(body, self)
    }

    pub(super) fn pass(&mut self, turn: Turn) {
        match (self.turn, turn) {
            (Turn::Ours, Turn::Peers) => self.activity.untaken.fetch_add(1, Ordering::Relaxed),
            (Turn::Peers, Turn::Ours) => self.activity.untaken.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        self.turn = turn;
    }

    pub(super) fn asked(&self) {
        self.activity.asked.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.asked();
        self.pass(Turn::Ours);
        self.activity.running.fetch_sub(1, Ordering::Relaxed);
        self.activity.reading.answered();
    }
}
