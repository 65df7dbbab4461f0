//! Which endpoint takes a request: the less loaded of two random ones. Pure but for its random numbers.

use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// What speaks against an endpoint, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Burden {
    /// TCP lately did not reach it.
    pub(super) avoided: bool,
    /// Connections in use and in the making.
    pub(super) load: usize,
    /// A connection has to be made first.
    pub(super) no_idle: bool,
}

/// Small numbers that nobody can foresee well enough to matter.
#[derive(Debug)]
pub(super) struct Random(Cell<u64>);

impl Random {
    pub(super) fn new() -> Self {
        Self(Cell::new(RandomState::new().build_hasher().finish() | 1))
    }

    /// From 0 to `bound` exclusive; 0 if there is nothing to choose from.
    pub(super) fn below(&self, bound: usize) -> usize {
        // xorshift64* (Marsaglia 2003, Vigna 2016)
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        let number = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        ((number * bound as u64) >> 32) as usize
    }
}

/// The place of the chosen one among `count`. An avoided one is chosen only if all are avoided.
pub(super) fn choose(count: usize, random: &Random, burden: impl Fn(usize) -> Burden) -> Option<usize> {
    if count <= 1 {
        return (count == 1).then_some(0);
    }
    let first = random.below(count);
    let second = (first + 1 + random.below(count - 1)) % count;
    let chosen = if burden(second) < burden(first) { second } else { first };
    if !burden(chosen).avoided {
        return Some(chosen);
    }
    let others = (0..count).map(|step| (first + step) % count);
    let reachable = others.filter(|place| !burden(*place).avoided).min_by_key(|place| burden(*place));
    Some(reachable.unwrap_or(chosen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light(load: usize) -> Burden {
        Burden { avoided: false, load, no_idle: false }
    }

    #[test]
    fn of_none_there_is_no_choice_and_of_one_there_is_one() {
        let random = Random::new();
        assert_eq!(choose(0, &random, |_| light(0)), None);
        assert_eq!(choose(1, &random, |_| Burden { avoided: true, ..light(9) }), Some(0));
    }

    #[test]
    fn the_less_loaded_of_two_is_chosen_and_an_idle_connection_breaks_the_tie() {
        let random = Random::new();
        for _ in 0..100 {
            assert_eq!(choose(2, &random, |place| light([3, 2][place])), Some(1));
            assert_eq!(choose(2, &random, |place| Burden { no_idle: place == 0, ..light(1) }), Some(1));
            assert_eq!(choose(2, &random, |place| Burden { no_idle: place == 1, ..light(1 - place) }), Some(1));
        }
    }

    #[test]
    fn the_avoided_ones_are_chosen_only_if_all_are() {
        let random = Random::new();
        for _ in 0..100 {
            let but_the_sixth = |place| Burden { avoided: place != 5, ..light(if place == 5 { 100 } else { 0 }) };
            assert_eq!(choose(9, &random, but_the_sixth), Some(5));
            assert!(choose(9, &random, |_| Burden { avoided: true, ..light(0) }).is_some());
        }
    }

    #[test]
    fn equals_are_chosen_equally() {
        let random = Random::new();
        let mut counts = [0; 4];
        for _ in 0..4000 {
            counts[choose(4, &random, |_| light(0)).expect("one of four")] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
