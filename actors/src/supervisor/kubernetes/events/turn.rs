//! When it is time to tell of a backend: once it begins to fail, or fails in another way, once it has recovered, and seldom
//! enough that nobody is flooded. No IO, and time is an argument.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::outcome::HandshakeResult;
use crate::plan::BackendId;
use crate::telemetry::LastHandshake;

/// A backend has recovered when none of its handshakes has failed for so long, and the last one succeeded. Of a backend one
/// of whose endpoints fails this does not hold, however many succeed in between.
const CALM: SignedDuration = SignedDuration::from_secs(10);
/// Of one backend nothing is told for so long after something was.
const QUIET: SignedDuration = SignedDuration::from_secs(10);
/// What goes on failing is told again after this: the API server keeps events for an hour.
const REMIND: SignedDuration = SignedDuration::from_mins(5);
/// So many are told at once, over all backends; then one each [`REFILL`].
const BURST: i64 = 20;
const REFILL: SignedDuration = SignedDuration::from_secs(3);

/// What is to be told of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Its handshakes fail, with this result last.
    Failing(HandshakeResult),
    /// They succeed again.
    Recovered,
    /// There is something to tell, and no room for it now: it is found again at the next look.
    LeftOut,
}

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Turns {
    told: HashMap<BackendId, Told>,
    /// Since when there has been no room, reckoned from a full one.
    spent: Option<Timestamp>,
}

#[derive(Debug)]
struct Told {
    at: Timestamp,
    failing: Option<HandshakeResult>,
    /// The last failure that was seen.
    failure: Timestamp,
}

impl Turns {
    /// What there is to tell of a backend now.
    pub(super) fn look(&mut self, backend: &BackendId, last: &LastHandshake, now: Timestamp) -> Option<Turn> {
        let failure = last.last_failure.as_ref()?;
        let told = self.told.get(backend);
        if told.is_some_and(|told| now.duration_since(told.at) < QUIET) {
            return None;
        }
        let turn = match told {
            Some(Told { failing, failure: seen, at }) if failure.time == *seen || *failing == Some(failure.result) => {
                let failing = (*failing)?;
                let calm = last.result == HandshakeResult::Ok && now.duration_since(failure.time) >= CALM;
                let due = failure.time > *seen && now.duration_since(*at) >= REMIND;
                match (calm, due) {
                    (true, _) => Turn::Recovered,
                    (false, true) => Turn::Failing(failing),
                    (false, false) => return None,
                }
            }
            _ => Turn::Failing(failure.result),
        };
        if !self.has_room(now) {
            return Some(Turn::LeftOut);
        }
        let failing = if let Turn::Failing(result) = turn { Some(result) } else { None };
        self.told.insert(backend.clone(), Told { at: now, failing, failure: failure.time });
        Some(turn)
    }

    /// Forgets the backends that are not wanted.
    pub(super) fn retain(&mut self, wanted: impl Fn(&BackendId) -> bool) {
        self.told.retain(|backend, _| wanted(backend));
    }

    /// A bucket of [`BURST`] that fills by one each [`REFILL`], kept as the moment at which it was, or will be, full.
    fn has_room(&mut self, now: Timestamp) -> bool {
        let full = self.spent.map_or(now, |full| full.max(now));
        let after = full + REFILL;
        if after.duration_since(now) > REFILL * BURST as i32 {
            return false;
        }
        self.spent = Some(after);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::HandshakeResult::{Expired, NameMismatch, Ok, UnknownIssuer};
    use crate::telemetry::Evidence;
    use crate::telemetry::observations::{Counts, Failure};

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    fn id(name: &str) -> BackendId {
        BackendId { gateway: "ns/gw".into(), backend: name.into(), port: 443 }
    }

    /// A backend whose last attempt ended with `result`, and whose last failure was at a second.
    fn last(result: HandshakeResult, failed: Option<(i64, HandshakeResult)>) -> LastHandshake {
        LastHandshake {
            time: START,
            result,
            policy: "ns/policy".into(),
            sni: "example.com".into(),
            endpoint: None,
            tls: None,
            evidence: Evidence::default(),
            consecutive_failures: 0,
            failing_since: None,
            last_failure: failed.map(|(second, result)| Failure {
                time: at(second),
                result,
                evidence: Evidence::of(result, "cause"),
            }),
            counts: Counts::default(),
        }
    }

    #[test]
    fn a_backend_that_never_failed_is_silent() {
        assert_eq!(Turns::default().look(&id("a"), &last(Ok, None), at(0)), None);
    }

    #[test]
    fn it_begins_to_fail_once_and_recovers_once() {
        let (mut turns, a) = (Turns::default(), id("a"));
        let mut look = |second, last: &LastHandshake| turns.look(&a, last, at(second));
        assert_eq!(look(1, &last(Expired, Some((1, Expired)))), Some(Turn::Failing(Expired)));
        for second in 2..60 {
            assert_eq!(look(second, &last(Expired, Some((second, Expired)))), None, "{second}");
        }
        assert_eq!(look(65, &last(Ok, Some((60, Expired)))), None, "not calm yet");
        assert_eq!(look(70, &last(Ok, Some((60, Expired)))), Some(Turn::Recovered));
        assert_eq!(look(1000, &last(Ok, Some((60, Expired)))), None);
        assert_eq!(look(1001, &last(Expired, Some((1001, Expired)))), Some(Turn::Failing(Expired)));
    }

    #[test]
    fn a_failure_between_two_looks_is_told() {
        let mut turns = Turns::default();
        assert_eq!(turns.look(&id("a"), &last(Ok, Some((1, Expired))), at(2)), Some(Turn::Failing(Expired)));
        assert_eq!(turns.look(&id("a"), &last(Ok, Some((1, Expired))), at(12)), Some(Turn::Recovered));
    }

    #[test]
    fn another_result_is_told_and_a_flapping_one_not_often() {
        let (mut turns, a) = (Turns::default(), id("a"));
        let mut told = 0;
        for second in 1..=100 {
            let result = if second % 2 == 0 { Expired } else { UnknownIssuer };
            told += usize::from(turns.look(&a, &last(result, Some((second, result))), at(second)).is_some());
        }
        assert!((2..=10).contains(&told), "{told}");
    }

    #[test]
    fn one_endpoint_of_several_that_fails_is_no_recovery() {
        let (mut turns, a) = (Turns::default(), id("a"));
        assert!(turns.look(&a, &last(Expired, Some((0, Expired))), at(0)).is_some());
        for second in 1..250 {
            assert_eq!(turns.look(&a, &last(Ok, Some((second / 5 * 5, Expired))), at(second)), None, "{second}");
        }
    }

    #[test]
    fn what_goes_on_failing_is_told_again() {
        let (mut turns, a) = (Turns::default(), id("a"));
        let told =
            (0..1200).filter(|second| turns.look(&a, &last(Expired, Some((*second, Expired))), at(*second)).is_some());
        assert_eq!(told.collect::<Vec<_>>(), [0, 300, 600, 900]);
        let mut ended = |second| turns.look(&a, &last(Expired, Some((1199, Expired))), at(second));
        assert_eq!(ended(1200), Some(Turn::Failing(Expired)));
        assert_eq!(ended(5000), None, "nobody asked since");
    }

    #[test]
    fn many_at_once_are_told_bit_by_bit() {
        let mut turns = Turns::default();
        let mut look = |second: i64| {
            let turns = (0..100).filter_map(|number| {
                turns.look(&id(&number.to_string()), &last(NameMismatch, Some((0, NameMismatch))), at(second))
            });
            turns.filter(|turn| *turn != Turn::LeftOut).count()
        };
        assert_eq!(look(0), 20);
        assert_eq!(look(1), 0);
        assert_eq!(look(3), 1);
        assert_eq!((4..=300).map(&mut look).sum::<usize>(), 79);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let (mut turns, a) = (Turns::default(), id("a"));
        assert!(turns.look(&a, &last(Expired, Some((0, Expired))), at(0)).is_some());
        turns.retain(|_| false);
        assert!(turns.look(&a, &last(Expired, Some((0, Expired))), at(1)).is_some());
    }
}
