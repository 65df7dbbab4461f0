//! Matching of requests to rules, in the order of precedence of HTTPRoute.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use http::header::HeaderName;
use regex::Regex;

mod alternatives;
mod patterns;
mod query;
mod table;
mod unmet;

#[cfg(test)]
pub(super) mod tests;

pub use table::{RuleTable, RuleTableBuilder};
pub use unmet::{Criterion, Unmet};

/// What of a request a rule can match on. Borrowed: matching allocates nothing, but for a header that is repeated and for
/// a query parameter that is percent-encoded.
pub trait RequestParts {
    /// `GET`, `POST`, ...
    fn method(&self) -> &str;
    /// The path in its [normal form](super::normal_path), without the query.
    fn path(&self) -> &str;
    /// The query, without `?`.
    fn query(&self) -> Option<&str>;
    /// The value of a header at its place, from 0, among the values of that name.
    fn header(&self, name: &HeaderName, index: usize) -> Option<&[u8]>;
}

/// One HTTPRouteMatch.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Always there: the default is the prefix `/`.
    pub path: PathMatch,
    /// `method`
    pub method: Option<Arc<str>>,
    /// All must match; names in lower case, one entry a name.
    pub headers: Vec<(Arc<str>, ValueMatch)>,
    /// All must match; names are case-sensitive, one entry a name.
    pub query: Vec<(Arc<str>, ValueMatch)>,
}

/// How a path is matched.
#[derive(Debug, Clone)]
pub enum PathMatch {
    /// Equality.
    Exact(Arc<str>),
    /// Whole segments: `/abc` takes `/abc`, `/abc/` and `/abc/d`, not `/abcd`. A trailing slash does not count.
    Prefix(Arc<str>),
    /// Against the whole path (anchored at both ends by the translation).
    Regex(Regex),
}

/// How a value is matched.
#[derive(Debug, Clone)]
pub enum ValueMatch {
    /// Equality.
    Exact(Arc<str>),
    /// Against the whole value (anchored at both ends by the translation). A value that is not UTF-8 does not match.
    Regex(Regex),
}

impl PartialEq for PathMatch {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) | (Self::Prefix(a), Self::Prefix(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            _ => false,
        }
    }
}

impl PartialEq for ValueMatch {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            _ => false,
        }
    }
}

impl ValueMatch {
    fn takes(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(wanted) => wanted.as_bytes() == value,
            Self::Regex(regex) => std::str::from_utf8(value).is_ok_and(|value| regex.is_match(value)),
        }
    }
}

/// The place of a match among those of its table, but for the order in which they were pushed: the lower is tried first.
/// "Exact" path match, (`RegularExpression` is ours to place), "Prefix" path match with largest number of characters,
/// Method match, largest number of header matches, largest number of query param matches (HTTPRouteRule.matches).
type Precedence = (u8, Reverse<usize>, bool, Reverse<usize>, Reverse<usize>);

impl Match {
    fn precedence(&self) -> Precedence {
        let (kind, length) = match &self.path {
            PathMatch::Exact(_) => (0, 0),
            PathMatch::Regex(regex) => (1, regex.as_str().chars().count()),
            PathMatch::Prefix(prefix) => (2, super::path::without_trailing_slash(prefix).chars().count()),
        };
        (kind, Reverse(length), self.method.is_none(), Reverse(self.headers.len()), Reverse(self.query.len()))
    }
}

/// All values of a header as one: "a recipient MAY combine multiple field lines [...] by appending each subsequent field
/// line value to the initial field line value in order, separated by a comma" (RFC 9110, 5.3).
fn header_value<'a>(request: &'a impl RequestParts, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let first = request.header(name, 0)?;
    if request.header(name, 1).is_none() {
        return Some(Cow::Borrowed(first));
    }
    let mut joined = first.to_vec();
    for value in (1..).map_while(|index| request.header(name, index)) {
        joined.push(b',');
        joined.extend_from_slice(value);
    }
    Some(Cow::Owned(joined))
}

/// The first value of a query parameter: "it is recommended that implementations should match against the first value"
/// (HTTPQueryParamMatch.name).
fn query_value<'a>(request: &'a impl RequestParts, name: &str) -> Option<Cow<'a, [u8]>> {
    query::first_value(request.query()?, name)
}

/// For people, for example `GET /api/* x-version=2 ?animal=whale`.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.method {
            write!(f, "{method} ")?;
        }
        match &self.path {
            PathMatch::Exact(path) => f.write_str(path)?,
            PathMatch::Prefix(prefix) => write!(f, "{}/*", super::path::without_trailing_slash(prefix))?,
            PathMatch::Regex(regex) => write!(f, "~{}", regex.as_str())?,
        }
        for (sign, conditions) in [("", &self.headers), ("?", &self.query)] {
            for (name, wanted) in conditions {
                match wanted {
                    ValueMatch::Exact(value) => write!(f, " {sign}{name}={value}")?,
                    ValueMatch::Regex(regex) => write!(f, " {sign}{name}~{}", regex.as_str())?,
                }
            }
        }
        Ok(())
    }
}
