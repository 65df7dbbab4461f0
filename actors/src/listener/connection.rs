//! The loop over the requests of one client's connection.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::alarm::after;
use super::answer;
use super::client::Client;
use super::dispatch::{Next, Request};
use super::http2;
use super::linger::linger;
use super::pump::poll_read_into;
use super::response::{Own, Response as _};
use super::stream::Stream;
use super::worker::{ConnectionGuard, PortState, Scratch, Worker};
use crate::http1::HeadError;
use crate::outcome::Reason;
use crate::plan::Port;
use crate::plan::listener::Protocol;
use crate::telemetry::{DownstreamHandshake, RequestRecord};

/// Bytes that are made room for when a head is read.
const HEAD_READ: usize = 8 * 1024;
/// How long a connection may still begin a request when the worker stops: one may be on the way that was sent before the
/// client could know.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// One client's connection.
struct Connection {
    stream: Stream,
    client: Client,
    /// Whether nothing has been read of it.
    fresh: bool,
    /// Once it is known to be HTTP/2: what was read of it.
    http2: Option<BytesMut>,
    /// Whether its end is to be a reset.
    to_reset: bool,
}

/// How reading a head ended, if not with a head.
enum NoHead {
    /// The client left, was idle for too long, or is not to begin anything new.
    Gone,
    /// Within a head, time ran out.
    TimedOut,
    /// The head is refused.
    Refused(HeadError),
    /// It is the preface of HTTP/2.
    Http2,
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    worker: Rc<Worker>,
    port: Rc<PortState>,
    counted: ConnectionGuard,
) {
    let current = port.current();
    let protocol = current.protocol;
    let open = Open::begin(&worker, &current, counted);
    drop(current);
    // Failing to set an option harms nobody but this connection's latency.
    let _ = stream.set_nodelay(true);
    let mut connection = None;
    // In a box: where a future is moved into another one, the compiler keeps room for it twice.
    let conversation = Box::pin(async {
        if let Some((stream, sni)) = accept(stream, protocol, &worker, &port).await {
            let http2 = stream.is_http2().then(BytesMut::new);
            let client = Client { peer, sni, worker: worker.clone(), port };
            let http1 = connection.insert(Connection { stream, client, fresh: true, http2, to_reset: false });
            if http1.http2.is_none() {
                http1.run().await;
            }
            if let Some(ahead) = http1.http2.take()
                && let Some(Connection { stream, client, .. }) = connection.take()
            {
                // In a box: a connection that never speaks HTTP/2 has no room for it.
                Box::pin(http2::run(stream, client, ahead)).await;
            }
        }
    });
    // What a panic leaves behind is this connection's alone, and it ends; the worker's own state is in cells that no panic
    // leaves half changed.
    let panicked = AssertUnwindSafe(conversation).catch_unwind().await.is_err();
    if panicked {
        worker.observer.panicked(&open.gateway);
        tracing::error!(gateway = %open.gateway, port = open.port, client = %peer, "a panic ended a client's connection");
    }
    if let Some(Connection { stream, to_reset, .. }) = connection
        && (panicked || to_reset)
    {
        stream.reset();
    }
}

/// Counts a connection while it is open, however it ends.
struct Open {
    worker: Rc<Worker>,
    gateway: Arc<str>,
    port: u16,
    _counted: ConnectionGuard,
}

impl Open {
    fn begin(worker: &Rc<Worker>, port: &Port, counted: ConnectionGuard) -> Self {
        worker.observer.downstream_connection(&port.gateway, port.port, true);
        Self { worker: worker.clone(), gateway: port.gateway.clone(), port: port.port, _counted: counted }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.worker.observer.downstream_connection(&self.gateway, self.port, false);
    }
}

/// Ends TLS where the port asks for it.
async fn accept(
    stream: TcpStream,
    protocol: Protocol,
    worker: &Worker,
    port: &PortState,
) -> Option<(Stream, Option<String>)> {
    if protocol == Protocol::Http {
        return Some((Stream::Plain(stream), None));
    }
    let acceptor = TlsAcceptor::from(port.tls()?);
    let handshake = timeout(worker.settings.head_timeout, acceptor.accept(stream));
    let handshake = tokio::select! {
        biased;
        handshake = handshake => handshake,
        () = stopped(port) => return None,
    };
    let (accepted, outcome) = match handshake {
        Ok(Ok(stream)) => {
            let sni = stream.get_ref().1.server_name().map(str::to_ascii_lowercase);
            (Some((Stream::Tls(Box::new(stream)), sni)), DownstreamHandshake::Ok)
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a client's TLS handshake failed");
            (None, DownstreamHandshake::Failed)
        }
        Err(_) => (None, DownstreamHandshake::Timeout),
    };
    let current = port.current();
    worker.observer.downstream_handshake(&current.gateway, current.port, outcome);
    accepted
}

impl Connection {
    async fn run(&mut self) {
        let port = self.client.port.clone();
        // Both are made once for all requests: what a warm connection does for them is to look.
        let mut stopped = pin!(stopped(&port).fuse());
        let mut timer = pin!(tokio::time::sleep(self.client.worker.settings.idle_timeout));
        loop {
            if !self.readable(timer.as_mut(), stopped.as_mut()).await {
                return self.shutdown().await;
            }
            let mut scratch = self.client.worker.take_scratch();
            loop {
                match self.read_head(&mut scratch, timer.as_mut(), stopped.as_mut()).await {
                    Ok(()) => self.fresh = false,
                    Err(NoHead::Gone) => {
                        self.client.worker.give_scratch(scratch);
                        return self.shutdown().await;
                    }
                    Err(NoHead::Http2) => {
                        self.http2 = Some(std::mem::take(&mut scratch.input));
                        return self.client.worker.give_scratch(scratch);
                    }
                    Err(NoHead::TimedOut) => return self.refuse(Reason::DownstreamTimeout, 408, "").await,
                    Err(NoHead::Refused(error)) => {
                        let (reason, status) = answer::refusal(error);
                        return self.refuse(reason, status, &error.to_string()).await;
                    }
                }
                match Request::serve(&self.client, &mut self.stream, &mut scratch).await {
                    Next::Read => {}
                    Next::Close => return self.shutdown().await,
                    Next::Linger => return self.linger().await,
                    Next::Reset => {
                        self.to_reset = true;
                        return;
                    }
                }
                if scratch.input.is_empty() {
                    break;
                }
            }
            self.client.worker.give_scratch(scratch);
        }
    }

    /// Waits for the next request without holding a buffer, as far as the stream can tell without one; from here on the
    /// connection counts as idle. False if there is to be no further request.
    async fn readable(&self, mut timer: Pin<&mut Sleep>, stopped: Pin<&mut impl Future<Output = ()>>) -> bool {
        timer.as_mut().reset(after(Instant::now(), self.client.worker.settings.idle_timeout));
        tokio::select! {
            biased;
            ready = poll_fn(|cx| self.stream.poll_readable(cx)) => ready.is_ok(),
            () = stopped => false,
            () = timer => false,
        }
    }

    async fn read_head(
        &mut self,
        scratch: &mut Scratch,
        mut timer: Pin<&mut Sleep>,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), NoHead> {
        let settings = &*self.client.worker.settings;
        let limits = &settings.head;
        let mut begun = false;
        // A head that comes in drop by drop is looked at when a line ends, not at every drop.
        let mut line_ended = true;
        loop {
            if !scratch.input.is_empty() {
                // "Prior knowledge" (RFC 9113 section 3.3) is for plaintext; it shows in a connection's first bytes.
                let preface = self.fresh && !self.stream.is_tls() && http2::may_begin(&scratch.input);
                if preface && scratch.input.len() >= http2::PREFACE.len() {
                    return Err(NoHead::Http2);
                }
                if line_ended
                    && !preface
                    && let Some(length) = scratch.head.parse(&scratch.input, limits).map_err(NoHead::Refused)?
                {
                    bytes::Buf::advance(&mut scratch.input, length);
                    return Ok(());
                }
                if !begun {
                    begun = true;
                    timer.as_mut().reset(after(Instant::now(), settings.head_timeout));
                }
            }
            let stream = &mut self.stream;
            let input = &mut scratch.input;
            let read = tokio::select! {
                biased;
                read = poll_fn(|cx| poll_read_into(cx, Pin::new(&mut *stream), input, HEAD_READ)) => read,
                () = stopped.as_mut() => {
                    if !begun {
                        return Err(NoHead::Gone);
                    }
                    // A head that has begun gets a moment more, not all of its time.
                    timer.as_mut().reset(after(Instant::now(), settings.linger_timeout));
                    continue;
                }
                () = timer.as_mut() => return Err(if begun { NoHead::TimedOut } else { NoHead::Gone }),
            };
            match read {
                Ok(0) | Err(_) => return Err(NoHead::Gone),
                Ok(count) => {
                    let new = &scratch.input[scratch.input.len() - count..];
                    line_ended = new.contains(&b'\n') || scratch.input.len() >= limits.bytes;
                }
            }
        }
    }

    /// Answers what is no request, and closes.
    async fn refuse(&mut self, reason: Reason, status: u16, detail: &str) {
        let mut out = BytesMut::new();
        let body = answer::body(reason, None);
        Own { status, fields: &[], body: &body, edits: None, close: true }.write(&mut out);
        out.extend_from_slice(body.as_bytes());
        let limit = self.client.worker.settings.linger_timeout;
        let sent = timeout(limit, self.stream.write_all(&out)).await.is_ok_and(|written| written.is_ok());
        let port = self.client.port.current();
        self.client.worker.observer.request(&RequestRecord {
            gateway: &port.gateway,
            listener: "",
            route: "",
            backend: None,
            endpoint: None,
            client: self.client.peer,
            method: "",
            scheme: port.protocol.scheme(),
            host: "",
            target: "",
            version: "",
            status: if sent { status } else { 0 },
            reason,
            detail,
            duration: Duration::ZERO,
            received: 0,
            sent: 0,
            upstream_tls: None,
            request_id: "",
            traceparent: "",
        });
        self.linger().await;
    }

    async fn shutdown(&mut self) {
        let limit = self.client.worker.settings.linger_timeout;
        let _ = timeout(limit, self.stream.shutdown()).await;
    }

    /// Closes while the client may still be sending.
    async fn linger(&mut self) {
        let limit = self.client.worker.settings.linger_timeout;
        // In a box: an idle connection has no room for what few of them read at their end.
        let _ = timeout(limit, Box::pin(linger(&mut self.stream))).await;
    }
}

/// Ends when no further request is to be begun.
async fn stopped(port: &PortState) {
    port.stop.wait().await;
    tokio::time::sleep(LAST_REQUEST).await;
}
