//! What is known of the chain that secures a connection: which profile accepted it, and for how long that holds. It must
//! not know sockets or pools.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::accepted::Accepted;
use super::profile::TlsProfile;

/// The wall clock is asked again after this: it may have been set, or the machine may have slept.
const LONGEST: Duration = Duration::from_secs(1);

pub(super) struct Trusted {
    accepted: Arc<Accepted>,
    /// Whose verifier accepted the chain.
    under: Rc<TlsProfile>,
    look_again: Instant,
}

/// What is to be thought of a chain now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    /// The profile that accepted it does so no longer: a certificate has ended.
    Ended,
    /// Another profile accepted it, and this one does not.
    Refused,
}

impl Trusted {
    /// A chain that a handshake has just verified.
    pub(super) fn new(accepted: Arc<Accepted>, under: &Rc<TlsProfile>, now: Instant) -> Self {
        Self { accepted, under: under.clone(), look_again: now }
    }

    /// Who has accepted it.
    pub(super) fn profile(&self) -> &TlsProfile {
        &self.under
    }

    /// Whether this very profile has accepted it.
    pub(super) fn is_under(&self, profile: &Rc<TlsProfile>) -> bool {
        Rc::ptr_eq(&self.under, profile)
    }

    /// Whether the profile accepts the chain now. It is verified only where the profile never did so before, or where a
    /// certificate, or an anchor, has ended since.
    ///
    /// A verdict ends with its last second: with `until - seconds` whole seconds to go from some moment in `seconds`, that
    /// many on the monotonic clock stay inside of it.
    pub(super) fn check(&mut self, profile: &Rc<TlsProfile>, now: Instant) -> Verdict {
        let known = self.is_under(profile);
        if known && now < self.look_again {
            return Verdict::Holds;
        }
        let refused = if known { Verdict::Ended } else { Verdict::Refused };
        let Some(wall) = profile.clock.current_time() else {
            return refused;
        };
        let seconds = wall.as_secs().cast_signed();
        if !known || self.accepted.until.is_some_and(|until| seconds > until) {
            let Some(accepted) = profile.judge(&self.accepted.chain, wall) else {
                return refused;
            };
            self.accepted = accepted;
            self.under = profile.clone();
        }
        let left =
            self.accepted.until.map(|until| Duration::from_secs(until.saturating_sub(seconds).max(0).cast_unsigned()));
        self.look_again = now + left.unwrap_or(LONGEST).min(LONGEST);
        Verdict::Holds
    }
}
