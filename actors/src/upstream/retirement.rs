//! Idle connections whose identity is no longer configured, until they close: nobody gets one any more, and their ends are
//! spread, so that a certificate that many backends use does not end all their connections at one moment. It must not
//! know why they retired.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::channel::Channel;
use super::choice::Random;
use super::registry::Registry;
use crate::telemetry::{CloseReason, PoolState};

pub(super) struct Retirement {
    over: Duration,
    random: Random,
    due: RefCell<Vec<(Instant, Box<Channel>)>>,
    running: Cell<bool>,
}

/// In how many steps the connections of one moment close.
const STEPS: u32 = 50;

impl Retirement {
    /// Spreads the ends over this long.
    pub(super) fn new(over: Duration) -> Self {
        Self { over, random: Random::new(), due: RefCell::default(), running: Cell::new(false) }
    }

    /// Takes idle connections in, each to close at some moment from now on.
    pub(super) fn enter(&self, channels: impl IntoIterator<Item = Box<Channel>>, registry: &Rc<Registry>) {
        let now = Instant::now();
        let share = |whole: Duration| whole.mul_f64(self.random.below(1 << 16) as f64 / f64::from(1 << 16));
        self.due.borrow_mut().extend(channels.into_iter().map(|channel| (now + share(self.over), channel)));
        if !self.due.borrow().is_empty() && !self.running.replace(true) {
            let step = (self.over / STEPS).max(Duration::from_millis(1));
            actix_rt::spawn(run(Rc::downgrade(registry), step));
        }
    }

    /// Those whose time has come.
    #[expect(clippy::vec_box, reason = "connections change hands in their boxes")]
    fn leaving(&self, now: Instant) -> Vec<Box<Channel>> {
        let leaving =
            self.due.borrow_mut().extract_if(.., |(due, _)| *due <= now).map(|(_, channel)| channel).collect();
        self.running.set(!self.due.borrow().is_empty());
        leaving
    }

    /// All of them, to close at once.
    #[expect(clippy::vec_box, reason = "connections change hands in their boxes")]
    pub(super) fn all(&self) -> Vec<Box<Channel>> {
        self.due.take().into_iter().map(|(_, channel)| channel).collect()
    }
}

async fn run(registry: Weak<Registry>, step: Duration) {
    loop {
        tokio::time::sleep(step).await;
        let Some(registry) = registry.upgrade() else {
            return;
        };
        for channel in registry.retirement.leaving(Instant::now()) {
            registry.close(channel, PoolState::Idle, CloseReason::PolicyChange);
        }
        if !registry.retirement.running.get() {
            return;
        }
    }
}
