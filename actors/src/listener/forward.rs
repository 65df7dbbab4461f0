//! One request: which listener, rule and backend take it, what is done with it, and what is told of it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use http::header::HeaderName;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::answer;
use super::connection::Connection;
use super::exchange::{Exchange, ExchangeError};
use super::head::{Edits, Forwarded};
use super::pump::Pump;
use super::stream::Stream;
use super::worker::{Scratch, Worker};
use crate::http1::{BodyDecoder, Framing, RequestHead};
use crate::outcome::Reason;
use crate::plan::filter::{Filters, HeaderEdits, Redirect};
use crate::plan::rule::{Target, Timeouts, WeightedBackend};
use crate::plan::{Action, Backend, BackendId, Listener, Poison, Port, RequestParts, Rule};
use crate::telemetry::{CloseReason, RequestRecord, TlsInfo};
use crate::upstream::UpstreamFailure;

/// Times that a request without effects is sent again because a pooled connection had died.
const RETRIES: usize = 2;

/// What becomes of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It may send another request.
    Read,
    /// It is closed.
    Close,
    /// It is closed while the client may still be sending.
    Linger,
}

/// What is known of a request while and after it is served.
pub(super) struct Request<'p> {
    listener: &'p str,
    route: &'p str,
    backend: Option<&'p BackendId>,
    endpoint: Option<SocketAddr>,
    status: u16,
    reason: Reason,
    detail: String,
    tls: Option<TlsInfo>,
    received: u64,
    sent: u64,
    next: Next,
}

impl<'p> Request<'p> {
    /// Serves the request whose head is in `scratch`.
    pub(super) async fn serve(connection: &mut Connection, scratch: &mut Scratch) -> Next {
        let began = Instant::now();
        let port = connection.port.current();
        let worker = connection.worker.clone();
        let _in_flight = InFlight::begin(&worker, &port.gateway);
        let mut request = Request {
            listener: "",
            route: "",
            backend: None,
            endpoint: None,
            status: 0,
            reason: Reason::None,
            detail: String::new(),
            tls: None,
            received: 0,
            sent: 0,
            next: Next::Close,
        };
        request.dispatch(connection, &port, scratch, began).await;
        let head = &scratch.head;
        worker.observer.request(&RequestRecord {
            gateway: &port.gateway,
            listener: request.listener,
            route: request.route,
            backend: request.backend,
            endpoint: request.endpoint,
            client: connection.peer,
            method: head.method(),
            scheme: port.protocol.scheme(),
            host: head.authority(),
            target: head.target(),
            version: if head.is_http10() { "HTTP/1.0" } else { "HTTP/1.1" },
            status: request.status,
            reason: request.reason,
            detail: &request.detail,
            duration: began.elapsed(),
            received: request.received,
            sent: request.sent,
            upstream_tls: request.tls.as_ref(),
        });
        request.next
    }

    async fn dispatch(&mut self, connection: &mut Connection, port: &'p Port, scratch: &mut Scratch, began: Instant) {
        let Connection { stream, peer, sni, worker, .. } = connection;
        normalize_host(scratch.head.authority(), &mut scratch.host);
        let Some(listener) = port.listeners.find(&scratch.host) else {
            return self.answer(stream, scratch, worker, Reason::NoListener).await;
        };
        self.listener = &listener.name;
        // A client may reuse a connection only for hosts that the listener of its SNI serves (RFC 9110 section 7.4).
        let misdirected = |sni: &String| !port.listeners.find(sni).is_some_and(|other| Arc::ptr_eq(other, listener));
        if sni.as_ref().is_some_and(misdirected) {
            return self.answer(stream, scratch, worker, Reason::Misdirected).await;
        }
        let Some(rule) = find(listener, scratch) else {
            return self.answer(stream, scratch, worker, Reason::NoRoute).await;
        };
        self.route = &rule.route;
        match &rule.action {
            Action::Redirect(redirect) => {
                self.redirect(stream, port, &rule.filters.response_headers, redirect, scratch, worker).await;
            }
            Action::Fail(poison) => self.poisoned(stream, scratch, worker, poison).await,
            Action::Forward(backends) => match backends.pick(worker.random()) {
                None => {
                    "the rule has no backendRef with a weight".clone_into(&mut self.detail);
                    self.answer(stream, scratch, worker, Reason::BackendInvalid).await;
                }
                Some(WeightedBackend { target: Target::Unusable(poison), .. }) => {
                    self.poisoned(stream, scratch, worker, poison).await;
                }
                Some(WeightedBackend { target: Target::Backend(backend), filters, .. }) => {
                    self.backend = Some(&backend.id);
                    let way = Way { rule, filters, backend, scheme: port.protocol.scheme(), peer: *peer };
                    self.forward(stream, &way, scratch, worker, began).await;
                }
            },
        }
    }

    /// Forwards to a backend, and again if a pooled connection turns out to be dead.
    async fn forward(
        &mut self,
        stream: &mut Stream,
        way: &Way<'p>,
        scratch: &mut Scratch,
        worker: &Worker,
        began: Instant,
    ) {
        let mut tries = 0;
        loop {
            let deadline = Deadline::of(way.rule.timeouts, began);
            let end = self.attempt(stream, way, scratch, worker, deadline).await;
            tries += 1;
            match end {
                End::Answered => return,
                End::Stale if tries <= RETRIES => {}
                End::Stale => return self.answer(stream, scratch, worker, Reason::UpstreamClosed).await,
                End::Failed(failure) => {
                    self.detail = failure.message;
                    self.endpoint = failure.endpoint.or(self.endpoint);
                    let body = answer::body(failure.reason, failure.certificate_error);
                    let status = answer::status(failure.reason);
                    return self.answer_with(stream, scratch, worker, failure.reason, status, &[], &body, None).await;
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
        stream: &mut Stream,
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
        self.tls.clone_from(&upstream.info().tls);
        way.write_head(scratch, worker);
        let Scratch { input, request_output, response_input, response_output, head, response_head, .. } = scratch;
        let framing = head.framing();
        let take = std::mem::take::<BytesMut>;
        let close = !head.keep_alive() || worker.stop.is_given();
        let mut exchange = Exchange::new(
            head,
            Pump::new(take(input), take(request_output), framing, framing),
            Pump::new(take(response_input), take(response_output), Framing::Length(1), Framing::Length(1)),
            response_head,
            Edits([&way.rule.filters.response_headers, &way.filters.response_headers]),
            close,
        );
        let result = within(deadline, exchange.run(stream, &mut upstream)).await;
        self.status = exchange.status().unwrap_or(0);
        let (answered, responded) = (exchange.has_answered(), exchange.has_response());
        let (whole, reusable, close) = (exchange.is_request_read(), exchange.is_reusable(), exchange.close);
        let Exchange { request, mut response, .. } = exchange;
        (self.received, self.sent) = (request.moved, response.moved);
        response.input.clear();
        response.output.clear();
        let mut leftover = request.output;
        leftover.clear();
        (scratch.input, scratch.request_output) = (request.input, leftover);
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

    async fn redirect(
        &mut self,
        stream: &mut Stream,
        port: &Port,
        edits: &HeaderEdits,
        redirect: &Redirect,
        scratch: &mut Scratch,
        worker: &Worker,
    ) {
        let head = &scratch.head;
        let location = redirect.location(port.protocol, port.port, &scratch.host, head.path(), head.query());
        let status = redirect.status.as_u16();
        let fields = [("location", location.as_str())];
        self.answer_with(stream, scratch, worker, Reason::None, status, &fields, "", Some(edits)).await;
    }

    async fn poisoned(&mut self, stream: &mut Stream, scratch: &mut Scratch, worker: &Worker, poison: &Poison) {
        self.detail = poison.message.to_string();
        self.answer(stream, scratch, worker, poison.reason).await;
    }

    async fn answer(&mut self, stream: &mut Stream, scratch: &mut Scratch, worker: &Worker, reason: Reason) {
        let (status, body) = (answer::status(reason), answer::body(reason, None));
        self.answer_with(stream, scratch, worker, reason, status, &[], &body, None).await;
    }

    /// Answers in our own name. The connection stays if the whole request has come in already.
    #[expect(clippy::too_many_arguments, reason = "the parts of one response")]
    async fn answer_with(
        &mut self,
        stream: &mut Stream,
        scratch: &mut Scratch,
        worker: &Worker,
        reason: Reason,
        status: u16,
        fields: &[(&str, &str)],
        body: &str,
        edits: Option<&HeaderEdits>,
    ) {
        let whole = skip_body(&scratch.head, &mut scratch.input);
        let close = !whole || !scratch.head.keep_alive() || worker.stop.is_given();
        let to_head = scratch.head.method() == "HEAD";
        let out = &mut scratch.response_output;
        out.clear();
        answer::write(out, status, fields, body, edits, to_head, close);
        let written = stream.write_all(out).await.is_ok() && stream.flush().await.is_ok();
        out.clear();
        (self.reason, self.status) = (reason, status);
        self.next = match (written, close, whole) {
            (false, ..) => Next::Close,
            (true, true, false) => Next::Linger,
            (true, true, true) => Next::Close,
            (true, false, _) => Next::Read,
        };
        if written && !to_head {
            self.sent = body.len() as u64;
        }
    }
}

/// The way that a request goes to a backend.
struct Way<'p> {
    rule: &'p Rule,
    filters: &'p Filters,
    backend: &'p Arc<Backend>,
    scheme: &'static str,
    peer: SocketAddr,
}

impl Way<'_> {
    fn write_head(&self, scratch: &mut Scratch, worker: &Worker) {
        let rewrites = [&self.filters.rewrite, &self.rule.filters.rewrite];
        let hostname = rewrites.iter().find_map(|rewrite| rewrite.as_ref()?.hostname.as_ref());
        let path = rewrites.iter().find_map(|rewrite| rewrite.as_ref()?.path.as_ref());
        let head = &scratch.head;
        let rewritten = path.map(|path| {
            let mut target = path.apply(head.path());
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
            scheme: self.scheme,
            id,
        }
        .write(&mut scratch.request_output);
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

fn find<'p>(listener: &'p Listener, scratch: &Scratch) -> Option<&'p Arc<Rule>> {
    let parts = Parts(&scratch.head);
    listener.routes.candidates(&scratch.host).find_map(|table| table.find(&parts))
}

/// A head as the plan matches it.
struct Parts<'a>(&'a RequestHead);

impl RequestParts for Parts<'_> {
    fn method(&self) -> &str {
        self.0.method()
    }

    fn path(&self) -> &str {
        self.0.path()
    }

    fn query(&self) -> Option<&str> {
        self.0.query()
    }

    fn header(&self, name: &HeaderName, index: usize) -> Option<&[u8]> {
        self.0.fields().values(name.as_str()).nth(index)
    }
}

/// The host of an authority as listeners and routes are matched: in lower case, without the port (the port of a `Host`
/// field never counts), without the dot that ends a fully qualified name.
fn normalize_host(authority: &str, host: &mut String) {
    let end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').map_or(authority.len(), |bracket| bracket + 1),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let name = &authority[..end];
    host.clear();
    host.push_str(name.strip_suffix('.').unwrap_or(name));
    host.make_ascii_lowercase();
}

/// Skips a request's body as far as it has come in. Returns whether that was all of it.
fn skip_body(head: &RequestHead, input: &mut BytesMut) -> bool {
    let mut decoder = BodyDecoder::new(head.framing());
    while !decoder.is_done() {
        match decoder.decode(input) {
            Ok((0, 0)) | Err(_) => return false,
            Ok((skip, data)) => bytes::Buf::advance(input, skip + data),
        }
    }
    true
}

/// Counts a request that is under way, however it ends.
struct InFlight<'a> {
    worker: &'a Worker,
    gateway: &'a str,
}

impl<'a> InFlight<'a> {
    fn begin(worker: &'a Worker, gateway: &'a str) -> Self {
        worker.observer.request_in_flight(gateway, true);
        Self { worker, gateway }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.worker.observer.request_in_flight(self.gateway, false);
    }
}

#[cfg(test)]
mod tests {
    use super::normalize_host;

    #[test]
    fn a_host_is_matched_without_port_and_case() {
        for (authority, expected) in [
            ("Example.com:8080", "example.com"),
            ("example.com", "example.com"),
            ("example.com.", "example.com"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            let mut host = String::from("before");
            normalize_host(authority, &mut host);
            assert_eq!(host, expected, "{authority}");
        }
    }
}
