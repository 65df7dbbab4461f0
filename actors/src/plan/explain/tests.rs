use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use regex::Regex;

use super::*;
use crate::http1::{HeadLimits, RequestHead};
use crate::plan::filter::{Filters, PathRewrite, Redirect, Rewrite};
use crate::plan::matching::tests::any_match;
use crate::plan::matching::{Criterion, PathMatch, RuleTableBuilder, Unmet, ValueMatch};
use crate::plan::rule::{Timeouts, WeightedBackends};
use crate::plan::{BackendId, HostTable, RuleTable, ServicePort};

const EVERYTHING: usize = usize::MAX;

fn rule(route: &str, index: usize, action: Action) -> Arc<Rule> {
    Arc::new(Rule {
        route: route.into(),
        index,
        name: None,
        filters: Filters::default(),
        action,
        timeouts: Timeouts { request: Some(Duration::from_secs(1)), backend_request: None },
    })
}

fn poison(message: &str) -> Poison {
    Poison { reason: Reason::BackendInvalid, message: message.into(), policy: None }
}

fn on(path: PathMatch) -> Match {
    Match { path, method: None, headers: Vec::new(), query: Vec::new() }
}

fn prefix(path: &str) -> Match {
    on(PathMatch::Prefix(path.into()))
}

fn routes<'a>(hosts: impl IntoIterator<Item = (Option<&'a str>, Vec<(Match, Arc<Rule>)>)>) -> HostTable<RuleTable> {
    let mut routes = HostTable::default();
    for (hostname, rules) in hosts {
        let mut table = RuleTableBuilder::default();
        for (condition, rule) in rules {
            table.push(condition, rule);
        }
        routes.insert(hostname, table.build());
    }
    routes
}

fn port(protocol: Protocol, listeners: impl IntoIterator<Item = Listener>) -> Arc<Port> {
    let mut table = HostTable::default();
    for listener in listeners {
        table.insert(listener.hostname.clone().as_deref(), Arc::new(listener));
    }
    Arc::new(Port { gateway: "a/web".into(), port: protocol.default_port(), protocol, listeners: table })
}

fn listener(name: &str, hostname: Option<&str>, routes: HostTable<RuleTable>) -> Listener {
    Listener { name: name.into(), hostname: hostname.map(Into::into), certificates: Vec::new(), routes }
}

fn plan(ports: impl IntoIterator<Item = Arc<Port>>) -> Plan {
    Plan { ports: ports.into_iter().collect(), ..Plan::default() }
}

fn question(host: &str, path: &str) -> Question {
    Question { method: "GET".into(), authority: host.into(), path: path.into(), query: None, headers: Vec::new() }
}

fn explain<'p>(plan: &'p Plan, question: &Question) -> Explanation<'p> {
    let mut told = plan.explain(question, Entrance::default(), &Endpoints::default(), EVERYTHING);
    assert_eq!(told.len(), 1);
    told.remove(0)
}

fn answered(outcome: &Outcome<'_>) -> Option<Reason> {
    match outcome {
        Outcome::Answer { reason, .. } => Some(*reason),
        _ => None,
    }
}

#[test]
fn a_host_goes_to_the_most_specific_listener_and_the_others_say_why_not() {
    let rules = || routes([(None, vec![(prefix("/"), rule("a/r", 0, Action::Fail(poison("no"))))])]);
    let plan = plan([port(
        Protocol::Http,
        [
            listener("all", Some("*.test"), rules()),
            listener("app", Some("app.test"), rules()),
            listener("other", Some("other.test"), rules()),
        ],
    )]);
    let told = explain(&plan, &question("APP.test.:8080", "/"));
    assert_eq!(told.listener.map(|listener| &*listener.name), Some("app"));
    let others: Vec<_> = told.other_listeners.iter().map(|(other, takes)| (&*other.name, *takes)).collect();
    assert_eq!(others, [("other", false), ("all", true)]);
    assert_eq!(answered(&told.outcome), Some(Reason::BackendInvalid));
    assert_eq!(answered(&explain(&plan, &question("test", "/")).outcome), Some(Reason::NoListener));
    assert_eq!(answered(&explain(&plan, &question("app.test", "/../x")).outcome), Some(Reason::BadRequest));
}

#[test]
fn without_a_certificate_there_is_no_handshake_and_the_sni_of_another_listener_is_misdirected() {
    let certificate = Arc::new(crate::plan::certificate::ServerCertificate {
        secret: "a/tls".into(),
        chain: Vec::new(),
        key: crate::plan::certificate::PrivateKey {
            format: crate::plan::certificate::KeyFormat::Pkcs8,
            der: Vec::new().into(),
        },
        dns_names: Vec::new(),
        not_after: 0,
    });
    let with = |listener| Listener { certificates: vec![certificate.clone()], ..listener };
    let plan = plan([port(
        Protocol::Https,
        [
            listener("held", Some("held.test"), HostTable::default()),
            with(listener("one", Some("one.test"), HostTable::default())),
            with(listener("two", Some("two.test"), HostTable::default())),
        ],
    )]);
    for host in ["held.test", "nobody.test"] {
        assert!(matches!(explain(&plan, &question(host, "/")).outcome, Outcome::NoHandshake), "{host}");
    }
    assert_eq!(answered(&explain(&plan, &question("one.test", "/")).outcome), Some(Reason::NoRoute));
    let through = |listener| Entrance { listener: Some(listener), ..Entrance::default() };
    let of = |listener| {
        let told = plan.explain(&question("one.test", "/"), through(listener), &Endpoints::default(), 0);
        told.first().and_then(|told| answered(&told.outcome))
    };
    assert_eq!(of("one"), Some(Reason::NoRoute));
    assert_eq!(of("two"), Some(Reason::Misdirected));
    assert_eq!(of("three"), None, "no port has it");
}

#[test]
fn what_is_no_request_is_refused_before_any_route() {
    let everything = routes([(None, vec![(prefix("/"), rule("a/r", 0, Action::Fail(poison("no"))))])]);
    let plan = plan([port(Protocol::Http, [listener("http", None, everything)])]);
    let path = |length| "/".repeat(length);
    let refused = |question: &Question| match explain(&plan, question).outcome {
        Outcome::Refused(error) => Some(error),
        _ => None,
    };
    assert_eq!(refused(&question("a.test", &path(16 * 1024))), None);
    assert_eq!(refused(&question("a.test", &path(16 * 1024 + 1))), Some(HeadError::TargetTooLong));
    assert_eq!(refused(&question("a.test", &path(100_000))), Some(HeadError::TargetTooLong));
    let many = |count| {
        let field = (HeaderName::from_static("x"), HeaderValue::from_static("1"));
        Question { headers: vec![field; count], ..question("a.test", "/") }
    };
    assert_eq!((refused(&many(127)), refused(&many(128))), (None, Some(HeadError::TooLarge)));
    let connect = Question { method: "CONNECT".into(), ..question("a.test", "/") };
    assert!(!explain(&plan, &connect).outcome.is_good());
}

#[test]
fn what_was_near_says_why_it_lost_the_nearest_first() {
    let fail = |route: &str, index| rule(route, index, Action::Fail(poison("no")));
    let with_header =
        |value: &str| Match { headers: vec![("x-version".into(), ValueMatch::Exact(value.into()))], ..prefix("/cart") };
    let specific = vec![
        (with_header("2"), fail("a/cart", 0)),
        (prefix("/cart"), fail("a/cart", 1)),
        (prefix("/cart"), fail("b/cart", 0)),
        (Match { method: Some("POST".into()), ..prefix("/cart") }, fail("a/cart", 2)),
        (prefix("/"), fail("a/cart", 3)),
        (on(PathMatch::Exact("/car".into())), fail("a/cart", 4)),
        (on(PathMatch::Exact("/x".into())), fail("a/cart", 5)),
    ];
    let hosts = [(Some("shop.test"), specific), (Some("*.test"), vec![(prefix("/cart/items"), fail("a/all", 0))])];
    let plan = plan([port(Protocol::Http, [listener("http", None, routes(hosts))])]);
    let mut question = question("shop.test", "/cart//items");
    question.headers.push((HeaderName::from_static("x-version"), HeaderValue::from_static("1")));
    let told = explain(&plan, &question);
    let taken = told.taken.as_ref().expect("it is taken");
    assert_eq!((&*taken.rule.route, taken.rule.index, taken.hostname.as_deref()), ("a/cart", 1, Some("shop.test")));
    let wanted = ValueMatch::Exact("2".into());
    let header = Unmet::Header { name: "x-version", wanted: &wanted, found: Some(b"1".to_vec()) };
    let found: Vec<_> =
        told.near.matches.iter().map(|near| (&*near.rule.route, near.rule.index, near.lost.clone())).collect();
    let expected = [
        ("b/cart", 0, Lost::ComesLater(Criterion::Order)),
        ("a/cart", 3, Lost::ComesLater(Criterion::PathLength)),
        ("a/all", 0, Lost::LessSpecificHostname),
        ("a/cart", 0, Lost::Unmet(header)),
        ("a/cart", 2, Lost::Unmet(Unmet::Method)),
        ("a/cart", 4, Lost::Unmet(Unmet::Path)),
        ("a/cart", 5, Lost::Unmet(Unmet::Path)),
    ];
    assert_eq!(found, expected);
    let bounded = plan.explain(&question, Entrance::default(), &Endpoints::default(), 2);
    assert_eq!((bounded[0].near.matches.len(), bounded[0].near.left_out), (2, 5));
}

#[test]
fn each_criterion_decides_in_its_turn() {
    let valued = |name: &str| (name.into(), ValueMatch::Exact("1".into()));
    let regex = PathMatch::Regex(Regex::new("^/a$").unwrap());
    let with_header = Match { headers: vec![valued("x")], ..prefix("/a") };
    let with_query = Match { query: vec![valued("q")], ..prefix("/a") };
    let with_method = Match { method: Some("GET".into()), ..prefix("/a") };
    for (winner, loser, criterion) in [
        (on(PathMatch::Exact("/a".into())), on(regex), Criterion::PathType),
        (prefix("/a"), with_method.clone(), Criterion::PathLength),
        (with_method, with_header.clone(), Criterion::Method),
        (with_header, with_query.clone(), Criterion::Headers),
        (with_query, prefix("/a"), Criterion::Query),
        (prefix("/a"), prefix("/a"), Criterion::Order),
    ] {
        let loser = if criterion == Criterion::PathLength {
            Match { path: PathMatch::Prefix("/".into()), ..loser }
        } else {
            loser
        };
        let mut rules = vec![(loser, rule("a/loser", 1, Action::Fail(poison("no"))))];
        rules.insert(
            usize::from(criterion != Criterion::Order),
            (winner, rule("a/winner", 0, Action::Fail(poison("no")))),
        );
        let plan = plan([port(Protocol::Http, [listener("http", None, routes([(None, rules)]))])]);
        let mut question = Question { query: Some("q=1".into()), ..question("a.test", "/a") };
        question.headers.push((HeaderName::from_static("x"), HeaderValue::from_static("1")));
        let told = explain(&plan, &question);
        assert_eq!(told.taken.map(|taken| &*taken.rule.route), Some("a/winner"), "{criterion:?}");
        assert_eq!(told.near.matches[0].lost, Lost::ComesLater(criterion));
    }
}

#[test]
fn filters_and_backends_are_told_as_the_backend_will_see_them() {
    let service = |name: &str| ServicePort { namespace: "a".into(), name: name.into(), port: 443 };
    let backend = |name: &str, tls| {
        Target::Backend(Arc::new(Backend {
            id: BackendId { gateway: "a/web".into(), backend: format!("Service/a/{name}").into(), port: 443 },
            endpoints: EndpointSource::Service(service(name)),
            tls,
            near_miss: None,
        }))
    };
    let path = PathRewrite::Prefix { matched: "/api".into(), replacement: "/v2".into() };
    let rewrite = Some(Rewrite { hostname: Some(HeaderValue::from_static("in.test")), path: Some(path) });
    let of_rule = Filters { rewrite, ..Filters::default() };
    let set = vec![(http::header::HOST, HeaderValue::from_static("set.test"))];
    let of_reference = Filters { request_headers: HeaderEdits { set, ..HeaderEdits::default() }, ..Filters::default() };
    let reference = |weight, filters: &Filters, target| WeightedBackend { weight, filters: filters.clone(), target };
    let none = Filters::default();
    let forward = Action::Forward(WeightedBackends::new([
        reference(3, &none, backend("up", Tls::Plaintext)),
        reference(2, &of_reference, backend("empty", Tls::Plaintext)),
        reference(1, &none, backend("bad", Tls::Poisoned(poison("bad policy")))),
        reference(1, &none, Target::Unusable(poison("not there"))),
    ]));
    let mut forwarding = Arc::into_inner(rule("a/api", 0, forward)).expect("one");
    forwarding.filters = of_rule;
    let redirect =
        Redirect { scheme: Some(Protocol::Https), hostname: None, port: None, path: None, status: StatusCode::FOUND };
    let rules = vec![
        (prefix("/api"), Arc::new(forwarding)),
        (prefix("/old"), rule("a/old", 0, Action::Redirect(redirect))),
        (prefix("/none"), rule("a/none", 0, Action::Forward(WeightedBackends::new([])))),
    ];
    let plan = plan([port(Protocol::Http, [listener("http", None, routes([(None, rules)]))])]);
    let up = Endpoint { address: "192.0.2.1:8443".parse().unwrap() };
    let endpoints = Endpoints::from([(service("up"), Arc::from([up]))]);
    let asked = |path: &str| {
        let question = Question { query: Some("q=1".into()), ..question("app.test:80", path) };
        plan.explain(&question, Entrance::default(), &endpoints, EVERYTHING).remove(0).outcome
    };
    let Outcome::Forward(shares) = asked("/api/x") else { panic!("it is forwarded") };
    let seen: Vec<_> = shares.iter().map(|share| (share.weight, &*share.host, &*share.path_and_query)).collect();
    let target = "/v2/x?q=1";
    assert_eq!(seen, [(3, "in.test", target), (2, "set.test", target), (1, "in.test", target), (1, "in.test", target)]);
    assert_eq!(shares[0].endpoints.as_deref(), Some(&[up][..]));
    let failures: Vec<_> = shares.iter().map(|share| share.failure.as_ref().map(|(_, why)| &**why)).collect();
    let empty = "Service/a/empty:443 has no ready endpoint";
    assert_eq!(failures, [None, Some(empty), Some("bad policy"), Some("not there")]);
    assert!(!Outcome::Forward(shares).is_good(), "some clients get an error");

    let redirected = asked("/old");
    assert!(redirected.is_good());
    let Outcome::Redirect { location, .. } = redirected else { panic!("it is redirected") };
    assert_eq!(location, "https://app.test/old?q=1");
    assert_eq!(answered(&asked("/none")), Some(Reason::BackendInvalid));
    assert_eq!(answered(&asked("/")), Some(Reason::NoRoute));
}

// What follows judges explanations by a second reading of the specification, without any table.

const HOSTNAMES: [Option<&str>; 5] = [None, Some("*.test"), Some("*.b.test"), Some("a.b.test"), Some("c.test")];

fn any_port() -> impl Strategy<Value = Arc<Port>> {
    let hostname = || proptest::sample::select(HOSTNAMES.to_vec());
    let table = proptest::collection::btree_map(hostname(), proptest::collection::vec(any_match(), 0..12), 0..4);
    proptest::collection::btree_map(hostname(), table, 0..4).prop_map(|listeners| {
        let listeners = listeners.into_iter().enumerate().map(|(place, (hostname, hosts))| {
            let hosts = hosts.into_iter().map(|(host, matches)| {
                let rule = |place: usize| rule("a/r", place, Action::Fail(poison("no")));
                (host, matches.into_iter().enumerate().map(|(place, condition)| (condition, rule(place))).collect())
            });
            listener(&place.to_string(), hostname, routes(hosts))
        });
        port(Protocol::Http, listeners)
    })
}

fn any_question() -> impl Strategy<Value = Question> {
    let host = proptest::sample::select(vec!["a.b.test", "b.b.test", "c.test", "d.test", "test", "elsewhere"]);
    let method = proptest::sample::select(vec!["GET", "POST", "PUT"]);
    let query = proptest::option::of("[xyz]=[123](&[xyz]=[123])?");
    let headers = proptest::collection::vec((proptest::sample::select(vec!["x", "y", "z"]), "[123]"), 0..4);
    (host, method, "(/[abc]){1,3}/?", query, headers).prop_map(|(host, method, path, query, headers)| Question {
        method: method.to_owned(),
        authority: host.to_owned(),
        path,
        query,
        headers: headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(&value).expect("a digit")))
            .collect(),
    })
}

fn takes_host(hostname: Option<&str>, host: &str) -> bool {
    match hostname.map(|hostname| (hostname, hostname.strip_prefix('*'))) {
        None => true,
        Some((_, Some(suffix))) => host.len() > suffix.len() && host.ends_with(suffix),
        Some((name, None)) => name == host,
    }
}

fn is(wanted: &ValueMatch, value: Option<&str>) -> bool {
    value.is_some_and(|value| match wanted {
        ValueMatch::Exact(exact) => **exact == *value,
        ValueMatch::Regex(regex) => regex.is_match(value),
    })
}

/// Whether each condition of a match is met, in their order: path, method, each header, each parameter.
fn conditions(condition: &Match, question: &Question) -> Vec<bool> {
    let header = |name: &str| {
        let values: Vec<_> = question.headers.iter().filter(|(other, _)| other.as_str() == name).collect();
        let values: Vec<_> = values.iter().map(|(_, value)| value.to_str().expect("a digit")).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let parameter = |name: &str| {
        let pairs = question.query.as_deref()?.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let path = question.path.as_str();
    let takes_path = match &condition.path {
        PathMatch::Exact(wanted) => **wanted == *path,
        PathMatch::Prefix(wanted) => {
            let segments = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            let (wanted, path): (Vec<String>, Vec<String>) = (segments(wanted), segments(path));
            path.starts_with(&wanted)
        }
        PathMatch::Regex(regex) => regex.is_match(path),
    };
    let mut met = vec![takes_path, condition.method.as_deref().is_none_or(|method| *method == *question.method)];
    met.extend(condition.headers.iter().map(|(name, wanted)| is(wanted, header(name).as_deref())));
    met.extend(condition.query.iter().map(|(name, wanted)| is(wanted, parameter(name))));
    met
}

/// The place of the condition that is said not to be met.
fn place(unmet: &Unmet<'_>, condition: &Match) -> usize {
    let of = |list: &[(Arc<str>, ValueMatch)], name: &str| list.iter().position(|(other, _)| **other == *name);
    match unmet {
        Unmet::Path => 0,
        Unmet::Method => 1,
        Unmet::Header { name, .. } => 2 + of(&condition.headers, name).expect("one of the match"),
        Unmet::Query { name, .. } => {
            2 + condition.headers.len() + of(&condition.query, name).expect("one of the match")
        }
    }
}

/// By each criterion but the last, the more the better.
fn merits(condition: &Match) -> [usize; 5] {
    let (kind, length) = match &condition.path {
        PathMatch::Exact(_) => (2, 0),
        PathMatch::Regex(regex) => (1, regex.as_str().len()),
        PathMatch::Prefix(prefix) => (0, prefix.trim_end_matches('/').len()),
    };
    let method = usize::from(condition.method.is_some());
    [kind, length, method, condition.headers.len(), condition.query.len()]
}

fn place_of(criterion: Criterion) -> usize {
    match criterion {
        Criterion::PathType => 0,
        Criterion::PathLength => 1,
        Criterion::Method => 2,
        Criterion::Headers => 3,
        Criterion::Query => 4,
        Criterion::Order => 5,
    }
}

fn specificity(hostname: Option<&str>) -> (bool, usize) {
    (hostname.is_some_and(|name| !name.starts_with('*')), hostname.map_or(0, str::len))
}

/// Whether all that is said of a request is true.
fn judge(port: &Arc<Port>, question: &Question, told: &Explanation<'_>) -> Result<(), TestCaseError> {
    let host = question.authority.as_str();

    let listener = port.listeners.find(host);
    prop_assert_eq!(told.listener.map(|listener| &listener.name), listener.map(|listener| &listener.name));
    for (other, takes) in &told.other_listeners {
        prop_assert_eq!(*takes, takes_host(other.hostname.as_deref(), host));
    }
    let Some(listener) = listener else { return Ok(()) };

    let endpoints = Endpoints::default();
    let found = listener.find(host, &Asked::new(question, port, &endpoints));
    let taken = told.taken.as_ref();
    let both = |condition: &Match, rule: &Rule| (std::ptr::from_ref(condition), std::ptr::from_ref(rule));
    let found = found.map(|(condition, rule)| both(condition, rule));
    prop_assert_eq!(taken.map(|taken| both(taken.condition, taken.rule)), found);
    if let Some(taken) = taken {
        prop_assert!(conditions(taken.condition, question).into_iter().all(|met| met));
        prop_assert!(takes_host(taken.hostname.as_deref(), host));
    }

    let of_host = listener.routes.iter().filter(|(hostname, _)| takes_host(hostname.as_deref(), host));
    let all: usize = of_host.map(|(_, table)| table.len()).sum();
    prop_assert_eq!(told.near.matches.len() + usize::from(taken.is_some()), all, "none is left out");
    for near in &told.near.matches {
        let met = conditions(near.condition, question);
        match &near.lost {
            Lost::Unmet(unmet) => {
                let place = place(unmet, near.condition);
                prop_assert_eq!(met.iter().position(|met| !met), Some(place), "{:?}", near);
            }
            Lost::LessSpecificHostname => {
                let taken = taken.expect("it lost to something");
                prop_assert!(met.into_iter().all(|met| met));
                prop_assert!(specificity(taken.hostname.as_deref()) > specificity(near.hostname.as_deref()));
            }
            Lost::ComesLater(criterion) => {
                let taken = taken.expect("it lost to something");
                prop_assert!(met.into_iter().all(|met| met));
                prop_assert_eq!(&taken.hostname, &near.hostname);
                let (winner, loser) = (merits(taken.condition), merits(near.condition));
                let decided = winner.iter().zip(&loser).position(|(winner, loser)| winner != loser).unwrap_or(5);
                prop_assert_eq!(decided, place_of(*criterion));
                if decided == 5 {
                    prop_assert!(taken.rule.index < near.rule.index);
                } else {
                    prop_assert!(winner[decided] > loser[decided]);
                }
            }
        }
    }
    Ok(())
}

/// What may stand in a request, and what may not.
fn any_text() -> impl Strategy<Value = Question> {
    let method = "(GET|POST|OPTIONS|CONNECT|x y|[A-Z]{0,3})";
    let host = "(a\\.test(:[0-9a]{0,6})?|[a-c@ /\\[:\u{e4}]{0,4})";
    let path = "(/|\\*|[/a?# \u{e4}%]{0,5})";
    let names = ["x", "expect", "content-length", "transfer-encoding", "host", "connection", "upgrade"];
    let value = "(1|chunked|gzip, chunked|100-continue|upgrade|[a-z, ]{0,4})";
    let headers = proptest::collection::vec((proptest::sample::select(names.to_vec()), value), 0..4);
    (method, host, path, proptest::option::of("[a=#&]{0,3}"), headers).prop_map(
        |(method, authority, path, query, headers)| Question {
            method,
            authority,
            path,
            query,
            headers: headers
                .into_iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(&value).expect("letters")))
                .collect(),
        },
    )
}

proptest! {
    /// What is refused, and why, is what the parser of requests refuses, whatever the plan has for it.
    #[test]
    fn a_refusal_is_the_parsers(question in any_text()) {
        let Question { method, authority, path, query, headers } = &question;
        let query = query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let fields: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
        let text = format!("{method} {path}{query} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", fields.concat());
        let parsed = RequestHead::default().parse(text.as_bytes(), &HeadLimits::default());
        let everything = routes([(None, vec![(prefix("/"), rule("a/r", 0, Action::Fail(poison("no"))))])]);
        let plan = plan([port(Protocol::Http, [listener("http", None, everything)])]);
        let told = explain(&plan, &question);
        let refused = if let Outcome::Refused(error) = told.outcome { Some(error) } else { None };
        prop_assert_eq!(refused, parsed.err(), "{:?}", text);
        prop_assert!(refused.is_none() || (told.listener.is_none() && told.taken.is_none()));
    }

    /// What is explained as taking a request is what requests find, and whatever is said of the others is true.
    #[test]
    fn an_explanation_is_true(port in any_port(), questions in proptest::collection::vec(any_question(), 1..40)) {
        let plan = plan([port.clone()]);
        for question in questions {
            judge(&port, &question, &explain(&plan, &question))?;
        }
    }
}
