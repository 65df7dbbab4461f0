//! Matching of requests to rules, in the order of precedence of HTTPRoute.

use std::sync::Arc;

use regex::Regex;

use super::rule::Rule;

/// What of a request a rule can match on. Borrowed: matching allocates nothing.
pub trait RequestParts {
    /// `GET`, `POST`, ...
    fn method(&self) -> &str;
    /// The path, without the query, starting with `/`.
    fn path(&self) -> &str;
    /// The query, without `?`.
    fn query(&self) -> Option<&str>;
    /// The values of a header, whose name is in lower case, in their order.
    fn header<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a>;
}

/// One HTTPRouteMatch.
#[derive(Debug, Clone)]
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
    /// Against the whole value (anchored at both ends by the translation).
    Regex(Regex),
}

/// The rules of one host of one listener, in an order that finds the right one without a scan.
#[derive(Debug, Default)]
pub struct RuleTable {
    _private: (),
}

impl PartialEq for RuleTable {
    fn eq(&self, _: &Self) -> bool {
        true
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
    // pub fn build(self) -> RuleTable
}
// impl RuleTable { pub fn find<'a>(&'a self, request: &impl RequestParts) -> Option<&'a Arc<Rule>>; pub fn rules(&self) -> impl Iterator }
