//! How the last attempt to reach each backend by TLS ended, for the admin pages.

use std::net::SocketAddr;

use dashmap::DashMap;
use jiff::Timestamp;

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
    /// Names, addresses, dates: for those who run the gateway, not for its clients.
    pub detail: String,
    /// How many have failed since the last that succeeded.
    pub consecutive_failures: u64,
}

impl Observations {
    pub(super) fn record(&self, record: &HandshakeRecord<'_>, time: Timestamp) {
        let mut last = self.by_backend.entry(record.backend.clone()).or_insert_with(|| LastHandshake {
            time,
            result: record.result,
            policy: String::new(),
            sni: String::new(),
            endpoint: None,
            tls: None,
            detail: String::new(),
            consecutive_failures: 0,
        });
        last.time = time;
        last.result = record.result;
        record.policy.clone_into(&mut last.policy);
        record.sni.clone_into(&mut last.sni);
        record.detail.clone_into(&mut last.detail);
        last.endpoint = record.endpoint;
        if record.result == HandshakeResult::Ok {
            last.tls = record.tls.cloned();
            last.consecutive_failures = 0;
        } else {
            last.consecutive_failures += 1;
        }
    }

    pub(super) fn retain(&self, wanted: impl Fn(&BackendId) -> bool) {
        self.by_backend.retain(|backend, _| wanted(backend));
    }

    /// The last attempt on a backend.
    pub fn get(&self, backend: &BackendId) -> Option<LastHandshake> {
        self.by_backend.get(backend).map(|last| last.clone())
    }

    /// All of them, in the order of the backends.
    pub fn all(&self) -> Vec<(BackendId, LastHandshake)> {
        let mut all: Vec<_> =
            self.by_backend.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}
