//! One established connection, wherever it is: under an exchange, idle, or changing hands.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::Instant;

use super::accepted::Accepted;
use super::classify::{self, Classified};
use super::connector::{Line, Made, Transport};
use super::explain;
use super::repeat::Repeat;
use super::trusted::{Trusted, Verdict};
use crate::outcome::HandshakeResult;
use crate::plan::{Backend, Tls};
use crate::telemetry::{Evidence, HandshakeRecord, Observer, TlsInfo};

/// What is known of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Where it goes.
    pub endpoint: SocketAddr,
    /// How it is secured; `None` is plaintext.
    pub tls: Option<TlsInfo>,
}

pub(super) struct Channel {
    pub(super) io: Box<dyn Transport>,
    /// Shared with the records of the requests that it carries.
    pub(super) info: Rc<ConnectionInfo>,
    pub(super) created: Instant,
    pub(super) idle_since: Instant,
    /// The backend for which it counts: the one that asked last.
    pub(super) owner: Arc<Backend>,
    pub(super) asked_for_certificate: bool,
    /// `None` is plaintext.
    trusted: Option<Trusted>,
    unreported: Option<Box<Report>>,
}

/// A handshake of TLS 1.3 whose outcome is not known yet: the peer's word on our certificate comes after our side is done.
struct Report {
    dns: Option<Duration>,
    tcp: Duration,
    handshake: Duration,
    peer: Arc<Accepted>,
}

impl Channel {
    /// A new connection. Its handshake is reported at once where the outcome is known.
    pub(super) fn new(
        io: Box<dyn Transport>,
        made: Made,
        line: &Line,
        owner: &Arc<Backend>,
        dns: Option<Duration>,
        observer: &dyn Observer,
    ) -> Self {
        let now = Instant::now();
        let mut channel = Self {
            io,
            info: Rc::new(ConnectionInfo { endpoint: line.address, tls: None }),
            created: now,
            idle_since: now,
            owner: owner.clone(),
            asked_for_certificate: false,
            trusted: None,
            unreported: None,
        };
        let Some(tls) = made.tls else {
            observer.plaintext_connect(&owner.id, crate::outcome::Reason::None, made.tcp);
            return channel;
        };
        let known = tls.info.version == "1.2";
        let peer = tls.accepted.clone();
        channel.info = Rc::new(ConnectionInfo { endpoint: line.address, tls: Some(tls.info) });
        channel.trusted = line.profile.as_ref().map(|profile| Trusted::new(tls.accepted, profile, now));
        channel.asked_for_certificate = tls.certificate_request.is_some();
        let report = Report { dns, tcp: made.tcp, handshake: tls.handshake, peer };
        channel.unreported = Some(Box::new(report));
        if known {
            channel.accepted(observer);
        }
        channel
    }

    /// Whether the outcome of its handshake is still open.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.unreported.is_some()
    }

    /// The peer answered, or the connection ended without its refusal.
    pub(super) fn accepted(&mut self, observer: &dyn Observer) {
        if let Some(report) = self.unreported.take() {
            let evidence = Evidence::presented(report.peer.facts.clone());
            self.report(&report, HandshakeResult::Ok, &evidence, observer);
        }
    }

    /// The peer refused after the handshake.
    pub(super) fn refused(&mut self, refusal: &Classified, observer: &dyn Observer) {
        if let Some(report) = self.unreported.take() {
            let profile = self.trusted.as_ref().map(Trusted::profile);
            let evidence = match profile {
                Some(profile) => explain::refusal(refusal, &report.peer.facts, profile),
                None => Evidence::of(refusal.result, &*refusal.cause),
            };
            self.report(&report, refusal.result, &evidence, observer);
        }
    }

    /// What an error of reading or writing says of the handshake, while its outcome is open.
    pub(super) fn refusal(&self, error: &io::Error) -> Option<Classified> {
        classify::late(error, self.asked_for_certificate)
    }

    fn report(&self, report: &Report, result: HandshakeResult, evidence: &Evidence, observer: &dyn Observer) {
        let Tls::Originate { policy, identity } = &self.owner.tls else {
            return;
        };
        observer.handshake(&HandshakeRecord {
            backend: &self.owner.id,
            configured: &self.owner.tls,
            policy,
            endpoint: Some(self.info.endpoint),
            sni: &identity.sni,
            result,
            tls: self.info.tls.as_ref().filter(|_| result == HandshakeResult::Ok),
            dns: report.dns,
            tcp: Some(report.tcp),
            handshake: Some(report.handshake),
            evidence,
        });
    }

    /// Whether nothing has arrived on it: an idle connection on which there is something to read was closed by the peer,
    /// or carries bytes that belong to no request.
    ///
    /// The reactor's word costs no system call, since the last read of an exchange leaves nothing (tokio forgets that a
    /// socket is readable when a read does not fill its buffer). What has come since the reactor looked last, it cannot
    /// know: where that matters, the kernel is asked as well.
    pub(super) fn is_quiet(&mut self, repeat: Repeat) -> bool {
        self.reads_nothing(&mut [0; 1]) && (repeat == Repeat::Possible || self.reads_nothing(&mut []))
    }

    /// See `Stream` for what a read into an empty buffer means.
    fn reads_nothing(&mut self, buffer: &mut [u8]) -> bool {
        let io = &mut self.io;
        // An exhausted budget of the task would look like silence.
        let look = pin!(tokio::task::unconstrained(poll_fn(|cx| {
            Poll::Ready(Pin::new(&mut *io).poll_read(cx, &mut ReadBuf::new(buffer)).is_pending())
        })));
        look.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
    }

    /// Whether the verifier of this line has accepted the peer's chain, at whatever time.
    pub(super) fn is_vouched_for(&self, line: &Line) -> bool {
        match (&self.trusted, &line.profile) {
            (Some(trusted), Some(profile)) => trusted.is_under(profile),
            (trusted, profile) => trusted.is_none() && profile.is_none(),
        }
    }

    /// What the verifier of this line says of the peer's chain now.
    pub(super) fn verdict(&mut self, line: &Line, now: Instant) -> Verdict {
        match (&mut self.trusted, &line.profile) {
            (Some(trusted), Some(profile)) => trusted.check(profile, now),
            (None, None) => Verdict::Holds,
            // Plaintext where TLS is demanded, or the reverse: no pool ever moves such a connection.
            _ => Verdict::Refused,
        }
    }

    /// Says goodbye, with a close_notify where there is TLS, and closes. What the socket does not take at once is not
    /// waited for.
    pub(super) fn close(mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let _: Poll<io::Result<()>> = Pin::new(&mut self.io).poll_shutdown(&mut cx);
    }
}
