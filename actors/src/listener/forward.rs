//! Forwarding: a request on its way to a backend, in one attempt or, where a connection turns out to be dead and nothing is
//! lost by it, in several.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::time::{Instant, timeout_at};

use super::answer;
use super::client::Client;
use super::dispatch::{Next, Request};
use super::downstream::Downstream;
use super::exchange::{Exchange, ExchangeError};
use super::head::{Edits, Forwarded, RequestId, hexadecimal};
use super::patience::{Deadline, Patience, Watch};
use super::pump::Pump;
use super::tunnel::{Broken, Tunnel};
use super::worker::Scratch;
use crate::http1::{Framing, RequestHead};
use crate::outcome::Reason;
use crate::plan::filter::{FilterPair, Filters};
use crate::plan::{Backend, Rule};
use crate::telemetry::{CloseReason, Retry};
use crate::upstream::{Repeat, UpstreamConnection, UpstreamFailure};

/// Times that a request of which not a byte was written is sent again: every connection of a pool may be dead.
const UNWRITTEN_RETRIES: usize = 4;

/// The way that a request goes to a backend.
pub(super) struct Way<'p> {
    pub(super) rule: &'p Rule,
    /// Those of the backendRef.
    pub(super) filters: &'p Filters,
    pub(super) backend: &'p Arc<Backend>,
    /// As the client spoke.
    pub(super) scheme: &'static str,
    pub(super) peer: SocketAddr,
}

impl Way<'_> {
    /// RequestHeaderModifiers.
    fn request_edits(&self) -> Edits<'_> {
        Edits([&self.rule.filters.request_headers, &self.filters.request_headers])
    }

    /// The protocols to which the request asks to go over, where they are forwarded.
    fn upgrade<'h>(&self, down: &impl Downstream, head: &'h RequestHead) -> Option<&'h [u8]> {
        head.upgrade().filter(|_| down.can_upgrade() && self.request_edits().keeps(b"upgrade", 0))
    }

    /// Writes the head as the backend gets it; `id` names the request.
    fn write_head(&self, down: &impl Downstream, scratch: &mut Scratch, client: &Client, id: RequestId) {
        let head = &scratch.head;
        let filters = FilterPair { rule: &self.rule.filters, reference: self.filters };
        let rewritten = filters.target(scratch.path(), head.query());
        scratch.request_output.clear();
        Forwarded {
            head,
            target: rewritten.as_deref().unwrap_or(head.path_and_query()),
            host: filters.host().map(http::HeaderValue::as_bytes),
            edits: self.request_edits(),
            upgrade: self.upgrade(down, head),
            client: self.peer.ip().to_canonical(),
            trusted: client.is_trusted(),
            scheme: self.scheme,
            id,
        }
        .write(&mut scratch.request_output);
    }
}

impl<'p> Request<'p> {
    /// Forwards to a backend, and again where that harms nobody: "A proxy MUST NOT automatically retry a request with a
    /// non-idempotent method" unless it knows that the request was never applied (RFC 9110 section 9.2.2).
    pub(super) async fn forward(
        &mut self,
        down: &mut impl Downstream,
        way: &Way<'p>,
        scratch: &mut Scratch,
        client: &Client,
        began: Instant,
    ) {
        let worker = &client.worker;
        let id = hexadecimal(u128::from(worker.random()) << 64 | u128::from(worker.random()));
        self.id = Some(id);
        let repeatable = scratch.head.framing() == Framing::None && scratch.head.is_idempotent();
        let (mut unwritten, mut stale, mut kept) = (0, false, None);
        let failure = loop {
            let deadline = Deadline::of(way.rule.timeouts, began);
            let repeat = if repeatable && !stale { Repeat::Possible } else { Repeat::Impossible };
            match self.attempt(down, way, scratch, client, deadline, repeat, id, &mut kept).await {
                End::Answered => return,
                End::Again(why, failure) => {
                    match why {
                        Retry::Unwritten if unwritten == UNWRITTEN_RETRIES => break failure,
                        Retry::Unwritten => unwritten += 1,
                        Retry::Stale => stale = true,
                    }
                    worker.observer.retried(&way.backend.id, why);
                }
                End::Failed(failure) => break failure,
                End::Cut(reason, detail) => {
                    (self.reason, self.detail) = (reason, detail);
                    return;
                }
            }
        };
        if let Some(request) = kept {
            put_back(scratch, request);
        }
        self.detail = failure.message;
        self.endpoint = failure.endpoint.or(self.endpoint);
        let body = answer::body(failure.reason, failure.certificate_error);
        let status = answer::status(failure.reason);
        self.answer_with(down, scratch, client, failure.reason, status, &[], &body, None).await;
    }

    /// One attempt. A request of which nothing was written is `kept` for the next one, with what has come in of its body.
    #[expect(clippy::too_many_arguments, reason = "the parts of one attempt")]
    async fn attempt(
        &mut self,
        down: &mut impl Downstream,
        way: &Way<'p>,
        scratch: &mut Scratch,
        client: &Client,
        deadline: Option<Deadline>,
        repeat: Repeat,
        id: RequestId,
        kept: &mut Option<Pump>,
    ) -> End {
        let worker = &*client.worker;
        let acquired = within(deadline, worker.upstreams.acquire_for(way.backend, repeat)).await;
        let mut upstream = match acquired {
            Ok(Ok(upstream)) => upstream,
            Ok(Err(failure)) => return End::Failed(failure),
            Err(reason) => return End::Failed(out_of_time(reason, None)),
        };
        self.endpoint = Some(upstream.endpoint());
        self.upstream = Some(upstream.info().clone());
        let take = std::mem::take::<BytesMut>;
        let framing = scratch.head.framing();
        let request = kept.take().unwrap_or_else(|| {
            way.write_head(down, scratch, client, id);
            let from = down.request_framing(&scratch.head);
            Pump::new(take(&mut scratch.input), take(&mut scratch.request_output), from, framing)
        });
        let Scratch { response_input, response_output, head, response_head, alarm, .. } = scratch;
        let mut exchange = Exchange::new(
            head,
            request,
            Pump::new(take(response_input), take(response_output), Framing::Length(1), Framing::Length(1)),
            response_head,
            Edits([&way.rule.filters.response_headers, &way.filters.response_headers]),
            !head.keep_alive(),
        );
        exchange.ending = Some(&client.port.ending);
        exchange.upgrade = way.upgrade(down, head);
        let patience = Patience::new(&worker.settings, way.rule.timeouts, deadline);
        let result = exchange.run(down, &mut upstream, &mut Watch::new(alarm, patience)).await;
        self.status = exchange.status().unwrap_or(0);
        let answered = exchange.has_answered();
        let (whole, reusable, close) = (exchange.is_request_read(), exchange.is_reusable(), exchange.close);
        let (tunnel, until_close) = (exchange.is_tunnel(), exchange.ends_with_connection());
        let Exchange { request, mut response, .. } = exchange;
        self.body_read = Some(whole);
        (self.received, self.sent) = (request.moved, response.moved);
        if tunnel && result.is_ok() {
            let tunnel = Tunnel::new(request.input, response.input);
            return self.tunnel(down, upstream, tunnel, scratch, client).await;
        }
        response.input.clear();
        response.output.clear();
        (scratch.response_input, scratch.response_output) = (response.input, response.output);
        let unwritten = !request.wrote && !upstream.has_sent();
        let Err(error) = result else {
            put_back(scratch, request);
            if reusable {
                upstream.release();
            } else {
                upstream.discard(CloseReason::Peer);
            }
            self.next = match (close, whole) {
                (_, false) => Next::Linger,
                // What the client sent after it must not cost it the response (RFC 9112 section 9.6).
                (true, true) if !scratch.input.is_empty() => Next::Linger,
                (true, true) => Next::Close,
                (false, true) => Next::Read,
            };
            return End::Answered;
        };
        let endpoint = upstream.endpoint();
        let (failure, again) = match error {
            ExchangeError::DownstreamClosed => {
                put_back(scratch, request);
                upstream.discard(CloseReason::Error);
                self.next = Next::Close;
                return End::Cut(Reason::DownstreamClosed, String::new());
            }
            ExchangeError::OutOfTime(reason) => (out_of_time(reason, Some(endpoint)), None),
            ExchangeError::BadRequest => (failure(Reason::AmbiguousFraming, "an invalid chunked body", endpoint), None),
            ExchangeError::UpstreamProtocol(message) => (failure(Reason::UpstreamProtocol, &message, endpoint), None),
            ExchangeError::Upstream(error) => {
                let error = error.unwrap_or_else(|| std::io::ErrorKind::UnexpectedEof.into());
                let failure = upstream.read_failure(&error);
                let stale = upstream.is_reused() && repeat == Repeat::Possible;
                let lost = failure.reason == Reason::UpstreamClosed && !upstream.has_received();
                let why = if unwritten { Some(Retry::Unwritten) } else { stale.then_some(Retry::Stale) };
                (failure, why.filter(|_| lost))
            }
        };
        upstream.discard(if again.is_some() { CloseReason::Peer } else { CloseReason::Error });
        if again == Some(Retry::Unwritten) {
            *kept = Some(request);
        } else {
            put_back(scratch, request);
        }
        match again {
            _ if answered => {
                self.next = if until_close { Next::Reset } else { Next::Close };
                End::Cut(failure.reason, failure.message)
            }
            Some(why) => End::Again(why, failure),
            None => End::Failed(failure),
        }
    }

    /// Carries what comes after a 101.
    async fn tunnel(
        &mut self,
        down: &mut impl Downstream,
        mut upstream: UpstreamConnection,
        mut tunnel: Tunnel,
        scratch: &mut Scratch,
        client: &Client,
    ) -> End {
        let (idle, cut) = (client.worker.settings.tunnel_timeout, &client.worker.cut);
        let result = tunnel.run(down, &mut upstream, &mut scratch.alarm, idle, cut).await;
        (self.received, self.sent) = (tunnel.to_backend.moved, tunnel.to_client.moved);
        upstream.discard(CloseReason::Peer);
        self.next = Next::Close;
        let Err(broken) = result else { return End::Answered };
        let (reason, detail) = match broken {
            Broken::Client(error) => (Reason::DownstreamClosed, error.to_string()),
            Broken::Backend(error) => {
                self.next = Next::Reset;
                (Reason::UpstreamClosed, error.to_string())
            }
            Broken::Idle => (Reason::DownstreamTimeout, format!("not a byte in either direction for {idle:?}")),
            Broken::Cut => (Reason::None, "the time to drain is over".into()),
        };
        End::Cut(reason, detail)
    }
}

/// Gives the buffers of a request back. What it has read and not used is the beginning of the client's next request.
fn put_back(scratch: &mut Scratch, mut request: Pump) {
    request.forget_unwritten();
    (scratch.input, scratch.request_output) = (request.input, request.output);
}

/// How an attempt on a backend ended.
enum End {
    /// The client has the whole response.
    Answered,
    /// The request can be sent again.
    Again(Retry, UpstreamFailure),
    /// Nothing has gone to the client yet.
    Failed(UpstreamFailure),
    /// A part of a response has.
    Cut(Reason, String),
}

/// Runs within a deadline, if there is one.
async fn within<F: Future>(deadline: Option<Deadline>, future: F) -> Result<F::Output, Reason> {
    match deadline {
        None => Ok(future.await),
        Some(deadline) => timeout_at(deadline.at, future).await.map_err(|_| deadline.reason),
    }
}

fn out_of_time(reason: Reason, endpoint: Option<SocketAddr>) -> UpstreamFailure {
    let message = match reason {
        Reason::BodyTimeout => "the client stalled",
        Reason::ResponseTimeout => "the backend did not answer in time",
        Reason::UpstreamTimeout => "the backend stalled",
        _ => "the rule's time-out",
    };
    UpstreamFailure { reason, certificate_error: None, message: message.into(), endpoint }
}

fn failure(reason: Reason, message: &str, endpoint: SocketAddr) -> UpstreamFailure {
    UpstreamFailure { reason, certificate_error: None, message: message.into(), endpoint: Some(endpoint) }
}
