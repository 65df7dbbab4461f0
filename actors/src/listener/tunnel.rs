//! What comes after a 101: bytes in both directions, of a protocol that is none of ours (RFC 9110 section 7.8; WebSocket,
//! RFC 6455). The end of one direction is passed on, and the other goes on until it ends as well.
//!
//! It must not know what was asked for, nor what the bytes mean.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::alarm::{Alarm, after};
use super::head::Edits;
use super::pump::poll_read_into;
use super::response::{HeadSink, Response};
use super::worker::Stop;
use crate::http1::{Field, ResponseHead};

#[cfg(test)]
mod tests;

/// Room that is made for a read.
const READ: usize = 16 * 1024;

/// Whether a 101 goes over to protocols that were offered, and to nothing else: "A server MUST NOT switch to a protocol that
/// was not indicated by the client" (RFC 9110 section 7.8).
pub(super) fn accepts(offered: &[u8], chosen: &[u8]) -> bool {
    let protocols = |list| <[u8]>::split(list, |byte| *byte == b',').map(<[u8]>::trim_ascii);
    protocols(chosen)
        .all(|chosen| !chosen.is_empty() && protocols(offered).any(|offered| offered.eq_ignore_ascii_case(chosen)))
}

/// A backend's 101 on its way to the client.
pub(super) struct Switched<'a> {
    pub(super) head: &'a ResponseHead,
    /// ResponseHeaderModifiers.
    pub(super) edits: Edits<'a>,
    /// What it goes over to.
    pub(super) protocol: &'a [u8],
}

impl Response for Switched<'_> {
    fn write(&self, sink: &mut impl HeadSink) {
        sink.status(self.head.status(), self.head.reason());
        sink.field(b"connection", b"upgrade");
        sink.field(b"upgrade", self.protocol);
        for Field { name, value, .. } in self.head.forwarded_fields() {
            if self.edits.keeps(name, 0) {
                sink.field(name, value);
            }
        }
        self.edits.write(|name, value| sink.field(name, value));
        sink.end();
    }
}

/// Why a tunnel ended before both sides had ended it.
#[derive(Debug)]
pub(super) enum Broken {
    /// The client's connection failed.
    Client(io::Error),
    /// The backend's connection failed.
    Backend(io::Error),
    /// Not a byte went either way for too long.
    Idle,
    /// The time to drain is over.
    Cut,
}

/// Both directions.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) to_backend: Relay,
    pub(super) to_client: Relay,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Relay {
    /// What was read and not yet written. An idle direction holds no memory.
    buffer: BytesMut,
    /// Whether the side that is read has ended.
    ended: bool,
    /// Whether that was passed on, or the other side takes no more.
    done: bool,
    unflushed: bool,
    /// Whether bytes have moved since somebody asked.
    stirred: bool,
    /// Bytes that were written.
    pub(super) moved: u64,
}

impl Tunnel {
    /// A tunnel with what each side has sent already.
    pub(super) fn new(from_client: BytesMut, from_backend: BytesMut) -> Self {
        Self { to_backend: Relay::new(from_client), to_client: Relay::new(from_backend) }
    }

    /// Carries bytes until both sides have ended, for at most `idle` without a byte and until `cut` is given.
    pub(super) async fn run<D, U>(
        &mut self,
        client: &mut D,
        backend: &mut U,
        alarm: &mut Alarm,
        idle: Duration,
        cut: &Stop,
    ) -> Result<(), Broken>
    where
        D: AsyncRead + AsyncWrite + Unpin,
        U: AsyncRead + AsyncWrite + Unpin,
    {
        let mut due = after(Instant::now(), idle);
        let carried = poll_fn(|cx| {
            let sent =
                self.to_backend.poll(cx, Pin::new(&mut *client), Pin::new(&mut *backend)).map_err(Broken::Client)?;
            let received =
                self.to_client.poll(cx, Pin::new(&mut *backend), Pin::new(&mut *client)).map_err(Broken::Backend)?;
            if sent.is_ready() && received.is_ready() {
                return Poll::Ready(Ok(()));
            }
            if self.to_backend.take_stirred() | self.to_client.take_stirred() {
                due = after(Instant::now(), idle);
            }
            alarm.poll(cx, due).map(|()| Err(Broken::Idle))
        });
        let mut carried = pin!(carried);
        let mut cut = pin!(cut.wait());
        poll_fn(|cx| match carried.as_mut().poll(cx) {
            Poll::Pending => cut.as_mut().poll(cx).map(|()| Err(Broken::Cut)),
            ended @ Poll::Ready(_) => ended,
        })
        .await
    }
}

impl Relay {
    fn new(buffer: BytesMut) -> Self {
        Self { buffer, ended: false, done: false, unflushed: false, stirred: false, moved: 0 }
    }

    fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// Moves as much as both sides take. Ready when the end was passed on; an error is one of reading.
    fn poll<R, W>(&mut self, cx: &mut Context<'_>, mut from: Pin<&mut R>, mut to: Pin<&mut W>) -> Poll<io::Result<()>>
    where
        R: AsyncRead,
        W: AsyncWrite,
    {
        while !self.done {
            while !self.buffer.is_empty() {
                let Ok(written @ 1..) = ready!(to.as_mut().poll_write(cx, &self.buffer)) else {
                    // The other side takes no more, but may have something to say yet.
                    (self.done, self.buffer) = (true, BytesMut::new());
                    return Poll::Ready(Ok(()));
                };
                self.buffer.advance(written);
                self.moved += written as u64;
                (self.stirred, self.unflushed) = (true, true);
            }
            if self.ended {
                // With a close_notify where there is TLS. One that fails has nobody left to hear it.
                let _ = ready!(to.as_mut().poll_shutdown(cx));
                self.done = true;
                break;
            }
            match poll_read_into(cx, from.as_mut(), &mut self.buffer, READ) {
                Poll::Ready(Ok(0)) => (self.ended, self.stirred) = (true, true),
                Poll::Ready(Ok(_)) => {}
                // TLS that ends without a close_notify. What a tunnel carries has its own way to say that it is whole, and
                // resetting the other side would take from it what it has not read yet.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => self.ended = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.unflushed {
                        // One that fails shows when it is written to again, or read.
                        let _ = ready!(to.poll_flush(cx));
                        self.unflushed = false;
                    }
                    self.buffer = BytesMut::new();
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
