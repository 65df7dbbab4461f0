use serde_json::json;

use super::*;
use crate::status::ListenerVerdict;
use crate::status::condition::{ACCEPTED, CONFLICTED};

const GENERATION: i64 = 4;

fn gateway(addresses: &Value) -> Gateway {
    serde_json::from_value(json!({
        "metadata": {"namespace": "infra", "name": "web", "uid": "0d9c", "generation": GENERATION},
        "spec": {"gatewayClassName": "postern", "listeners": [], "addresses": addresses},
    }))
    .unwrap()
}

fn verdict() -> GatewayVerdict {
    let yes = |kind| Condition::yes(kind, "Fine", "fine", GENERATION);
    let no = |kind| Condition::no(kind, "Bad", "bad", GENERATION);
    let listener = |name: &str, conditions| ListenerVerdict {
        name: name.into(),
        attached_routes: 1,
        supported_kinds: vec![],
        conditions,
    };
    GatewayVerdict {
        conditions: vec![yes(ACCEPTED), yes(PROGRAMMED)],
        listeners: vec![
            listener("good", vec![yes(PROGRAMMED), no(CONFLICTED)]),
            listener("bad", vec![no(PROGRAMMED), yes(CONFLICTED)]),
        ],
        addresses: vec![],
    }
}

fn lease(applied: &str) -> Value {
    json!({"metadata": {"annotations": {applied::ANNOTATION: applied}}})
}

fn balanced(ingress: &Value) -> Value {
    json!({"spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.7"]}, "status": {"loadBalancer": {"ingress": ingress}}})
}

/// `Programmed` of the Gateway and of its good listener, as their reasons.
fn reasons(gateway: &Gateway, observed: &Observed) -> (String, String) {
    let before = verdict();
    let mut verdict = before.clone();
    overlay(&mut verdict, gateway, observed);
    assert_eq!(verdict.conditions[0], before.conditions[0], "Accepted is not ours to say");
    assert_eq!(verdict.listeners[1], before.listeners[1], "what is wrong stays wrong");
    let programmed = |conditions: &[Condition], kept: &Condition| {
        let condition = conditions.iter().find(|condition| condition.kind == PROGRAMMED).unwrap();
        assert_eq!(condition.observed_generation, GENERATION);
        assert!(!condition.status || condition == kept, "{condition:?}");
        condition.reason.to_owned()
    };
    (
        programmed(&verdict.conditions, &before.conditions[1]),
        programmed(&verdict.listeners[0].conditions, &before.listeners[0].conditions[0]),
    )
}

#[test]
fn a_gateway_is_programmed_when_a_proxy_has_applied_it_and_it_has_its_addresses() {
    let given = balanced(&json!([{"ip": "192.0.2.7"}]));
    let none = balanced(&json!([]));
    let named = balanced(&json!([{"hostname": "a.example.com"}]));
    let inside = json!({"spec": {"type": "ClusterIP", "clusterIPs": ["10.96.0.7"]}});
    let (any, asked) = (json!([]), json!([{"value": "192.0.2.7"}]));
    let empty = json!([{"type": "IPAddress"}]);
    let both = json!([{"value": "192.0.2.7"}, {"value": "192.0.2.8"}]);
    let cluster = json!([{"value": "10.96.0.7"}]);
    for (addresses, service, applied, expected) in [
        (&any, Some(&given), "0d9c/4", ("Fine", "Fine")),
        (&any, Some(&given), "0d9c/5", ("Fine", "Fine")),
        (&any, Some(&given), "0d9c/3", ("Pending", "Pending")),
        (&any, Some(&given), "other/4", ("Pending", "Pending")),
        (&any, Some(&given), "", ("Pending", "Pending")),
        (&any, None, "0d9c/4", ("Pending", "Pending")),
        (&any, None, "", ("Pending", "Pending")),
        (&any, Some(&none), "0d9c/4", ("AddressNotAssigned", "Fine")),
        (&any, Some(&none), "", ("AddressNotAssigned", "Pending")),
        (&any, Some(&named), "0d9c/4", ("Fine", "Fine")),
        (&any, Some(&inside), "0d9c/4", ("Fine", "Fine")),
        (&empty, Some(&given), "0d9c/4", ("Fine", "Fine")),
        (&empty, Some(&none), "0d9c/4", ("AddressNotAssigned", "Fine")),
        (&asked, Some(&given), "0d9c/4", ("Fine", "Fine")),
        (&asked, Some(&given), "", ("Pending", "Pending")),
        (&asked, Some(&none), "", ("AddressNotUsable", "Pending")),
        (&asked, Some(&named), "0d9c/4", ("AddressNotUsable", "Fine")),
        (&asked, Some(&inside), "0d9c/4", ("AddressNotUsable", "Fine")),
        (&asked, None, "", ("Pending", "Pending")),
        (&both, Some(&given), "0d9c/4", ("AddressNotUsable", "Fine")),
        (&cluster, Some(&inside), "0d9c/4", ("Fine", "Fine")),
    ] {
        let gateway = gateway(addresses);
        let observed = Observed::read(Some(&lease(applied)), service, None, None);
        let (of_gateway, of_listener) = reasons(&gateway, &observed);
        assert_eq!((&*of_gateway, &*of_listener), expected, "{addresses} {service:?} {applied:?}");
    }
}

#[test]
fn what_cannot_be_deployed_has_no_resources() {
    let failed = |condition: Value, observed: i64| json!({"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": [condition]}});
    let quota = json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"});
    let late = json!({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "no progress"});
    let paused = json!({"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"});
    let service = balanced(&json!([{"ip": "192.0.2.7"}]));
    for (deployment, applied, expected) in [
        (failed(quota.clone(), 2), "0d9c/3", "NoResources"),
        (failed(quota.clone(), 2), "0d9c/4", "Fine"),
        (failed(quota, 1), "0d9c/3", "Pending"),
        (failed(late, 2), "", "NoResources"),
        (failed(paused, 2), "", "Pending"),
    ] {
        let observed = Observed::read(Some(&lease(applied)), Some(&service), Some(&deployment), None);
        let expected = (expected.to_owned(), expected.to_owned());
        assert_eq!(reasons(&gateway(&json!([])), &observed), expected, "{deployment} {applied}");
    }
    let refused = Some("services \"web\" is forbidden".to_owned());
    let applied = Observed::read(Some(&lease("0d9c/4")), Some(&service), None, refused.clone());
    assert_eq!(reasons(&gateway(&json!([])), &applied), ("NoResources".into(), "Fine".into()));
    let unapplied = Observed::read(None, Some(&service), None, refused);
    assert_eq!(reasons(&gateway(&json!([])), &unapplied), ("NoResources".into(), "NoResources".into()));
}

#[test]
fn the_message_says_what_to_do() {
    let message = |addresses: Value, service: &Value| {
        let mut verdict = verdict();
        overlay(&mut verdict, &gateway(&addresses), &Observed::read(None, Some(service), None, None));
        verdict.conditions[1].message.clone()
    };
    let unusable = message(json!([{"value": "192.0.2.8"}]), &balanced(&json!([{"ip": "192.0.2.7"}])));
    assert!(
        unusable
            .starts_with("spec.addresses asks for 192.0.2.8, and Service infra/web of type LoadBalancer has 192.0.2.7")
    );
    let inside =
        message(json!([{"value": "192.0.2.8"}]), &json!({"spec": {"type": "ClusterIP", "clusterIPs": ["None"]}}));
    assert!(inside.contains("has no address: only a Service of type LoadBalancer can be asked"), "{inside}");
    let pending = message(json!([]), &balanced(&json!([{"ip": "192.0.2.7"}])));
    assert_eq!(pending, "no proxy of Deployment infra/web has applied generation 4 of the Gateway yet");
}

#[test]
fn addresses_are_those_of_the_service() {
    let of = |service: Value| -> Vec<(&str, String)> {
        let mut verdict = verdict();
        overlay(&mut verdict, &gateway(&json!([])), &Observed::read(None, Some(&service), None, None));
        verdict.addresses.into_iter().map(|address| (address.kind, address.value)).collect()
    };
    let ingress = json!([
        {"ip": "192.0.2.7", "ipMode": "VIP"}, {"ip": "192.0.2.7", "hostname": "a.example.com"},
        {"hostname": "Internal-1.Balancer.example.com"}, {"ip": ""}, {},
    ]);
    let expected =
        vec![("IPAddress", "192.0.2.7".to_owned()), ("Hostname", "internal-1.balancer.example.com".to_owned())];
    assert_eq!(of(balanced(&ingress)), expected);
    let many: Value = (0..20).map(|number| json!({"ip": format!("192.0.2.{number}")})).collect();
    assert_eq!(of(balanced(&many)).len(), 16);
    for kind in ["ClusterIP", "NodePort"] {
        let inside = json!({"spec": {"type": kind, "clusterIPs": ["10.96.0.7", "fd00::7"]}});
        assert_eq!(of(inside), [("IPAddress", "10.96.0.7".to_owned()), ("IPAddress", "fd00::7".to_owned())]);
    }
}
