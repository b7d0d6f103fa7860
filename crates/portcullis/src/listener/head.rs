//! When a request's head begins, and how long it may take from there.
//!
//! The HTTP library begins to count when it begins to wait, so a connection that is kept for the next request would have
//! no longer than a head may take. Its timer is answered from here: for the first request it runs from the connection's
//! begin, for a later one from the first byte. How long a connection may wait for that byte is [`super::Limits::idle`].
//!
//! What follows a request that has no body in one go is noticed; what follows a body counts from its next byte, or as idle.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use portcullis_core::defends;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was read of a connection so far. All of it happens in the connection's own task.
#[derive(Debug, Default)]
pub(super) struct Reading {
    served: AtomicBool,
    begun: AtomicBool,
    /// Whether the last request ended with its head.
    bodiless: AtomicBool,
    /// The last four bytes.
    tail: AtomicU32,
}

impl Reading {
    /// A head has come; `bodiless` says whether that was the whole request.
    pub(super) fn served(&self, bodiless: bool) {
        self.served.store(true, Ordering::Relaxed);
        self.bodiless.store(bodiless, Ordering::Relaxed);
    }

    fn read(&self, bytes: &[u8]) {
        let last = bytes.iter().rev().take(4).rev();
        let tail = last.fold(self.tail.load(Ordering::Relaxed), |tail, byte| {
            (tail << 8) | u32::from(*byte)
        });
        self.tail.store(tail, Ordering::Relaxed);
        self.begun.store(true, Ordering::Relaxed);
    }

    /// The next head is waited for.
    fn wait(&self) {
        let tail = self.tail.load(Ordering::Relaxed).to_be_bytes();
        let ended = tail == *b"\r\n\r\n" || tail.ends_with(b"\n\n");
        let behind_the_last = self.bodiless.load(Ordering::Relaxed) && !ended;
        let first = !self.served.load(Ordering::Relaxed);
        self.begun.store(first || behind_the_last, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }
}

/// A stream of which is known what was read.
pub(super) struct Watched<I> {
    pub(super) stream: I,
    pub(super) reading: Arc<Reading>,
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
            Some(new) if !new.is_empty() => self.reading.read(new),
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

/// What the HTTP library times heads with, and nothing else.
pub(super) struct Heads {
    pub(super) reading: Arc<Reading>,
    pub(super) limit: Duration,
}

impl Timer for Heads {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        self.reading.wait();
        Box::pin(Patience {
            reading: Arc::clone(&self.reading),
            limit: self.limit,
            running: None,
        })
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(self.limit)
    }
}

/// Ends when a head that has begun has taken too long.
struct Patience {
    reading: Arc<Reading>,
    limit: Duration,
    running: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Future for Patience {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        defends!("T032");
        if self.running.is_none() && !self.reading.has_begun() {
            // Whatever is read wakes the connection, and with it this.
            return Poll::Pending;
        }
        let limit = self.limit;
        let running = self
            .running
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        running.as_mut().poll(context)
    }
}

impl Sleep for Patience {}

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
            reading.wait();
            assert!(reading.has_begun(), "the first one begins with the connection");
            read.iter().for_each(|bytes| reading.read(bytes));
            reading.served(bodiless);
            reading.wait();
            assert_eq!(reading.has_begun(), begun, "{read:?}");
            reading.read(b"G");
            assert!(reading.has_begun());
        }
    }
}
