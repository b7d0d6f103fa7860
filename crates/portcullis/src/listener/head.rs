//! When a request's head begins, and how long it may take from there.
//!
//! The first one is timed with the connection ([`super::connection`]); a later one runs from its first byte. How long a
//! connection may wait for that byte is [`super::Limits::idle`]. A head that comes in one go, as most do, costs no timer.
//!
//! What follows a request that has no body in one go is noticed; what follows a body counts from its next byte, or as idle.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

use http::{Request, Version};
use hyper::body::Body as HttpBody;
use portcullis_core::defends;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;

/// What was read of a connection so far. All of it happens in the connection's own task.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Whether requests come side by side (HTTP/2), so that none has to wait for the head of another.
    multiplexed: AtomicBool,
    /// Whether the last request ended with its head.
    bodiless: AtomicBool,
    /// Whether a part of the next head came before the last request was answered.
    ahead: AtomicBool,
    /// How often something was read, and how often when the last answer ended.
    reads: AtomicU32,
    reads_then: AtomicU32,
    /// The last four bytes.
    tail: AtomicU32,
}

impl Reading {
    /// The head of this request has come.
    pub(super) fn served<B: HttpBody>(&self, request: &Request<B>) {
        let bodiless = request.body().is_end_stream();
        self.bodiless.store(bodiless, Ordering::Relaxed);
        let multiplexed = request.version() > Version::HTTP_11;
        self.multiplexed.store(multiplexed, Ordering::Relaxed);
    }

    fn read(&self, bytes: &[u8]) {
        let last = bytes.iter().rev().take(4).rev();
        let tail = last.fold(self.tail.load(Ordering::Relaxed), |tail, byte| {
            (tail << 8) | u32::from(*byte)
        });
        self.tail.store(tail, Ordering::Relaxed);
        let reads = self.reads.load(Ordering::Relaxed);
        self.reads.store(reads.wrapping_add(1), Ordering::Relaxed);
    }

    /// An answer has ended; the next head is waited for.
    pub(super) fn answered(&self) {
        let tail = self.tail.load(Ordering::Relaxed).to_be_bytes();
        let ended = tail == *b"\r\n\r\n" || tail.ends_with(b"\n\n");
        let ahead = self.bodiless.load(Ordering::Relaxed) && !ended;
        self.ahead.store(ahead, Ordering::Relaxed);
        let reads = self.reads.load(Ordering::Relaxed);
        self.reads_then.store(reads, Ordering::Relaxed);
    }

    /// Whether the head of another request has begun since the last answer ended.
    pub(super) fn has_begun(&self) -> bool {
        let new = self.reads.load(Ordering::Relaxed) != self.reads_then.load(Ordering::Relaxed);
        !self.multiplexed.load(Ordering::Relaxed) && (new || self.ahead.load(Ordering::Relaxed))
    }
}

/// The time that a head takes which has begun and isn't there.
pub(super) struct Head<P>(Option<Pin<Box<P>>>);

impl<P> Default for Head<P> {
    fn default() -> Self {
        Self(None)
    }
}

impl<P: Future<Output = ()>> Head<P> {
    /// Ready when it has taken too long. `pause` begins the time that a head may take.
    pub(super) fn poll(
        &mut self,
        activity: &Activity,
        context: &mut Context<'_>,
        pause: impl FnOnce() -> P,
    ) -> Poll<()> {
        defends!("T032");
        if !activity.waits_for_head() {
            self.0 = None;
            return Poll::Pending;
        }
        let running = self.0.get_or_insert_with(|| Box::pin(pause()));
        running.as_mut().poll(context)
    }
}

/// A stream of which is known what was read.
pub(super) struct Watched<I> {
    pub(super) stream: I,
    pub(super) activity: Arc<Activity>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        match buffer.filled().get(before..) {
            Some(new) if !new.is_empty() => self.activity.reading.read(new),
            _ => {}
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_came_with_the_one_before_it_has_begun() {
        for (read, bodiless, begun) in [
            (&[&b"GET / HTTP/1.1\r\n\r\n"[..]][..], true, false),
            (&[b"GET / HTTP/1.1\r\n\r", b"\n"], true, false),
            (&[b"GET / HTTP/1.1\n\n"], true, false),
            (&[b"GET / HTTP/1.1\r\n\r\nGET"], true, true),
            (&[b"GET / HTTP/1.1\r\n\r\n", b"G"], true, true),
            (&[b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n"], true, true),
            // Where a body ends can't be seen here.
            (&[b"POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nx"], false, false),
        ] {
            let reading = Reading::default();
            read.iter().for_each(|bytes| reading.read(bytes));
            let body = if bodiless { "" } else { "x" };
            let mut request = Request::new(axum::body::Body::from(body));
            reading.served(&request);
            reading.answered();
            assert_eq!(reading.has_begun(), begun, "{read:?}");
            reading.read(b"G");
            assert!(reading.has_begun());
            *request.version_mut() = Version::HTTP_2;
            reading.served(&request);
            assert!(!reading.has_begun(), "what comes then may be anything");
        }
    }
}
