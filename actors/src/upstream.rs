//! The back side: endpoints, TLS identities, verification, connectors and pools. One [`Upstreams`] a worker thread;
//! nothing in it is shared between threads.
//!
//! It must not know routes and listeners: it is asked for a connection to a [`Backend`] and gives
//! one, or says in a closed word why not.
//!
//! | module | owns |
//! |---|---|
//! | `acquire`, `search` | from a backend to a connection |
//! | `destination`, `choice` | a backend as this worker sees it; which endpoint takes a request |
//! | `registry`, `pool`, `channel` | connections by endpoint and whole identity; one of them |
//! | `trusted`, `retirement` | whether a connection's chain holds; the end of those that are no longer wanted |
//! | [`repeat`], `pointer` | how closely a pooled connection is looked at; tables by address |
//! | [`connection`] | a connection in the hands of an exchange |
//! | `connector`, [`socket`], [`mod@handshake`], [`resolver`] | the steps: limit, TCP, TLS, names |
//! | [`profile`], [`verifier`], [`anchors`], [`names`] | a TLS identity made ready, and its judgement |
//! | [`classify`], [`explain`], [`failure`] | closed words; the log's words |
//! | [`probe`] | how handshakes with a backend go, step by step |
//! | [`refused`] | addresses that a name may not lead to |
//! | [`system_roots`], [`settings`] | the machine's roots; limits and times |

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::sync::Arc;

use rustls::time_provider::{DefaultTimeProvider, TimeProvider};

use crate::plan::{Backend, BackendId, Endpoint, EndpointSource, Endpoints, Plan, ServicePort, Tls, TlsIdentity};
use crate::telemetry::{CloseReason, Observer};

pub mod accepted;
mod acquire;
pub mod anchors;
pub mod bulk;
pub mod cause;
mod channel;
mod choice;
pub mod classify;
pub mod connection;
mod connector;
mod destination;
pub mod explain;
pub mod failure;
pub mod handshake;
pub mod names;
pub mod path;
mod pointer;
mod pool;
pub mod probe;
pub mod profile;
pub mod refused;
mod registry;
pub mod repeat;
pub mod resolver;
mod retirement;
mod search;
pub mod settings;
pub mod socket;
pub mod system_roots;
mod trusted;
pub mod verifier;

#[cfg(test)]
mod tests;

pub use channel::ConnectionInfo;
pub use connection::UpstreamConnection;
pub use failure::UpstreamFailure;
pub use refused::RefusedAddresses;
pub use repeat::Repeat;
pub use resolver::Resolver;
pub use settings::UpstreamSettings;

use choice::Random;
use destination::Destination;
use pointer::PointerMap;
use profile::{ProfileError, Profiles, TlsProfile};
use registry::{Leaving, Registry};

/// The connections of one worker thread to all backends.
pub struct Upstreams {
    registry: Rc<Registry>,
    resolver: Rc<Resolver>,
    random: Random,
    profiles: RefCell<Profiles>,
    /// By the address of the backend, which the destination keeps alive: the request path hashes no more than that.
    destinations: RefCell<PointerMap<Backend, Rc<Destination>>>,
    by_service: RefCell<HashMap<ServicePort, Vec<Rc<Destination>>>>,
    endpoints: RefCell<Arc<Endpoints>>,
    /// What was told since the table of endpoints.
    changed: RefCell<HashMap<ServicePort, Arc<[Endpoint]>>>,
    applied: Cell<bool>,
}

impl Upstreams {
    /// None yet. Must be used inside of a `LocalSet`, as every actix arbiter is one.
    pub fn new(settings: UpstreamSettings, observer: Rc<dyn Observer>) -> Rc<Self> {
        let resolver = Resolver::system(settings.connect_timeout);
        Self::with(settings, observer, resolver, Arc::new(DefaultTimeProvider))
    }

    /// The same, with another source of names, and of the time by which certificates are judged.
    pub fn with(
        settings: UpstreamSettings,
        observer: Rc<dyn Observer>,
        resolver: Rc<Resolver>,
        clock: Arc<dyn TimeProvider>,
    ) -> Rc<Self> {
        Rc::new(Self {
            registry: Registry::new(settings, observer),
            resolver,
            random: Random::new(),
            profiles: RefCell::new(Profiles::new(clock)),
            destinations: RefCell::default(),
            by_service: RefCell::default(),
            endpoints: RefCell::default(),
            changed: RefCell::default(),
            applied: Cell::new(false),
        })
    }

    /// Goes over to a plan. Connections whose endpoint and whole TLS identity a backend still has are kept. If only what it
    /// trusts has changed, those are kept whose chains the new identity accepts. The others take no more requests: idle
    /// ones close, over some seconds where they are many, and those under an exchange when it is over.
    pub fn apply(self: &Rc<Self>, plan: &Arc<Plan>, endpoints: &Arc<Endpoints>) {
        self.applied.set(true);
        self.endpoints.replace(endpoints.clone());
        self.changed.borrow_mut().clear();
        let mut earlier = HashMap::<BackendId, Rc<Destination>>::new();
        for destination in self.destinations.take().into_values().filter(|destination| destination.wanted) {
            earlier.insert(destination.backend.id.clone(), destination);
        }
        let mut destinations = PointerMap::with_capacity_and_hasher(plan.backends.len(), BuildHasherDefault::new());
        let mut by_service = HashMap::<ServicePort, Vec<Rc<Destination>>>::new();
        let mut hosts = HashSet::new();
        for backend in plan.backends.values() {
            let destination = Destination::new(backend, true, &self.endpoints_of(&backend.endpoints));
            if let Some(earlier) = earlier.remove(&backend.id) {
                self.take_over(&destination, &earlier);
            }
            match &backend.endpoints {
                EndpointSource::Service(service) => {
                    by_service.entry(service.clone()).or_default().push(destination.clone());
                }
                EndpointSource::Host { host, .. } => {
                    hosts.insert(host.clone());
                }
            }
            destination.tell_limit(&self.registry);
            destinations.insert(Arc::as_ptr(backend), destination);
        }
        for gone in earlier.into_values() {
            gone.leave(&self.registry, Leaving::AtOnce);
        }
        self.destinations.replace(destinations);
        self.by_service.replace(by_service);
        self.resolver.retain(|host| hosts.contains(host));
        self.profiles.borrow_mut().prune();
    }

    /// The ready endpoints of one Service port are these now.
    pub fn endpoints_changed(&self, service: &ServicePort, endpoints: &Arc<[Endpoint]>) {
        self.changed.borrow_mut().insert(service.clone(), endpoints.clone());
        let concerned = self.by_service.borrow().get(service).cloned().unwrap_or_default();
        for destination in concerned {
            destination.set_endpoints(endpoints, &self.registry);
        }
    }

    /// Closes the idle connections. With [`CloseReason::Drain`], those in use close when their exchange is over, too.
    pub fn close_idle(&self, reason: CloseReason) {
        self.registry.close_idle(reason);
    }

    /// What a backend had under the last plan, as far as it may go on.
    fn take_over(&self, destination: &Destination, earlier: &Destination) {
        let (after, before) = (&destination.backend, &earlier.backend);
        if after.endpoints != before.endpoints {
            return earlier.leave(&self.registry, Leaving::Spread);
        }
        match (&after.tls, &before.tls) {
            (Tls::Plaintext, Tls::Plaintext) => destination.inherit(earlier, &self.registry),
            (Tls::Originate { identity, .. }, Tls::Originate { identity: other, .. }) if identity == other => {
                destination.inherit(earlier, &self.registry);
            }
            (Tls::Originate { identity, .. }, Tls::Originate { identity: other, .. })
                if differ_in_trust_only(identity, other) && earlier.has_pools() =>
            {
                match self.profile(destination) {
                    Ok(Some(profile)) => destination.succeed(earlier, &profile, &self.registry),
                    Ok(None) | Err(_) => earlier.leave(&self.registry, Leaving::Spread),
                }
            }
            _ => earlier.leave(&self.registry, Leaving::Spread),
        }
    }

    fn endpoints_of(&self, source: &EndpointSource) -> Arc<[Endpoint]> {
        let EndpointSource::Service(service) = source else {
            return Arc::default();
        };
        let changed = self.changed.borrow().get(service).cloned();
        changed.or_else(|| self.endpoints.borrow().get(service).cloned()).unwrap_or_default()
    }

    fn destination(&self, backend: &Arc<Backend>) -> Rc<Destination> {
        if let Some(destination) = self.destinations.borrow().get(&Arc::as_ptr(backend)) {
            return destination.clone();
        }
        // A request ends on the plan on which it began. What it opens is not kept beyond it, except where no plan was ever
        // applied.
        let endpoints = self.endpoints_of(&backend.endpoints);
        let destination = Destination::new(backend, !self.applied.get(), &endpoints);
        self.destinations.borrow_mut().insert(Arc::as_ptr(backend), destination.clone());
        destination
    }

    fn profile(&self, destination: &Destination) -> Result<Option<Rc<TlsProfile>>, ProfileError> {
        let profile = destination.profile.get_or_init(|| match &destination.backend.tls {
            Tls::Plaintext => Ok(None),
            Tls::Originate { identity, .. } => self.profiles.borrow_mut().get(identity).map(Some),
            Tls::Poisoned(_) => Err(ProfileError::Poisoned),
        });
        profile.clone()
    }
}

/// Whether two identities present and offer the same, so that what one of them has opened differs from what the other would
/// open in nothing but the verdict on the peer: anchors, names and pins.
fn differ_in_trust_only(one: &TlsIdentity, other: &TlsIdentity) -> bool {
    // Taken apart, so that a new field has to be thought of here.
    let TlsIdentity {
        sni,
        names: _,
        trust: _,
        client_certificate,
        min_version,
        max_version,
        alpn,
        resumption,
        pins: _,
    } = one;
    *sni == other.sni
        && *client_certificate == other.client_certificate
        && *min_version == other.min_version
        && *max_version == other.max_version
        && *alpn == other.alpn
        && *resumption == other.resumption
}
