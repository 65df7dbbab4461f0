//! A warning for each failed handshake, and not a flood of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field;

use super::evidence::Evidence;
use super::record::HandshakeRecord;
use crate::certificate::{Facts, day};
use crate::outcome::HandshakeResult;
use crate::plan::BackendId;
use crate::printable::printable;

/// After a warning, those of the same backend and result are counted for so long.
const QUIET: Duration = Duration::from_secs(10);

/// The warnings of all workers: the first of each backend and result at once, then one in each [`QUIET`] that says how
/// many were left out.
#[derive(Debug, Default)]
pub(super) struct HandshakeLog {
    told: Mutex<HashMap<(BackendId, HandshakeResult), Told>>,
}

#[derive(Debug)]
struct Told {
    at: Instant,
    left_out: u64,
}

impl HandshakeLog {
    pub(super) fn write(&self, record: &HandshakeRecord<'_>) {
        let Some(left_out) = self.admit(record.backend, record.result, Instant::now()) else { return };
        let Evidence { cause, presented, demanded, trusted, remedy } = record.evidence;
        let leaf = presented.first();
        // Text goes as text, which is quoted: what a peer wrote into its certificate cannot pass for a field.
        let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(printable);
        let moment = |seconds: fn(&Facts) -> i64| leaf.map(|leaf| field::display(day(seconds(leaf))));
        tracing::warn!(
            target: "handshake",
            gateway = %record.backend.gateway,
            backend = %record.backend,
            policy = record.policy,
            endpoint = record.endpoint.map(field::display),
            sni = record.sni,
            result = record.result.as_str(),
            cause = text(cause),
            peer_subject = leaf.and_then(|leaf| text(&leaf.subject)),
            peer_issuer = leaf.and_then(|leaf| text(&leaf.issuer)),
            peer_sans = leaf.and_then(|leaf| text(&leaf.listed_names(" "))),
            peer_not_before = moment(|leaf| leaf.not_before),
            peer_not_after = moment(|leaf| leaf.not_after),
            demanded = text(demanded),
            trusted = text(trusted),
            remedy = text(remedy),
            left_out,
            "TLS to the backend failed",
        );
    }

    /// How many were left out before this one, if it is to be told.
    fn admit(&self, backend: &BackendId, result: HandshakeResult, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = told.get_mut(&(backend.clone(), result)) else {
            told.insert((backend.clone(), result), Told { at: now, left_out: 0 });
            return Some(0);
        };
        if now.duration_since(last.at) < QUIET {
            last.left_out += 1;
            return None;
        }
        last.at = now;
        Some(std::mem::take(&mut last.left_out))
    }

    pub(super) fn retain(&self, wanted: impl Fn(&BackendId) -> bool) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).retain(|(backend, _), _| wanted(backend));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{HandshakeLog, QUIET};
    use crate::outcome::HandshakeResult::{Expired, UnknownIssuer};
    use crate::plan::BackendId;

    fn backend(name: &str) -> BackendId {
        BackendId { gateway: "ns/gw".into(), backend: name.into(), port: 443 }
    }

    #[test]
    fn a_failure_is_told_at_once_and_then_counted() {
        let (log, a, start) = (HandshakeLog::default(), backend("a"), Instant::now());
        assert_eq!(log.admit(&a, Expired, start), Some(0));
        assert_eq!(log.admit(&a, Expired, start + QUIET / 2), None);
        assert_eq!(log.admit(&a, Expired, start + QUIET * 9 / 10), None);
        assert_eq!(log.admit(&a, Expired, start + QUIET), Some(2));
        assert_eq!(log.admit(&a, Expired, start + QUIET), None);
        assert_eq!(log.admit(&a, Expired, start + QUIET * 2), Some(1));
    }

    #[test]
    fn another_result_or_backend_is_told_at_once() {
        let (log, start) = (HandshakeLog::default(), Instant::now());
        assert_eq!(log.admit(&backend("a"), Expired, start), Some(0));
        assert_eq!(log.admit(&backend("a"), UnknownIssuer, start), Some(0));
        assert_eq!(log.admit(&backend("b"), Expired, start), Some(0));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let (log, start) = (HandshakeLog::default(), Instant::now());
        log.admit(&backend("a"), Expired, start);
        log.retain(|_| false);
        assert_eq!(log.admit(&backend("a"), Expired, start), Some(0));
    }
}
