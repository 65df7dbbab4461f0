//! What a targetRef selects, and the ancestors of a policy.

use postern_actors::plan::certificate::{KeyFormat, PrivateKey};
use postern_actors::plan::identity::ClientCertificate;

use super::*;
use crate::resources::http_route::ParentRef;

fn two_ports() -> World {
    World::new()
        .add(service("web", &[("one", 443, "TCP"), ("two", 8443, "TCP")]))
        .add(authority("ca"))
        .uses("gw", "web", 443)
        .uses("gw", "web", 8443)
}

fn section(name: &str, section: &str) -> Value {
    policy(name, &json!([{"kind": "Service", "name": "web", "sectionName": section}]))
}

#[test]
fn a_section_is_a_port_by_its_name_and_no_other_port_is_affected() {
    let resolved = two_ports().add(section("p", "two")).resolve();
    assert_eq!(obeys(resolved.backend("gw", "web", 8443)), "default/p");
    assert_eq!(resolved.backend("gw", "web", 443).tls, Tls::Plaintext);
}

#[test]
fn an_unknown_section_selects_nothing_and_the_message_lists_the_ports() {
    for (name, hint) in [("three", "write the name of one"), ("443", "write \"one\"")] {
        let resolved = two_ports().add(section("p", name)).resolve();
        assert_eq!(resolved.backend("gw", "web", 443).tls, Tls::Plaintext);
        assert_eq!(resolved.backend("gw", "web", 8443).tls, Tls::Plaintext);
        let (reason, message) = resolved.accepted("p");
        assert_eq!(reason, "TargetNotFound");
        assert!(message.contains("its ports are \"one\", \"two\""), "{message}");
        assert!(resolved.finding("TargetNotFound").hint.contains(hint));
    }
}

#[test]
fn a_target_that_does_not_exist_is_not_found_under_the_gateway_that_uses_it() {
    let world = World::new().add(authority("ca")).add(changed(|_| ())).uses("gw", "web", 443);
    let resolved = world.resolve();
    assert_eq!(resolved.accepted("p").0, "TargetNotFound");
    assert_eq!(resolved.resolved_refs("p").0, "ResolvedRefs");
}

#[test]
fn a_policy_is_accepted_where_one_target_is_there_and_names_the_other() {
    let targets = json!([{"kind": "Service", "name": "web"}, {"kind": "Service", "name": "nobody"}]);
    let world = with(policy("p", &targets)).uses("gw", "nobody", 1);
    let resolved = world.resolve();
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "Accepted");
    assert!(message.contains("spec.targetRefs[1]: Service default/nobody does not exist"), "{message}");
    assert_eq!(resolved.findings(), [(Severity::Error, "TargetNotFound", "spec.targetRefs[1]")]);
}

#[test]
fn udp_is_no_target_and_beside_tcp_it_is_a_caveat() {
    let udp_only = service("web", &[("dns", 53, "UDP"), ("sctp", 54, "SCTP")]);
    let resolved = with(changed(|_| ())).add(udp_only).resolve();
    assert_eq!(resolved.accepted("p").0, "Invalid");
    assert!(resolved.accepted("p").1.contains("has no TCP port, only 53/UDP, 54/SCTP"));

    let mixed = || service("web", &[("dns", 443, "UDP"), ("https", 443, "TCP")]);
    let resolved = with(section("p", "dns")).add(mixed()).resolve();
    assert_eq!(resolved.accepted("p").0, "Invalid", "an explicit UDP port");
    assert_eq!(resolved.only().tls, Tls::Plaintext, "the TCP port of the same number is not selected");

    let resolved = with(changed(|_| ())).add(mixed()).resolve();
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "Accepted");
    assert!(message.contains("warning: ") && message.contains("443/UDP"), "{message}");
    identity(resolved.only());
}

#[test]
fn an_agentgateway_backend_is_a_target_without_sections() {
    let backend = json!({
        "kind": "AgentgatewayBackend",
        "metadata": {"name": "ext"},
        "spec": {"static": {"host": "example.com", "port": 443}},
    });
    let target = json!({"group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": "ext"});
    let world =
        World::new().add(authority("ca")).add(backend).uses_target("gw", BackendKind::AgentgatewayBackend, "ext", None);
    let resolved = world.clone().add(policy("p", &json!([target]))).resolve();
    assert_eq!(obeys(resolved.only()), "default/p");
    let mut with_section = target;
    with_section["sectionName"] = json!("https");
    let resolved = world.add(policy("p", &json!([with_section]))).resolve();
    assert_eq!(resolved.accepted("p").0, "TargetNotFound");
    assert_eq!(resolved.only().tls, Tls::Plaintext);
}

#[test]
fn a_policy_that_no_route_leads_to_is_a_warning_and_has_no_status() {
    let mut world = with(changed(|policy| policy["spec"]["validation"]["hostname"] = json!("10.0.0.1")));
    world.uses.clear();
    let resolved = world.resolve();
    assert_eq!(resolved.findings(), [(Severity::Warning, "PolicyNotUsed", "spec.targetRefs")]);
    assert!(resolved.finding("PolicyNotUsed").message.contains("besides, spec.validation.hostname"));
    assert!(resolved.0.policies.is_empty() && resolved.0.authorities.is_empty());
}

#[test]
fn policies_of_other_namespaces_and_unsupported_kinds_select_nothing() {
    let elsewhere = changed(|policy| policy["metadata"]["namespace"] = json!("other"));
    let kind = policy("kind", &json!([{"kind": "Deployment", "name": "web"}]));
    let group = policy("group", &json!([{"group": "example.com", "kind": "Service", "name": "web"}]));
    let resolved = with(elsewhere).add(kind).add(group).resolve();
    assert_eq!(resolved.only().tls, Tls::Plaintext);
    assert_eq!(resolved.findings().len(), 3);
}

fn client(state: ClientCertificateState) -> BTreeMap<NamespacedName, ClientCertificateState> {
    [(NamespacedName::new("default", "gw"), state)].into()
}

#[test]
fn the_client_certificate_of_a_gateway_is_a_part_of_its_identities_alone() {
    let certificate = Arc::new(ClientCertificate {
        reference: "Secret/default/client".into(),
        chain: Vec::new(),
        key: PrivateKey { format: KeyFormat::Pkcs8, der: [].into() },
        not_after: 0,
    });
    let mut world = two_ports().add(changed(|_| ())).uses("plain", "web", 443);
    world.clients = client(ClientCertificateState::Usable(certificate));
    let resolved = world.resolve();
    let one = identity(resolved.backend("gw", "web", 443));
    assert!(one.client_certificate.is_some());
    assert!(Arc::ptr_eq(one, identity(resolved.backend("gw", "web", 8443))), "one identity for a policy and a Gateway");
    assert!(identity(resolved.backend("plain", "web", 443)).client_certificate.is_none());
}

#[test]
fn a_client_certificate_that_cannot_be_used_poisons_the_tls_backends_of_its_gateway() {
    let mut world = two_ports().add(section("p", "one")).uses("other", "web", 443);
    let state = ClientCertificateState::Unusable { reason: "RefNotPermitted", message: "no grant".into() };
    world.clients = client(state);
    let resolved = world.resolve();
    assert_eq!(poison(resolved.backend("gw", "web", 443)), HandshakeResult::ClientCertUnavailable);
    assert_eq!(resolved.backend("gw", "web", 8443).tls, Tls::Plaintext);
    identity(resolved.backend("other", "web", 443));
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "Accepted", "the policy is not to blame");
    assert!(message.contains("client certificate of Gateway default/gw cannot be used"), "{message}");
}

/// Ancestors that were written: by whom, for which Gateway.
fn written(entries: impl IntoIterator<Item = (&'static str, String)>) -> Value {
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(controller, gateway)| json!({"controllerName": controller, "ancestorRef": {"name": gateway}}))
        .collect();
    changed(|policy| policy["status"] = json!({"ancestors": entries}))
}

fn others(count: usize) -> impl Iterator<Item = (&'static str, String)> {
    (0..count).map(|number| ("theirs.example.com/controller", format!("theirs-{number}")))
}

fn seated(resolved: &world::Resolved) -> Vec<&str> {
    let verdict = resolved.0.policies.values().next();
    verdict.map_or(Vec::new(), |verdict| verdict.ancestors.iter().map(|ancestor| &*ancestor.gateway.name).collect())
}

#[test]
fn a_policy_without_a_place_left_is_not_implemented_for_that_gateway() {
    let resolved = with(written(others(16))).resolve();
    assert_eq!(poison(resolved.only()), HandshakeResult::PolicyInvalid);
    assert!(resolved.0.policies.is_empty());
    assert!(resolved.finding("AncestorsFull").message.contains("no place left in its status for Gateway default/gw"));

    let resolved = with(written(others(15))).uses("gx", "web", 443).resolve();
    identity(resolved.backend("gw", "web", 443));
    assert_eq!(poison(resolved.backend("gx", "web", 443)), HandshakeResult::PolicyInvalid);
    assert_eq!(seated(&resolved), ["gw"]);
}

#[test]
fn places_go_to_those_who_have_them_then_to_the_older_gateway() {
    let ours = "ours.example.com/controller";
    let kept = [(ours, "late".to_owned()), (ours, "gone".to_owned())];
    let mut world = with(written(others(14).chain(kept))).uses("late", "web", 443).uses("young", "web", 443);
    for (name, time) in [("young", "2026-02-01T00:00:00Z"), ("gw", "2026-03-01T00:00:00Z")] {
        world = world.add(json!({
            "kind": "Gateway",
            "metadata": {"name": name, "creationTimestamp": time},
            "spec": {"gatewayClassName": "postern", "listeners": []},
        }));
    }
    let resolved = world.resolve();
    assert_eq!(seated(&resolved), ["late", "young"]);
    assert_eq!(poison(resolved.backend("gw", "web", 443)), HandshakeResult::PolicyInvalid);
}

#[test]
fn seventeen_gateways_of_ours_leave_one_without_a_place() {
    let mut world = with(changed(|_| ()));
    for number in 0..16 {
        world = world.uses(&format!("a{number:02}"), "web", 443);
    }
    let resolved = world.resolve();
    assert_eq!(seated(&resolved).len(), 16);
    assert_eq!(poison(resolved.backend("gw", "web", 443)), HandshakeResult::PolicyInvalid, "the last by name");
}

#[test]
fn an_entry_for_something_else_than_a_gateway_gives_nobody_a_place() {
    let reference = ParentRef {
        group: String::new(),
        kind: "Service".into(),
        namespace: None,
        name: "gw".into(),
        section_name: None,
        port: None,
    };
    let entry = json!({"controllerName": "ours.example.com/controller", "ancestorRef": reference});
    let resolved = with(changed(|policy| policy["status"] = json!({"ancestors": [entry]}))).resolve();
    assert_eq!(seated(&resolved), ["gw"]);
}
