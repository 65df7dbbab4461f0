//! One request and its response on one connection to a backend, both directions at once: the response may begin, and end,
//! before the request does.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::downstream::Downstream;
use super::head::Edits;
use super::patience::{Party, Watch};
use super::pump::{Pump, PumpError};
use super::response::{Interim, Passed};
use super::tunnel::{self, Switched};
use super::worker::Stop;
use crate::http1::{Framing, HeadError, RequestHead, ResponseHead};
use crate::outcome::Reason;

#[cfg(test)]
mod tests;

/// Bytes that a backend's head may have.
const MAX_RESPONSE_HEAD: usize = 256 * 1024;

/// Why an exchange ended before the response did.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// The client closed or failed.
    DownstreamClosed,
    /// The client's body is invalid.
    BadRequest,
    /// The backend's connection failed; `None` is an orderly close.
    Upstream(Option<io::Error>),
    /// The backend sent what is no HTTP.
    UpstreamProtocol(String),
    /// A limit of time has run out.
    OutOfTime(Reason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Body,
    Tunnel,
}

/// The state of an exchange; it outlives the future that drives it, so that a time-out can tell how far it got.
pub(super) struct Exchange<'a> {
    pub(super) request_head: &'a RequestHead,
    pub(super) request: Pump,
    pub(super) response: Pump,
    pub(super) response_head: &'a mut ResponseHead,
    /// ResponseHeaderModifiers.
    pub(super) edits: Edits<'a>,
    /// Whether the client's connection ends with this response, as far as is known before it.
    pub(super) close: bool,
    /// Once it is given, responses say that the connection ends with them.
    pub(super) ending: Option<&'a Stop>,
    /// The protocols that the client was forwarded as asking for. Without them a 101 is an error.
    pub(super) upgrade: Option<&'a [u8]>,
    phase: Phase,
    /// Whether the response's body ends with the client's connection.
    until_close: bool,
    /// Whether a client that waits for leave to send its body may have got it.
    informed: bool,
    /// Whether no line of a head has ended since it was looked at: one that drips in is not read anew at every drop.
    unended: bool,
    /// Whether a head has been read since somebody asked.
    turned: bool,
    request_done: bool,
    request_refused: bool,
}

impl<'a> Exchange<'a> {
    /// An exchange whose request's head is in the output of `request`. `close` says that the client's connection is to
    /// end with the response.
    pub(super) fn new(
        request_head: &'a RequestHead,
        request: Pump,
        response: Pump,
        response_head: &'a mut ResponseHead,
        edits: Edits<'a>,
        close: bool,
    ) -> Self {
        Self {
            request_head,
            request,
            response,
            response_head,
            edits,
            close,
            ending: None,
            upgrade: None,
            phase: Phase::Head,
            until_close: false,
            informed: false,
            unended: false,
            turned: false,
            request_done: false,
            request_refused: false,
        }
    }

    /// Drives both directions until the response has ended, or the client has the head of a 101.
    pub(super) async fn run<D, U>(
        &mut self,
        down: &mut D,
        up: &mut U,
        watch: &mut Watch<'_>,
    ) -> Result<(), ExchangeError>
    where
        D: Downstream,
        U: AsyncRead + AsyncWrite + Unpin,
    {
        poll_fn(|cx| match self.poll(cx, Pin::new(&mut *down), Pin::new(&mut *up)) {
            Poll::Pending => {
                let (moved, party) = (self.has_moved(), self.waits_for());
                watch.poll(cx, moved, party).map(|reason| Err(ExchangeError::OutOfTime(reason)))
            }
            ended @ Poll::Ready(_) => ended,
        })
        .await
    }

    /// Whether a final response has begun, or an interim one is not whole: nothing else can be answered any more.
    pub(super) fn has_answered(&self) -> bool {
        self.phase != Phase::Head || !self.response.output.is_empty()
    }

    /// Whether the final response's head has been read: its status is known.
    pub(super) fn status(&self) -> Option<u16> {
        (self.phase != Phase::Head).then(|| self.response_head.status())
    }

    /// Whether both sides have gone over to another protocol.
    pub(super) fn is_tunnel(&self) -> bool {
        self.phase == Phase::Tunnel
    }

    /// Whether the client takes the end of its connection for the end of the response.
    pub(super) fn ends_with_connection(&self) -> bool {
        self.until_close
    }

    /// Whether anything has moved since this was asked last. Bytes of a response's head are nothing before it is whole.
    fn has_moved(&mut self) -> bool {
        let (request, response) = (self.request.take_stirred(), self.response.take_stirred());
        let turned = std::mem::take(&mut self.turned);
        request || turned || (response && self.phase != Phase::Head)
    }

    /// Whom it waits for. It may be several; the client comes first, since the backend may well be waiting for it, too.
    fn waits_for(&self) -> Party {
        let takes_nothing = self.response.is_writing() || (self.phase != Phase::Head && self.response.is_read());
        let sends_nothing = !self.request_done && !self.request.is_writing() && !self.waits_for_leave();
        match self.phase {
            _ if takes_nothing || sends_nothing => Party::Client,
            Phase::Head if self.request_done || self.waits_for_leave() => Party::Answer,
            _ => Party::Backend,
        }
    }

    /// Whether the client holds its body back until the backend says that it wants it (RFC 9110 section 10.1.1).
    fn waits_for_leave(&self) -> bool {
        self.request_head.expects_continue() && !self.informed && !self.request.is_writing() && self.request.moved == 0
    }

    /// Whether the whole request was taken from the client.
    pub(super) fn is_request_read(&self) -> bool {
        self.request.is_read()
    }

    /// Whether the backend's connection can take another request.
    pub(super) fn is_reusable(&self) -> bool {
        self.phase == Phase::Body
            && self.request_done
            && !self.request_refused
            && self.response_head.keep_alive()
            && self.response.is_read()
            && self.response.input.is_empty()
            && !self.response.is_over()
    }

    fn poll<D, U>(
        &mut self,
        cx: &mut Context<'_>,
        mut down: Pin<&mut D>,
        mut up: Pin<&mut U>,
    ) -> Poll<Result<(), ExchangeError>>
    where
        D: Downstream,
        U: AsyncRead + AsyncWrite,
    {
        if !self.request_done {
            match self.request.poll(cx, down.as_mut(), up.as_mut()) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.request_done = true,
                // The backend takes no more, but may have answered already, for example with a 413.
                Poll::Ready(Err(PumpError::Write)) => {
                    self.request_done = true;
                    self.request_refused = true;
                }
                Poll::Ready(Err(PumpError::Framing)) => return Poll::Ready(Err(ExchangeError::BadRequest)),
                Poll::Ready(Err(PumpError::Read(_) | PumpError::Truncated)) => {
                    return Poll::Ready(Err(ExchangeError::DownstreamClosed));
                }
            }
        }
        if self.request_done && !self.request_refused {
            // A client that leaves while it waits: its request is given up, and the backend with it.
            if down.poll_gone(cx, &mut self.request.input).is_ready() {
                return Poll::Ready(Err(ExchangeError::DownstreamClosed));
            }
        }
        while self.phase == Phase::Head {
            ready!(self.response.poll_output(cx, down.as_mut())).map_err(|_| ExchangeError::DownstreamClosed)?;
            if self.unended || !self.read_head(&mut *down)? {
                match ready!(self.response.poll_read(cx, up.as_mut())) {
                    Ok(0) => return Poll::Ready(Err(ExchangeError::Upstream(None))),
                    Ok(count) => {
                        let input = &self.response.input;
                        self.unended =
                            !input[input.len() - count..].contains(&b'\n') && input.len() < MAX_RESPONSE_HEAD;
                    }
                    Err(error) => return Poll::Ready(Err(ExchangeError::Upstream(Some(error)))),
                }
            }
        }
        if self.phase == Phase::Tunnel {
            return self.response.poll_output(cx, down).map_err(|_| ExchangeError::DownstreamClosed);
        }
        ready!(self.response.poll(cx, up, down.as_mut())).map_err(|error| match error {
            PumpError::Write => ExchangeError::DownstreamClosed,
            PumpError::Read(error) => ExchangeError::Upstream(Some(error)),
            PumpError::Truncated => ExchangeError::Upstream(None),
            PumpError::Framing => ExchangeError::UpstreamProtocol("an invalid chunked body".into()),
        })?;
        down.poll_finish(cx).map_err(|_| ExchangeError::DownstreamClosed)
    }

    /// Reads a head from what has come in, and writes it on. Returns whether there was one.
    fn read_head(&mut self, down: &mut impl Downstream) -> Result<bool, ExchangeError> {
        let to_head = self.request_head.method() == "HEAD";
        let protocol = |error: HeadError| ExchangeError::UpstreamProtocol(error.to_string());
        let parsed = self.response_head.parse(&self.response.input, to_head, MAX_RESPONSE_HEAD).map_err(protocol)?;
        let Some(length) = parsed else {
            return Ok(false);
        };
        bytes::Buf::advance(&mut self.response.input, length);
        self.turned = true;
        match self.response_head.status() {
            101 => self.begin_tunnel(down),
            100..=199 => {
                self.informed = true;
                down.inform(&mut self.response.output, self.request_head, &Interim(self.response_head));
                Ok(true)
            }
            _ => {
                self.begin_response(down, to_head);
                Ok(true)
            }
        }
    }

    /// "The 101 (Switching Protocols) status code indicates that the server understands and is willing to comply with the
    /// client's request, via the Upgrade header field" (RFC 9110 section 15.2.2): without one there is none.
    fn begin_tunnel(&mut self, down: &mut impl Downstream) -> Result<bool, ExchangeError> {
        let chosen = self.response_head.upgrade().unwrap_or_default();
        let wanted = self.upgrade.is_some_and(|offered| tunnel::accepts(offered, chosen));
        if !wanted || !self.request_done || self.request_refused {
            return Err(ExchangeError::UpstreamProtocol("a 101 that nobody asked for".into()));
        }
        let response = Switched { head: self.response_head, edits: self.edits, protocol: chosen };
        down.respond(&mut self.response.output, &response, false);
        self.phase = Phase::Tunnel;
        Ok(true)
    }

    fn begin_response(&mut self, down: &mut impl Downstream, to_head: bool) {
        let from = self.response_head.framing();
        let to = down.response_framing(from, self.request_head);
        // A client that has not sent all of its request when the answer begins may never do so.
        self.until_close = to == Framing::UntilClose;
        self.close |= self.until_close || !self.request.is_read() || self.ending.is_some_and(Stop::is_given);
        let response = Passed { head: self.response_head, to_head, framing: to, edits: self.edits, close: self.close };
        down.respond(&mut self.response.output, &response, from == Framing::None);
        self.response.begin(from, to);
        self.phase = Phase::Body;
    }
}
