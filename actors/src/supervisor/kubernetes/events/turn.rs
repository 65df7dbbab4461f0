//! When it is time to tell of a backend: once it begins to fail, or fails in another way, once it has recovered, and seldom
//! enough that nobody is flooded. No IO, and time is an argument.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::outcome::HandshakeResult;
use crate::plan::BackendId;
use crate::telemetry::LastHandshake;

/// A backend has recovered when none of its handshakes has failed for so long, and the last one succeeded. With each relapse
/// within [`RELAPSE`] it has to be twice as long, up to [`REMIND`]: of a backend one of whose endpoints fails now and then
/// it does not hold for long, however many succeed in between.
const CALM: SignedDuration = SignedDuration::from_secs(10);
const RELAPSE: SignedDuration = SignedDuration::from_hours(1);
/// Of one backend nothing is told for so long after something was.
const QUIET: SignedDuration = SignedDuration::from_secs(10);
/// What goes on failing, or fails in a way that was told before, is told again after this: the API server keeps Events for an
/// hour.
const REMIND: SignedDuration = SignedDuration::from_mins(15);
/// What could not be told is tried again after this.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// So many are told at once, over all backends; then one each [`REFILL`].
const BURST: i32 = 20;
const REFILL: SignedDuration = SignedDuration::from_secs(3);
/// What is told again leaves this much room for what is new.
const RESERVED: i32 = BURST / 2;

/// What is to be told of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Its handshakes fail, with this result last.
    Failing(HandshakeResult),
    /// They succeed again.
    Recovered,
    /// There is something to tell, and no room for it now: it is found again at a later look, and this is said once.
    LeftOut,
}

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Turns {
    told: HashMap<BackendId, Told>,
    waiting: HashSet<BackendId>,
    /// Since when there has been no room, reckoned from a full one.
    spent: Option<Timestamp>,
}

#[derive(Debug)]
struct Told {
    at: Timestamp,
    /// Until then nothing is told.
    quiet_until: Timestamp,
    /// When each result was told last.
    results: HashMap<HandshakeResult, Timestamp>,
    /// How long it has to be calm.
    calm: SignedDuration,
    state: State,
    /// The one before, in case that this one could not be told.
    before: State,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    failing: Option<HandshakeResult>,
    /// The last failure that was seen.
    failure: Option<Timestamp>,
}

impl Told {
    fn nothing(at: Timestamp) -> Self {
        let (results, state) = (HashMap::new(), State::default());
        Self { at, quiet_until: at, results, calm: CALM, state, before: state }
    }

    /// Whether this result was told not long ago.
    fn knows(&self, result: HandshakeResult, now: Timestamp) -> bool {
        self.results.get(&result).is_some_and(|told| now < *told + REMIND)
    }
}

impl Turns {
    /// What there is to tell of a backend now. It counts as told, unless [`Self::failed`] says otherwise.
    pub(super) fn look(&mut self, backend: &BackendId, last: &LastHandshake, now: Timestamp) -> Option<Turn> {
        let failure = last.last_failure.as_ref()?;
        let told = self.told.get(backend);
        if told.is_some_and(|told| now < told.quiet_until) {
            return None;
        }
        let state = told.map_or_else(State::default, |told| told.state);
        let is_new = state.failure != Some(failure.time);
        let calm = told.map_or(CALM, |told| told.calm);
        let calm = last.result == HandshakeResult::Ok && now.duration_since(failure.time) >= calm;
        let known = told.is_some_and(|told| told.knows(failure.result, now));
        let turn = match state.failing {
            Some(_) if calm => Turn::Recovered,
            Some(failing) if failing != failure.result && !known => Turn::Failing(failure.result),
            None if is_new => Turn::Failing(failure.result),
            Some(_) if is_new && told.is_some_and(|told| now >= told.at + REMIND) => {
                if !self.has_room(now, RESERVED) {
                    return None;
                }
                return Some(self.tell(backend, Turn::Failing(failure.result), state, failure.time, now));
            }
            _ => return None,
        };
        if !self.has_room(now, 0) {
            return self.waiting.insert(backend.clone()).then_some(Turn::LeftOut);
        }
        Some(self.tell(backend, turn, state, failure.time, now))
    }

    fn tell(&mut self, backend: &BackendId, turn: Turn, before: State, failure: Timestamp, now: Timestamp) -> Turn {
        let failing = if let Turn::Failing(result) = turn { Some(result) } else { None };
        let told = self.told.entry(backend.clone()).or_insert_with(|| Told::nothing(now));
        if failing.is_some() && before.failing.is_none() && !told.results.is_empty() {
            let relapsed = now.duration_since(told.at) < RELAPSE;
            told.calm = if relapsed { (told.calm * 2).min(REMIND) } else { CALM };
        }
        told.results.extend(failing.map(|result| (result, now)));
        (told.at, told.quiet_until) = (now, now + QUIET);
        (told.state, told.before) = (State { failing, failure: Some(failure) }, before);
        self.waiting.remove(backend);
        self.spent = Some(self.spent.map_or(now, |full| full.max(now)) + REFILL);
        turn
    }

    /// What was to be told last of a backend could not be: it is tried again.
    pub(super) fn failed(&mut self, backend: &BackendId, now: Timestamp) {
        if let Some(told) = self.told.get_mut(backend) {
            if let Some(result) = told.state.failing {
                told.results.remove(&result);
            }
            (told.state, told.quiet_until) = (told.before, now + AGAIN);
        }
    }

    /// Forgets the backends that are not wanted.
    pub(super) fn retain(&mut self, wanted: impl Fn(&BackendId) -> bool) {
        self.told.retain(|backend, _| wanted(backend));
        self.waiting.retain(wanted);
    }

    /// Whether there is room for one, and beyond it for what is reserved. A bucket of [`BURST`] that fills by one each
    /// [`REFILL`], kept as the moment at which it was, or will be, full.
    fn has_room(&self, now: Timestamp, reserved: i32) -> bool {
        let full = self.spent.map_or(now, |full| full.max(now));
        (full + REFILL).duration_since(now) <= REFILL * (BURST - reserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::HandshakeResult::{Expired, NameMismatch, Ok, UnknownIssuer};
    use crate::telemetry::Evidence;
    use crate::telemetry::observations::{Counts, Failure};
    use crate::telemetry::peers::Peers;

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
                endpoint: None,
                evidence: Evidence::of(result, "cause"),
                outdated: false,
            }),
            counts: Counts::default(),
            peers: Peers::default(),
            outdated: false,
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
        assert_eq!(told, 2);
        for second in 101..=1800 {
            let result = if second % 2 == 0 { Expired } else { UnknownIssuer };
            told += usize::from(turns.look(&a, &last(result, Some((second, result))), at(second)).is_some());
        }
        assert_eq!(told, 4, "each of them once a quarter of an hour");
    }

    #[test]
    fn what_relapses_has_to_be_calm_for_longer() {
        let (mut turns, a) = (Turns::default(), id("a"));
        let mut told = Vec::new();
        // One of several endpoints, which is tried each minute.
        for second in 0..3600 {
            let now = if second % 60 == 0 { Expired } else { Ok };
            let turn = turns.look(&a, &last(now, Some((second / 60 * 60, Expired))), at(second));
            told.extend(turn.map(|turn| (second, turn)));
        }
        let failing = Turn::Failing(Expired);
        let until_it_is_known = [
            (0, failing),
            (10, Turn::Recovered),
            (60, failing),
            (80, Turn::Recovered),
            (120, failing),
            (160, Turn::Recovered),
            (180, failing),
        ];
        assert_eq!(told[..7], until_it_is_known);
        assert_eq!(told[7..], [(1080, failing), (1980, failing), (2880, failing)]);

        let mut look = |second, last: &LastHandshake| turns.look(&a, last, at(second));
        assert_eq!(look(3620, &last(Ok, Some((3540, Expired)))), Some(Turn::Recovered));
        assert_eq!(look(8000, &last(Expired, Some((8000, Expired)))), Some(failing));
        assert_eq!(look(8010, &last(Ok, Some((8000, Expired)))), Some(Turn::Recovered), "it was well for an hour");
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
            (0..3600).filter(|second| turns.look(&a, &last(Expired, Some((*second, Expired))), at(*second)).is_some());
        assert_eq!(told.collect::<Vec<_>>(), [0, 900, 1800, 2700]);
        let mut ended = |second| turns.look(&a, &last(Expired, Some((3599, Expired))), at(second));
        assert_eq!(ended(3600), Some(Turn::Failing(Expired)));
        assert_eq!(ended(9000), None, "nobody asked since");
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
        assert_eq!((look(0), look(1)), (20, 0));
        assert_eq!(look(3), 1);
        assert_eq!((4..=300).map(&mut look).sum::<usize>(), 79);
    }

    #[test]
    fn what_has_to_wait_is_said_once() {
        let mut turns = Turns::default();
        let failing = last(NameMismatch, Some((0, NameMismatch)));
        let mut left_out = |second| {
            let ids = (0..30).map(|number| id(&number.to_string()));
            ids.filter(|id| turns.look(id, &failing, at(second)) == Some(Turn::LeftOut)).count()
        };
        assert_eq!((left_out(0), left_out(1), left_out(4)), (10, 0, 0));
    }

    #[test]
    fn what_is_told_again_leaves_room_for_what_is_new() {
        let mut turns = Turns::default();
        for number in 0..20 {
            assert!(turns.look(&id(&number.to_string()), &last(Expired, Some((0, Expired))), at(0)).is_some());
        }
        let again = last(Expired, Some((2000, Expired)));
        let told = (0..20).filter(|number| turns.look(&id(&number.to_string()), &again, at(2000)).is_some());
        assert_eq!(told.count(), 10);
        assert_eq!(turns.look(&id("new"), &again, at(2000)), Some(Turn::Failing(Expired)));
    }

    #[test]
    fn what_could_not_be_told_is_tried_again() {
        let (mut turns, a) = (Turns::default(), id("a"));
        let (failing, good) = (last(Expired, Some((0, Expired))), last(Ok, Some((0, Expired))));
        assert_eq!(turns.look(&a, &failing, at(0)), Some(Turn::Failing(Expired)));
        turns.failed(&a, at(1));
        assert_eq!(turns.look(&a, &failing, at(60)), None);
        assert_eq!(turns.look(&a, &failing, at(61)), Some(Turn::Failing(Expired)));
        assert_eq!(turns.look(&a, &good, at(80)), Some(Turn::Recovered));
        turns.failed(&a, at(81));
        assert_eq!(turns.look(&a, &good, at(150)), Some(Turn::Recovered));
        assert_eq!(turns.look(&a, &good, at(300)), None);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let (mut turns, a) = (Turns::default(), id("a"));
        assert!(turns.look(&a, &last(Expired, Some((0, Expired))), at(0)).is_some());
        turns.retain(|_| false);
        assert!(turns.look(&a, &last(Expired, Some((0, Expired))), at(1)).is_some());
    }
}
