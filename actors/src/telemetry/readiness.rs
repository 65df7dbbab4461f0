//! Whether the process takes traffic, and if not, what it waits for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A set of conditions that are pending; ready when it is empty and nothing drains.
#[derive(Debug, Default)]
pub struct Readiness {
    /// With what is known of why.
    pending: Mutex<BTreeMap<String, Option<String>>>,
    draining: AtomicBool,
}

impl Readiness {
    /// Waits for these from the start.
    pub fn new(pending: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let pending = pending.into_iter().map(|name| (name.into(), None)).collect();
        Self { pending: Mutex::new(pending), draining: AtomicBool::new(false) }
    }

    /// Something is waited for.
    pub fn pending(&self, name: impl Into<String>) {
        self.lock().entry(name.into()).or_default();
    }

    /// Why it has not come yet, in the place of what was told before. Of what is not waited for, nothing is told: it never
    /// makes a process unready that is ready.
    pub fn pending_detail(&self, name: &str, detail: &str) {
        if let Some(told) = self.lock().get_mut(name) {
            *told = Some(detail.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    /// It has come.
    pub fn done(&self, name: &str) {
        self.lock().remove(name);
    }

    /// The process ends: it is never ready again.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// What keeps it from being ready, each `name` or `name: detail` in one line and in a fixed order; nothing if it is.
    pub fn waits_for(&self) -> Vec<String> {
        let draining = self.draining.load(Ordering::Acquire).then(|| "draining".to_owned());
        let pending = self.lock();
        let pending = pending.iter().map(|(name, detail)| match detail {
            Some(detail) => format!("{name}: {detail}"),
            None => name.clone(),
        });
        draining.into_iter().chain(pending).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn what_is_pending_says_why_and_what_is_not_stays_silent() {
        let readiness = Readiness::new(["configuration", "kubernetes"]);
        readiness.pending_detail("kubernetes", "HTTPRoute: connection refused");
        assert_eq!(readiness.waits_for(), ["configuration", "kubernetes: HTTPRoute: connection refused"]);
        readiness.pending_detail("kubernetes", "HTTPRoute: forbidden\n(403)\n");
        readiness.pending("kubernetes");
        assert_eq!(readiness.waits_for(), ["configuration", "kubernetes: HTTPRoute: forbidden (403)"]);
        readiness.done("configuration");
        readiness.done("kubernetes");
        readiness.pending_detail("kubernetes", "connection refused");
        assert!(readiness.waits_for().is_empty(), "it was ready");
        readiness.pending("kubernetes");
        assert_eq!(readiness.waits_for(), ["kubernetes"], "an earlier detail is not told again");
    }
}
