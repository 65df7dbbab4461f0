//! Which connections get in: those within the limit of the worker, as long as the process has descriptors. What does not
//! get in is told so at once, since a client that is left waiting in the accept queue waits for nothing.
//!
//! Must not know what is said on a connection.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::answer;
use super::linger::discard;
use super::response::{Own, Response as _};
use crate::outcome::Reason;
use crate::plan::{Port, Protocol};
use crate::telemetry::{Observer, Rejection};

/// Refused clients that are given the time to read their answer, at the most: each of them still has a descriptor.
const LINGERING: usize = 16;
/// Bytes of a refused client that are read and thrown away.
const LINGER_BYTES: usize = 64 * 1024;
/// Connections that are closed in a row for want of a descriptor, before accepting pauses.
const SHED_AT_ONCE: usize = 64;
/// The least time between two lines of the log about the same.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Lets the connections of one worker in.
pub(super) struct Admission {
    limit: usize,
    linger: Duration,
    observer: Rc<dyn Observer>,
    open: Cell<usize>,
    lingering: Cell<usize>,
    /// Given up for a moment where no other descriptor is left.
    reserve: RefCell<Option<File>>,
    /// What a refused client of a plaintext port reads.
    refusal: BytesMut,
    refusals: Sparse,
    shortages: Sparse,
}

impl Admission {
    /// Lets in up to `limit` connections; `linger` is how long one that is refused may take to read why.
    pub(super) fn new(limit: usize, linger: Duration, observer: Rc<dyn Observer>) -> Rc<Self> {
        let reason = Reason::ConnectionLimit;
        let body = answer::body(reason, None);
        let mut refusal = BytesMut::new();
        Own { status: answer::status(reason), fields: &[], body: &body, edits: None, close: true }.write(&mut refusal);
        refusal.extend_from_slice(body.as_bytes());
        Rc::new(Self {
            limit,
            linger,
            observer,
            open: Cell::new(0),
            lingering: Cell::new(0),
            reserve: RefCell::new(reserve()),
            refusal,
            refusals: Sparse::default(),
            shortages: Sparse::default(),
        })
    }

    /// The place of one more connection, which is free again when it is dropped. `None` if all are taken.
    pub(super) fn admit(self: &Rc<Self>) -> Option<Place> {
        (self.open.get() < self.limit).then(|| Place::take(self, |admission| &admission.open))
    }

    /// Turns a connection away: with 503 on a plaintext port, else by closing it (a status would need a handshake, and
    /// that is the dearest part of a connection).
    pub(super) fn refuse(self: &Rc<Self>, stream: TcpStream, port: &Port) {
        self.observer.connection_rejected(&port.gateway, Rejection::Limit);
        if let Some(count) = self.refusals.count(Instant::now()) {
            let (gateway, limit) = (&port.gateway, self.limit);
            tracing::warn!(%gateway, port = port.port, limit, count, "connections are refused: this worker has as many as it may");
        }
        if !self.answer(&stream, port) || self.lingering.get() >= LINGERING {
            return;
        }
        let place = Place::take(self, |admission| &admission.lingering);
        actix_rt::spawn(async move {
            let mut stream = stream;
            let _ = timeout(place.admission.linger, discard(&mut stream, LINGER_BYTES)).await;
        });
    }

    /// What to do when a connection could not be accepted for want of a descriptor: those that wait are accepted by the
    /// one that is kept in reserve, and closed.
    pub(super) fn shed(&self, listener: &TcpListener, port: &Port) {
        drop(self.reserve.take());
        let mut shed = 0;
        while shed < SHED_AT_ONCE
            && let Some(Ok((stream, _))) = listener.accept().now_or_never()
        {
            self.answer(&stream, port);
            self.observer.connection_rejected(&port.gateway, Rejection::Descriptors);
            shed += 1;
        }
        self.reserve.replace(reserve());
        if let Some(count) = self.shortages.count(Instant::now()) {
            tracing::warn!(gateway = %port.gateway, port = port.port, count, shed, "cannot accept: no descriptor is left");
        }
    }

    /// Writes the refusal as far as the socket takes it, and ends our side. False if nothing was to be said.
    fn answer(&self, stream: &TcpStream, port: &Port) -> bool {
        if port.protocol != Protocol::Http {
            return false;
        }
        let socket = SockRef::from(stream);
        socket.send(&self.refusal).is_ok() && socket.shutdown(Shutdown::Write).is_ok()
    }
}

/// A descriptor that is good for nothing but to be given up.
fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Something that is counted until it is dropped.
pub(super) struct Place {
    admission: Rc<Admission>,
    count: fn(&Admission) -> &Cell<usize>,
}

impl Place {
    fn take(admission: &Rc<Admission>, count: fn(&Admission) -> &Cell<usize>) -> Self {
        let taken = count(admission);
        taken.set(taken.get() + 1);
        Self { admission: admission.clone(), count }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = (self.count)(&self.admission);
        taken.set(taken.get() - 1);
    }
}

/// Counts what is told only now and then.
#[derive(Debug, Default)]
struct Sparse {
    untold: Cell<u64>,
    told: Cell<Option<Instant>>,
}

impl Sparse {
    /// Counts one. The number since the last time that it was told, if it is time to tell it.
    fn count(&self, now: Instant) -> Option<u64> {
        self.untold.set(self.untold.get() + 1);
        if self.told.get().is_some_and(|told| now < told + TELL_EVERY) {
            return None;
        }
        self.told.set(Some(now));
        Some(self.untold.take())
    }
}

/// Whether neither the process nor the machine has a descriptor left.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

#[cfg(test)]
mod tests;
