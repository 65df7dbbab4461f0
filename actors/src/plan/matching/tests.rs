use std::cmp::Reverse;
use std::sync::Arc;

use http::header::HeaderName;
use proptest::prelude::*;
use regex::Regex;

use super::{Match, PathMatch, RequestParts, RuleTable, RuleTableBuilder, ValueMatch};
use crate::outcome::Reason;
use crate::plan::backend::Poison;
use crate::plan::path::{strip_prefix, without_trailing_slash};
use crate::plan::rule::{Action, Rule, Timeouts};

#[derive(Debug, Clone, Default)]
struct Request {
    method: &'static str,
    path: String,
    query: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl RequestParts for Request {
    fn method(&self) -> &str {
        self.method
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }
    fn header(&self, name: &HeaderName, index: usize) -> Option<&[u8]> {
        self.headers.iter().filter(|(key, _)| name == key).nth(index).map(|(_, value)| value.as_bytes())
    }
}

fn get(path: &str) -> Request {
    Request { method: "GET", path: path.into(), ..Request::default() }
}

impl Request {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }
    fn asking(mut self, query: &str) -> Self {
        self.query = Some(query.into());
        self
    }
    fn by(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }
}

fn on(path: PathMatch) -> Match {
    Match { path, method: None, headers: Vec::new(), query: Vec::new() }
}

fn exact(path: &str) -> Match {
    on(PathMatch::Exact(path.into()))
}

fn prefix(path: &str) -> Match {
    on(PathMatch::Prefix(path.into()))
}

fn pattern(path: &str) -> Match {
    on(PathMatch::Regex(anchored(path)))
}

fn anchored(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).expect("a regular expression")
}

impl Match {
    fn method(mut self, method: &str) -> Self {
        self.method = Some(method.into());
        self
    }
    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), ValueMatch::Exact(value.into())));
        self
    }
    fn header_like(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), ValueMatch::Regex(anchored(value))));
        self
    }
    fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.into(), ValueMatch::Exact(value.into())));
        self
    }
}

fn rule(name: &str) -> Arc<Rule> {
    Arc::new(Rule {
        route: name.into(),
        index: 0,
        name: None,
        filters: crate::plan::filter::Filters::default(),
        action: Action::Fail(Poison { reason: Reason::BackendInvalid, message: "".into(), policy: None }),
        timeouts: Timeouts::default(),
    })
}

fn table<'a>(matches: impl IntoIterator<Item = (&'a str, Match)>) -> RuleTable {
    let mut builder = RuleTableBuilder::default();
    for (name, condition) in matches {
        builder.push(condition, rule(name));
    }
    builder.build()
}

#[track_caller]
fn assert_finds(table: &RuleTable, request: &Request, expected: &str) {
    assert_eq!(table.find(request).map_or("none", |(_, rule)| &rule.route), expected, "{request:?}");
}

#[test]
fn precedence_is_the_specifications() {
    let table = table([
        ("short prefix", prefix("/")),
        ("prefix with query", prefix("/a").query("q", "1")),
        ("prefix with header", prefix("/a").header("x", "1")),
        ("prefix with two headers", prefix("/a").header("x", "1").header("y", "1")),
        ("prefix with method", prefix("/a").method("GET")),
        ("long prefix", prefix("/a/b")),
        ("short regex", pattern("/.*")),
        ("long regex", pattern("/a/b/.*")),
        ("exact", exact("/a/b/c")),
    ]);
    let order: Vec<_> = table.rules().map(|(_, rule)| &*rule.route).collect();
    let expected = [
        "exact",
        "long regex",
        "short regex",
        "long prefix",
        "prefix with method",
        "prefix with two headers",
        "prefix with header",
        "prefix with query",
        "short prefix",
    ];
    assert_eq!(order, expected);
}

#[test]
fn what_was_pushed_first_wins_between_equals() {
    let table = table([("old", prefix("/a/").header("x", "1")), ("new", prefix("/a").header("y", "1"))]);
    assert_finds(&table, &get("/a").with("x", "1").with("y", "1"), "old");
    assert_finds(&table, &get("/a").with("y", "1"), "new");
}

#[test]
fn a_more_specific_path_whose_conditions_fail_gives_way_to_the_next() {
    let table = table([
        ("root", prefix("/")),
        ("a", prefix("/a")),
        ("deep", prefix("/a/b").header("x", "1")),
        ("regex", pattern("/a/b/[0-9]+").method("POST")),
        ("exact", exact("/a/b/1").method("PUT")),
    ]);
    assert_finds(&table, &get("/a/b/1").by("PUT"), "exact");
    assert_finds(&table, &get("/a/b/1").by("POST").with("x", "1"), "regex");
    assert_finds(&table, &get("/a/b/1").with("x", "1"), "deep");
    assert_finds(&table, &get("/a/b/1").with("x", "2"), "a");
    assert_finds(&table, &get("/b"), "root");
}

#[test]
fn an_exact_path_is_no_prefix() {
    let table = table([("exact", exact("/abc"))]);
    assert_finds(&table, &get("/abc"), "exact");
    for path in ["/abc/", "/Abc", "/abcd", "/"] {
        assert_finds(&table, &get(path), "none");
    }
}

#[test]
fn a_configured_path_is_matched_in_its_normal_form() {
    let table = table([("exact", exact("/%61/x%3ay")), ("prefix", prefix("/caf%c3%a9"))]);
    assert_finds(&table, &get("/a/x:y"), "exact");
    assert_finds(&table, &get("/caf%C3%A9/menu"), "prefix");
    assert_finds(&table, &get("/caf%c3%a9/menu"), "none");
}

#[test]
fn a_regular_expression_takes_the_whole_path() {
    let table = table([("regex", pattern("/v[0-9]+/x"))]);
    assert_finds(&table, &get("/v10/x"), "regex");
    for path in ["/v10/x/", "/a/v10/x", "/v/x", "/"] {
        assert_finds(&table, &get(path), "none");
    }
}

#[test]
fn a_repeated_header_is_matched_as_one_list() {
    let table = table([("both", prefix("/").header("x", "a,b")), ("one", prefix("/").header_like("x", "a"))]);
    assert_finds(&table, &get("/").with("x", "a").with("x", "b"), "both");
    assert_finds(&table, &get("/").with("x", "a,b"), "both");
    assert_finds(&table, &get("/").with("x", "a"), "one");
    assert_finds(&table, &get("/").with("x", "b").with("x", "a"), "none");
}

#[test]
fn a_query_parameter_counts_once_and_decoded() {
    let table = table([("match", prefix("/").query("animal", "blue whale"))]);
    assert_finds(&table, &get("/").asking("x=1&animal=blue+whale&animal=cat"), "match");
    assert_finds(&table, &get("/").asking("animal=blue%20whale"), "match");
    assert_finds(&table, &get("/").asking("animal=cat&animal=blue+whale"), "none");
    assert_finds(&table, &get("/").asking("Animal=blue+whale"), "none");
    assert_finds(&table, &get("/"), "none");
}

#[test]
fn a_header_name_that_no_request_can_have_matches_nothing() {
    let table = table([("broken", prefix("/").header("not a name", "1")), ("other", prefix("/"))]);
    assert_finds(&table, &get("/"), "other");
}

#[test]
fn thousands_of_tenants_on_one_path_are_told_apart() {
    let tenants: Vec<_> = (0..2000).map(|number| format!("tenant-{number}")).collect();
    let table = table(
        tenants
            .iter()
            .map(|tenant| (tenant.as_str(), prefix("/").header("x-version", "1").header("x-tenant", tenant)))
            .chain([("post", prefix("/").method("POST")), ("rest", prefix("/"))]),
    );
    for tenant in tenants.iter().step_by(97) {
        let request = get("/").with("x-version", "1").with("x-tenant", tenant);
        assert_finds(&table, &request, tenant);
        assert_finds(&table, &request.by("POST"), "post");
    }
    assert_finds(&table, &get("/").with("x-tenant", "tenant-1"), "rest");
}

#[test]
fn tables_are_equal_if_they_decide_alike() {
    let one = || table([("a", pattern("/a.*").header_like("x", "1+")), ("b", exact("/b"))]);
    let swapped = table([("b", exact("/b")), ("a", pattern("/a.*").header_like("x", "1+"))]);
    assert_eq!(one(), one());
    assert_eq!(one(), swapped);
    assert_ne!(one(), table([("a", pattern("/a.*").header_like("x", "2+")), ("b", exact("/b"))]));
    assert_ne!(one(), table([("a", pattern("/c.*").header_like("x", "1+")), ("b", exact("/b"))]));
    assert_ne!(one(), table([("c", pattern("/a.*").header_like("x", "1+")), ("b", exact("/b"))]));
    assert_ne!(one(), RuleTable::default());
}

#[test]
fn a_match_is_told_in_one_line() {
    let condition = prefix("/api/").method("GET").header("x", "1").header_like("y", "a+").query("q", "2");
    assert_eq!(condition.to_string(), "GET /api/* x=1 y~^(?:a+)$ ?q=2");
    assert_eq!(prefix("/").to_string(), "/*");
    assert_eq!(exact("/a").to_string(), "/a");
    assert_eq!(pattern("/a").to_string(), "~^(?:/a)$");
}

fn any_value() -> impl Strategy<Value = ValueMatch> {
    prop_oneof![
        4 => "[12]".prop_map(|value| ValueMatch::Exact(value.into())),
        1 => Just(ValueMatch::Regex(anchored("1|3"))),
    ]
}

fn any_conditions() -> impl Strategy<Value = Vec<(Arc<str>, ValueMatch)>> {
    proptest::collection::btree_map("[xyz]", any_value().boxed(), 0..3)
        .prop_map(|conditions| conditions.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

pub(in crate::plan) fn any_match() -> impl Strategy<Value = Match> {
    let path = prop_oneof![
        "(/[ab]){1,3}".prop_map(|path| PathMatch::Exact(path.into())),
        "((/[ab]){1,3}/?|/)".prop_map(|path| PathMatch::Prefix(path.into())),
        proptest::sample::select(vec!["/a/.*", "/b/.*", "/.*", "/[ab]", "/a|/b", ".*a"])
            .prop_map(|path| PathMatch::Regex(anchored(path))),
    ];
    let method = proptest::option::of(proptest::sample::select(vec!["GET", "POST"]));
    (path, method, any_conditions(), any_conditions()).prop_map(|(path, method, headers, query)| Match {
        path,
        method: method.map(Into::into),
        headers,
        query,
    })
}

fn any_request() -> impl Strategy<Value = Request> {
    (
        proptest::sample::select(vec!["GET", "POST", "PUT"]),
        "(/[abc]?){1,4}",
        proptest::option::of("([xyz]=[123]&){0,3}"),
        proptest::collection::vec((proptest::sample::select(vec!["x", "y", "z"]), "[123]"), 0..4),
    )
        .prop_map(|(method, path, query, headers)| Request { method, path, query, headers })
}

/// The specification's order, written down once more and without any index.
fn first_by_the_letter(matches: &[Match], request: &Request) -> Option<usize> {
    let value_is = |wanted: &ValueMatch, value: &str| match wanted {
        ValueMatch::Exact(exact) => **exact == *value,
        ValueMatch::Regex(regex) => regex.is_match(value),
    };
    let header = |name: &str| {
        let values: Vec<_> =
            request.headers.iter().filter(|(key, _)| *key == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let parameter = |name: &str| {
        let pairs = request.query.as_deref()?.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    };
    let takes = |condition: &Match| {
        (match &condition.path {
            PathMatch::Exact(path) => **path == *request.path,
            PathMatch::Prefix(prefix) => strip_prefix(&request.path, prefix).is_some(),
            PathMatch::Regex(regex) => regex.is_match(&request.path),
        }) && condition.method.as_deref().is_none_or(|method| method == request.method)
            && condition.headers.iter().all(|(name, wanted)| header(name).is_some_and(|value| value_is(wanted, &value)))
            && condition
                .query
                .iter()
                .all(|(name, wanted)| parameter(name).is_some_and(|value| value_is(wanted, &value)))
    };
    let order = |at: usize| {
        let condition = &matches[at];
        let path = match &condition.path {
            PathMatch::Exact(_) => (0, Reverse(0)),
            PathMatch::Regex(regex) => (1, Reverse(regex.as_str().len())),
            PathMatch::Prefix(prefix) => (2, Reverse(without_trailing_slash(prefix).len())),
        };
        let (method, headers) = (Reverse(condition.method.is_some()), Reverse(condition.headers.len()));
        (path, method, headers, Reverse(condition.query.len()), at)
    };
    (0..matches.len()).filter(|at| takes(&matches[*at])).min_by_key(|at| order(*at))
}

fn numbered(matches: &[Match]) -> RuleTable {
    let names: Vec<_> = (0..matches.len()).map(|number| number.to_string()).collect();
    table(names.iter().map(String::as_str).zip(matches.iter().cloned()))
}

proptest! {
    #[test]
    fn the_indexes_find_what_a_scan_in_the_specifications_order_finds(
        matches in proptest::collection::vec(any_match(), 0..60),
        requests in proptest::collection::vec(any_request(), 1..20),
    ) {
        let table = numbered(&matches);
        for request in requests {
            let expected = first_by_the_letter(&matches, &request).map(|at| at.to_string());
            let found = table.find(&request).map(|(_, rule)| rule.route.to_string());
            prop_assert_eq!(found, expected, "{:?}", request);
        }
    }

    /// Precedence is a total order: with no two matches of equal precedence, the order of pushing decides nothing.
    #[test]
    fn the_order_of_pushing_decides_only_between_equals(
        matches in proptest::collection::vec(any_match(), 0..30),
        seed in any::<proptest::sample::Index>(),
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let distinct: Vec<_> = matches.into_iter().filter(|condition| seen.insert(condition.precedence())).collect();
        let mut rotated = distinct.clone();
        if !rotated.is_empty() {
            rotated.rotate_left(seed.index(distinct.len()));
        }
        rotated.reverse();
        let conditions = |table: &RuleTable| table.rules().map(|(condition, _)| condition.clone()).collect::<Vec<_>>();
        prop_assert_eq!(conditions(&numbered(&distinct)), conditions(&numbered(&rotated)));
    }
}
