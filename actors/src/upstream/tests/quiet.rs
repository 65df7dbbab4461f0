//! Whether a pooled connection is still good: what the reactor has heard, what only the kernel knows, and what TLS keeps to
//! itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use futures_util::FutureExt as _;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::bench::{Bench, identity, ping, plain, secured};
use super::certificates::{exactly, server};
use super::peer::presenting;
use crate::plan::Backend;
use crate::telemetry::CloseReason;
use crate::upstream::Repeat;

/// A backend on a thread of its own: it answers once, and does one thing more when it is told to. Whoever waits for that
/// without going back to the reactor has heard nothing of it.
struct Aside {
    address: SocketAddr,
    act: Sender<()>,
    acted: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Aside {
    fn new<S: Read + Write + Send + 'static>(
        secure: impl FnOnce(TcpStream) -> S + Send + 'static,
        then: impl FnOnce(S) -> Option<S> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("bound");
        let ((act, told), (done, acted)) = (channel(), channel());
        let thread = thread::spawn(move || {
            let socket = listener.accept().expect("a connection").0;
            // Or what it does would wait for the acknowledgement of what it said before.
            socket.set_nodelay(true).expect("a socket");
            let mut stream = secure(socket);
            let answer = |stream: &mut S| {
                stream.read_exact(&mut [0; 5]).is_ok()
                    && stream.write_all(b"pong!").and_then(|()| stream.flush()).is_ok()
            };
            assert!(answer(&mut stream));
            if told.recv().is_err() {
                return;
            }
            let left = then(stream);
            let _ = done.send(());
            if let Some(mut stream) = left {
                while answer(&mut stream) {}
            }
        });
        Self { address, act, acted, thread: Some(thread) }
    }

    /// Makes it act, while the reactor of this thread stands still.
    fn act(&self) {
        self.act.send(()).expect("is told");
        self.acted.recv().expect("has acted");
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.act = channel().0;
        if let Some(thread) = self.thread.take()
            && !thread::panicking()
        {
            drop(thread.join());
        }
    }
}

type Secured = StreamOwned<ServerConnection, TcpStream>;

fn over_tls(config: Arc<ServerConfig>) -> impl FnOnce(TcpStream) -> Secured {
    move |socket| StreamOwned::new(ServerConnection::new(config).expect("a session"), socket)
}

/// How the next acquisition goes after the backend has acted behind the reactor's back.
async fn reuses(bench: &Bench, backend: &Arc<Backend>, aside: &Aside, repeat: Repeat) -> bool {
    let mut connection = bench.acquire(backend).await.expect("a connection");
    connection.write_all(b"ping!").await.expect("written");
    connection.flush().await.expect("flushed");
    // As an exchange reads: with room for more, which tells the reactor that all has been read.
    assert_eq!(connection.read(&mut [0; 64]).await.expect("an answer"), 5);
    connection.release();
    aside.act();
    let acquired = bench.upstreams.acquire_for(backend, repeat).now_or_never();
    acquired.is_some_and(|acquired| {
        let connection = acquired.expect("a connection");
        let reused = connection.is_reused();
        connection.discard(CloseReason::Idle);
        reused
    })
}

#[actix_rt::test]
async fn the_kernel_knows_of_an_end_before_the_reactor() {
    for (repeat, reused) in [(Repeat::Possible, true), (Repeat::Impossible, false)] {
        let bench = Bench::new();
        let open = Aside::new(|socket| socket, |_| None);
        assert_eq!(reuses(&bench, &plain(open.address), &open, repeat).await, reused);
        let leaf = server().self_signed();
        let closed = Aside::new(over_tls(presenting(&leaf).build()), |mut stream| {
            stream.conn.send_close_notify();
            stream.flush().expect("a close_notify");
            // The socket stays open: the end is TLS's.
            Some(stream)
        });
        let backend = secured(closed.address, identity(exactly(&[&leaf])));
        assert_eq!(reuses(&bench, &backend, &closed, repeat).await, reused);
    }
}

#[actix_rt::test]
async fn the_kernel_knows_of_bytes_before_the_reactor() {
    let bench = Bench::new();
    let open = Aside::new(
        |socket| socket,
        |mut socket| {
            socket.write_all(b"more").expect("sent");
            Some(socket)
        },
    );
    assert!(!reuses(&bench, &plain(open.address), &open, Repeat::Impossible).await);
    let leaf = server().self_signed();
    let closed = Aside::new(over_tls(presenting(&leaf).build()), |mut stream| {
        stream.write_all(b"more").and_then(|()| stream.flush()).expect("sent");
        Some(stream)
    });
    assert!(!reuses(&bench, &secured(closed.address, identity(exactly(&[&leaf]))), &closed, Repeat::Impossible).await);
}

#[actix_rt::test]
async fn what_tls_says_to_itself_ends_nothing() {
    let leaf = server().self_signed();
    let aside = Aside::new(over_tls(presenting(&leaf).build()), |mut stream| {
        stream.conn.refresh_traffic_keys().expect("TLS 1.3");
        stream.flush().expect("a KeyUpdate");
        Some(stream)
    });
    let bench = Bench::new();
    let backend = secured(aside.address, identity(exactly(&[&leaf])));
    bench.exchange(&backend).await.expect("an exchange");
    aside.act();
    for _ in 0..3 {
        let mut connection = bench.upstreams.acquire_for(&backend, Repeat::Impossible).await.expect("a connection");
        assert!(connection.is_reused());
        ping(&mut connection).await.expect("an answer under the new keys");
        connection.release();
    }
    assert!(bench.seen.closed.borrow().is_empty());
}

#[actix_rt::test]
async fn a_connection_says_whether_a_byte_may_have_gone() {
    let leaf = server().self_signed();
    let aside = Aside::new(over_tls(presenting(&leaf).build()), |_| None);
    let bench = Bench::new();
    let backend = secured(aside.address, identity(exactly(&[&leaf])));
    let mut connection = bench.acquire(&backend).await.expect("a connection");
    assert!(!connection.has_sent(), "a handshake is no request");
    // TLS takes it; whether the socket does is another matter.
    connection.write_all(b"p").await.expect("written");
    assert!(connection.has_sent());
    connection.write_all(b"ing!").await.expect("written");
    let mut answer = [0; 5];
    connection.read_exact(&mut answer).await.expect("an answer");
    connection.release();
    let mut again = bench.acquire(&backend).await.expect("a connection");
    assert!(again.is_reused() && !again.has_sent(), "it counts from its acquisition");
    again.shutdown().await.expect("a close_notify");
    assert!(again.write_all(b"ping!").await.is_err());
    assert!(again.has_sent(), "a failed write of TLS may have put out a part");
}

#[actix_rt::test]
async fn a_read_of_nothing_does_nothing() {
    let open = Aside::new(|socket| socket, |_| None);
    let bench = Bench::new();
    let backend = plain(open.address);
    let mut connection = bench.acquire(&backend).await.expect("a connection");
    assert_eq!(connection.read(&mut []).await.expect("at once"), 0);
    ping(&mut connection).await.expect("an answer");
}
