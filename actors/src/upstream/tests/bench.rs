//! One worker's upstreams, a clock that can be set, and an observer that remembers.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::certificates::now;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::identity::{PeerNames, TlsVersion};
use crate::plan::{Backend, BackendId, Endpoint, EndpointSource, Plan, ServicePort, Tls, TlsIdentity, Trust};
use crate::telemetry::{Acquisition, CloseReason, HandshakeRecord, Observer, PoolState, RequestRecord, TlsInfo};
use crate::upstream::resolver::Answer;
use crate::upstream::{Resolver, UpstreamConnection, UpstreamFailure, UpstreamSettings, Upstreams};

/// Nothing here takes longer unless it hangs.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// The wall clock, moved by some seconds.
#[derive(Debug, Default)]
pub(super) struct Clock(AtomicI64);

impl Clock {
    pub(super) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = now() + self.0.load(Ordering::Relaxed);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds.cast_unsigned())))
    }
}

/// A [`HandshakeRecord`] that owns what it says.
#[derive(Debug, Clone)]
pub(super) struct Handshake {
    pub(super) backend: BackendId,
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) sni: String,
    pub(super) result: HandshakeResult,
    pub(super) tls: Option<TlsInfo>,
    pub(super) detail: String,
    pub(super) timed: [bool; 3],
}

/// An observer that remembers.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) handshakes: RefCell<Vec<Handshake>>,
    pub(super) plaintext: RefCell<Vec<Reason>>,
    pub(super) acquired: RefCell<Vec<Acquisition>>,
    pub(super) closed: RefCell<Vec<CloseReason>>,
    pub(super) bytes: RefCell<(u64, u64)>,
    gauges: RefCell<HashMap<(String, PoolState), i64>>,
}

impl Recorder {
    /// The words of all handshakes so far.
    pub(super) fn results(&self) -> Vec<HandshakeResult> {
        self.handshakes.borrow().iter().map(|handshake| handshake.result).collect()
    }

    /// The last handshake.
    pub(super) fn last(&self) -> Handshake {
        self.handshakes.borrow().last().cloned().expect("a handshake was told")
    }

    /// Connections in a state, of all backends.
    pub(super) fn count(&self, state: PoolState) -> i64 {
        let gauges = self.gauges.borrow();
        assert!(gauges.values().all(|count| *count >= 0), "{gauges:?}");
        gauges.iter().filter(|((_, of), _)| *of == state).map(|(_, count)| count).sum()
    }

    /// Connections in a state, of one backend.
    pub(super) fn count_of(&self, backend: &Backend, state: PoolState) -> i64 {
        self.gauges.borrow().get(&(backend.id.backend.to_string(), state)).copied().unwrap_or_default()
    }
}

impl Observer for Recorder {
    fn request(&self, _: &RequestRecord<'_>) {}
    fn request_in_flight(&self, _: &str, _: bool) {}
    fn downstream_connection(&self, _: &str, _: u16, _: bool) {}

    fn handshake(&self, record: &HandshakeRecord<'_>) {
        self.handshakes.borrow_mut().push(Handshake {
            backend: record.backend.clone(),
            endpoint: record.endpoint,
            sni: record.sni.into(),
            result: record.result,
            tls: record.tls.cloned(),
            detail: record.evidence.to_string(),
            timed: [record.dns.is_some(), record.tcp.is_some(), record.handshake.is_some()],
        });
    }

    fn plaintext_connect(&self, _: &BackendId, outcome: Reason, _: Duration) {
        self.plaintext.borrow_mut().push(outcome);
    }

    fn pool(&self, backend: &BackendId, from: Option<PoolState>, to: Option<PoolState>) {
        let mut gauges = self.gauges.borrow_mut();
        for (state, change) in [(from, -1), (to, 1)] {
            if let Some(state) = state {
                *gauges.entry((backend.backend.to_string(), state)).or_default() += change;
            }
        }
    }

    fn acquired(&self, _: &BackendId, how: Acquisition) {
        self.acquired.borrow_mut().push(how);
    }

    fn closed(&self, _: &BackendId, why: CloseReason) {
        self.closed.borrow_mut().push(why);
    }

    fn upstream_bytes(&self, _: &BackendId, sent: u64, received: u64) {
        let mut bytes = self.bytes.borrow_mut();
        *bytes = (bytes.0 + sent, bytes.1 + received);
    }
}

/// What the resolver knows.
type Names = HashMap<String, Result<Vec<IpAddr>, String>>;

/// The worker under test.
pub(super) struct Bench {
    pub(super) upstreams: Rc<Upstreams>,
    pub(super) seen: Rc<Recorder>,
    pub(super) clock: Arc<Clock>,
    pub(super) names: Rc<RefCell<Names>>,
    pub(super) lookups: Rc<RefCell<Vec<String>>>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(adjust: impl FnOnce(&mut UpstreamSettings)) -> Self {
        let mut settings = UpstreamSettings::default();
        adjust(&mut settings);
        let seen = Rc::new(Recorder::default());
        let clock = Arc::new(Clock::default());
        let names = Rc::new(RefCell::new(Names::new()));
        let lookups = Rc::new(RefCell::new(Vec::new()));
        let (table, asked) = (names.clone(), lookups.clone());
        let resolver = Resolver::with_lookup(
            settings.connect_timeout,
            Rc::new(move |host| {
                asked.borrow_mut().push(host.to_string());
                let found = table.borrow().get(&*host).cloned().unwrap_or_else(|| Err("NXDOMAIN".into()));
                let time_to_live = Duration::from_mins(1);
                async move { found.map(|found| Answer { addresses: found.into(), time_to_live }) }.boxed_local()
            }),
        );
        let upstreams = Upstreams::with(settings, seen.clone(), resolver, clock.clone());
        Self { upstreams, seen, clock, names, lookups }
    }

    /// Goes over to a plan of these backends, each Service port with its endpoints.
    pub(super) fn apply(&self, backends: &[&Arc<Backend>], endpoints: &[(&ServicePort, &[SocketAddr])]) {
        let backends = backends.iter().map(|backend| (backend.id.clone(), (*backend).clone())).collect();
        let endpoints = endpoints.iter().map(|(service, at)| ((*service).clone(), addresses(at))).collect();
        self.upstreams.apply(&Arc::new(Plan { backends, ..Plan::default() }), &Arc::new(endpoints));
    }

    /// Lets the wall clock go on, and the worker notice.
    pub(super) async fn later(&self, seconds: i64) {
        self.clock.advance(seconds);
        pass(Duration::from_secs(1)).await;
    }

    /// A connection, within the deadline.
    pub(super) async fn acquire(&self, backend: &Arc<Backend>) -> Result<UpstreamConnection, UpstreamFailure> {
        timeout(DEADLINE, self.upstreams.acquire(backend)).await.expect("in time")
    }

    /// One exchange, after which the connection goes back; a failure of either is what the request path would see.
    pub(super) async fn exchange(&self, backend: &Arc<Backend>) -> Result<Option<TlsInfo>, UpstreamFailure> {
        let mut connection = self.acquire(backend).await?;
        match ping(&mut connection).await {
            Ok(()) => {
                let tls = connection.info().tls.clone();
                connection.release();
                Ok(tls)
            }
            Err(error) => {
                let failure = connection.read_failure(&error);
                connection.discard(CloseReason::Error);
                Err(failure)
            }
        }
    }

    /// An exchange that succeeds over TLS.
    pub(super) async fn tls(&self, backend: &Arc<Backend>) -> TlsInfo {
        self.exchange(backend).await.expect("an exchange").expect("over TLS")
    }
}

pub(super) fn addresses(addresses: &[SocketAddr]) -> Arc<[Endpoint]> {
    addresses.iter().map(|address| Endpoint { address: *address }).collect()
}

/// Asks, and waits for the answer.
pub(super) async fn ping(connection: &mut UpstreamConnection) -> io::Result<()> {
    let exchange = async {
        connection.write_all(b"ping!").await?;
        connection.flush().await?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).await?;
        assert_eq!(&answer, b"pong!");
        Ok(())
    };
    timeout(DEADLINE, exchange).await.expect("in time")
}

/// Lets this much time pass at once.
pub(super) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Polls until it holds.
pub(super) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let poll = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(DEADLINE, poll).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// The identity under which `example.com` is reached, TLS 1.2 and 1.3.
pub(super) fn identity(trust: Trust) -> TlsIdentity {
    TlsIdentity {
        sni: "example.com".into(),
        names: PeerNames::Sni,
        trust,
        client_certificate: None,
        min_version: TlsVersion::Tls12,
        max_version: TlsVersion::Tls13,
        alpn: vec!["http/1.1".into()],
        resumption: true,
        pins: BTreeSet::new(),
    }
}

/// A backend at a literal address, under an identity.
pub(super) fn secured(address: SocketAddr, identity: TlsIdentity) -> Arc<Backend> {
    named("a", at(address), originate(identity))
}

pub(super) fn plain(address: SocketAddr) -> Arc<Backend> {
    named("a", at(address), Tls::Plaintext)
}

pub(super) fn named(name: &str, endpoints: EndpointSource, tls: Tls) -> Arc<Backend> {
    let id =
        BackendId { gateway: "default/gateway".into(), backend: format!("Service/default/{name}").into(), port: 443 };
    Arc::new(Backend { id, endpoints, tls, near_miss: None })
}

pub(super) fn originate(identity: TlsIdentity) -> Tls {
    Tls::Originate { policy: "default/policy".into(), identity: Arc::new(identity) }
}

pub(super) fn at(address: SocketAddr) -> EndpointSource {
    EndpointSource::Host { host: address.ip().to_string().into(), port: address.port() }
}

pub(super) fn service(name: &str) -> ServicePort {
    ServicePort { namespace: "default".into(), name: name.into(), port: 443 }
}
