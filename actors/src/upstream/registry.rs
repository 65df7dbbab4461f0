//! All pools of a worker, what they share, and the task that closes what has been unused for too long.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use super::channel::Channel;
use super::connector::{self, Line};
use super::pool::Pool;
use super::profile::TlsProfile;
use super::retirement::Retirement;
use super::settings::UpstreamSettings;
use crate::plan::{Backend, BackendId, TlsIdentity};
use crate::telemetry::{CloseReason, Observer, PoolState};

/// Two requests share a connection only if both are equal: the identity with all of its content.
type Key = (SocketAddr, Option<Arc<TlsIdentity>>);

pub(super) struct Registry {
    pub(super) settings: UpstreamSettings,
    pub(super) observer: Rc<dyn Observer>,
    /// Idle connections of pools that nobody uses any more.
    pub(super) retirement: Retirement,
    pools: RefCell<HashMap<Key, Rc<Pool>>>,
    closing: Cell<Option<CloseReason>>,
    watching: Cell<bool>,
}

/// When the idle connections of a pool close that its last user leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Backend or endpoint are gone.
    AtOnce,
    /// The backend wants other ones to the same endpoints, as many others may at the same moment.
    Spread,
}

impl Registry {
    pub(super) fn new(settings: UpstreamSettings, observer: Rc<dyn Observer>) -> Rc<Self> {
        Rc::new(Self {
            retirement: Retirement::new(settings.retire_over),
            settings,
            observer,
            pools: RefCell::default(),
            closing: Cell::new(None),
            watching: Cell::new(false),
        })
    }

    /// The pool to an endpoint under a profile. One that no plan wants is not entered in the table, and keeps nothing.
    pub(super) fn pool(
        self: &Rc<Self>,
        address: SocketAddr,
        profile: Option<&Rc<TlsProfile>>,
        wanted: bool,
    ) -> Rc<Pool> {
        if let Some(pool) = self.known_pool(address, profile) {
            return pool;
        }
        let line = Line::new(address, profile.cloned(), &self.settings);
        let pool = Pool::new(line, connector::limited(address, &self.settings));
        if wanted {
            self.enter(&pool);
        } else {
            pool.retire(self, Leaving::AtOnce);
        }
        pool
    }

    /// A backend goes over from a pool to the one under a profile that differs in nothing but what it trusts. When the last
    /// user of the earlier pool goes, the connections go with it; until then they are those of the users that stay.
    pub(super) fn succeed(
        self: &Rc<Self>,
        earlier: &Rc<Pool>,
        profile: &Rc<TlsProfile>,
        backend: &Arc<Backend>,
    ) -> Rc<Pool> {
        let address = earlier.line.address;
        let pool = self.known_pool(address, Some(profile)).unwrap_or_else(|| {
            // What is open counts on, where all of it comes along.
            let connect = if earlier.is_used_only_by(&backend.id) {
                earlier.connect.clone()
            } else {
                connector::limited(address, &self.settings)
            };
            let pool = Pool::new(Line::new(address, Some(profile.clone()), &self.settings), connect);
            pool.avoid_as(earlier);
            self.enter(&pool);
            pool
        });
        pool.add_user(backend);
        if !earlier.remove_user(&backend.id, self) {
            self.forget(earlier);
            earlier.bequeath(&pool, self);
        }
        pool
    }

    /// The backend no longer uses the pool; without users it retires.
    pub(super) fn leave(self: &Rc<Self>, pool: &Rc<Pool>, backend: &BackendId, leaving: Leaving) {
        if !pool.remove_user(backend, self) {
            self.forget(pool);
            pool.retire(self, leaving);
        }
    }

    fn known_pool(&self, address: SocketAddr, profile: Option<&Rc<TlsProfile>>) -> Option<Rc<Pool>> {
        let key = (address, profile.map(|profile| profile.identity.clone()));
        self.pools.borrow().get(&key).cloned()
    }

    fn enter(&self, pool: &Rc<Pool>) {
        self.pools.borrow_mut().insert(key(&pool.line), pool.clone());
    }

    fn forget(&self, pool: &Rc<Pool>) {
        let mut pools = self.pools.borrow_mut();
        let key = key(&pool.line);
        if pools.get(&key).is_some_and(|entered| Rc::ptr_eq(entered, pool)) {
            pools.remove(&key);
        }
    }

    /// An idle connection becomes active for a backend.
    pub(super) fn adopt(&self, channel: &mut Channel, backend: &Arc<Backend>) {
        // In this order: their addresses are equal on nearly every request, and each id is three texts.
        if Arc::ptr_eq(&channel.owner, backend) || channel.owner.id == backend.id {
            self.observer.pool(&backend.id, Some(PoolState::Idle), Some(PoolState::Active));
        } else {
            self.observer.pool(&channel.owner.id, Some(PoolState::Idle), None);
            self.observer.pool(&backend.id, None, Some(PoolState::Active));
        }
        // The counter of the backend is shared by all workers: it is touched only where the owner changes.
        if !Arc::ptr_eq(&channel.owner, backend) {
            channel.owner = backend.clone();
        }
    }

    /// A connection becomes another backend's idle one.
    pub(super) fn pass(&self, channel: &mut Channel, from: PoolState, heir: &Arc<Backend>) {
        if channel.owner.id == heir.id {
            if from != PoolState::Idle {
                self.observer.pool(&heir.id, Some(from), Some(PoolState::Idle));
            }
        } else {
            self.observer.pool(&channel.owner.id, Some(from), None);
            self.observer.pool(&heir.id, None, Some(PoolState::Idle));
        }
        channel.owner = heir.clone();
    }

    /// Closes a connection and counts it.
    #[expect(clippy::boxed_local, reason = "connections change hands in their boxes")]
    pub(super) fn close(&self, mut channel: Box<Channel>, from: PoolState, reason: CloseReason) {
        channel.accepted(&*self.observer);
        self.observer.pool(&channel.owner.id, Some(from), None);
        self.observer.closed(&channel.owner.id, reason);
        channel.close();
    }

    /// Closes every idle connection. With [`CloseReason::Drain`], no connection is kept from now on.
    pub(super) fn close_idle(&self, reason: CloseReason) {
        if reason == CloseReason::Drain {
            self.closing.set(Some(reason));
        }
        let pools = self.pools.borrow().values().cloned().collect::<Vec<_>>();
        for pool in pools {
            pool.close_idle(self, reason);
        }
        for channel in self.retirement.all() {
            self.close(channel, PoolState::Idle, reason);
        }
    }

    #[cfg(test)]
    pub(super) fn pool_count(&self) -> usize {
        self.pools.borrow().len()
    }

    /// Why connections that are given back close, if they do.
    pub(super) fn closing(&self) -> Option<CloseReason> {
        self.closing.get()
    }

    /// A connection became idle: from now on, and until none is left, the idle ones are looked after.
    pub(super) fn watch_idle(self: &Rc<Self>) {
        if self.watching.replace(true) {
            return;
        }
        let every = self.settings.idle_timeout.min(self.settings.max_age) / 4;
        let every = every.clamp(Duration::from_millis(20), Duration::from_secs(5));
        actix_rt::spawn(watch(Rc::downgrade(self), every));
    }

    /// Whether an idle connection is left.
    fn sweep(&self) -> bool {
        let pools = self.pools.borrow().values().cloned().collect::<Vec<_>>();
        for pool in &pools {
            pool.sweep(self);
        }
        let any = pools.iter().any(|pool| pool.has_idle());
        self.watching.set(any);
        any
    }
}

fn key(line: &Line) -> Key {
    (line.address, line.profile.as_ref().map(|profile| profile.identity.clone()))
}

async fn watch(registry: Weak<Registry>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match registry.upgrade() {
            Some(registry) if registry.sweep() => {}
            _ => return,
        }
    }
}
