//! For explanations: the conditions of a match that a request does not meet, and what decides between two matches that both
//! take it. Whether a match takes a request is for [`RuleTable::find`](super::RuleTable::find) to say; this agrees with it.

use super::{Match, PathMatch, RequestParts, ValueMatch, header_value, query_value};
use crate::plan::normal_path::normalize;
use crate::plan::path::strip_prefix;

use http::header::HeaderName;

/// A condition that a request does not meet.
#[derive(Debug, Clone, PartialEq)]
pub enum Unmet<'m> {
    /// `path`
    Path,
    /// `method`
    Method,
    /// One of `headers`.
    Header {
        /// Its name.
        name: &'m str,
        /// What it should be.
        wanted: &'m ValueMatch,
        /// What it is, if it is there.
        found: Option<Vec<u8>>,
    },
    /// One of `queryParams`.
    Query {
        /// Its name.
        name: &'m str,
        /// What it should be.
        wanted: &'m ValueMatch,
        /// What it is, if it is there.
        found: Option<Vec<u8>>,
    },
}

/// What decides between two matches of one host, in this order (HTTPRouteRule.matches).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criterion {
    /// An exact path stands over a regular expression, and that over a prefix.
    PathType,
    /// The longer expression, or prefix.
    PathLength,
    /// One that demands a method.
    Method,
    /// More headers.
    Headers,
    /// More query parameters.
    Query,
    /// The older route, then the one that comes first by `namespace/name`; within a route the rule, and its match, that is
    /// written first.
    Order,
}

impl PathMatch {
    /// Whether it takes a path in its normal form.
    fn takes(&self, path: &str) -> bool {
        let mut buffer = String::new();
        let mut normal = |written| normalize(written, &mut buffer).map_or(written, |normal| normal).to_owned();
        match self {
            Self::Exact(wanted) => normal(wanted) == path,
            Self::Prefix(prefix) => strip_prefix(path, &normal(prefix)).is_some(),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

impl Match {
    /// The conditions, by path, method, headers and query, that a request does not meet.
    pub fn unmet(&self, request: &impl RequestParts) -> Vec<Unmet<'_>> {
        let mut unmet = Vec::new();
        if !self.path.takes(request.path()) {
            unmet.push(Unmet::Path);
        }
        if self.method.as_deref().is_some_and(|method| method != request.method()) {
            unmet.push(Unmet::Method);
        }
        unmet.extend(self.headers.iter().filter_map(|(name, wanted)| {
            let parsed = HeaderName::try_from(&**name).ok();
            let found = parsed.and_then(|parsed| Some(header_value(request, &parsed)?.into_owned()));
            let met = found.as_deref().is_some_and(|found| wanted.takes(found));
            (!met).then_some(Unmet::Header { name, wanted, found })
        }));
        unmet.extend(self.query.iter().filter_map(|(name, wanted)| {
            let found = query_value(request, name);
            let met = found.as_deref().is_some_and(|found| wanted.takes(found));
            (!met).then(|| Unmet::Query { name, wanted, found: found.map(Into::into) })
        }));
        unmet
    }

    /// What puts this match before another of the same host, where both take a request and this one is found.
    pub fn stands_over(&self, other: &Self) -> Criterion {
        let (this, other) = (self.precedence(), other.precedence());
        let decided = [
            (this.0 != other.0, Criterion::PathType),
            (this.1 != other.1, Criterion::PathLength),
            (this.2 != other.2, Criterion::Method),
            (this.3 != other.3, Criterion::Headers),
            (this.4 != other.4, Criterion::Query),
        ];
        decided.iter().find(|(differs, _)| *differs).map_or(Criterion::Order, |(_, criterion)| *criterion)
    }
}
