//! What a backendRef resolves to.

use serde_json::{Value, json};

use super::*;
use crate::translate::backend_tls_policy::tests::world::{World, authority, policy, service};

/// The outcome of Gateway `gw`'s one use.
fn only(world: &World) -> Result<Arc<Backend>, BackendProblem> {
    let mut backends = world.resolve().0.backends;
    assert_eq!(backends.len(), 1);
    backends.pop_first().unwrap().1
}

fn problem_of(world: &World) -> (&'static str, String) {
    let problem = only(world).unwrap_err();
    assert_eq!(problem.poison.reason, Reason::BackendInvalid);
    assert_eq!(*problem.poison.message, *problem.message);
    (problem.route_reason, problem.message)
}

fn web() -> World {
    World::new().add(service("web", &[("http", 80, "TCP"), ("dns", 53, "UDP")]))
}

fn with_app_protocol(protocol: &str) -> World {
    let mut service = service("web", &[("http", 80, "TCP")]);
    service["spec"]["ports"][0]["appProtocol"] = json!(protocol);
    World::new().add(service).uses("gw", "web", 80)
}

#[test]
fn a_service_port_without_a_policy_is_plaintext() {
    let resolved = web().uses("gw", "web", 80).resolve();
    let backend = resolved.only();
    assert_eq!(backend.tls, Tls::Plaintext);
    assert_eq!((&*backend.id.gateway, backend.id.to_string().as_str()), ("default/gw", "Service/default/web:80"));
    let EndpointSource::Service(port) = &backend.endpoints else { panic!("a Service has endpoints") };
    assert_eq!((&*port.name, port.port), ("web", 80));
}

#[test]
fn what_is_not_there_is_not_found_and_the_message_lists_what_is() {
    assert_eq!(
        problem_of(&web().uses("gw", "nobody", 80)),
        ("BackendNotFound", "Service default/nobody does not exist".into())
    );
    assert_eq!(
        problem_of(&web().uses("gw", "web", 8080)),
        ("BackendNotFound", "Service default/web has no port 8080; its ports are 80 (http), 53/UDP (dns)".into())
    );
    let (reason, message) = problem_of(&web().uses_target("gw", BackendKind::Service, "web", None));
    assert_eq!(reason, "BackendNotFound");
    assert!(message.contains("needs a port; its ports are 80 (http)"), "{message}");
    let (reason, _) = problem_of(&web().uses_target("gw", BackendKind::AgentgatewayBackend, "nobody", None));
    assert_eq!(reason, "BackendNotFound");
}

#[test]
fn a_protocol_that_we_do_not_speak_is_unsupported() {
    assert_eq!(problem_of(&web().uses("gw", "web", 53)).0, "UnsupportedProtocol", "UDP");
    let (reason, message) = problem_of(&with_app_protocol("kubernetes.io/h2c"));
    assert_eq!(reason, "UnsupportedProtocol");
    assert!(message.contains("kubernetes.io/h2c"), "{message}");
    let on_web = policy("p", &json!([{"kind": "Service", "name": "web"}]));
    let selected = with_app_protocol("kubernetes.io/h2c").add(authority("ca")).add(on_web);
    assert_eq!(problem_of(&selected).0, "UnsupportedProtocol", "a policy changes nothing");
    for protocol in ["http", "kubernetes.io/ws", "example.com/custom"] {
        assert_eq!(only(&with_app_protocol(protocol)).unwrap().tls, Tls::Plaintext);
    }
}

#[test]
fn a_port_that_declares_tls_needs_a_policy() {
    for protocol in ["https", "HTTPS", "wss", "kubernetes.io/wss"] {
        let world = with_app_protocol(protocol);
        let (reason, message) = problem_of(&world);
        assert_eq!(reason, "UnsupportedProtocol");
        assert!(message.contains("no BackendTLSPolicy selects it"), "{message}");
        let on_web = policy("p", &json!([{"kind": "Service", "name": "web"}]));
        let selected = world.add(authority("ca")).add(on_web);
        assert!(matches!(only(&selected).unwrap().tls, Tls::Originate { .. }));
    }
}

fn external(ports: &Value) -> World {
    World::new().add(json!({
        "kind": "Service",
        "metadata": {"name": "ext"},
        "spec": {"type": "ExternalName", "externalName": "backend.example.com.", "ports": ports},
    }))
}

#[test]
fn an_external_name_is_a_host_and_its_ports_need_not_be_listed() {
    for ports in [json!([]), json!([{"port": 443}])] {
        let backend = only(&external(&ports).uses("gw", "ext", 443)).unwrap();
        assert_eq!(backend.endpoints, EndpointSource::Host { host: "backend.example.com".into(), port: 443 });
    }
    assert_eq!(problem_of(&external(&json!([{"port": 443}])).uses("gw", "ext", 80)).0, "BackendNotFound");
    let nameless = World::new().add(json!({
        "kind": "Service",
        "metadata": {"name": "ext"},
        "spec": {"type": "ExternalName"},
    }));
    assert_eq!(problem_of(&nameless.uses("gw", "ext", 80)).0, "BackendNotFound");
}

#[test]
fn a_policy_on_an_external_name_selects_its_unlisted_ports() {
    let on_ext = policy("p", &json!([{"kind": "Service", "name": "ext"}]));
    let world = external(&json!([])).add(authority("ca")).add(on_ext).uses("gw", "ext", 443);
    assert!(matches!(only(&world).unwrap().tls, Tls::Originate { .. }));
}

#[test]
fn a_headless_service_has_endpoints_like_any_other() {
    let mut headless = service("web", &[("http", 80, "TCP")]);
    headless["spec"]["clusterIP"] = json!("None");
    let backend = only(&World::new().add(headless).uses("gw", "web", 80)).unwrap();
    assert!(matches!(backend.endpoints, EndpointSource::Service(_)));
}

fn fixed(host: &str) -> World {
    World::new().add(json!({
        "kind": "AgentgatewayBackend",
        "metadata": {"name": "ext"},
        "spec": {"static": {"host": host, "port": 443}},
    }))
}

#[test]
fn the_port_of_an_agentgateway_backend_may_be_left_out_but_not_differ() {
    let uses = |port| fixed("example.com").uses_target("gw", BackendKind::AgentgatewayBackend, "ext", port);
    let backend = only(&uses(None)).unwrap();
    assert_eq!(backend.id.to_string(), "AgentgatewayBackend/default/ext:443");
    assert_eq!(backend.endpoints, EndpointSource::Host { host: "example.com".into(), port: 443 });
    let (reason, message) = problem_of(&uses(Some(80)));
    assert_eq!(reason, "BackendNotFound");
    assert!(message.contains("its port is 443"), "{message}");
    let both = uses(None).uses_target("gw", BackendKind::AgentgatewayBackend, "ext", Some(443));
    let backends: Vec<_> = both.resolve().0.backends.into_values().map(Result::unwrap).collect();
    assert!(Arc::ptr_eq(&backends[0], &backends[1]), "with and without the port it is one backend");
}

#[test]
fn an_ipv6_literal_loses_its_brackets() {
    let world = fixed("[fd00::1]").uses_target("gw", BackendKind::AgentgatewayBackend, "ext", None);
    assert_eq!(only(&world).unwrap().endpoints, EndpointSource::Host { host: "fd00::1".into(), port: 443 });
}
