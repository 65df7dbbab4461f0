//! TargetRefs that select nothing, and what is said of the target that was probably meant.

use super::*;

/// Service `shop` with a port in use, and a policy of this target.
fn shop(target: &Value) -> World {
    let service = service("shop", &[("https", 443, "TCP"), ("dns", 53, "UDP")]);
    World::new().add(service).add(authority("ca")).add(policy("p", &json!([target]))).uses("gw", "shop", 443)
}

#[test]
fn a_slip_in_a_target_is_an_error_that_names_what_was_meant_and_what_it_costs() {
    let cost = "requests to Service default/shop, port 443 (https), go in plaintext, since no policy selects it";
    for (target, code, cause, hint) in [
        (
            json!({"kind": "Service", "name": "shopp"}),
            "TargetNotFound",
            "Service default/shopp does not exist",
            "did you mean `shop`?",
        ),
        (
            json!({"kind": "Servce", "name": "shop"}),
            "InvalidKind",
            "kind Servce of group \"\" cannot be selected",
            "did you mean `kind: Service`?",
        ),
        (
            json!({"group": "core", "kind": "Service", "name": "shpo"}),
            "InvalidKind",
            "kind Service of group \"core\" cannot be selected",
            "did you mean `group: \"\"` and `name: shop`?",
        ),
        (
            json!({"kind": "Service", "name": "shop", "sectionName": "http"}),
            "TargetNotFound",
            "Service default/shop has no port named \"http\"; its ports are \"https\", \"dns\"",
            "did you mean `sectionName: https`?",
        ),
    ] {
        let resolved = shop(&target).resolve();
        assert_eq!(resolved.findings(), [(Severity::Error, code, "spec.targetRefs[0]")], "{target}");
        let finding = resolved.finding(code);
        assert_eq!((&*finding.message, &*finding.hint), (&*format!("{cause}; {cost}"), hint));
        assert_eq!(resolved.only().tls, Tls::Plaintext, "by its specification it selects nothing");
        let near_miss = resolved.only().near_miss.as_ref().expect("the plan names the policy");
        assert_eq!((&*near_miss.policy, &*near_miss.message), ("default/p", &*format!("spec.targetRefs[0]: {cause}")));
    }
}

#[test]
fn a_policy_in_another_namespace_than_its_service_is_an_error_if_a_route_leads_there() {
    let elsewhere = |name: &str| {
        let mut policy = policy("p", &json!([{"kind": "Service", "name": name}]));
        policy["metadata"]["namespace"] = json!("other");
        let mut authority = authority("ca");
        authority["metadata"]["namespace"] = json!("other");
        let service = service("shop", &[("https", 443, "TCP")]);
        World::new().add(service).add(authority).add(policy)
    };
    let resolved = elsewhere("shop").uses("gw", "shop", 443).resolve();
    assert_eq!(resolved.findings(), [(Severity::Error, "TargetNotFound", "spec.targetRefs[0]")]);
    let finding = resolved.finding("TargetNotFound");
    assert!(finding.message.contains("requests to Service default/shop, port 443 (https), go in plaintext"));
    assert_eq!(finding.hint, "there is a Service default/shop: a policy selects targets of its own namespace only");
    assert_eq!(resolved.only().near_miss.as_ref().map(|near| &*near.policy), Some("other/p"));
    let mut world = elsewhere("shop").uses("gw", "shop", 443);
    world.snapshot.gateway_api = Some(crate::resources::GatewayApi::default());
    let resolved = world.resolve();
    assert!(!resolved.finding("TargetNotFound").message.contains("plaintext"), "in a cluster it is somebody else's");
    assert_eq!(resolved.only().near_miss, None);
    // Nobody asks for it: it may be meant for a Service that is yet to come.
    assert_eq!(elsewhere("shop").resolve().findings(), [(Severity::Warning, "TargetNotFound", "spec.targetRefs[0]")]);
    let resolved = elsewhere("another").uses("gw", "shop", 443).resolve();
    assert_eq!(resolved.only().near_miss, None);
}

#[test]
fn the_condition_says_what_a_wrong_section_costs() {
    let resolved = shop(&json!({"kind": "Service", "name": "shop", "sectionName": "8443"})).resolve();
    let (reason, message) = resolved.accepted("p");
    assert_eq!(reason, "TargetNotFound");
    assert!(message.contains("requests to Service default/shop, port 443 (https), go in plaintext"), "{message}");
}

#[test]
fn what_may_be_meant_as_it_is_written_is_a_warning() {
    for (target, code) in [
        (json!({"kind": "Service", "name": "yet-to-come"}), "TargetNotFound"),
        (json!({"kind": "Service", "name": "shop2"}), "TargetNotFound"),
        (json!({"group": "multicluster.x-k8s.io", "kind": "ServiceImport", "name": "elsewhere"}), "InvalidKind"),
        (json!({"group": "multicluster.x-k8s.io", "kind": "ServiceImport", "name": "shop"}), "InvalidKind"),
    ] {
        let resolved = shop(&target).resolve();
        assert_eq!(resolved.findings(), [(Severity::Warning, code, "spec.targetRefs[0]")], "{target}");
        assert_eq!(resolved.only().near_miss, None, "{target}");
    }
}

#[test]
fn a_target_that_has_its_policy_or_no_plaintext_is_not_what_was_meant() {
    let typo = json!({"kind": "Service", "name": "shopp"});
    let other = policy("other", &json!([{"kind": "Service", "name": "shop"}]));
    let resolved = shop(&typo).add(other).resolve();
    assert_eq!(resolved.findings(), [(Severity::Warning, "TargetNotFound", "spec.targetRefs[0]")]);
    assert_eq!(resolved.only().near_miss, None);

    let demanding = json!({"kind": "Service", "metadata": {"name": "shop"},
        "spec": {"ports": [{"name": "https", "port": 443, "appProtocol": "https"}]}});
    let resolved = shop(&typo).add(demanding).resolve();
    assert!(!resolved.finding("TargetNotFound").message.contains("plaintext"));

    let mut world = shop(&typo);
    world.snapshot.unseen_policies = Some("a file cannot be read".into());
    assert!(!world.resolve().finding("TargetNotFound").message.contains("plaintext"));

    let mut unused = shop(&typo);
    unused.uses.clear();
    let resolved = unused.resolve();
    assert_eq!(resolved.findings(), [(Severity::Warning, "TargetNotFound", "spec.targetRefs[0]")]);
    assert_eq!(resolved.finding("TargetNotFound").message, "Service default/shopp does not exist");
}

#[test]
fn a_slip_beside_a_good_target_is_told_as_well() {
    let targets = json!([{"kind": "Service", "name": "shop"}, {"kind": "Service", "name": "wbe"}]);
    let resolved = shop(&json!({"kind": "Service", "name": "shop"}))
        .add(policy("p", &targets))
        .add(service("web", &[("", 80, "TCP")]))
        .uses("gw", "web", 80)
        .resolve();
    assert_eq!(resolved.accepted("p").0, "Accepted");
    assert_eq!(resolved.findings(), [(Severity::Error, "TargetNotFound", "spec.targetRefs[1]")]);
    assert!(resolved.finding("TargetNotFound").message.contains("Service default/web, port 80, go in plaintext"));
    assert_eq!(resolved.backend("gw", "shop", 443).near_miss, None);
}

#[test]
fn an_agentgateway_backend_is_meant_by_its_name_or_with_a_section() {
    let backend = json!({
        "kind": "AgentgatewayBackend",
        "metadata": {"name": "external"},
        "spec": {"static": {"host": "example.com", "port": 443}},
    });
    let world = World::new().add(authority("ca")).add(backend).uses_target(
        "gw",
        BackendKind::AgentgatewayBackend,
        "external",
        None,
    );
    for target in [
        json!({"group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": "extrenal"}),
        json!({"group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": "external", "sectionName": "a"}),
        json!({"group": "agentgatway.dev", "kind": "AgentgatewayBackend", "name": "external"}),
    ] {
        let resolved = world.clone().add(policy("p", &json!([target]))).resolve();
        assert_eq!(resolved.findings().len(), 1, "{target}");
        assert_eq!(resolved.findings()[0].0, Severity::Error, "{target}");
        assert!(resolved.0.findings[0].message.contains("AgentgatewayBackend default/external, port 443,"), "{target}");
        assert!(resolved.only().near_miss.is_some());
    }
}
