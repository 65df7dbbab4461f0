//! The life of an HTTP/2 connection: its streams, each a task of its own on this thread, and its end, be it by the client, by
//! idleness, by a drain (RFC 9113 section 6.8), or because the client makes work for nothing.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::server::{Builder, SendResponse};
use h2::{Ping, PingPong, Reason, RecvStream};
use tokio::time::{Instant, sleep, timeout};

use super::calm::Calm;
use super::task;
use super::transport::Transport;
use crate::listener::alarm::after;
use crate::listener::client::Client;
use crate::listener::settings::WorkerSettings;
use crate::listener::stream::Stream;

/// How long a client may take, once told to go away, to say that it has understood.
const GOAWAY_GRACE: Duration = Duration::from_millis(500);
/// Streams that we have reset and whose frames, being on the way, are not taken for mistakes; and for how long.
const RESET_STREAMS: usize = 1024;
const RESET_DURATION: Duration = Duration::from_secs(10);
/// `h2` sees at once only what comes in one read.
const MAX_UNSEEN_RESETS: usize = 64;

type Connection = h2::server::Connection<Transport, Bytes>;

/// Serves a connection until it ends. `ahead` is what was read of it before.
pub(in crate::listener) async fn run(stream: Stream, client: Client, ahead: BytesMut) {
    let client = Rc::new(client);
    let settings = client.worker.settings.clone();
    let calm = Rc::new(Calm::new(settings.http2.max_reset_streams));
    let transport = Transport::new(stream, ahead, calm.clone());
    if let Some(connection) = handshake(&client, &settings, &transport).await {
        let open = Open { count: Cell::new(0), idle: Cell::new(Instant::now()), calm: calm.clone() };
        let streams = Streams { open: Rc::new(open), client, calm, transport: transport.clone() };
        streams.serve(connection, &settings).await;
    }
    let _ = timeout(settings.linger_timeout, transport.linger()).await;
}

/// Sends our settings and reads the client's preface.
async fn handshake(client: &Client, settings: &WorkerSettings, transport: &Transport) -> Option<Connection> {
    let mut handshake = builder(settings).handshake(transport.clone());
    let done = poll_fn(|cx| {
        let done = pin!(&mut handshake).poll(cx);
        transport.poll_drain(cx);
        done
    });
    let stopped = async {
        client.port.stop.wait().await;
        sleep(GOAWAY_GRACE).await;
    };
    tokio::select! {
        biased;
        done = done => done.inspect_err(|error| tracing::debug!(%error, "no HTTP/2")).ok(),
        () = sleep(settings.head_timeout) => None,
        () = stopped => None,
    }
}

fn builder(settings: &WorkerSettings) -> Builder {
    let http2 = &settings.http2;
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(http2.max_concurrent_streams)
        .initial_window_size(http2.initial_stream_window)
        .initial_connection_window_size(http2.initial_connection_window)
        .max_header_list_size(http2.max_header_list_bytes)
        .max_send_buffer_size(http2.max_send_buffer)
        .max_pending_accept_reset_streams(http2.max_reset_streams.min(MAX_UNSEEN_RESETS))
        .max_concurrent_reset_streams(RESET_STREAMS)
        .reset_stream_duration(RESET_DURATION);
    builder
}

/// Streams of a connection that are open.
#[derive(Debug)]
struct Open {
    count: Cell<usize>,
    /// Since when there are none.
    idle: Cell<Instant>,
    calm: Rc<Calm>,
}

/// One stream that is open.
struct Opened(Rc<Open>);

impl Opened {
    fn begin(open: &Rc<Open>) -> Self {
        open.count.set(open.count.get() + 1);
        Self(open.clone())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let left = self.0.count.get() - 1;
        self.0.count.set(left);
        if left == 0 {
            self.0.idle.set(Instant::now());
            self.0.calm.rest();
        }
    }
}

/// Why a connection ends, if nobody here ends it.
enum End {
    /// The request that is to be the last one has begun.
    Last,
    /// The client has closed it, or it has failed.
    Closed,
    /// The client sends too much of this.
    Flood(&'static str),
}

/// The streams of one connection.
struct Streams {
    open: Rc<Open>,
    client: Rc<Client>,
    calm: Rc<Calm>,
    transport: Transport,
}

impl Streams {
    async fn serve(&self, mut connection: Connection, settings: &WorkerSettings) {
        let mut keepalive = Keepalive { pings: connection.ping_pong(), asked: false };
        let port = &self.client.port;
        let (mut ending, mut stopped) = (pin!(port.ending.wait()), pin!(port.stop.wait()));
        let (mut ends, mut goodbye) = (false, None);
        let mut timer = pin!(sleep(settings.idle_timeout));
        loop {
            if ends && goodbye.is_none() && self.open.count.get() > 0 {
                goodbye = Some(self.say_goodbye(&mut connection));
                timer.as_mut().reset(Instant::now() + GOAWAY_GRACE);
            }
            tokio::select! {
                biased;
                end = poll_fn(|cx| self.poll(&mut connection, ends && goodbye.is_none(), cx)) => match end {
                    End::Closed => return,
                    End::Last => {}
                    End::Flood(what) => {
                        tracing::debug!(client = %self.client.peer, what, "a client sends too much");
                        return self.end(&mut connection, Reason::ENHANCE_YOUR_CALM, settings).await;
                    }
                },
                // A request that comes from now on is the last one: it is a connection without any that stays.
                () = &mut ending, if !ends => ends = true,
                () = &mut stopped, if goodbye.is_none() => {
                    goodbye = Some(self.say_goodbye(&mut connection));
                    timer.as_mut().reset(Instant::now() + GOAWAY_GRACE);
                }
                () = &mut timer => {
                    let idle = self.open.count.get() == 0;
                    let end = after(self.open.idle.get(), settings.idle_timeout);
                    let next = match &mut goodbye {
                        Some(goodbye) => {
                            if goodbye.is_over(&self.transport, settings) && idle {
                                return self.end(&mut connection, Reason::NO_ERROR, settings).await;
                            }
                            Instant::now() + GOAWAY_GRACE
                        }
                        None if idle && end <= Instant::now() => {
                            goodbye = Some(self.say_goodbye(&mut connection));
                            Instant::now() + GOAWAY_GRACE
                        }
                        None if idle => {
                            self.transport.rest();
                            end
                        }
                        None => match keepalive.next(self.transport.take_heard(), settings) {
                            Some(wait) => after(Instant::now(), wait),
                            None => return,
                        },
                    };
                    timer.as_mut().reset(next);
                }
            }
        }
    }

    /// Tells the client to begin nothing more here. What it has begun is served, and what is on its way; `h2` closes when
    /// the client has understood and nothing is left.
    fn say_goodbye(&self, connection: &mut Connection) -> Goodbye {
        connection.graceful_shutdown();
        let _ = self.transport.take_heard();
        Goodbye { said: Instant::now(), heard: false }
    }

    /// Begins what requests have come in, and sends what responses there are. `last` says that one is enough.
    fn poll(&self, connection: &mut Connection, last: bool, cx: &mut Context<'_>) -> Poll<End> {
        let end = loop {
            let accepted = pin!(connection.accept()).poll(cx);
            if let Some(what) = self.calm.lost() {
                break Poll::Ready(End::Flood(what));
            }
            match accepted {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    self.begin(request, respond);
                    if last {
                        break Poll::Ready(End::Last);
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(client = %self.client.peer, %error, "an HTTP/2 connection failed");
                    break Poll::Ready(End::Closed);
                }
                Poll::Ready(None) => break Poll::Ready(End::Closed),
                Poll::Pending => break Poll::Pending,
            }
        };
        self.transport.poll_drain(cx);
        end
    }

    fn begin(&self, request: http::Request<RecvStream>, respond: SendResponse<Bytes>) {
        let opened = Opened::begin(&self.open);
        let served = task::serve(self.client.clone(), request, respond, self.calm.clone());
        actix_rt::spawn(async move {
            served.await;
            drop(opened);
        });
    }

    /// Says goodbye and closes; what is still open is cut.
    async fn end(&self, connection: &mut Connection, reason: Reason, settings: &WorkerSettings) {
        connection.abrupt_shutdown(reason);
        let ended = poll_fn(|cx| {
            let closed = connection.poll_closed(cx);
            self.transport.poll_drain(cx);
            closed
        });
        let _ = timeout(settings.linger_timeout, ended).await;
    }
}

/// A client that was told to go away.
struct Goodbye {
    said: Instant,
    /// Whether it has sent anything since.
    heard: bool,
}

impl Goodbye {
    /// Whether nothing is to be expected any more of a client without open streams. One that is there may still be taking
    /// the end of a response.
    fn is_over(&mut self, transport: &Transport, settings: &WorkerSettings) -> bool {
        self.heard |= transport.take_heard();
        !self.heard || self.said.elapsed() >= settings.idle_timeout
    }
}

/// Finds out whether a client that says nothing while its streams are open is still there.
struct Keepalive {
    pings: Option<PingPong>,
    asked: bool,
}

impl Keepalive {
    /// `heard` says whether anything has come in since the last time. Returns how long to wait now, or `None` if the
    /// client is gone.
    fn next(&mut self, heard: bool, settings: &WorkerSettings) -> Option<Duration> {
        if heard {
            self.asked = false;
            return Some(settings.http2.keepalive_interval);
        }
        if self.asked {
            return None;
        }
        self.asked = true;
        if let Some(pings) = &mut self.pings {
            // The last answer is taken, so that there can be another.
            let _ = pings.poll_pong(&mut Context::from_waker(Waker::noop()));
            let _ = pings.send_ping(Ping::opaque());
        }
        Some(settings.http2.keepalive_timeout)
    }
}
