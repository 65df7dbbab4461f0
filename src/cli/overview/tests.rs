use postern_actors::outcome::Reason;
use postern_actors::plan::certificate::{KeyFormat, PrivateKey, ServerCertificate};
use postern_actors::plan::matching::{Match, RuleTableBuilder};
use postern_actors::plan::{HostTable, Listener, Poison};

use super::*;

fn rule(route: &str, action: Action) -> Arc<Rule> {
    Arc::new(Rule {
        route: route.into(),
        index: 0,
        name: None,
        filters: postern_actors::plan::filter::Filters::default(),
        action,
        timeouts: postern_actors::plan::rule::Timeouts::default(),
    })
}

fn redirect() -> Action {
    Action::Redirect(postern_actors::plan::filter::Redirect {
        scheme: None,
        hostname: None,
        port: None,
        path: None,
        status: http::StatusCode::FOUND,
    })
}

fn fail() -> Action {
    let poison = Poison { reason: Reason::RouteUnsupported, message: "".into(), policy: None };
    Action::Fail(poison)
}

fn plan(protocol: Protocol, routes: Vec<(Option<&str>, &str, Arc<Rule>)>) -> Plan {
    let mut tables: HostTable<RuleTableBuilder> = HostTable::default();
    for (host, path, rule) in routes {
        let condition = Match { path: PathMatch::Prefix(path.into()), method: None, headers: vec![], query: vec![] };
        tables.get_mut_or_insert_with(host, RuleTableBuilder::default).push(condition, rule);
    }
    let certificates = (protocol == Protocol::Https).then(|| ServerCertificate {
        secret: "default/web".into(),
        chain: vec![],
        key: PrivateKey { format: KeyFormat::Pkcs8, der: Vec::new().into() },
        dns_names: vec![],
        not_after: 0,
    });
    let listener = Listener {
        name: "web".into(),
        hostname: None,
        certificates: certificates.into_iter().map(Arc::new).collect(),
        routes: tables.map(RuleTableBuilder::build),
    };
    let mut listeners = HostTable::default();
    listeners.insert(None, Arc::new(listener));
    let port = Port { gateway: "default/gw".into(), port: 80, protocol, listeners };
    Plan { ports: vec![Arc::new(port)], ..Plan::default() }
}

fn bound(address: &str) -> Vec<Listening> {
    vec![Listening { gateway: "default/gw".into(), port: 80, address: address.parse().expect("an address") }]
}

#[test]
fn a_route_on_several_hosts_is_one_line_and_the_command_names_one_of_them() {
    let route = rule("default/r", redirect());
    let hosts = ["a.example", "b.example", "c.example", "d.example"];
    let plan = plan(Protocol::Http, hosts.iter().map(|host| (Some(*host), "/app", route.clone())).collect());
    let overview = Overview::of(&plan, &bound("[::]:8080"), &[]);
    assert_eq!(
        overview.listeners.iter().collect::<Vec<_>>(),
        ["http://127.0.0.1:8080/  Gateway default/gw, listener web, port 80, host *"]
    );
    assert_eq!(
        overview.routes.iter().collect::<Vec<_>>(),
        ["HTTPRoute default/r: a.example, b.example, c.example and 1 more -> redirect 302"]
    );
    assert_eq!(overview.curl.as_deref(), Some("curl -H 'host: a.example' http://127.0.0.1:8080/app"));
}

#[test]
fn the_command_for_https_resolves_the_host_and_passes_over_what_fails() {
    let routes = vec![
        (Some("a.example"), "/", rule("default/broken", fail())),
        (Some("*.example"), "/", rule("default/whole", redirect())),
    ];
    let overview = Overview::of(&plan(Protocol::Https, routes), &bound("0.0.0.0:8443"), &[]);
    assert_eq!(
        overview.curl.as_deref(),
        Some("curl -k --resolve www.example:8443:127.0.0.1 https://www.example:8443/")
    );
    assert!(overview.routes.contains("HTTPRoute default/broken: a.example -> 500 (see the problems)"));
}

#[test]
fn a_port_that_is_not_bound_says_why() {
    let failure = BindFailure { gateway: "default/gw".into(), port: 80, message: "port 80 is in use".into() };
    let plan = plan(Protocol::Http, vec![(None, "/", rule("default/r", redirect()))]);
    let overview = Overview::of(&plan, &[], &[failure]);
    let lines: Vec<_> = overview.listeners.iter().collect();
    assert_eq!(lines, ["NOT BOUND (port 80 is in use)  Gateway default/gw, listener web, port 80, host *"]);
    assert_eq!(overview.curl, None, "there is nothing to try");
}

#[test]
fn a_listener_that_only_holds_its_name_is_not_shown_as_served() {
    let mut plan = plan(Protocol::Https, vec![]);
    let held = Listener {
        name: "held".into(),
        hostname: Some("held.example".into()),
        certificates: vec![],
        routes: HostTable::default(),
    };
    let mut port =
        Port { gateway: "default/gw".into(), port: 80, protocol: Protocol::Https, listeners: HostTable::default() };
    port.listeners.insert(Some("held.example"), Arc::new(held));
    plan.ports = vec![Arc::new(port)];
    let overview = Overview::of(&plan, &bound("[::]:8443"), &[]);
    let expected = "NOT SERVED (no usable certificate, see the problems)  Gateway default/gw, listener held, port 80, host \
                    held.example";
    assert_eq!(overview.listeners.iter().collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_route_in_plaintext_names_the_policy_that_nearly_selects_its_backend() {
    let near_miss = NearMiss { policy: "default/shop".into(), message: "it is not there".into() };
    let backend = |near_miss| {
        let id = postern_actors::plan::BackendId {
            gateway: "default/gw".into(),
            backend: "Service/default/shop".into(),
            port: 80,
        };
        let endpoints = postern_actors::plan::EndpointSource::Host { host: "shop.example".into(), port: 80 };
        let backend = postern_actors::plan::Backend { id, endpoints, tls: Tls::Plaintext, near_miss };
        let filters = postern_actors::plan::filter::Filters::default();
        postern_actors::plan::rule::WeightedBackend { weight: 1, filters, target: Target::Backend(Arc::new(backend)) }
    };
    for (near_miss, expected) in [
        (None, "in plaintext"),
        (Some(near_miss), "in plaintext (BackendTLSPolicy default/shop nearly selects it, see the problems)"),
    ] {
        let forward = Action::Forward(postern_actors::plan::rule::WeightedBackends::new([backend(near_miss)]));
        let plan = plan(Protocol::Http, vec![(None, "/", rule("default/r", forward))]);
        let overview = Overview::of(&plan, &bound("[::]:8080"), &[]);
        let lines: Vec<_> = overview.routes.iter().collect();
        assert_eq!(lines, [&format!("HTTPRoute default/r: * -> Service/default/shop:80 {expected}")]);
    }
}
