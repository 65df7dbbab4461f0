//! Forwarding: a request on its way to a backend, in one attempt or, where a pooled connection turns out to be dead, in
//! several.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::time::{Instant, timeout_at};

use super::answer;
use super::dispatch::{Next, Request};
use super::downstream::Downstream;
use super::exchange::{Exchange, ExchangeError};
use super::head::{Edits, Forwarded};
use super::pump::Pump;
use super::worker::{Scratch, Worker};
use crate::http1::Framing;
use crate::outcome::Reason;
use crate::plan::filter::Filters;
use crate::plan::rule::Timeouts;
use crate::plan::{Backend, Rule};
use crate::telemetry::CloseReason;
use crate::upstream::UpstreamFailure;

/// Times that a request without effects is sent again because a pooled connection had died.
const RETRIES: usize = 2;

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
    fn write_head(&self, scratch: &mut Scratch, worker: &Worker) {
        let rewrites = [&self.filters.rewrite, &self.rule.filters.rewrite];
        let hostname = rewrites.iter().find_map(|rewrite| rewrite.as_ref()?.hostname.as_ref());
        let path = rewrites.iter().find_map(|rewrite| rewrite.as_ref()?.path.as_ref());
        let head = &scratch.head;
        let rewritten = path.map(|path| {
            let mut target = path.apply(scratch.path());
            if let Some(query) = head.query() {
                target.push('?');
                target.push_str(query);
            }
            target
        });
        let id = u128::from(worker.random()) << 64 | u128::from(worker.random());
        scratch.request_output.clear();
        Forwarded {
            head,
            target: rewritten.as_deref().unwrap_or(head.path_and_query()),
            hostname: hostname.map(http::HeaderValue::as_bytes),
            edits: Edits([&self.rule.filters.request_headers, &self.filters.request_headers]),
            client: self.peer.ip().to_canonical(),
            trusted: worker.settings.trusted_hops.contains(self.peer.ip()),
            scheme: self.scheme,
            id,
        }
        .write(&mut scratch.request_output);
    }
}

impl<'p> Request<'p> {
    /// Forwards to a backend, and again if a pooled connection turns out to be dead.
    pub(super) async fn forward(
        &mut self,
        down: &mut impl Downstream,
        way: &Way<'p>,
        scratch: &mut Scratch,
        worker: &Worker,
        began: Instant,
    ) {
        let mut tries = 0;
        loop {
            let deadline = Deadline::of(way.rule.timeouts, began);
            let end = self.attempt(down, way, scratch, worker, deadline).await;
            tries += 1;
            match end {
                End::Answered => return,
                End::Stale if tries <= RETRIES => {}
                End::Stale => return self.answer(down, scratch, worker, Reason::UpstreamClosed).await,
                End::Failed(failure) => {
                    self.detail = failure.message;
                    self.endpoint = failure.endpoint.or(self.endpoint);
                    let body = answer::body(failure.reason, failure.certificate_error);
                    let status = answer::status(failure.reason);
                    return self.answer_with(down, scratch, worker, failure.reason, status, &[], &body, None).await;
                }
                End::Cut(reason, detail) => {
                    (self.reason, self.detail, self.next) = (reason, detail, Next::Close);
                    return;
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        down: &mut impl Downstream,
        way: &Way<'p>,
        scratch: &mut Scratch,
        worker: &Worker,
        deadline: Option<Deadline>,
    ) -> End {
        let acquired = within(deadline, worker.upstreams.acquire(way.backend)).await;
        let mut upstream = match acquired {
            Ok(Ok(upstream)) => upstream,
            Ok(Err(failure)) => return End::Failed(failure),
            Err(reason) => return End::Failed(out_of_time(reason, None)),
        };
        self.endpoint = Some(upstream.endpoint());
        self.upstream = Some(upstream.info().clone());
        way.write_head(scratch, worker);
        let Scratch { input, request_output, response_input, response_output, head, response_head, .. } = scratch;
        let framing = head.framing();
        let take = std::mem::take::<BytesMut>;
        let close = !head.keep_alive() || self.closing || worker.stop.is_given();
        let mut exchange = Exchange::new(
            head,
            Pump::new(take(input), take(request_output), down.request_framing(head), framing),
            Pump::new(take(response_input), take(response_output), Framing::Length(1), Framing::Length(1)),
            response_head,
            Edits([&way.rule.filters.response_headers, &way.filters.response_headers]),
            close,
        );
        let result = within(deadline, exchange.run(down, &mut upstream)).await;
        self.status = exchange.status().unwrap_or(0);
        let (answered, responded) = (exchange.has_answered(), exchange.has_response());
        let (whole, reusable, close) = (exchange.is_request_read(), exchange.is_reusable(), exchange.close);
        let Exchange { mut request, mut response, .. } = exchange;
        request.forget_unwritten();
        self.body_read = Some(whole);
        (self.received, self.sent) = (request.moved, response.moved);
        response.input.clear();
        response.output.clear();
        (scratch.input, scratch.request_output) = (request.input, request.output);
        (scratch.response_input, scratch.response_output) = (response.input, response.output);
        let error = match result {
            Ok(Ok(())) => {
                if reusable {
                    upstream.release();
                } else {
                    upstream.discard(CloseReason::Peer);
                }
                self.next = match (close, whole) {
                    (_, false) => Next::Linger,
                    (true, true) => Next::Close,
                    (false, true) => Next::Read,
                };
                return End::Answered;
            }
            Ok(Err(error)) => error,
            Err(reason) => {
                let endpoint = Some(upstream.endpoint());
                upstream.discard(CloseReason::Error);
                return if answered {
                    End::Cut(reason, String::new())
                } else {
                    End::Failed(out_of_time(reason, endpoint))
                };
            }
        };
        let (failure, stale) = match error {
            ExchangeError::DownstreamClosed => {
                upstream.discard(CloseReason::Error);
                return End::Cut(Reason::DownstreamClosed, String::new());
            }
            ExchangeError::BadRequest => {
                let reason = Reason::BadRequest;
                (failure(reason, "an invalid chunked body", upstream.endpoint()), false)
            }
            ExchangeError::UpstreamProtocol(message) => {
                (failure(Reason::UpstreamProtocol, &message, upstream.endpoint()), false)
            }
            ExchangeError::Upstream(error) => {
                let error = error.unwrap_or_else(|| std::io::ErrorKind::UnexpectedEof.into());
                let failure = upstream.read_failure(&error);
                let stale = upstream.is_reused()
                    && !responded
                    && failure.reason == Reason::UpstreamClosed
                    && framing == Framing::None
                    && scratch.head.is_idempotent();
                (failure, stale)
            }
        };
        upstream.discard(if stale { CloseReason::Peer } else { CloseReason::Error });
        match (answered, stale) {
            (true, _) => End::Cut(failure.reason, failure.message),
            (false, true) => End::Stale,
            (false, false) => End::Failed(failure),
        }
    }
}

/// How an attempt on a backend ended.
enum End {
    /// The client has the whole response.
    Answered,
    /// A pooled connection was dead; the request can be sent again.
    Stale,
    /// Nothing has gone to the client yet.
    Failed(UpstreamFailure),
    /// A part of a response has.
    Cut(Reason, String),
}

/// The nearer of a rule's time-outs.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Instant,
    reason: Reason,
}

impl Deadline {
    fn of(timeouts: Timeouts, began: Instant) -> Option<Self> {
        let request = timeouts.request.map(|limit| Self { at: began + limit, reason: Reason::RequestTimeout });
        let attempt = timeouts
            .backend_request
            .map(|limit| Self { at: Instant::now() + limit, reason: Reason::BackendRequestTimeout });
        request.into_iter().chain(attempt).min_by_key(|deadline| deadline.at)
    }
}

/// Runs within a deadline, if there is one.
async fn within<F: Future>(deadline: Option<Deadline>, future: F) -> Result<F::Output, Reason> {
    match deadline {
        None => Ok(future.await),
        Some(deadline) => timeout_at(deadline.at, future).await.map_err(|_| deadline.reason),
    }
}

fn out_of_time(reason: Reason, endpoint: Option<SocketAddr>) -> UpstreamFailure {
    UpstreamFailure { reason, certificate_error: None, message: "the rule's time-out".into(), endpoint }
}

fn failure(reason: Reason, message: &str, endpoint: SocketAddr) -> UpstreamFailure {
    UpstreamFailure { reason, certificate_error: None, message: message.into(), endpoint: Some(endpoint) }
}
