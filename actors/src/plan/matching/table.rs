//! The rules of one host, indexed by path.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use http::header::HeaderName;
use regex::Regex;

use super::alternatives::Alternatives;
use super::patterns::Patterns;
use super::{Match, PathMatch, Precedence, RequestParts, ValueMatch, header_value, query_value};
use crate::plan::normal_path::normalize;
use crate::plan::path::PathTrie;
use crate::plan::rule::Rule;

/// A match's place in its table: the lower wins.
pub(super) type Rank = u32;

/// The rules of one host of one listener, in an order that finds the right one without a scan.
#[derive(Debug, Default)]
pub struct RuleTable {
    /// In order of precedence: an entry's index is its [`Rank`].
    entries: Vec<Entry>,
    exact: HashMap<Arc<str>, Alternatives>,
    patterns: Patterns,
    prefixes: PathTrie<Alternatives>,
}

/// One match with its rule.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) condition: Match,
    /// The header conditions again, with names that need no parsing. `None`: a name that no request can have.
    pub(super) headers: Option<Vec<(HeaderName, ValueMatch)>>,
    rule: Arc<Rule>,
}

impl Entry {
    /// Whether everything but the path matches.
    pub(super) fn takes(&self, request: &impl RequestParts) -> bool {
        self.condition.method.as_deref().is_none_or(|method| method == request.method())
            && self.headers.as_ref().is_some_and(|headers| {
                headers
                    .iter()
                    .all(|(name, wanted)| header_value(request, name).is_some_and(|value| wanted.takes(&value)))
            })
            && self
                .condition
                .query
                .iter()
                .all(|(name, wanted)| query_value(request, name).is_some_and(|value| wanted.takes(&value)))
    }
}

/// What decides is what was pushed and its precedence; the indexes follow from it.
impl PartialEq for RuleTable {
    fn eq(&self, other: &Self) -> bool {
        self.rules().eq(other.rules())
    }
}

impl RuleTable {
    /// The match that takes a request, with its rule, in time that depends on the request and not on the number of rules.
    pub fn find<'a>(&'a self, request: &impl RequestParts) -> Option<(&'a Match, &'a Arc<Rule>)> {
        let path = request.path();
        let rank = self
            .exact
            .get(path)
            .and_then(|alternatives| alternatives.find(&self.entries, request))
            .or_else(|| self.patterns.find(&self.entries, request))
            .or_else(|| {
                self.prefixes.prefixes_of(path).find_map(|alternatives| alternatives.find(&self.entries, request))
            })?;
        let entry = &self.entries[rank as usize];
        Some((&entry.condition, &entry.rule))
    }

    /// Every match with its rule, in order of precedence.
    pub fn rules(&self) -> impl Iterator<Item = (&Match, &Arc<Rule>)> {
        self.entries.iter().map(|entry| (&entry.condition, &entry.rule))
    }

    /// The number of matches.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no match.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Collects the rules of a [`RuleTable`].
///
/// Precedence between matches of one table (HTTPRouteRule.matches): exact path, regular expression (the longer pattern
/// first), longest prefix; then a method, then more headers, then more query parameters; then the order in which they
/// were pushed: the caller pushes older routes first, then by `namespace/name`, and the rules of a route in their order.
#[derive(Debug, Default)]
pub struct RuleTableBuilder {
    entries: Vec<(Match, Arc<Rule>)>,
}

impl RuleTableBuilder {
    /// Adds one match of a rule.
    pub fn push(&mut self, condition: Match, rule: Arc<Rule>) {
        self.entries.push((condition, rule));
    }

    /// Sorts and indexes what was pushed.
    pub fn build(mut self) -> RuleTable {
        self.entries.sort_by_cached_key(|(condition, _)| -> Precedence { condition.precedence() });
        let entries: Vec<_> = self
            .entries
            .into_iter()
            .map(|(condition, rule)| Entry { headers: header_names(&condition), condition, rule })
            .collect();

        let mut exact: HashMap<Arc<str>, Vec<Rank>> = HashMap::new();
        let mut patterns: BTreeMap<&str, (&Regex, Vec<Rank>)> = BTreeMap::new();
        let mut prefixes: PathTrie<Vec<Rank>> = PathTrie::default();
        for (rank, entry) in (0..).zip(&entries) {
            let ranks = match &entry.condition.path {
                PathMatch::Exact(path) => exact.entry(normal(path).into()).or_default(),
                PathMatch::Regex(regex) => &mut patterns.entry(regex.as_str()).or_insert((regex, Vec::new())).1,
                PathMatch::Prefix(prefix) => prefixes.get_mut_or_insert_with(&normal(prefix), Vec::new),
            };
            ranks.push(rank);
        }
        let index = |ranks: Vec<Rank>| Alternatives::new(&entries, ranks);
        RuleTable {
            exact: exact.into_iter().map(|(path, ranks)| (path, index(ranks))).collect(),
            patterns: Patterns::new(
                patterns.into_values().map(|(regex, ranks)| (regex.clone(), ranks[0], index(ranks))).collect(),
            ),
            prefixes: prefixes.map(index),
            entries,
        }
    }
}

/// A configured path as requests are matched, whose paths are in their normal form.
fn normal(path: &str) -> String {
    let mut buffer = String::new();
    normalize(path, &mut buffer).unwrap_or(path).to_owned()
}

fn header_names(condition: &Match) -> Option<Vec<(HeaderName, ValueMatch)>> {
    condition.headers.iter().map(|(name, wanted)| Some((HeaderName::try_from(&**name).ok()?, wanted.clone()))).collect()
}
