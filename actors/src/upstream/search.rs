//! The search for an endpoint that answers by TCP. The first that does decides: whatever its TLS then says is final.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};

use super::Upstreams;
use super::channel::Channel;
use super::classify::Classified;
use super::connection::UpstreamConnection;
use super::connector::{Dial, DialFailure, Stage};
use super::destination::Destination;
use super::failure::UpstreamFailure;
use super::pool::Pool;
use super::profile::TlsProfile;
use super::registry::Registry;
use super::repeat::Repeat;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::{Backend, EndpointSource};
use crate::telemetry::{Acquisition, PoolState};

/// How many endpoints are tried for one request.
const ATTEMPTS: usize = 8;
/// How many of them at a time.
const AT_A_TIME: usize = 3;

pub(super) struct Search<'a> {
    upstreams: &'a Rc<Upstreams>,
    backend: &'a Arc<Backend>,
    destination: &'a Rc<Destination>,
    profile: Option<&'a Rc<TlsProfile>>,
    dns: Option<Duration>,
    repeat: Repeat,
    tried: Vec<SocketAddr>,
    /// Those that TCP has not decided yet, and those that shake hands.
    running: Vec<(Rc<Pool>, Rc<Dial>)>,
    unreached: Option<(SocketAddr, DialFailure)>,
}

/// Why one attempt gave no connection.
enum Failed {
    /// No permit, and no connection given back, within the time.
    Overloaded,
    Dial(Box<DialFailure>),
}

type Attempt = LocalBoxFuture<'static, (Rc<Pool>, Result<UpstreamConnection, Failed>)>;

impl<'a> Search<'a> {
    pub(super) fn new(
        upstreams: &'a Rc<Upstreams>,
        backend: &'a Arc<Backend>,
        destination: &'a Rc<Destination>,
        profile: Option<&'a Rc<TlsProfile>>,
        dns: Option<Duration>,
        repeat: Repeat,
    ) -> Self {
        let (tried, running) = (Vec::with_capacity(ATTEMPTS), Vec::with_capacity(AT_A_TIME));
        Self { upstreams, backend, destination, profile, dns, repeat, tried, running, unreached: None }
    }

    pub(super) async fn run(mut self) -> Result<UpstreamConnection, UpstreamFailure> {
        let mut attempts = FuturesUnordered::new();
        let Some(first) = self.next() else {
            return Err(UpstreamFailure {
                reason: Reason::NoEndpoint,
                certificate_error: None,
                message: format!("{} has no ready endpoint", self.backend.id),
                endpoint: None,
            });
        };
        attempts.push(first);
        let delay = self.upstreams.registry.settings.attempt_delay;
        let stagger = sleep(delay);
        tokio::pin!(stagger);
        loop {
            let next = tokio::select! {
                biased;
                Some((pool, result)) = attempts.next() => {
                    self.running.retain(|(other, _)| !Rc::ptr_eq(other, &pool));
                    match result {
                        Ok(connection) => {
                            self.reached(&pool);
                            return Ok(connection);
                        }
                        Err(Failed::Overloaded) if attempts.is_empty() => return Err(self.overloaded(&pool)),
                        Err(Failed::Overloaded) => None,
                        Err(Failed::Dial(failure)) if failure.unreached => {
                            let late = failure.classified.result == HandshakeResult::Timeout;
                            self.not_reached(&pool, *failure);
                            // Who waited that long waits for those that are under way, and not for yet another one.
                            if late { None } else { self.next() }
                        }
                        Err(Failed::Dial(failure)) => {
                            let endpoint = Some(pool.line.address);
                            return Err(self.upstreams.failed(self.backend, endpoint, &failure, self.dns));
                        }
                    }
                }
                () = &mut stagger, if self.tried.len() < ATTEMPTS => {
                    stagger.as_mut().reset(Instant::now() + delay);
                    // One that shakes hands has been reached: it decides.
                    let silent = self.running.iter().all(|(_, dial)| dial.stage() == Stage::Tcp);
                    if silent { self.next() } else { None }
                }
            };
            match next {
                Some(attempt) => {
                    stagger.as_mut().reset(Instant::now() + delay);
                    attempts.push(attempt);
                }
                None if attempts.is_empty() => return Err(self.give_up()),
                None => {}
            }
        }
    }

    /// An attempt at an endpoint that has not been tried.
    fn next(&mut self) -> Option<Attempt> {
        if self.tried.len() >= ATTEMPTS || self.running.len() >= AT_A_TIME {
            return None;
        }
        let upstreams = self.upstreams.clone();
        let address = self.destination.choose(&self.tried, &upstreams.random, Instant::now())?;
        self.tried.push(address);
        let backend = self.backend.clone();
        let pool = self.destination.pool(address, self.profile, &upstreams.registry);
        let connecting = Connecting::new(&upstreams.registry, &backend);
        let dial = Dial::new(&pool.line, {
            let connecting = connecting.clone();
            move || connecting.begin()
        });
        self.running.push((pool.clone(), dial.clone()));
        let (dns, repeat) = (self.dns, self.repeat);
        let attempt = async move {
            let result = attempt(&upstreams, &backend, &pool, &dial, dns, repeat).await;
            connecting.end(result.is_ok());
            (pool, result)
        };
        Some(attempt.boxed_local())
    }

    /// One endpoint answered. Those that are still silent are avoided for a while, or each request would wait for them.
    fn reached(&self, pool: &Pool) {
        pool.avoid(None);
        for (silent, dial) in &self.running {
            if dial.stage() == Stage::Tcp {
                self.avoid(silent);
            }
        }
    }

    fn not_reached(&mut self, pool: &Pool, failure: DialFailure) {
        self.avoid(pool);
        let address = pool.line.address;
        // Each endpoint of a Service is told of; the addresses of one name are tried on behalf of that name.
        if matches!(self.backend.endpoints, EndpointSource::Service(_)) {
            self.upstreams.failed(self.backend, Some(address), &failure, self.dns);
        }
        // A refusal says more than a missing route.
        let tells_more = |last: &DialFailure| {
            last.classified.result == HandshakeResult::TcpUnreachable
                || failure.classified.result != HandshakeResult::TcpUnreachable
        };
        if self.unreached.as_ref().is_none_or(|(_, last)| tells_more(last)) {
            self.unreached = Some((address, failure));
        }
    }

    fn avoid(&self, pool: &Pool) {
        pool.avoid(Some(Instant::now() + self.upstreams.registry.settings.avoid_unreachable));
    }

    fn overloaded(&self, pool: &Pool) -> UpstreamFailure {
        self.upstreams.registry.observer.acquired(&self.backend.id, Acquisition::Rejected);
        let settings = &self.upstreams.registry.settings;
        UpstreamFailure {
            reason: Reason::Overloaded,
            certificate_error: None,
            message: format!(
                "all {} connections to {} are in use, and none was given back within {:?}",
                settings.limit_per_endpoint, pool.line.address, settings.acquire_timeout
            ),
            endpoint: Some(pool.line.address),
        }
    }

    fn give_up(&self) -> UpstreamFailure {
        let Some((address, failure)) = &self.unreached else {
            // Every attempt that ends here has left its failure.
            return DialFailure::from(Classified::new(HandshakeResult::Other, "no attempt was made")).at(None);
        };
        match self.backend.endpoints {
            EndpointSource::Service(_) => failure.at(Some(*address)),
            EndpointSource::Host { .. } => self.upstreams.failed(self.backend, Some(*address), failure, self.dns),
        }
    }
}

/// One endpoint: an idle connection, or one that is given back while there is no permit, or a new one.
async fn attempt(
    upstreams: &Rc<Upstreams>,
    backend: &Arc<Backend>,
    pool: &Rc<Pool>,
    dial: &Rc<Dial>,
    dns: Option<Duration>,
    repeat: Repeat,
) -> Result<UpstreamConnection, Failed> {
    let registry = &upstreams.registry;
    let _busy = pool.occupy();
    if let Some(channel) = pool.take(backend, registry, Instant::now(), repeat) {
        return Ok(upstreams.reused(channel, pool));
    }
    let mut dialled = (pool.connect)(dial.clone());
    let mut given = pool.wait(dial, registry);
    let patience = sleep(registry.settings.acquire_timeout);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            biased;
            mut channel = &mut given => {
                registry.adopt(&mut channel, backend);
                return Ok(upstreams.reused(channel, pool));
            }
            result = &mut dialled => {
                let (io, made) = result.map_err(|failure| Failed::Dial(Box::new(failure)))?;
                registry.observer.acquired(&backend.id, Acquisition::New);
                let channel = Channel::new(io, made, &pool.line, backend, dns, &*registry.observer);
                return Ok(UpstreamConnection::new(Box::new(channel), pool, registry, false));
            }
            () = &mut patience, if dial.stage() == Stage::Waiting => {
                if dial.stage() == Stage::Waiting {
                    return Err(Failed::Overloaded);
                }
            }
        }
    }
}

/// Counts an attempt as `connecting` from its permit to its end, also when it is given up.
struct Connecting {
    registry: Rc<Registry>,
    backend: Arc<Backend>,
    begun: Cell<bool>,
}

impl Connecting {
    fn new(registry: &Rc<Registry>, backend: &Arc<Backend>) -> Rc<Self> {
        Rc::new(Self { registry: registry.clone(), backend: backend.clone(), begun: Cell::new(false) })
    }

    fn begin(&self) {
        self.begun.set(true);
        self.registry.observer.pool(&self.backend.id, None, Some(PoolState::Connecting));
    }

    /// `established` connections go on as active ones.
    fn end(&self, established: bool) {
        if self.begun.replace(false) {
            let to = established.then_some(PoolState::Active);
            self.registry.observer.pool(&self.backend.id, Some(PoolState::Connecting), to);
        }
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.end(false);
    }
}
