//! The matches that share one path condition, told apart by method, headers and query parameters.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use http::header::HeaderName;

use super::table::{Entry, Rank};
use super::{RequestParts, ValueMatch, header_value, query_value};

/// Up to so many matches are tried one by one; an index would cost more than it saves.
const SCANNED: usize = 8;

/// The matches of one path condition. Where there are many, those that demand an exact value of something are found by
/// that value: a thousand tenants told apart by one header cost one look-up.
#[derive(Debug, Default)]
pub(super) struct Alternatives {
    /// In order of precedence.
    scanned: Vec<Rank>,
    indexes: HashMap<Criterion, ByValue>,
}

/// Ranks by the exact value that they demand, in order of precedence.
type ByValue = HashMap<Arc<str>, Vec<Rank>>;

/// Something of a request of which a match can demand an exact value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Criterion {
    Method,
    Header(HeaderName),
    Query(Arc<str>),
}

impl Alternatives {
    /// Takes ranks in their order.
    pub(super) fn new(entries: &[Entry], ranks: Vec<Rank>) -> Self {
        if ranks.len() <= SCANNED {
            return Self { scanned: ranks, indexes: HashMap::new() };
        }
        let mut values: HashMap<Criterion, BTreeSet<Arc<str>>> = HashMap::new();
        for rank in &ranks {
            for (criterion, value) in demands(&entries[*rank as usize]) {
                values.entry(criterion).or_default().insert(value);
            }
        }
        let mut scanned = Vec::new();
        let mut indexes: HashMap<Criterion, ByValue> = HashMap::new();
        for rank in ranks {
            let most_telling = demands(&entries[rank as usize]).max_by_key(|(criterion, _)| values[criterion].len());
            match most_telling {
                Some((criterion, value)) => indexes.entry(criterion).or_default().entry(value).or_default().push(rank),
                None => scanned.push(rank),
            }
        }
        Self { scanned, indexes }
    }

    /// The first in order of precedence that takes a request whose path matches.
    pub(super) fn find(&self, entries: &[Entry], request: &impl RequestParts) -> Option<Rank> {
        let first = |ranks: &[Rank]| ranks.iter().copied().find(|rank| entries[*rank as usize].takes(request));
        let indexed = self.indexes.iter().filter_map(|(criterion, by_value)| {
            let value = criterion.value_in(request)?;
            first(by_value.get(std::str::from_utf8(&value).ok()?)?)
        });
        first(&self.scanned).into_iter().chain(indexed).min()
    }
}

impl Criterion {
    fn value_in<'a>(&self, request: &'a impl RequestParts) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Method => Some(Cow::Borrowed(request.method().as_bytes())),
            Self::Header(name) => header_value(request, name),
            Self::Query(name) => query_value(request, name),
        }
    }
}

/// The exact values that a match demands.
fn demands(entry: &Entry) -> impl Iterator<Item = (Criterion, Arc<str>)> {
    let method = entry.condition.method.iter().map(|method| (Criterion::Method, method.clone()));
    let headers = entry.headers.iter().flatten().filter_map(|(name, wanted)| match wanted {
        ValueMatch::Exact(value) => Some((Criterion::Header(name.clone()), value.clone())),
        ValueMatch::Regex(_) => None,
    });
    let query = entry.condition.query.iter().filter_map(|(name, wanted)| match wanted {
        ValueMatch::Exact(value) => Some((Criterion::Query(name.clone()), value.clone())),
        ValueMatch::Regex(_) => None,
    });
    method.chain(headers).chain(query)
}
