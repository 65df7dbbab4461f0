//! Chains that a verifier has accepted. A verdict depends on the chain, the identity and the time alone, so the same chain
//! is not verified with every handshake: the peer's possession of the key is (rustls sees to it), and the rest is known. It
//! must not know what makes a chain acceptable.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rustls_pki_types::CertificateDer;

use crate::certificate::{Facts, not_after};

/// A certificate chain, leaf first.
pub type Chain = Arc<[CertificateDer<'static>]>;

/// Chains that are kept of one identity: a backend's replicas may each have a certificate of their own.
const KEPT: usize = 16;

/// A chain that was verified, and what log and metrics want to know of it.
#[derive(Debug)]
pub struct Accepted {
    /// Leaf first.
    pub chain: Chain,
    /// The last second, since the Unix epoch, for which the verdict holds. `None`: it does not end.
    pub until: Option<i64>,
    /// `notAfter` of the leaf, in seconds since the Unix epoch.
    pub not_after: Option<i64>,
    /// What they say of themselves, as far as they can be read.
    pub facts: Arc<[Facts]>,
    /// The second as of which it was verified: a clock that is set back asks anew.
    from: i64,
}

impl Accepted {
    /// A chain that verifies at `from` and until `until`.
    pub(super) fn new(chain: &[CertificateDer<'_>], from: i64, until: Option<i64>) -> Self {
        let facts = chain.iter().filter_map(|certificate| Facts::read(certificate).ok()).collect::<Arc<[_]>>();
        Self {
            chain: chain.iter().map(|certificate| certificate.clone().into_owned()).collect(),
            until,
            not_after: chain.first().and_then(|leaf| not_after(leaf)),
            facts,
            from,
        }
    }

    fn holds(&self, now: i64) -> bool {
        self.from <= now && self.until.is_none_or(|until| now <= until)
    }

    fn is(&self, chain: &[CertificateDer<'_>]) -> bool {
        self.chain.len() == chain.len()
            && self.chain.iter().zip(chain).all(|(one, other)| one.as_ref() == other.as_ref())
    }
}

/// The chains that one verifier has accepted lately, the last one first.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<VecDeque<Arc<Accepted>>>);

impl Remembered {
    /// The verdict on exactly this chain, byte for byte, if it was accepted and that holds at `now`.
    pub(super) fn find(&self, chain: &[CertificateDer<'_>], now: i64) -> Option<Arc<Accepted>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|accepted| accepted.is(chain)).filter(|accepted| accepted.holds(now)).cloned()
    }

    /// Takes a verdict, in the place of an earlier one on the same chain.
    pub(super) fn insert(&self, accepted: Arc<Accepted>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|other| !other.is(&accepted.chain));
        known.truncate(KEPT - 1);
        known.push_front(accepted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(parts: &[u8]) -> Vec<CertificateDer<'static>> {
        parts.iter().map(|part| CertificateDer::from(vec![*part])).collect()
    }

    fn accepted(parts: &[u8], from: i64, until: Option<i64>) -> Arc<Accepted> {
        Arc::new(Accepted::new(&chain(parts), from, until))
    }

    #[test]
    fn a_verdict_holds_for_exactly_its_chain_and_time() {
        let remembered = Remembered::default();
        remembered.insert(accepted(&[1, 2], 10, Some(20)));
        for (parts, now, known) in [
            (&[1, 2][..], 10, true),
            (&[1, 2], 20, true),
            (&[1, 2], 21, false),
            (&[1, 2], 9, false),
            (&[1], 15, false),
            (&[2, 1], 15, false),
            (&[1, 2, 3], 15, false),
        ] {
            assert_eq!(remembered.find(&chain(parts), now).is_some(), known, "{parts:?} at {now}");
        }
    }

    #[test]
    fn a_later_verdict_takes_the_place_of_an_earlier_one_and_the_oldest_are_forgotten() {
        let remembered = Remembered::default();
        remembered.insert(accepted(&[1], 10, Some(20)));
        remembered.insert(accepted(&[1], 30, None));
        assert!(remembered.find(&chain(&[1]), 15).is_none());
        assert!(remembered.find(&chain(&[1]), i64::MAX).is_some());
        for part in 2..=KEPT as u8 + 1 {
            remembered.insert(accepted(&[part], 0, None));
        }
        assert!(remembered.find(&chain(&[1]), 40).is_none());
        assert!(remembered.find(&chain(&[2]), 40).is_some());
    }
}
