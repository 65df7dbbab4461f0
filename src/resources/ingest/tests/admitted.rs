//! Objects as an API server gives them.

use serde_json::{Value, json};

use super::super::*;
use super::policy;

fn accepted(ingested: Ingested) -> AnyObject {
    match ingested {
        Ingested::Accepted { object, warnings } if warnings.is_empty() => object,
        other => panic!("not accepted: {other:?}"),
    }
}

/// `metadata` of any object.
fn metadata(name: &str) -> Value {
    json!({
        "name": name, "namespace": "infra", "uid": "0f5d3e0a-7f3c-4c0e-9b53-3f6b0c1f2a10", "resourceVersion": "48151",
        "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app.kubernetes.io/name": "web"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"spec\":{}}\n", "example.com/kept": "yes"},
        "managedFields": [{
            "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1",
            "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:annotations": {".": {}}}, "f:spec": {"f:null": null}},
        }],
        "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "1", "controller": true}],
        "finalizers": ["service.kubernetes.io/load-balancer-cleanup"],
    })
}

fn conditions(kind: &str) -> Value {
    json!([{"type": kind, "status": "Unknown", "reason": "Pending", "message": "Waiting for controller",
        "lastTransitionTime": "1970-01-01T00:00:00Z"}])
}

fn objects() -> Vec<Value> {
    let listener = json!({"name": "https", "port": 443, "protocol": "HTTPS", "hostname": "a.example.com",
        "allowedRoutes": {"namespaces": {"from": "Same"}},
        "tls": {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": "web"}]}});
    let mut bodies = vec![
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
            "spec": {"controllerName": "gateway.postern.dev/controller", "description": "ours"},
            "status": {"conditions": conditions("Accepted"), "supportedFeatures": [{"name": "HTTPRoute"}]}}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "spec": {"gatewayClassName": "postern", "listeners": [listener],
                "allowedListeners": {"namespaces": {"from": "All"}}, "addresses": [{"type": "IPAddress"}],
                "infrastructure": {"labels": {"a": "b"}, "parametersRef": {"group": "", "kind": "ConfigMap", "name": "p"}},
                "tls": {"backend": {"clientCertificateRef": {"group": "", "kind": "Secret", "name": "client"}}}},
            "status": {"addresses": [{"type": "IPAddress", "value": "10.0.0.1"}], "attachedListenerSets": 2,
                "conditions": conditions("Programmed"), "listeners": []}}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "spec": {"parentRefs": [
                    {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gw"},
                    {"group": "gateway.networking.k8s.io", "kind": "ListenerSet", "name": "set"}],
                "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{"group": "", "kind": "Service", "name": "web", "port": 80, "weight": 1}]}]},
            "status": {"parents": []}}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant",
            "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "a"}],
                "to": [{"group": "", "kind": "Service"}]}}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "ReferenceGrant",
            "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "a"}],
                "to": [{"group": "", "kind": "Service", "name": "web"}]}}),
        json!({"apiVersion": "v1", "kind": "Service",
            "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
                "allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster",
                "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                "sessionAffinity": "None", "selector": {"app": "web"},
                "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http", "nodePort": 31234}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "VIP"}]}}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.244.0.7"], "nodeName": "node", "zone": "a",
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "hints": {"forZones": [{"name": "a"}], "forNodes": [{"name": "node"}]},
                "targetRef": {"kind": "Pod", "name": "web-1", "namespace": "infra", "uid": "2"}}],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}),
        // A slice that nobody has filled yet.
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv6",
            "endpoints": null, "ports": null}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "immutable": false, "data": {"ca.crt": "..."},
            "binaryData": {"x": "AAA="}}),
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "data": {"tls.crt": "SGVsbG8gd29ybGQK", "tls.key": "SGVsbG8gd29ybGQK"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"}}),
    ];
    for (number, body) in bodies.iter_mut().enumerate() {
        body["metadata"] = metadata(&format!("x{number}"));
    }
    let mut policy = policy();
    policy["metadata"] = metadata("policy");
    policy["status"] = json!({"ancestors": [{"ancestorRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway",
        "name": "gw"}, "controllerName": "example.com/c", "conditions": conditions("Accepted")}]});
    bodies.push(policy);
    bodies
}

#[test]
fn what_an_api_server_gives_is_taken() {
    for object in objects() {
        let admitted = accepted(ingest_admitted(object.clone()));
        assert_eq!(accepted(ingest(object)), admitted, "both ways lead to the same object");
    }
}

#[test]
fn what_nobody_reads_is_left_away() {
    let route = objects().remove(2);
    let AnyObject::HttpRoute(route) = accepted(ingest_admitted(route)) else { panic!("another kind") };
    assert_eq!(route.metadata.annotations.keys().collect::<Vec<_>>(), ["example.com/kept"]);
    assert_eq!((route.metadata.generation, route.metadata.uid.is_empty()), (3, false));
}

/// The schema of an API server may be older than ours, or newer.
#[test]
fn what_another_schema_admits_is_for_the_translation_to_judge() {
    let mut route = objects().remove(2);
    route["spec"]["someday"] = json!({"a": 1});
    route["spec"]["rules"][0]["filters"] = json!([{"type": "Someday", "someday": {}}]);
    route["spec"]["rules"][0]["matches"][0]["path"] = json!({"type": "PathPrefix", "value": "//.."});
    assert!(matches!(ingest(route.clone()), Ingested::Rejected(_)));
    let AnyObject::HttpRoute(route) = accepted(ingest_admitted(route)) else { panic!("another kind") };
    assert_eq!(route.spec.rules.as_ref().map(|rules| rules[0].filters[0].kind.as_str()), Some("Someday"));
}

#[test]
fn what_does_not_parse_is_told_by_the_schema() {
    let mut route = objects().remove(2);
    route["spec"]["rules"][0]["backendRefs"][0]["port"] = json!(70_000);
    let Ingested::Rejected(rejection) = ingest_admitted(route) else { panic!("not rejected") };
    assert_eq!(rejection.violations[0].field, "spec.rules[0].backendRefs[0].port");
    assert_eq!(rejection.object.map(|object| object.to_string()).as_deref(), Some("HTTPRoute infra/x2"));
}

#[test]
fn a_policy_that_our_schema_refuses_covers_its_targets() {
    let mut written = policy();
    written["spec"]["targetRefs"][0]["sectionName"] = json!("NOT_A_PORT");
    let Ingested::Rejected(rejection) = ingest_admitted(written) else { panic!("not rejected") };
    assert_eq!(rejection.unreadable.expect("its targets are known").target_refs[0].section_name, None);
}
