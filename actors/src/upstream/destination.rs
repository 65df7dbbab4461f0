//! A backend of the plan as this worker sees it: its addresses, its TLS profile, its pools. What the request path needs is
//! found here without hashing an identity.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::choice::{Burden, Random, choose};
use super::pool::Pool;
use super::profile::{ProfileError, TlsProfile};
use super::registry::Registry;
use super::resolver::Resolver;
use crate::plan::{Backend, Endpoint, EndpointSource, Tls};

pub(super) struct Destination {
    pub(super) backend: Arc<Backend>,
    /// The current plan has it. A request may still ask for one of an earlier plan.
    pub(super) wanted: bool,
    pub(super) profile: OnceCell<Result<Option<Rc<TlsProfile>>, ProfileError>>,
    /// Of a Service: as told. Of a name: the last answer, with the port.
    endpoints: RefCell<Arc<[Endpoint]>>,
    answer: RefCell<Option<Arc<[IpAddr]>>>,
    pools: RefCell<HashMap<SocketAddr, Rc<Pool>>>,
}

impl Destination {
    pub(super) fn new(backend: &Arc<Backend>, wanted: bool, endpoints: Arc<[Endpoint]>) -> Rc<Self> {
        Rc::new(Self {
            backend: backend.clone(),
            wanted,
            profile: OnceCell::new(),
            endpoints: RefCell::new(endpoints),
            answer: RefCell::default(),
            pools: RefCell::default(),
        })
    }

    /// Where it can be reached, as far as that is known without asking. `None`: its name has to be resolved.
    pub(super) fn endpoints(&self, resolver: &Rc<Resolver>) -> Option<Arc<[Endpoint]>> {
        match &self.backend.endpoints {
            EndpointSource::Service(_) => Some(self.endpoints.borrow().clone()),
            EndpointSource::Host { host, .. } => resolver.known(host).map(|answer| self.at(answer)),
        }
    }

    /// The same, resolving the name where that is needed.
    pub(super) async fn resolve(&self, resolver: &Rc<Resolver>) -> Result<Arc<[Endpoint]>, String> {
        match &self.backend.endpoints {
            EndpointSource::Service(_) => Ok(self.endpoints.borrow().clone()),
            EndpointSource::Host { host, .. } => Ok(self.at(resolver.resolve(host).await?)),
        }
    }

    fn at(&self, answer: Arc<[IpAddr]>) -> Arc<[Endpoint]> {
        let same = self.answer.borrow().as_ref().is_some_and(|last| *last == answer);
        if !same {
            let EndpointSource::Host { port, .. } = self.backend.endpoints else {
                return self.endpoints.borrow().clone();
            };
            let endpoints = answer.iter().map(|address| Endpoint { address: SocketAddr::new(*address, port) });
            self.endpoints.replace(endpoints.collect());
            self.answer.replace(Some(answer));
        }
        self.endpoints.borrow().clone()
    }

    /// The endpoints of its Service are other ones now: pools of those that vanished are left.
    pub(super) fn set_endpoints(&self, endpoints: Arc<[Endpoint]>, registry: &Registry) {
        let gone = {
            let kept = endpoints.iter().map(|endpoint| endpoint.address).collect::<std::collections::HashSet<_>>();
            let mut pools = self.pools.borrow_mut();
            pools.extract_if(|address, _| !kept.contains(address)).collect::<Vec<_>>()
        };
        self.endpoints.replace(endpoints);
        for (_, pool) in gone {
            registry.leave(&pool, &self.backend.id);
        }
    }

    /// Takes over what an earlier form of the same backend had, where nothing has changed that connections depend on.
    pub(super) fn inherit(&self, earlier: &Self, registry: &Registry) {
        let same_tls = match (&self.backend.tls, &earlier.backend.tls) {
            (Tls::Plaintext, Tls::Plaintext) => true,
            (Tls::Originate { identity, .. }, Tls::Originate { identity: other, .. }) => identity == other,
            _ => false,
        };
        if !same_tls || self.backend.endpoints != earlier.backend.endpoints {
            return earlier.leave(registry);
        }
        if let Some(profile) = earlier.profile.get() {
            let _ = self.profile.set(profile.clone());
        }
        self.answer.replace(earlier.answer.take());
        let pools = earlier.pools.take();
        for pool in pools.values() {
            pool.add_user(&self.backend);
        }
        self.pools.replace(pools);
        let endpoints = match self.backend.endpoints {
            EndpointSource::Service(_) => self.endpoints.borrow().clone(),
            EndpointSource::Host { .. } => {
                self.endpoints.replace(earlier.endpoints.borrow().clone());
                return;
            }
        };
        self.set_endpoints(endpoints, registry);
    }

    /// The backend is gone.
    pub(super) fn leave(&self, registry: &Registry) {
        for pool in self.pools.take().into_values() {
            registry.leave(&pool, &self.backend.id);
        }
    }

    /// One of the endpoints that have not been tried.
    pub(super) fn choose(&self, endpoints: &[Endpoint], tried: &[SocketAddr], random: &Random) -> Option<SocketAddr> {
        let now = Instant::now();
        if tried.is_empty() {
            let chosen = choose(endpoints.len(), random, |place| self.burden(endpoints[place].address, now))?;
            return Some(endpoints[chosen].address);
        }
        let left = endpoints.iter().map(|endpoint| endpoint.address).filter(|address| !tried.contains(address));
        let left = left.collect::<Vec<_>>();
        let chosen = choose(left.len(), random, |place| self.burden(left[place], now))?;
        Some(left[chosen])
    }

    fn burden(&self, address: SocketAddr, now: Instant) -> Burden {
        match self.pools.borrow().get(&address) {
            Some(pool) => Burden { avoided: pool.is_avoided(now), load: pool.load(), no_idle: !pool.has_idle() },
            None => Burden { avoided: false, load: 0, no_idle: true },
        }
    }

    /// The pool to an endpoint, if it was used before.
    pub(super) fn used_pool(&self, address: SocketAddr) -> Option<Rc<Pool>> {
        self.pools.borrow().get(&address).cloned()
    }

    /// The pool to an endpoint.
    pub(super) fn pool(&self, address: SocketAddr, profile: Option<&Rc<TlsProfile>>, registry: &Registry) -> Rc<Pool> {
        if let Some(pool) = self.used_pool(address) {
            return pool;
        }
        let pool = registry.pool(address, profile, self.wanted);
        if self.wanted {
            pool.add_user(&self.backend);
        }
        self.pools.borrow_mut().insert(address, pool.clone());
        pool
    }

    /// Lets go of pools to addresses that its name no longer has, once nothing is in them.
    pub(super) fn prune(&self, registry: &Registry) {
        let EndpointSource::Host { .. } = self.backend.endpoints else {
            return;
        };
        let empty = {
            let current = self.endpoints.borrow().clone();
            let mut pools = self.pools.borrow_mut();
            let left = |address: &SocketAddr, pool: &mut Rc<Pool>| {
                !current.iter().any(|endpoint| endpoint.address == *address) && pool.load() == 0 && !pool.has_idle()
            };
            pools.extract_if(left).collect::<Vec<_>>()
        };
        for (_, pool) in empty {
            registry.leave(&pool, &self.backend.id);
        }
    }
}
