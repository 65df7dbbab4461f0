//! A backend of the plan as this worker sees it: its addresses, its TLS profile, its pools. What the request path needs is
//! found here without hashing an address or an identity.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::choice::{Burden, Random, choose};
use super::pool::Pool;
use super::profile::{ProfileError, TlsProfile};
use super::registry::{Leaving, Registry};
use super::resolver::Resolver;
use crate::plan::{Backend, Endpoint, EndpointSource};

pub(super) struct Destination {
    pub(super) backend: Arc<Backend>,
    /// The current plan has it. A request may still ask for one of an earlier plan.
    pub(super) wanted: bool,
    pub(super) profile: OnceCell<Result<Option<Rc<TlsProfile>>, ProfileError>>,
    /// Where it can be reached. Of a Service: as told. Of a name: by its last answer.
    places: RefCell<Vec<Place>>,
    /// Pools to addresses that its name no longer has, for as long as something is in them.
    former: RefCell<Vec<Rc<Pool>>>,
    answer: RefCell<Option<Arc<[IpAddr]>>>,
    /// Which addresses of that answer are refused, and why.
    refusal: RefCell<Option<String>>,
    located: Cell<Located>,
}

/// An endpoint, with its pool once it was used.
struct Place {
    address: SocketAddr,
    pool: Option<Rc<Pool>>,
}

/// Whether the places are those where the backend is.
#[derive(Debug, Clone, Copy)]
enum Located {
    /// Not known: the resolver has to be asked.
    No,
    /// As long as its name's answer holds.
    Until(Instant),
    /// It has no name, or one that never changes.
    Always,
}

impl Place {
    fn burden(&self, now: Instant) -> Burden {
        match &self.pool {
            Some(pool) => Burden { avoided: pool.is_avoided(now), load: pool.load(), no_idle: !pool.has_idle() },
            None => Burden { avoided: false, load: 0, no_idle: true },
        }
    }
}

impl Destination {
    pub(super) fn new(backend: &Arc<Backend>, wanted: bool, endpoints: &[Endpoint]) -> Rc<Self> {
        let located = match backend.endpoints {
            EndpointSource::Service(_) => Located::Always,
            EndpointSource::Host { .. } => Located::No,
        };
        let places = endpoints.iter().map(|endpoint| Place { address: endpoint.address, pool: None });
        Rc::new(Self {
            backend: backend.clone(),
            wanted,
            profile: OnceCell::new(),
            places: RefCell::new(places.collect()),
            former: RefCell::default(),
            answer: RefCell::default(),
            refusal: RefCell::default(),
            located: Cell::new(located),
        })
    }

    /// Whether its places are known without waiting for the resolver.
    pub(super) fn is_located(&self, resolver: &Rc<Resolver>, registry: &Rc<Registry>, now: Instant) -> bool {
        match self.located.get() {
            Located::Always => return true,
            Located::Until(until) if now < until => return true,
            Located::Until(_) | Located::No => {}
        }
        let EndpointSource::Host { host, .. } = &self.backend.endpoints else {
            return true;
        };
        let Some(known) = resolver.known(host, now) else {
            self.located.set(Located::No);
            return false;
        };
        self.learn(known.addresses, registry);
        self.located.set(known.until.map_or(Located::Always, Located::Until));
        true
    }

    /// Resolves its name.
    pub(super) async fn locate(&self, resolver: &Rc<Resolver>, registry: &Rc<Registry>) -> Result<(), String> {
        if let EndpointSource::Host { host, .. } = &self.backend.endpoints {
            let addresses = resolver.resolve(host).await?;
            self.learn(addresses, registry);
        }
        Ok(())
    }

    fn learn(&self, addresses: Arc<[IpAddr]>, registry: &Rc<Registry>) {
        let EndpointSource::Host { host, port } = &self.backend.endpoints else {
            return;
        };
        if self.answer.borrow().as_ref().is_some_and(|last| *last == addresses) {
            return;
        }
        let refused = &registry.settings.refused;
        let permitted = addresses.iter().filter(|address| refused.why(**address).is_none());
        let gone = self.relocate(permitted.map(|address| SocketAddr::new(*address, *port)));
        self.former.borrow_mut().extend(gone);
        self.prune(registry);
        let refusal = refused.explain(host, &addresses);
        if let Some(cause) = refusal.as_ref().filter(|cause| self.refusal.borrow().as_ref() != Some(cause)) {
            tracing::warn!(backend = %self.backend.id, %cause, "addresses of a backend are refused");
        }
        self.refusal.replace(refusal);
        self.answer.replace(Some(addresses));
        self.tell_limit(registry);
    }

    /// Why it has no address at all, if it would have one that is not refused.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.borrow().clone().filter(|_| self.places.borrow().is_empty())
    }

    /// The endpoints of its Service are other ones now: pools of those that vanished are left.
    pub(super) fn set_endpoints(&self, endpoints: &[Endpoint], registry: &Rc<Registry>) {
        for pool in self.relocate(endpoints.iter().map(|endpoint| endpoint.address)) {
            registry.leave(&pool, &self.backend.id, Leaving::AtOnce);
        }
        self.tell_limit(registry);
    }

    /// Tells the observer how many connections it may have.
    pub(super) fn tell_limit(&self, registry: &Registry) {
        let connections = self.places.borrow().len() * registry.settings.limit_per_endpoint;
        registry.observer.pool_limit(&self.backend.id, connections as u64);
    }

    /// Makes the places anew, and gives the pools of those that are no more. None is listed twice.
    fn relocate(&self, addresses: impl Iterator<Item = SocketAddr>) -> Vec<Rc<Pool>> {
        let mut pools = HashMap::new();
        let former = self.former.take();
        let used = self.places.take().into_iter().filter_map(|place| place.pool);
        for pool in used.chain(former) {
            pools.insert(pool.line.address, pool);
        }
        let mut seen = HashSet::new();
        let addresses = addresses.filter(|address| seen.insert(*address));
        let places = addresses.map(|address| Place { address, pool: pools.remove(&address) }).collect();
        self.places.replace(places);
        pools.into_values().collect()
    }

    /// Takes over what an earlier form of the same backend had, if nothing has changed that its connections depend on.
    pub(super) fn inherit(&self, earlier: &Self, registry: &Rc<Registry>) {
        if let Some(profile) = earlier.profile.get() {
            let _ = self.profile.set(profile.clone());
        }
        self.take_over(earlier, registry, |pool| {
            pool.add_user(&self.backend);
            pool
        });
    }

    /// Takes over what an earlier form of the same backend had, if nothing but what it trusts has changed since: its
    /// connections go on where this profile accepts their chains.
    pub(super) fn succeed(&self, earlier: &Self, profile: &Rc<TlsProfile>, registry: &Rc<Registry>) {
        self.take_over(earlier, registry, |pool| registry.succeed(&pool, profile, &self.backend));
    }

    fn take_over(&self, earlier: &Self, registry: &Rc<Registry>, over: impl Fn(Rc<Pool>) -> Rc<Pool>) {
        let told = self.places.take().into_iter().map(|place| place.address).collect::<Vec<_>>();
        let service = matches!(self.backend.endpoints, EndpointSource::Service(_));
        if service {
            // Pools of endpoints that are no more are left as what they were.
            for pool in earlier.relocate(told.into_iter()) {
                registry.leave(&pool, &self.backend.id, Leaving::AtOnce);
            }
        }
        let places = earlier.places.take().into_iter();
        let places = places.map(|place| Place { address: place.address, pool: place.pool.map(&over) });
        self.places.replace(places.collect());
        self.former.replace(earlier.former.take().into_iter().map(&over).collect());
        self.answer.replace(earlier.answer.take());
        self.refusal.replace(earlier.refusal.take());
        self.located.set(earlier.located.get());
        self.prune(registry);
    }

    /// Whether it was used.
    pub(super) fn has_pools(&self) -> bool {
        self.places.borrow().iter().any(|place| place.pool.is_some()) || !self.former.borrow().is_empty()
    }

    /// The backend is gone, or is another one now.
    pub(super) fn leave(&self, registry: &Rc<Registry>, leaving: Leaving) {
        for pool in self.relocate(std::iter::empty()) {
            registry.leave(&pool, &self.backend.id, leaving);
        }
    }

    /// The pool of one of its endpoints, if that was used before.
    pub(super) fn used_pool(&self, random: &Random, now: Instant) -> Option<Rc<Pool>> {
        let places = self.places.borrow();
        let chosen = choose(places.len(), random, |place| places[place].burden(now))?;
        places[chosen].pool.clone()
    }

    /// One of its endpoints that have not been tried.
    ///
    /// After one that did not answer comes one of the other address family, where there is one that is not avoided: if one
    /// family is broken, "this prevents a long delay" (RFC 8305, section 4, on interlacing).
    pub(super) fn choose(&self, tried: &[SocketAddr], random: &Random, now: Instant) -> Option<SocketAddr> {
        let places = self.places.borrow();
        let left = places.iter().filter(|place| !tried.contains(&place.address)).collect::<Vec<_>>();
        let other_family = tried.last().map_or_else(Vec::new, |last| {
            let other = |place: &&&Place| place.address.is_ipv4() != last.is_ipv4() && !place.burden(now).avoided;
            left.iter().filter(other).copied().collect()
        });
        let among = if other_family.is_empty() { left } else { other_family };
        let chosen = choose(among.len(), random, |place| among[place].burden(now))?;
        Some(among[chosen].address)
    }

    /// The pool to one of its endpoints.
    pub(super) fn pool(
        &self,
        address: SocketAddr,
        profile: Option<&Rc<TlsProfile>>,
        registry: &Rc<Registry>,
    ) -> Rc<Pool> {
        let mut places = self.places.borrow_mut();
        let Some(place) = places.iter_mut().find(|place| place.address == address) else {
            return registry.pool(address, profile, false);
        };
        let pool = place.pool.get_or_insert_with(|| {
            let pool = registry.pool(address, profile, self.wanted);
            if self.wanted {
                pool.add_user(&self.backend);
            }
            pool
        });
        pool.clone()
    }

    /// Lets go of pools to addresses that its name no longer has, once nothing is in them.
    fn prune(&self, registry: &Rc<Registry>) {
        let empty = |pool: &mut Rc<Pool>| pool.load() == 0 && !pool.has_idle();
        let empty = self.former.borrow_mut().extract_if(.., empty).collect::<Vec<_>>();
        for pool in empty {
            registry.leave(&pool, &self.backend.id, Leaving::AtOnce);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BackendId, ServicePort, Tls};

    fn destination(addresses: &[&str]) -> Rc<Destination> {
        let id = BackendId { gateway: "a/b".into(), backend: "Service/a/c".into(), port: 80 };
        let service = ServicePort { namespace: "a".into(), name: "c".into(), port: 80 };
        let backend = Backend { id, endpoints: EndpointSource::Service(service), tls: Tls::Plaintext, near_miss: None };
        let endpoints = addresses.iter().map(|address| Endpoint { address: address.parse().expect("an address") });
        Destination::new(&Arc::new(backend), true, &endpoints.collect::<Vec<_>>())
    }

    #[test]
    fn families_alternate() {
        let destination = destination(&["[::1]:80", "[::2]:80", "[::3]:80", "10.0.0.1:80", "10.0.0.2:80"]);
        let random = Random::new();
        for _ in 0..20 {
            let mut tried = Vec::new();
            while let Some(next) = destination.choose(&tried, &random, Instant::now()) {
                tried.push(next);
            }
            assert_eq!(tried.len(), 5, "each one once: {tried:?}");
            let changes = tried.windows(2).filter(|pair| pair[0].is_ipv4() != pair[1].is_ipv4()).count();
            assert!(changes >= 3, "{tried:?}");
        }
    }
}
