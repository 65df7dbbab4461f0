//! How the last attempt to reach each backend by TLS ended, for the admin pages.

use std::net::SocketAddr;

use dashmap::DashMap;
use jiff::Timestamp;

use super::evidence::Evidence;
use super::peers::Peers;
use super::record::{HandshakeRecord, TlsInfo};
use crate::outcome::HandshakeResult;
use crate::plan::BackendId;

/// The last attempt on each backend, whichever worker made it.
#[derive(Debug, Default)]
pub struct Observations {
    by_backend: DashMap<BackendId, LastHandshake>,
}

/// How an attempt to reach a backend by TLS ended.
#[derive(Debug, Clone)]
pub struct LastHandshake {
    /// When the outcome was known.
    pub time: Timestamp,
    /// How it ended.
    pub result: HandshakeResult,
    /// `namespace/name` of the policy.
    pub policy: String,
    /// The SNI.
    pub sni: String,
    /// Where the connection went, if an address was chosen.
    pub endpoint: Option<SocketAddr>,
    /// What is known of the connection; of the last one that succeeded, if this one failed.
    pub tls: Option<TlsInfo>,
    /// What is known of why it ended so.
    pub evidence: Evidence,
    /// How many have failed since the last that succeeded.
    pub consecutive_failures: u64,
    /// When the first of these failed.
    pub failing_since: Option<Timestamp>,
    /// The last one that failed, if any did.
    pub last_failure: Option<Failure>,
    /// How many there were.
    pub counts: Counts,
    /// What its endpoints presented, whenever that was.
    pub peers: Peers,
    /// Policy or identity have changed since: nothing was tried as it is configured now.
    pub outdated: bool,
}

/// A failed attempt.
#[derive(Debug, Clone)]
pub struct Failure {
    /// When its outcome was known.
    pub time: Timestamp,
    /// How it ended.
    pub result: HandshakeResult,
    /// Where the connection went, if an address was chosen.
    pub endpoint: Option<SocketAddr>,
    /// What is known of why.
    pub evidence: Evidence,
    /// Policy or identity have changed since.
    pub outdated: bool,
}

/// Attempts on a backend since it is configured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// That succeeded with a full handshake.
    pub full: u64,
    /// That resumed a session.
    pub resumed: u64,
    /// That failed.
    pub failed: u64,
}

impl Counts {
    fn add(&mut self, record: &HandshakeRecord<'_>) {
        let resumed = record.tls.is_some_and(|tls| tls.resumed);
        let count = match record.result {
            HandshakeResult::Ok if resumed => &mut self.resumed,
            HandshakeResult::Ok => &mut self.full,
            _ => &mut self.failed,
        };
        *count += 1;
    }
}

impl Observations {
    /// `current`: the backend is still configured as it was for this attempt. If it is not, the attempt is counted, and says
    /// nothing of what is configured now.
    pub(super) fn record(&self, record: &HandshakeRecord<'_>, current: bool, time: Timestamp) {
        if !current {
            if let Some(mut last) = self.by_backend.get_mut(record.backend) {
                last.counts.add(record);
            }
            return;
        }
        let mut last = self.by_backend.entry(record.backend.clone()).or_insert_with(|| LastHandshake {
            time,
            result: record.result,
            policy: String::new(),
            sni: String::new(),
            endpoint: None,
            tls: None,
            evidence: Evidence::default(),
            consecutive_failures: 0,
            failing_since: None,
            last_failure: None,
            counts: Counts::default(),
            peers: Peers::default(),
            outdated: false,
        });
        last.counts.add(record);
        if std::mem::take(&mut last.outdated) {
            (last.consecutive_failures, last.failing_since) = (0, None);
        }
        if let (Some(endpoint), Some(leaf)) = (record.endpoint, record.evidence.presented.first()) {
            last.peers.saw(endpoint, leaf.not_after, time);
        }
        last.time = time;
        last.result = record.result;
        record.policy.clone_into(&mut last.policy);
        record.sni.clone_into(&mut last.sni);
        last.evidence.clone_from(record.evidence);
        last.endpoint = record.endpoint;
        if record.result == HandshakeResult::Ok {
            last.tls = record.tls.cloned();
            last.consecutive_failures = 0;
            last.failing_since = None;
        } else {
            last.consecutive_failures += 1;
            last.failing_since.get_or_insert(time);
            let (result, endpoint, evidence) = (record.result, record.endpoint, record.evidence.clone());
            last.last_failure = Some(Failure { time, result, endpoint, evidence, outdated: false });
        }
    }

    /// Looks at the last attempt on each backend, in no order. What looks must not wait.
    pub fn each(&self, mut look: impl FnMut(&BackendId, &LastHandshake)) {
        for entry in &self.by_backend {
            look(entry.key(), entry.value());
        }
    }

    /// These are configured in another way from now on.
    pub(super) fn outdate(&self, changed: impl Fn(&BackendId) -> bool) {
        for mut entry in self.by_backend.iter_mut().filter(|entry| changed(entry.key())) {
            entry.outdated = true;
            if let Some(failure) = &mut entry.last_failure {
                failure.outdated = true;
            }
        }
    }

    pub(super) fn retain(&self, wanted: impl Fn(&BackendId) -> bool) {
        self.by_backend.retain(|backend, _| wanted(backend));
    }

    /// The last attempt on a backend.
    pub fn get(&self, backend: &BackendId) -> Option<LastHandshake> {
        self.by_backend.get(backend).map(|last| last.clone())
    }

    /// Whether there was an attempt on a backend, and the backend is still there.
    pub fn knows(&self, backend: &BackendId) -> bool {
        self.by_backend.contains_key(backend)
    }

    /// All of them, in the order of the backends.
    pub fn all(&self) -> Vec<(BackendId, LastHandshake)> {
        let mut all: Vec<_> =
            self.by_backend.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}
