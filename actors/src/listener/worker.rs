//! What the connections of one worker thread share: the ports as the last plan has them, the back side, buffers that go
//! from request to request, and the signal to stop. Nothing here is shared with another thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rustls::ServerConfig;
use tokio::sync::Notify;

use super::alarm::Alarm;
use super::settings::WorkerSettings;
use super::tls::{Presented, presented, server_config};
use crate::http1::{RequestHead, ResponseHead};
use crate::plan::normal_path::{NoPath, normalize};
use crate::plan::{Port, RequestPath, listener::Protocol};
use crate::telemetry::Observer;
use crate::upstream::Upstreams;

/// Buffers above this size are not kept for the next request.
const KEPT_BUFFER: usize = 128 * 1024;
/// How many sets of buffers a worker keeps.
const KEPT_SCRATCHES: usize = 256;

/// One worker thread.
pub(super) struct Worker {
    pub(super) settings: Arc<WorkerSettings>,
    pub(super) upstreams: Rc<Upstreams>,
    pub(super) observer: Rc<dyn Observer>,
    /// The process is about to drain: responses say that the connection ends with them. All else goes on as before.
    pub(super) ending: Stop,
    pub(super) stop: Stop,
    /// What is still open when the time to drain is over is cut.
    pub(super) cut: Stop,
    #[expect(clippy::vec_box, reason = "a set of buffers changes hands with each request, and is large")]
    scratches: RefCell<Vec<Box<Scratch>>>,
    connections: Cell<usize>,
    all_gone: Notify,
    random: Cell<u64>,
}

impl Worker {
    pub(super) fn new(settings: Arc<WorkerSettings>, upstreams: Rc<Upstreams>, observer: Rc<dyn Observer>) -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        let seed = RandomState::new().build_hasher().finish() | 1;
        Self {
            settings,
            upstreams,
            observer,
            ending: Stop::default(),
            stop: Stop::default(),
            cut: Stop::default(),
            scratches: RefCell::default(),
            connections: Cell::new(0),
            all_gone: Notify::new(),
            random: Cell::new(seed),
        }
    }

    /// A number for weights and request ids: fast, and of no use as a secret (xorshift64*).
    pub(super) fn random(&self) -> u64 {
        let mut state = self.random.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random.set(state);
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn take_scratch(&self) -> Box<Scratch> {
        self.scratches.borrow_mut().pop().unwrap_or_default()
    }

    pub(super) fn give_scratch(&self, mut scratch: Box<Scratch>) {
        let mut kept = self.scratches.borrow_mut();
        if kept.len() < KEPT_SCRATCHES && scratch.is_small() {
            scratch.clear();
            kept.push(scratch);
        }
    }

    /// Counts a connection until the guard is dropped.
    pub(super) fn connection(self: &Rc<Self>) -> ConnectionGuard {
        self.connections.set(self.connections.get() + 1);
        ConnectionGuard(Rc::clone(self))
    }

    /// Waits until no connection is left, or the time is over. Returns how many are left.
    pub(super) async fn drained(&self, timeout: Duration) -> usize {
        let gone = async {
            while self.connections.get() > 0 {
                self.all_gone.notified().await;
            }
        };
        let _ = tokio::time::timeout(timeout, gone).await;
        self.connections.get()
    }
}

/// A connection that is counted.
pub(super) struct ConnectionGuard(Rc<Worker>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let left = self.0.connections.get() - 1;
        self.0.connections.set(left);
        if left == 0 {
            self.0.all_gone.notify_one();
        }
    }
}

/// The buffers of one request.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What the client sent and nobody has read.
    pub(super) input: BytesMut,
    pub(super) request_output: BytesMut,
    pub(super) response_input: BytesMut,
    pub(super) response_output: BytesMut,
    pub(super) head: RequestHead,
    pub(super) response_head: ResponseHead,
    /// The host as it is matched: in lower case, without a port.
    pub(super) host: String,
    pub(super) alarm: Alarm,
    /// The path as it is matched, where that is not how it was sent.
    normal_path: String,
}

impl Scratch {
    /// Brings the path of the head into the form by which rules are found. Once for each head.
    pub(super) fn normalize_path(&mut self) -> Result<(), NoPath> {
        normalize(self.head.path(), &mut self.normal_path).map(|_| ())
    }

    /// The path of the head in both of its forms.
    pub(super) fn path(&self) -> RequestPath<'_> {
        let sent = self.head.path();
        RequestPath { sent, normal: if self.normal_path.is_empty() { sent } else { &self.normal_path } }
    }

    fn is_small(&self) -> bool {
        [&self.input, &self.request_output, &self.response_input, &self.response_output]
            .iter()
            .all(|buffer| buffer.capacity() <= KEPT_BUFFER)
    }

    fn clear(&mut self) {
        for buffer in [&mut self.input, &mut self.request_output, &mut self.response_input, &mut self.response_output] {
            buffer.clear();
        }
    }
}

/// A signal that is given once: finish what is under way, begin nothing new.
#[derive(Debug, Default)]
pub(super) struct Stop {
    given: Cell<bool>,
    notify: Notify,
}

impl Stop {
    pub(super) fn give(&self) {
        self.given.set(true);
        self.notify.notify_waiters();
    }

    pub(super) fn is_given(&self) -> bool {
        self.given.get()
    }

    pub(super) async fn wait(&self) {
        while !self.is_given() {
            self.notify.notified().await;
        }
    }
}

/// One port of one Gateway on this worker, as the last plan has it.
pub(super) struct PortState {
    /// Held by `Rc`, so that a request takes it without touching a counter that threads share.
    #[expect(clippy::redundant_allocation, reason = "a counter of this thread alone")]
    port: RefCell<Rc<Arc<Port>>>,
    tls: RefCell<Option<(Presented, Arc<ServerConfig>)>>,
    /// Responses say that the connection ends with them; connections without a request stay. Given with `stop`, or before.
    pub(super) ending: Stop,
    /// No connection begins another request.
    pub(super) stop: Stop,
}

impl PortState {
    pub(super) fn new(port: Arc<Port>) -> Self {
        let state = Self {
            port: RefCell::new(Rc::new(port.clone())),
            tls: RefCell::default(),
            ending: Stop::default(),
            stop: Stop::default(),
        };
        state.apply(port);
        state
    }

    /// No connection of it begins anything new.
    pub(super) fn stop(&self) {
        self.ending.give();
        self.stop.give();
    }

    /// Takes the port of another plan. The TLS configuration stays if its certificates do.
    pub(super) fn apply(&self, port: Arc<Port>) {
        let mut tls = self.tls.borrow_mut();
        if port.protocol == Protocol::Https {
            let presented = presented(&port);
            if tls.as_ref().is_none_or(|(known, _)| *known != presented) {
                match server_config(&presented) {
                    Ok(config) => *tls = Some((presented, config)),
                    Err(error) => tracing::error!(gateway = %port.gateway, port = port.port, %error, "no TLS"),
                }
            }
        } else {
            *tls = None;
        }
        drop(tls);
        *self.port.borrow_mut() = Rc::new(port);
    }

    #[expect(clippy::redundant_allocation, reason = "a counter of this thread alone")]
    pub(super) fn current(&self) -> Rc<Arc<Port>> {
        self.port.borrow().clone()
    }

    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.borrow().as_ref().map(|(_, config)| config.clone())
    }
}
