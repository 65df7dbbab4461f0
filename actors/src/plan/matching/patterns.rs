//! Regular expressions over paths. An expression is tried only on a path that begins as it demands, so that thousands of
//! them cost no more than those that share their literal beginning.

use std::collections::{BTreeSet, HashMap};

use regex::Regex;
use regex_syntax::hir::Look;
use regex_syntax::hir::literal::Extractor;

use super::RequestParts;
use super::alternatives::Alternatives;
use super::table::{Entry, Rank};

/// The regular expressions of one table.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// In order of precedence.
    all: Vec<Pattern>,
    /// Places in `all` by what a path must begin with (empty: anything), in order of precedence.
    by_beginning: HashMap<Box<[u8]>, Vec<usize>>,
    /// The lengths of the keys of `by_beginning`.
    lengths: BTreeSet<usize>,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    /// The lowest of `alternatives`.
    first: Rank,
    alternatives: Alternatives,
}

impl Patterns {
    /// Takes distinct expressions, each with the lowest of its ranks.
    pub(super) fn new(patterns: Vec<(Regex, Rank, Alternatives)>) -> Self {
        let mut all: Vec<_> =
            patterns.into_iter().map(|(regex, first, alternatives)| Pattern { regex, first, alternatives }).collect();
        all.sort_by_key(|pattern| pattern.first);
        let mut by_beginning: HashMap<Box<[u8]>, Vec<usize>> = HashMap::new();
        for (at, pattern) in all.iter().enumerate() {
            for beginning in beginnings(pattern.regex.as_str()) {
                by_beginning.entry(beginning).or_default().push(at);
            }
        }
        let lengths = by_beginning.keys().map(|beginning| beginning.len()).collect();
        Self { all, by_beginning, lengths }
    }

    /// The first in order of precedence that takes a request.
    pub(super) fn find(&self, entries: &[Entry], request: &impl RequestParts) -> Option<Rank> {
        let path = request.path();
        let mut best = None;
        for length in self.lengths.range(..=path.len()) {
            for at in self.by_beginning.get(&path.as_bytes()[..*length]).into_iter().flatten() {
                let pattern = &self.all[*at];
                if best.is_some_and(|best| best < pattern.first) {
                    break;
                }
                if pattern.regex.is_match(path) {
                    let found = pattern.alternatives.find(entries, request);
                    best = [best, found].into_iter().flatten().min();
                }
            }
        }
        best
    }
}

/// A path that matches begins with one of these. One empty beginning where nothing is known.
fn beginnings(pattern: &str) -> BTreeSet<Box<[u8]>> {
    let anything = || BTreeSet::from([Box::default()]);
    let Ok(syntax) = regex_syntax::parse(pattern) else { return anything() };
    if !syntax.properties().look_set_prefix().contains(Look::Start) {
        return anything();
    }
    match Extractor::new().extract(&syntax).literals() {
        Some(literals) => literals.iter().map(|literal| literal.as_bytes().into()).collect(),
        None => anything(),
    }
}

#[cfg(test)]
mod tests {
    use super::beginnings;

    #[test]
    fn what_a_path_must_begin_with() {
        for (pattern, expected) in [
            ("^(?:/api/v[12]/.*)$", &["/api/v1/", "/api/v2/"][..]),
            ("^(?:/a|/b.*)$", &["/a", "/b"]),
            ("^(?:/ab?c)$", &["/abc", "/ac"]),
            ("^(?:.*/end)$", &[""]),
            ("^(?:/(?i)x)$", &["/X", "/x"]),
            ("/unanchored", &[""]),
            ("^/a|/b", &[""]),
        ] {
            let found: Vec<_> =
                beginnings(pattern).into_iter().map(|found| String::from_utf8_lossy(&found).into_owned()).collect();
            assert_eq!(found, expected, "{pattern}");
        }
    }

    /// A class that is too large to enumerate says nothing beyond what stands before it.
    #[test]
    fn a_large_class_ends_the_beginning() {
        assert_eq!(beginnings("^(?:/[a-z0-9]+/x)$").into_iter().collect::<Vec<_>>(), [Box::from(*b"/")]);
    }
}
