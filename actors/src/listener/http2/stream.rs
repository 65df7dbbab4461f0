//! One stream as the client's side of a request: reading gives its DATA and gives the window back, writing sends DATA as
//! the client's windows permit.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::calm::Calm;
use super::respond::Head;
use crate::http1::{Framing, RequestHead};
use crate::listener::downstream::Downstream;
use crate::listener::response::Response;

/// The protocol, as the access log names it.
pub(super) const VERSION: &str = "HTTP/2";

/// One stream; the exchange has one handle of it, and whoever watches over the exchange the other.
#[derive(Clone)]
pub(super) struct Stream(Rc<RefCell<Inner>>);

struct Inner {
    body: RecvStream,
    /// What has come of the body and was not taken.
    chunk: Bytes,
    has_body: bool,
    respond: SendResponse<Bytes>,
    /// Once the response has begun.
    response: Option<SendStream<Bytes>>,
    /// Bytes of the response that are still to come, if their number is known.
    remaining: Option<u64>,
    /// Whether the response was sent whole.
    ended: bool,
    calm: Rc<Calm>,
}

impl Stream {
    pub(super) fn new(body: RecvStream, respond: SendResponse<Bytes>, calm: Rc<Calm>) -> Self {
        let has_body = !body.is_end_stream();
        Self(Rc::new(RefCell::new(Inner {
            body,
            chunk: Bytes::new(),
            has_body,
            respond,
            response: None,
            remaining: None,
            ended: false,
            calm,
        })))
    }

    /// Whether the request's HEADERS did not end it.
    pub(super) fn has_body(&self) -> bool {
        self.0.borrow().has_body
    }

    /// Whether a response has begun.
    pub(super) fn has_answered(&self) -> bool {
        let inner = self.0.borrow();
        inner.response.is_some() || inner.ended
    }

    /// Ready when the client has reset the stream, or its connection has ended.
    pub(super) fn poll_reset(&self, cx: &mut Context<'_>) -> Poll<()> {
        let inner = &mut *self.0.borrow_mut();
        match &mut inner.response {
            Some(response) => response.poll_reset(cx).map(drop),
            None if inner.ended => Poll::Pending,
            None => inner.respond.poll_reset(cx).map(drop),
        }
    }
}

impl Inner {
    /// Takes what the windows permit of `pieces`, as one frame.
    fn poll_send(&mut self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        let Some(response) = &mut self.response else { return Poll::Ready(Err(gone())) };
        if size == 0 {
            return Poll::Ready(Ok(0));
        }
        response.reserve_capacity(size);
        let mut capacity = response.capacity();
        while capacity == 0 {
            match ready!(response.poll_capacity(cx)) {
                Some(Ok(available)) => capacity = available,
                Some(Err(_)) | None => return Poll::Ready(Err(gone())),
            }
        }
        let size = size.min(capacity);
        let mut data = BytesMut::with_capacity(size);
        for piece in pieces {
            data.extend_from_slice(&piece[..piece.len().min(size - data.len())]);
        }
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(size as u64);
        }
        let ends = self.remaining == Some(0);
        response.send_data(data.freeze(), ends).map_err(|_| gone())?;
        self.ended |= ends;
        Poll::Ready(Ok(size))
    }
}

fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.ended {
            self.calm.answered();
        } else {
            // A response that was cut must not look like a whole one.
            self.respond.send_reset(Reason::INTERNAL_ERROR);
        }
        // What is left of the request is thrown away with its frames.
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(data))) = self.body.poll_data(&mut cx) {
            self.calm.read(data.len());
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let inner = &mut *self.0.borrow_mut();
        while inner.chunk.is_empty() {
            match ready!(inner.body.poll_data(cx)) {
                Some(Ok(data)) => {
                    inner.calm.read(data.len());
                    inner.chunk = data;
                }
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let size = inner.chunk.len().min(buffer.remaining());
        buffer.put_slice(&inner.chunk[..size]);
        inner.chunk.advance(size);
        // It fails only for more than has come in.
        let _ = inner.body.flow_control().release_capacity(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_send(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_send(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// The connection flushes by itself.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Downstream for Stream {
    fn version(&self, _: &RequestHead) -> &'static str {
        VERSION
    }

    /// There is no upgrade in HTTP/2 (RFC 9113 section 8.6).
    fn can_upgrade(&self) -> bool {
        false
    }

    fn request_framing(&self, head: &RequestHead) -> Framing {
        match head.framing() {
            _ if !self.has_body() => Framing::None,
            Framing::Chunked => Framing::UntilClose,
            known => known,
        }
    }

    fn response_framing(&self, from: Framing, _: &RequestHead) -> Framing {
        match from {
            Framing::Chunked => Framing::UntilClose,
            other => other,
        }
    }

    fn inform(&mut self, _: &mut BytesMut, _: &RequestHead, _: &impl Response) {}

    fn respond(&mut self, _: &mut BytesMut, response: &impl Response, ends: bool) {
        let inner = &mut *self.0.borrow_mut();
        let head = Head::of(response);
        inner.remaining = head.length;
        // It fails if the client has left; then nothing can be written either.
        if let Ok(response) = inner.respond.send_response(head.into_response(), ends) {
            inner.ended = ends;
            inner.response = Some(response);
        }
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let inner = &mut *self.0.borrow_mut();
        if !inner.ended {
            let response = inner.response.as_mut().ok_or_else(gone)?;
            response.send_data(Bytes::new(), true).map_err(|_| gone())?;
            inner.ended = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>, _: &mut BytesMut) -> Poll<()> {
        self.poll_reset(cx)
    }
}
