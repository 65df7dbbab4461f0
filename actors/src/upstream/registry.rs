//! All pools of a worker, what they share, and the task that closes what has been unused for too long.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use super::channel::Channel;
use super::connector::Line;
use super::pool::Pool;
use super::profile::TlsProfile;
use super::settings::UpstreamSettings;
use crate::plan::{Backend, BackendId, TlsIdentity};
use crate::telemetry::{CloseReason, Observer, PoolState};

/// Two requests share a connection only if both are equal: the identity with all of its content.
type Key = (SocketAddr, Option<Arc<TlsIdentity>>);

pub(super) struct Registry {
    pub(super) settings: UpstreamSettings,
    pub(super) observer: Rc<dyn Observer>,
    pools: RefCell<HashMap<Key, Rc<Pool>>>,
    closing: Cell<Option<CloseReason>>,
    watching: Cell<bool>,
}

impl Registry {
    pub(super) fn new(settings: UpstreamSettings, observer: Rc<dyn Observer>) -> Rc<Self> {
        Rc::new(Self {
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
        let pool = Pool::new(line, self.settings.limit_per_endpoint);
        if wanted {
            self.enter(&pool);
        } else {
            pool.retire(self);
        }
        pool
    }

    /// The backend no longer uses the pool; without users it retires.
    pub(super) fn leave(self: &Rc<Self>, pool: &Rc<Pool>, backend: &BackendId) {
        if !pool.remove_user(backend, self) {
            self.forget(pool);
            pool.retire(self);
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
