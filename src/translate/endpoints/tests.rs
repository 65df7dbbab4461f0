//! Which addresses of which slices take connections.

use serde_json::{Value, json};

use super::*;
use crate::resources::Service;
use crate::translate::findings::Findings;

fn port(number: u16) -> ServicePort {
    ServicePort { namespace: "default".into(), name: "web".into(), port: number }
}

fn snapshot(slices: &[Value]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let service: Service = serde_json::from_value(json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"ports": [
            {"name": "dns", "port": 80, "protocol": "UDP"},
            {"name": "http", "port": 80},
            {"name": "https", "port": 443},
        ]},
    }))
    .unwrap();
    snapshot.services.insert(service.metadata.key(), service.into());
    for (number, slice) in slices.iter().enumerate() {
        let mut slice = slice.clone();
        slice["metadata"]["name"] = json!(format!("slice-{number}"));
        let slice: EndpointSlice = serde_json::from_value(slice).unwrap();
        snapshot.endpoint_slices.insert(slice.metadata.key(), slice.into());
    }
    snapshot
}

fn slice(kind: &str, endpoints: &[Value]) -> Value {
    json!({
        "metadata": {"namespace": "default", "labels": {SERVICE_NAME: "web"}},
        "addressType": kind,
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "http", "port": 8080},
            {"name": "https", "port": 8443, "protocol": "TCP"},
        ],
        "endpoints": endpoints,
    })
}

fn endpoint(address: &str, conditions: &Value) -> Value {
    json!({"addresses": [address], "conditions": conditions})
}

fn addresses(snapshot: &Snapshot, number: u16) -> Vec<String> {
    let found = endpoints(snapshot, [port(number)]);
    found[&port(number)].iter().map(|endpoint| endpoint.address.to_string()).collect()
}

#[test]
fn both_families_are_merged_sorted_and_without_repetition() {
    let snapshot = snapshot(&[
        slice("IPv6", &[endpoint("::1", &json!({})), endpoint("fd00::2", &json!({"ready": true}))]),
        slice("IPv4", &[endpoint("10.0.0.2", &json!({})), endpoint("10.0.0.1", &json!({}))]),
        slice("IPv4", &[endpoint("10.0.0.2", &json!({})), endpoint("127.0.0.1", &json!({}))]),
        slice("FQDN", &[endpoint("example.com", &json!({}))]),
    ]);
    let expected = ["10.0.0.1:8080", "10.0.0.2:8080", "127.0.0.1:8080", "[::1]:8080", "[fd00::2]:8080"];
    assert_eq!(addresses(&snapshot, 80), expected);
    assert_eq!(addresses(&snapshot, 443)[0], "10.0.0.1:8443", "each port has its own target port");
}

#[test]
fn only_ready_endpoints_count_while_there_are_any() {
    let ready = endpoint("10.0.0.1", &json!({"ready": true}));
    let not_ready = endpoint("10.0.0.2", &json!({"ready": false, "serving": false}));
    let leaving = endpoint("10.0.0.3", &json!({"ready": false, "serving": true, "terminating": true}));
    let gone = endpoint("10.0.0.4", &json!({"ready": false, "serving": false, "terminating": true}));
    let all = [ready, not_ready.clone(), leaving.clone(), gone.clone()];
    assert_eq!(addresses(&snapshot(&[slice("IPv4", &all)]), 80), ["10.0.0.1:8080"]);
    let none_ready = [not_ready.clone(), leaving, gone];
    assert_eq!(addresses(&snapshot(&[slice("IPv4", &none_ready)]), 80), ["10.0.0.3:8080"]);
    assert!(addresses(&snapshot(&[slice("IPv4", &[not_ready])]), 80).is_empty());
}

#[test]
fn slices_of_others_and_ports_of_other_names_do_not_count() {
    let mut other_service = slice("IPv4", &[endpoint("10.0.0.1", &json!({}))]);
    other_service["metadata"]["labels"] = json!({SERVICE_NAME: "db"});
    let mut other_namespace = slice("IPv4", &[endpoint("10.0.0.2", &json!({}))]);
    other_namespace["metadata"]["namespace"] = json!("other");
    let mut unlabelled = slice("IPv4", &[endpoint("10.0.0.3", &json!({}))]);
    unlabelled["metadata"]["labels"] = json!({});
    let mut other_port = slice("IPv4", &[endpoint("10.0.0.4", &json!({}))]);
    other_port["ports"] = json!([{"name": "metrics", "port": 9090}, {"port": 1}]);
    let mut nonsense = slice("IPv4", &[endpoint("not an address", &json!({}))]);
    nonsense["endpoints"][0]["conditions"] = json!({"ready": true});
    let snapshot = snapshot(&[other_service, other_namespace, unlabelled, other_port, nonsense]);
    assert!(addresses(&snapshot, 80).is_empty());
}

#[test]
fn every_port_asked_for_gets_an_entry() {
    let found = endpoints(&snapshot(&[]), [port(80), port(9)]);
    assert_eq!(found.len(), 2);
    assert!(found.values().all(|addresses| addresses.is_empty()));
}

fn reported(snapshot: &Snapshot, ports: &[u16]) -> Vec<(String, &'static str, String, String)> {
    let mut findings = Findings::default();
    slips::report(snapshot, &endpoints(snapshot, ports.iter().copied().map(port)), &mut findings);
    let told = findings.into_vec().into_iter();
    told.map(|finding| (finding.object.to_string(), finding.code, finding.message, finding.hint)).collect()
}

#[test]
fn slices_that_miss_their_service_and_ports_that_are_missed_are_told() {
    let good = slice("IPv4", &[endpoint("10.0.0.1", &json!({}))]);
    assert_eq!(reported(&snapshot(std::slice::from_ref(&good)), &[80, 443]), []);
    assert_eq!(reported(&snapshot(&[]), &[80]), [], "in a cluster there is no slice among the objects");

    let mut slip = good.clone();
    slip["metadata"]["labels"] = json!({SERVICE_NAME: "webb"});
    let told = reported(&snapshot(&[slip]), &[80]);
    assert_eq!(told.len(), 1, "the Service is not told of besides: {told:?}");
    let (object, code, message, hint) = &told[0];
    assert_eq!((&**object, *code), ("EndpointSlice default/slice-0", "ServiceNotFound"));
    assert_eq!(message, "Service default/webb does not exist, so nobody gets its addresses");
    assert_eq!(hint, "did you mean `web`?");

    let mut unlabelled = good.clone();
    unlabelled["metadata"]["labels"] = json!({});
    let codes: Vec<_> = reported(&snapshot(&[unlabelled]), &[80]).into_iter().map(|told| told.1).collect();
    assert_eq!(codes, ["ServiceNotFound", "NoEndpointSlice"]);

    let mut other_port = good;
    other_port["ports"] = json!([{"name": "htp", "port": 8080}]);
    let told = reported(&snapshot(&[other_port]), &[80]);
    assert_eq!((&*told[0].0, told[0].1), ("Service default/web", "NoEndpointPort"));
    assert!(told[0].2.contains("TCP port named \"http\", so requests to port 80 get 503"), "{told:?}");
    assert_eq!(told[0].3, "did you mean `name: http` in place of htp?");
}
