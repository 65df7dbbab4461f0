//! What lies between `h2` and the client's connection: the bytes that were read before anybody knew that it is HTTP/2 come
//! first, frames are counted as they come in, and what goes out is gathered, so that the frames of many streams leave in one
//! write. `h2` flushes after each frame; [`Transport::poll_drain`] does so when there is nothing else to do.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::PREFACE;
use super::calm::Calm;
use super::frames::Frames;
use crate::listener::linger::linger;
use crate::listener::stream::Stream;

/// Bytes that are gathered before they are written.
const BATCH: usize = 64 * 1024;

/// One client's connection; `h2` has one handle of it, and whoever drives `h2` the other.
#[derive(Clone)]
pub(super) struct Transport(Rc<RefCell<Inner>>);

struct Inner {
    stream: Stream,
    /// Read before.
    ahead: BytesMut,
    out: BytesMut,
    unflushed: bool,
    /// Why writing has failed; whoever reads next is told.
    broken: Option<io::Error>,
    frames: Frames,
    calm: Rc<Calm>,
    heard: bool,
}

impl Transport {
    pub(super) fn new(stream: Stream, ahead: BytesMut, calm: Rc<Calm>) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            stream,
            ahead,
            out: BytesMut::new(),
            unflushed: false,
            broken: None,
            frames: Frames::after(PREFACE.len()),
            calm,
            heard: false,
        })))
    }

    /// Writes what was gathered, as far as the connection takes it; the task that polls comes again when it takes more.
    pub(super) fn poll_drain(&self, cx: &mut Context<'_>) {
        let mut inner = self.0.borrow_mut();
        if let Poll::Ready(Err(error)) = inner.poll_drain(cx) {
            inner.broken = Some(error);
            cx.waker().wake_by_ref();
        }
    }

    /// Whether the client has sent anything since this was last asked.
    pub(super) fn take_heard(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().heard)
    }

    /// Gives up what a connection without open streams does not need.
    pub(super) fn rest(&self) {
        let mut inner = self.0.borrow_mut();
        if inner.out.is_empty() {
            inner.out = BytesMut::new();
        }
    }

    /// Closes our side and reads on until the client has closed its own: a connection that is closed while the client still
    /// sends is reset, and our last frames may be lost with it.
    pub(super) async fn linger(self) -> io::Result<()> {
        let mut stream = match Rc::try_unwrap(self.0) {
            Ok(inner) => inner.into_inner().stream,
            Err(_) => return Ok(()),
        };
        linger(&mut stream).await
    }
}

impl Inner {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => {
                    self.out.advance(written);
                    self.calm.wrote(written);
                    self.unflushed = true;
                }
            }
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes as much as there is room for.
    fn poll_gather(&mut self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Err(error));
        }
        if self.out.len() >= BATCH {
            ready!(self.poll_drain(cx))?;
        }
        let mut taken = 0;
        for piece in pieces {
            let size = piece.len().min(BATCH - self.out.len());
            self.out.extend_from_slice(&piece[..size]);
            taken += size;
        }
        Poll::Ready(Ok(taken))
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let inner = &mut *self.0.borrow_mut();
        if let Some(error) = inner.broken.take() {
            return Poll::Ready(Err(error));
        }
        // Whoever drives the connection sees to its end.
        if inner.calm.lost().is_some() {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if inner.ahead.is_empty() {
            ready!(Pin::new(&mut inner.stream).poll_read(cx, buffer))?;
        } else {
            let size = inner.ahead.len().min(buffer.remaining());
            buffer.put_slice(&inner.ahead[..size]);
            inner.ahead.advance(size);
        }
        let new = &buffer.filled()[before..];
        inner.heard |= !new.is_empty();
        inner.frames.feed(new, |frame| inner.calm.received(frame));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_gather(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_gather(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        ready!(inner.poll_drain(cx))?;
        Pin::new(&mut inner.stream).poll_shutdown(cx)
    }
}
