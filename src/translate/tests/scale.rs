//! Cost: proportional to the input, and shared where it can be. Steps are counted rather than time.

use std::collections::HashSet;

use serde_json::json;

use super::*;

/// A Gateway with two listeners, and routes of ten hosts each that all lead to the same fifty Services.
fn snapshot(routes: usize) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let listeners = json!([
        {"name": "one", "port": 80, "protocol": "HTTP"},
        {"name": "two", "port": 8080, "protocol": "HTTP", "hostname": "*.example.com"},
    ]);
    let spec = json!({"gatewayClassName": "postern", "listeners": listeners});
    put(&mut snapshot.gateways, json!({"metadata": {"name": "gateway", "namespace": "default"}, "spec": spec}));
    for number in 0..50 {
        let name = format!("service-{number}");
        let spec = json!({"ports": [{"port": 80}]});
        put(&mut snapshot.services, json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec}));
    }
    for number in 0..routes {
        let service = format!("service-{}", number % 50);
        let rules = json!([
            {"matches": [{"path": {"value": format!("/{number}")}}], "backendRefs": [{"name": service, "port": 80}]},
            {"matches": [{"path": {"type": "RegularExpression", "value": "/v[0-9]+/.*"}}], "backendRefs": [{"name": service, "port": 80}]},
        ]);
        let hostnames = json!([format!("host-{}.example.com", number / 10)]);
        let spec = json!({"parentRefs": [{"name": "gateway"}], "hostnames": hostnames, "rules": rules});
        let metadata = json!({"name": format!("route-{number:05}"), "namespace": "default"});
        put(&mut snapshot.http_routes, json!({"metadata": metadata, "spec": spec}));
    }
    snapshot
}

#[test]
fn ten_thousand_routes_translate() {
    let snapshot = snapshot(10_000);
    let translation = translate(&snapshot, &settings(true), now());
    assert_eq!(translation.verdicts.findings, []);
    assert_eq!(translation.verdicts.http_routes.len(), 10_000);
    let gateway = translation.verdicts.gateways.values().next().unwrap();
    assert!(gateway.listeners.iter().all(|listener| listener.attached_routes == 10_000));
    assert_eq!(translation.plan.backends.len(), 50);
    assert_eq!(places(&translation.plan).len(), 20_000);

    let listeners = || translation.plan.ports.iter().flat_map(|port| port.listeners.values());
    let tables = || listeners().flat_map(|listener| listener.routes.values());
    assert_eq!(tables().count(), 2 * 1000, "one for each host of each listener");
    let rules: HashSet<_> =
        tables().flat_map(postern_actors::plan::RuleTable::rules).map(|(_, rule)| Arc::as_ptr(rule)).collect();
    assert_eq!(rules.len(), 20_000, "the listeners share the rules");
}

#[test]
fn the_cost_is_proportional_to_the_input() {
    let steps = |routes| {
        let snapshot = snapshot(routes);
        work::taken();
        translate(&snapshot, &settings(true), now());
        work::taken()
    };
    let (one, two, four) = (steps(500), steps(1000), steps(2000));
    assert!(one > 0);
    assert_eq!(two - one, one, "twice the routes, twice the steps");
    assert_eq!(four, 2 * two);
}
