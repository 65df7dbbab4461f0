//! The connections to one endpoint under one TLS identity, and those who wait for one. It must not know backends' names
//! beyond counting for them, nor how an endpoint was chosen.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::channel::Channel;
use super::connector::{Connect, Dial, Line, Stage};
use super::registry::{Leaving, Registry};
use super::repeat::Repeat;
use super::trusted::Verdict;
use crate::plan::{Backend, BackendId};
use crate::telemetry::{CloseReason, PoolState};

pub(super) struct Pool {
    pub(super) line: Rc<Line>,
    pub(super) connect: Connect,
    /// The most recently used one last.
    idle: RefCell<VecDeque<Box<Channel>>>,
    waiting: RefCell<VecDeque<Rc<Seat>>>,
    users: RefCell<Vec<Arc<Backend>>>,
    fate: RefCell<Fate>,
    busy: Cell<usize>,
    avoided_until: Cell<Option<Instant>>,
}

/// What becomes of a connection that is given back.
enum Fate {
    /// It is kept.
    Open,
    /// Its identity is no longer configured: it closes.
    Retired,
    /// Only what is trusted has changed: it goes to this pool, which judges it.
    Succeeded(Rc<Pool>),
}

/// One who waits for a permit, and takes a connection that is given back just as well.
struct Seat {
    dial: Rc<Dial>,
    given: RefCell<Option<Box<Channel>>>,
    waker: RefCell<Option<Waker>>,
}

impl Pool {
    pub(super) fn new(line: Rc<Line>, connect: Connect) -> Rc<Self> {
        Rc::new(Self {
            connect,
            line,
            idle: RefCell::default(),
            waiting: RefCell::default(),
            users: RefCell::default(),
            fate: RefCell::new(Fate::Open),
            busy: Cell::new(0),
            avoided_until: Cell::new(None),
        })
    }

    /// Connections in use and in the making.
    pub(super) fn load(&self) -> usize {
        self.busy.get()
    }

    pub(super) fn has_idle(&self) -> bool {
        !self.idle.borrow().is_empty()
    }

    /// Whether TCP lately did not reach the endpoint.
    pub(super) fn is_avoided(&self, now: Instant) -> bool {
        self.avoided_until.get().is_some_and(|until| now < until)
    }

    pub(super) fn avoid(&self, until: Option<Instant>) {
        self.avoided_until.set(until);
    }

    /// Avoids the endpoint for as long as the other one does.
    pub(super) fn avoid_as(&self, other: &Self) {
        self.avoided_until.set(other.avoided_until.get());
    }

    /// Counts one in use or in the making for as long as the guard lives.
    pub(super) fn occupy(self: &Rc<Self>) -> Busy {
        self.busy.set(self.busy.get() + 1);
        Busy(self.clone())
    }

    /// The idle connection that was used last and is still good, made the backend's own. Those that are not good close.
    pub(super) fn take(
        &self,
        backend: &Arc<Backend>,
        registry: &Registry,
        now: Instant,
        repeat: Repeat,
    ) -> Option<Box<Channel>> {
        loop {
            let mut channel = self.idle.borrow_mut().pop_back()?;
            let Some(reason) = self.unfit(&mut channel, registry, now, repeat) else {
                registry.adopt(&mut channel, backend);
                return Some(channel);
            };
            registry.close(channel, PoolState::Idle, reason);
        }
    }

    /// Takes a connection back whose exchange is over.
    pub(super) fn put_back(self: &Rc<Self>, mut channel: Box<Channel>, registry: &Rc<Registry>, now: Instant) {
        channel.idle_since = now;
        if now.duration_since(channel.created) >= registry.settings.max_age && registry.closing().is_none() {
            return registry.close(channel, PoolState::Active, CloseReason::MaxAge);
        }
        self.settle(channel, PoolState::Active, registry, now);
    }

    /// Finds a place for a connection that nobody uses: with one who waits, in the pool that succeeded this one, or on top
    /// of the idle ones.
    fn settle(self: &Rc<Self>, mut channel: Box<Channel>, from: PoolState, registry: &Rc<Registry>, now: Instant) {
        if let Some(reason) = registry.closing() {
            return registry.close(channel, from, reason);
        }
        let successor = match &*self.fate.borrow() {
            Fate::Open => None,
            Fate::Succeeded(pool) => Some(pool.clone()),
            Fate::Retired => return registry.close(channel, from, CloseReason::PolicyChange),
        };
        // Those who wait here began before the change, if there was one. They take the connection as it is, so the checks of
        // `take` are due now; so is the judgement of one that comes from another pool.
        let awaited = self.first_waiting().is_some();
        if let Some(successor) = &successor
            && !awaited
        {
            return successor.settle(channel, from, registry, now);
        }
        let stranger = !channel.is_vouched_for(&self.line);
        if (awaited || stranger)
            && let Some(reason) = self.unfit(&mut channel, registry, now, Repeat::Possible)
        {
            return registry.close(channel, from, reason);
        }
        if stranger && let Some(heir) = self.user_like(&channel.owner.id) {
            registry.pass(&mut channel, from, &heir);
        } else if from != PoolState::Idle {
            registry.observer.pool(&channel.owner.id, Some(from), Some(PoolState::Idle));
        }
        let Some(channel) = self.hand_over(channel) else {
            return;
        };
        if let Some(successor) = successor {
            return successor.settle(channel, PoolState::Idle, registry, now);
        }
        let surplus = {
            let mut idle = self.idle.borrow_mut();
            idle.push_back(channel);
            if idle.len() > registry.settings.max_idle_per_endpoint { idle.pop_front() } else { None }
        };
        if let Some(surplus) = surplus {
            registry.close(surplus, PoolState::Idle, CloseReason::Idle);
        }
        registry.watch_idle();
    }

    fn first_waiting(&self) -> Option<usize> {
        self.waiting.borrow().iter().position(|seat| seat.dial.stage() == Stage::Waiting)
    }

    /// Gives an idle connection to the first who waits for one; returns it if nobody does.
    fn hand_over(&self, channel: Box<Channel>) -> Option<Box<Channel>> {
        let Some(seat) = self.first_waiting().and_then(|first| self.waiting.borrow_mut().remove(first)) else {
            return Some(channel);
        };
        seat.given.replace(Some(channel));
        if let Some(waker) = seat.waker.take() {
            waker.wake();
        }
        None
    }

    /// Waits in line for a connection that is given back, for as long as the dial has no permit.
    pub(super) fn wait(self: &Rc<Self>, dial: &Rc<Dial>, registry: &Rc<Registry>) -> Wait {
        let seat = Rc::new(Seat { dial: dial.clone(), given: RefCell::default(), waker: RefCell::default() });
        self.waiting.borrow_mut().push_back(seat.clone());
        Wait { pool: self.clone(), registry: registry.clone(), seat }
    }

    /// Counts a backend among those that use the pool, in place of an earlier form of the same backend.
    pub(super) fn add_user(&self, backend: &Arc<Backend>) {
        let mut users = self.users.borrow_mut();
        match users.iter_mut().find(|user| user.id == backend.id) {
            Some(user) => *user = backend.clone(),
            None => users.push(backend.clone()),
        }
        for channel in self.idle.borrow_mut().iter_mut().filter(|channel| channel.owner.id == backend.id) {
            channel.owner = backend.clone();
        }
    }

    /// The backend is gone, or uses the pool no longer. Its idle connections pass to another user; if there is none, the
    /// pool has no users left.
    pub(super) fn remove_user(&self, backend: &BackendId, registry: &Registry) -> bool {
        self.users.borrow_mut().retain(|user| user.id != *backend);
        let heir = self.users.borrow().first().cloned();
        let Some(heir) = heir else {
            return false;
        };
        for channel in self.idle.borrow_mut().iter_mut().filter(|channel| channel.owner.id == *backend) {
            registry.observer.pool(backend, Some(PoolState::Idle), None);
            registry.observer.pool(&heir.id, None, Some(PoolState::Idle));
            channel.owner = heir.clone();
        }
        true
    }

    /// Whether this backend, and no other, uses the pool.
    pub(super) fn is_used_only_by(&self, backend: &BackendId) -> bool {
        self.users.borrow().iter().all(|user| user.id == *backend)
    }

    /// Whoever takes over what a backend had.
    fn user_like(&self, backend: &BackendId) -> Option<Arc<Backend>> {
        let users = self.users.borrow();
        users.iter().find(|user| user.id == *backend).or(users.first()).cloned()
    }

    /// Takes no connection back from now on. The idle ones are used by nobody any more, and close.
    pub(super) fn retire(&self, registry: &Rc<Registry>, leaving: Leaving) {
        self.fate.replace(Fate::Retired);
        match leaving {
            Leaving::AtOnce => self.close_idle(registry, CloseReason::PolicyChange),
            Leaving::Spread => registry.retirement.enter(self.idle.take(), registry),
        }
    }

    /// Gives all connections, those in use when they are given back, to a pool that goes to the same endpoint in the same
    /// way and trusts something else. It keeps those that it would have accepted.
    pub(super) fn bequeath(&self, heir: &Rc<Self>, registry: &Rc<Registry>) {
        self.fate.replace(Fate::Succeeded(heir.clone()));
        let now = Instant::now();
        for channel in self.idle.take() {
            heir.settle(channel, PoolState::Idle, registry, now);
        }
    }

    /// Closes the idle connections.
    pub(super) fn close_idle(&self, registry: &Registry, reason: CloseReason) {
        for channel in self.idle.take() {
            registry.close(channel, PoolState::Idle, reason);
        }
    }

    /// Closes those idle connections that are not good any more.
    pub(super) fn sweep(&self, registry: &Registry) {
        let now = Instant::now();
        let mut kept = VecDeque::new();
        for mut channel in self.idle.take() {
            match self.unfit(&mut channel, registry, now, Repeat::Possible) {
                Some(reason) => registry.close(channel, PoolState::Idle, reason),
                None => kept.push_back(channel),
            }
        }
        self.idle.replace(kept);
    }

    /// Why an idle connection can take no request of this pool, if it cannot. Nothing is ever used that has not passed here.
    fn unfit(&self, channel: &mut Channel, registry: &Registry, now: Instant, repeat: Repeat) -> Option<CloseReason> {
        if now.duration_since(channel.idle_since) >= registry.settings.idle_timeout {
            return Some(CloseReason::Idle);
        }
        if now.duration_since(channel.created) >= registry.settings.max_age {
            return Some(CloseReason::MaxAge);
        }
        match channel.verdict(&self.line, now) {
            Verdict::Holds if channel.is_quiet(repeat) => None,
            Verdict::Holds => Some(CloseReason::Peer),
            Verdict::Ended => Some(CloseReason::MaxAge),
            Verdict::Refused => Some(CloseReason::PolicyChange),
        }
    }
}

/// A place in the line for a connection: resolves to one that was given back, or never. Whoever leaves the line passes on
/// what he was handed and has not taken.
pub(super) struct Wait {
    pool: Rc<Pool>,
    registry: Rc<Registry>,
    seat: Rc<Seat>,
}

impl Future for Wait {
    type Output = Box<Channel>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(channel) = self.seat.given.take() {
            return Poll::Ready(channel);
        }
        self.seat.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.pool.waiting.borrow_mut().retain(|seat| !Rc::ptr_eq(seat, &self.seat));
        if let Some(channel) = self.seat.given.take() {
            self.pool.settle(channel, PoolState::Idle, &self.registry, Instant::now());
        }
    }
}

/// Counts one connection in use or in the making.
pub(super) struct Busy(Rc<Pool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.set(self.0.busy.get().saturating_sub(1));
    }
}
