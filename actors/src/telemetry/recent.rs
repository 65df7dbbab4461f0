//! A table that is asked for the same entry again and again.

use std::hash::Hash;

use foldhash::fast::RandomState;
use indexmap::{Equivalent, IndexMap};

/// Entries that only become more, of which the one that was used last is tried before any hash is computed.
///
/// The hash is a fast one: keys are names of the configuration and words of closed sets, none of which a client can make
/// up, so nobody can fill a bucket.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    entries: IndexMap<K, V, RandomState>,
    last: usize,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { entries: IndexMap::default(), last: 0 }
    }
}

impl<K: Hash + Eq, V> Recent<K, V> {
    /// The entry of a key, made if there is none.
    pub(super) fn entry<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q, make: impl FnOnce() -> (K, V)) -> &V {
        let is_last = self.entries.get_index(self.last).is_some_and(|(last, _)| key.equivalent(last));
        if !is_last {
            self.last = self.entries.get_index_of(key).unwrap_or_else(|| {
                let (key, value) = make();
                self.entries.insert_full(key, value).0
            });
        }
        &self.entries[self.last]
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn an_entry_is_made_once() {
        let mut table = Recent::<Box<str>, usize>::default();
        let mut made = 0;
        for key in ["a", "a", "b", "a", "b", "b"] {
            let found = *table.entry(key, || {
                made += 1;
                (key.into(), key.len() + usize::from(key.as_bytes()[0]))
            });
            assert_eq!(found, 1 + usize::from(key.as_bytes()[0]));
        }
        assert_eq!(made, 2);
    }
}
