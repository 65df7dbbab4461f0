//! One request: which listener, rule and backend take it, what is done with it, and what is told of it.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use http::header::HeaderName;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::answer;
use super::client::Client;
use super::downstream::Downstream;
use super::forward::Way;
use super::head::{RequestId, request_id};
use super::response::Own;
use super::worker::{Scratch, Worker};
use crate::http1::{BodyDecoder, RequestHead};
use crate::outcome::Reason;
use crate::plan::filter::{HeaderEdits, Redirect};
use crate::plan::hosts::normalize_host;
use crate::plan::rule::{Target, WeightedBackend};
use crate::plan::{Action, BackendId, Listener, Poison, Port, RequestParts, Rule};
use crate::telemetry::RequestRecord;
use crate::upstream::ConnectionInfo;

/// What becomes of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It may send another request.
    Read,
    /// It is closed.
    Close,
    /// It is closed while the client may still be sending.
    Linger,
    /// It is reset: a response that its end would make whole was cut.
    Reset,
}

/// What is known of a request while and after it is served.
pub(super) struct Request<'p> {
    listener: &'p str,
    route: &'p str,
    backend: Option<&'p BackendId>,
    /// Its name, once it is to be forwarded.
    pub(super) id: Option<RequestId>,
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) status: u16,
    pub(super) reason: Reason,
    pub(super) detail: String,
    pub(super) upstream: Option<Rc<ConnectionInfo>>,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) next: Next,
    /// Once an exchange has read of the body: whether all of it. What is left is then no place to begin reading it.
    pub(super) body_read: Option<bool>,
}

impl<'p> Request<'p> {
    /// Serves the request whose head is in `scratch`.
    pub(super) async fn serve(client: &Client, down: &mut impl Downstream, scratch: &mut Scratch) -> Next {
        let began = Instant::now();
        let port = client.port.current();
        let worker = &*client.worker;
        let _in_flight = InFlight::begin(worker, &port.gateway);
        let mut request = Request {
            listener: "",
            route: "",
            backend: None,
            id: None,
            endpoint: None,
            status: 0,
            reason: Reason::None,
            detail: String::new(),
            upstream: None,
            received: 0,
            sent: 0,
            next: Next::Close,
            body_read: None,
        };
        request.dispatch(client, down, &port, scratch, began).await;
        let head = &scratch.head;
        worker.observer.request(&RequestRecord {
            gateway: &port.gateway,
            listener: request.listener,
            route: request.route,
            backend: request.backend,
            endpoint: request.endpoint,
            client: client.peer,
            method: head.method(),
            scheme: port.protocol.scheme(),
            host: head.authority(),
            target: head.target(),
            version: down.version(head),
            status: request.status,
            reason: request.reason,
            detail: &request.detail,
            duration: began.elapsed(),
            received: request.received,
            sent: request.sent,
            upstream_tls: request.upstream.as_ref().and_then(|info| info.tls.as_ref()),
            request_id: request.id.as_ref().map_or("", |id| short(request_id(head, client.is_trusted(), id))),
            traceparent: traceparent(head),
        });
        request.next
    }

    async fn dispatch(
        &mut self,
        client: &Client,
        down: &mut impl Downstream,
        port: &'p Port,
        scratch: &mut Scratch,
        began: Instant,
    ) {
        let Client { peer, sni, worker, .. } = client;
        normalize_host(scratch.head.authority(), &mut scratch.host);
        let Some(listener) = port.listeners.find(&scratch.host) else {
            return self.answer(down, scratch, client, Reason::NoListener).await;
        };
        self.listener = &listener.name;
        // A client may reuse a connection only for hosts that the listener of its SNI serves (RFC 9110 section 7.4).
        let misdirected = |sni: &String| !port.listeners.find(sni).is_some_and(|other| Arc::ptr_eq(other, listener));
        if sni.as_ref().is_some_and(misdirected) {
            return self.answer(down, scratch, client, Reason::Misdirected).await;
        }
        if let Err(error) = scratch.normalize_path() {
            self.detail = error.to_string();
            return self.answer(down, scratch, client, Reason::BadRequest).await;
        }
        let Some(rule) = find(listener, scratch) else {
            return self.answer(down, scratch, client, Reason::NoRoute).await;
        };
        self.route = &rule.route;
        match &rule.action {
            Action::Redirect(redirect) => {
                self.redirect(down, port, &rule.filters.response_headers, redirect, scratch, client).await;
            }
            Action::Fail(poison) => self.poisoned(down, scratch, client, poison).await,
            Action::Forward(backends) => match backends.pick(worker.random()) {
                None => {
                    "the rule has no backendRef with a weight".clone_into(&mut self.detail);
                    self.answer(down, scratch, client, Reason::BackendInvalid).await;
                }
                Some(WeightedBackend { target: Target::Unusable(poison), .. }) => {
                    self.poisoned(down, scratch, client, poison).await;
                }
                Some(WeightedBackend { target: Target::Backend(backend), filters, .. }) => {
                    self.backend = Some(&backend.id);
                    let way = Way { rule, filters, backend, scheme: port.protocol.scheme(), peer: *peer };
                    self.forward(down, &way, scratch, client, began).await;
                }
            },
        }
    }

    async fn redirect(
        &mut self,
        down: &mut impl Downstream,
        port: &Port,
        edits: &HeaderEdits,
        redirect: &Redirect,
        scratch: &mut Scratch,
        client: &Client,
    ) {
        let head = &scratch.head;
        let location = redirect.location(port.protocol, port.port, &scratch.host, scratch.path(), head.query());
        let status = redirect.status.as_u16();
        let fields = [("location", location.as_str())];
        self.answer_with(down, scratch, client, Reason::None, status, &fields, "", Some(edits)).await;
    }

    async fn poisoned(&mut self, down: &mut impl Downstream, scratch: &mut Scratch, client: &Client, poison: &Poison) {
        self.detail = poison.message.to_string();
        self.answer(down, scratch, client, poison.reason).await;
    }

    pub(super) async fn answer(
        &mut self,
        down: &mut impl Downstream,
        scratch: &mut Scratch,
        client: &Client,
        reason: Reason,
    ) {
        let (status, body) = (answer::status(reason), answer::body(reason, None));
        self.answer_with(down, scratch, client, reason, status, &[], &body, None).await;
    }

    /// Answers in our own name. The connection stays if the whole request has come in already.
    #[expect(clippy::too_many_arguments, reason = "the parts of one response")]
    pub(super) async fn answer_with(
        &mut self,
        down: &mut impl Downstream,
        scratch: &mut Scratch,
        client: &Client,
        reason: Reason,
        status: u16,
        fields: &[(&str, &str)],
        body: &str,
        edits: Option<&HeaderEdits>,
    ) {
        let whole = self.body_read.unwrap_or_else(|| skip_body(&scratch.head, &mut scratch.input));
        let close = !whole || !scratch.head.keep_alive() || client.is_stopped();
        let to_head = scratch.head.method() == "HEAD";
        let Scratch { response_output: out, alarm, .. } = scratch;
        out.clear();
        down.respond(out, &Own { status, fields, body, edits, close }, to_head || body.is_empty());
        if !to_head {
            out.extend_from_slice(body.as_bytes());
        }
        let limit = client.worker.settings.body_timeout;
        let written = matches!(alarm.within(limit, write_whole(down, out)).await, Some(Ok(())));
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

fn find<'p>(listener: &'p Listener, scratch: &Scratch) -> Option<&'p Arc<Rule>> {
    let parts = Parts { head: &scratch.head, path: scratch.path().normal };
    listener.find(&scratch.host, &parts).map(|(_, rule)| rule)
}

/// A head as the plan matches it.
struct Parts<'a> {
    head: &'a RequestHead,
    path: &'a str,
}

impl RequestParts for Parts<'_> {
    fn method(&self) -> &str {
        self.head.method()
    }

    fn path(&self) -> &str {
        self.path
    }

    fn query(&self) -> Option<&str> {
        self.head.query()
    }

    fn header(&self, name: &HeaderName, index: usize) -> Option<&[u8]> {
        self.head.fields().values(name.as_str()).nth(index)
    }
}

/// What names a request in the log: no such name is as long as the limit.
fn short(name: &[u8]) -> &str {
    const LIMIT: usize = 128;
    if name.len() > LIMIT { "" } else { str::from_utf8(name).unwrap_or_default() }
}

/// The one `traceparent` of a request (W3C Trace Context, section 3.2); several are as good as none.
fn traceparent(head: &RequestHead) -> &str {
    let mut values = head.fields().values("traceparent");
    let (Some(value), None) = (values.next(), values.next()) else { return "" };
    short(value)
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

/// Writes and ends a response.
async fn write_whole(down: &mut impl Downstream, response: &[u8]) -> io::Result<()> {
    down.write_all(response).await?;
    down.flush().await?;
    poll_fn(|cx| down.poll_finish(cx)).await
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
