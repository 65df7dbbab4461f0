//! Whether the process takes traffic, and if not, what it waits for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A set of conditions that are pending; ready when it is empty and nothing drains.
#[derive(Debug, Default)]
pub struct Readiness {
    pending: Mutex<BTreeSet<String>>,
    draining: AtomicBool,
}

impl Readiness {
    /// Waits for these from the start.
    pub fn new(pending: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let pending = pending.into_iter().map(Into::into).collect();
        Self { pending: Mutex::new(pending), draining: AtomicBool::new(false) }
    }

    /// Something is waited for.
    pub fn pending(&self, name: impl Into<String>) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into());
    }

    /// It has come.
    pub fn done(&self, name: &str) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The process ends: it is never ready again.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// What keeps it from being ready, in a fixed order; nothing if it is.
    pub fn waits_for(&self) -> Vec<String> {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let draining = self.draining.load(Ordering::Acquire).then(|| "draining".to_owned());
        draining.into_iter().chain(pending.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn it_is_ready_when_nothing_is_pending_and_until_it_drains() {
        let readiness = Readiness::new(["sockets", "configuration"]);
        assert_eq!(readiness.waits_for(), ["configuration", "sockets"]);
        readiness.done("sockets");
        readiness.done("never pending");
        readiness.pending("roots");
        assert_eq!(readiness.waits_for(), ["configuration", "roots"]);
        readiness.done("configuration");
        readiness.done("roots");
        assert!(readiness.waits_for().is_empty());
        readiness.draining();
        assert_eq!(readiness.waits_for(), ["draining"]);
    }
}
