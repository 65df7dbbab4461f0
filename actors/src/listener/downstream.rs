//! What a request's exchange asks of the client's side, whatever it speaks. The default is HTTP/1, where heads and framing
//! are bytes between those of the bodies; HTTP/2 has frames of its own for them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::pump::poll_read_into;
use super::response::Response;
use super::stream::Stream;
use crate::http1::{Framing, RequestHead};

/// Bytes of a client's next request that are read while it waits for a response.
const READ_AHEAD: usize = 8 * 1024;

/// The client's side of one request: reading gives its body, writing takes that of the response.
pub(super) trait Downstream: AsyncRead + AsyncWrite + Unpin {
    /// The protocol, as the access log names it.
    fn version(&self, head: &RequestHead) -> &'static str {
        if head.is_http10() { "HTTP/1.0" } else { "HTTP/1.1" }
    }

    /// Whether the connection can go over to another protocol, which takes all of it.
    fn can_upgrade(&self) -> bool {
        true
    }

    /// How the end of the request's body is known on this side.
    fn request_framing(&self, head: &RequestHead) -> Framing {
        head.framing()
    }

    /// How a response's body that comes in as `from` is framed on its way to the client.
    fn response_framing(&self, from: Framing, request: &RequestHead) -> Framing {
        match from {
            Framing::Chunked | Framing::UntilClose if request.is_http10() => Framing::UntilClose,
            Framing::Chunked | Framing::UntilClose => Framing::Chunked,
            known => known,
        }
    }

    /// Takes the head of an interim response (1xx): into `out`, where heads are bytes.
    fn inform(&mut self, out: &mut BytesMut, request: &RequestHead, response: &impl Response) {
        // HTTP/1.0 knows none (RFC 9110 section 15.2).
        if !request.is_http10() {
            response.write(out);
        }
    }

    /// Takes the head of the final response: into `out`, where heads are bytes. `ends` says that no body follows.
    fn respond(&mut self, out: &mut BytesMut, response: &impl Response, ends: bool) {
        let _ = ends;
        response.write(out);
    }

    /// The body is written: ends the response.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// Ready when a client that has sent its whole request has left. What it sends meanwhile goes to `input`: it is the
    /// beginning of its next request.
    fn poll_gone(&mut self, cx: &mut Context<'_>, input: &mut BytesMut) -> Poll<()> {
        // Until it has to wait: only then is it woken when the client leaves.
        while input.len() < READ_AHEAD {
            match ready!(poll_read_into(cx, Pin::new(&mut *self), input, READ_AHEAD)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }
}

impl Downstream for Stream {}
