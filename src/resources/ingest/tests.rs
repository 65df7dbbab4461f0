use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::resources::backend_tls_policy::TargetRef;

mod admitted;

fn accepted(document: Value) -> AnyObject {
    match ingest(document) {
        Ingested::Accepted { object, .. } => object,
        other => panic!("not accepted: {other:?}"),
    }
}

fn rejected(document: Value) -> Rejection {
    match ingest(document) {
        Ingested::Rejected(rejection) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

fn skipped(document: Value) -> String {
    match ingest(document) {
        Ingested::Skipped(skip) => skip.to_string(),
        other => panic!("not skipped: {other:?}"),
    }
}

fn policy() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy",
        "metadata": {"name": "p", "creationTimestamp": "2025-07-07T10:04:00Z"},
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": "nginx"}],
            "validation": {"hostname": "example.com", "wellKnownCACertificates": "System"},
        },
    })
}

#[test]
fn every_version_of_the_table_is_read() {
    for (version, kind, body) in [
        ("gateway.networking.k8s.io/v1", "GatewayClass", json!({"spec": {"controllerName": "example.com/a"}})),
        ("gateway.networking.k8s.io/v1beta1", "GatewayClass", json!({"spec": {"controllerName": "example.com/a"}})),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", json!({"spec": {}})),
        ("gateway.networking.k8s.io/v1beta1", "HTTPRoute", json!({"spec": {}})),
        ("agentgateway.dev/v1alpha1", "AgentgatewayBackend", json!({"spec": {"static": {"host": "a", "port": 1}}})),
        ("discovery.k8s.io/v1", "EndpointSlice", json!({"addressType": "IPv4"})),
        ("v1", "ConfigMap", json!({})),
        ("v1", "Secret", json!({})),
        ("v1", "Namespace", json!({})),
        ("v1", "Service", json!({"spec": {"ports": [{"port": 80}]}})),
    ] {
        let mut document = body;
        document["apiVersion"] = version.into();
        document["kind"] = kind.into();
        document["metadata"] = json!({"name": "x"});
        assert_eq!(accepted(document).object_ref().kind.as_str(), kind);
    }
}

#[test]
fn what_is_not_given_is_filled_in() {
    let AnyObject::BackendTlsPolicy(object) = accepted(policy()) else { panic!("another kind") };
    assert_eq!((object.metadata.namespace.as_str(), object.metadata.generation), ("default", 1));
    assert!(object.metadata.creation_timestamp.is_some());

    let class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "c", "namespace": "ignored", "generation": 7, "creationTimestamp": null},
        "spec": {"controllerName": "example.com/a"},
    });
    let AnyObject::GatewayClass(class) = accepted(class) else { panic!("another kind") };
    assert_eq!((class.metadata.namespace.as_str(), class.metadata.generation), ("", 7));
}

#[test]
fn null_is_as_good_as_absent() {
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r", "labels": null},
        "spec": {"parentRefs": null, "hostnames": null, "rules": [{"matches": null, "filters": null,
            "backendRefs": [{"name": "a", "port": 80, "weight": null, "filters": null, "group": null}]}]},
        "status": null,
    });
    let AnyObject::HttpRoute(route) = accepted(route) else { panic!("another kind") };
    assert_eq!(route.spec.rules.as_ref().map(|rules| rules[0].backend_refs[0].weight), Some(1));
}

#[test]
fn kinds_and_versions_that_are_not_read_are_skipped_with_a_word() {
    let object = |version: &str, kind: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
    assert_eq!(skipped(object("apps/v1", "Deployment")), "Deployment (apps/v1) is not read");
    assert_eq!(skipped(object("serving.knative.dev/v1", "Service")), "Service (serving.knative.dev/v1) is not read");
    assert_eq!(
        skipped(object("gateway.networking.k8s.io/v1alpha2", "HTTPRoute")),
        "HTTPRoute is not read in gateway.networking.k8s.io/v1alpha2, only in gateway.networking.k8s.io/v1 and \
         gateway.networking.k8s.io/v1beta1"
    );
    for nothing in
        [json!("text"), json!([1]), json!({}), json!({"kind": "Service"}), json!({"apiVersion": 1, "kind": 2})]
    {
        assert!(skipped(nothing).starts_with("is no Kubernetes object"));
    }
}

#[test]
fn a_slip_in_kind_or_group_is_refused_by_name_and_a_policy_still_covers_its_targets() {
    let policies = [
        ("gateway.networking.k8s.io/v1", "BackendTLSPolcy", "kind", "did you mean `kind: BackendTLSPolicy`?"),
        ("gateway.networking.k8s.io/v1", "backendtlspolicies", "kind", "did you mean `kind: BackendTLSPolicy`?"),
        (
            "gateway.networking.x-k8s.io/v1",
            "BackendTLSPolicy",
            "apiVersion",
            "`apiVersion: gateway.networking.k8s.io/v1`",
        ),
        ("networking.k8s.io/v1", "BackendTLSPolicy", "apiVersion", "`apiVersion: gateway.networking.k8s.io/v1`"),
        ("v1", "BackendTLSPolicy", "apiVersion", "`apiVersion: gateway.networking.k8s.io/v1`"),
        (
            "gatway.networking.k8s.io/v1",
            "BackendTLSPolicys",
            "kind",
            "`kind: BackendTLSPolicy` and `apiVersion: gateway.",
        ),
    ];
    for (version, kind, field, hint) in policies {
        let mut document = policy();
        (document["apiVersion"], document["kind"]) = (version.into(), kind.into());
        let rejection = rejected(document);
        let violation = &rejection.violations[0];
        assert_eq!(
            (&*violation.field, &*violation.message),
            (field, &*format!("there is no kind {kind} in {version}"))
        );
        assert!(violation.hint.contains(hint), "{violation:?}");
        assert_eq!(rejection.object.expect("its name").to_string(), "BackendTLSPolicy default/p");
        assert_eq!(rejection.unreadable.expect("covers its targets").target_refs[0].name, "nginx");
    }
    for (version, kind, meant) in [
        ("core/v1", "Service", Kind::Service),
        ("v1", "Servce", Kind::Service),
        ("gateway.networking.k8s.io/v1", "HTTPRout", Kind::HttpRoute),
        ("discovery.k8s.io/v1", "EndpointSlices", Kind::EndpointSlice),
    ] {
        let rejection = rejected(json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}));
        assert_eq!(rejection.kind, meant, "{kind} in {version}");
    }
}

#[test]
fn what_only_a_policy_has_makes_a_policy_and_it_still_covers_its_targets() {
    for (version, kind, field) in [
        (Some("gateway.network.k8s.io/v1"), Some("BackendTLSPolicy"), "apiVersion"),
        (Some("agentgateway.dev/v1alpha1"), Some("BackendTLSPolicy"), "apiVersion"),
        (Some("gateway.networking.k8s.io/v1"), Some("TLSPolicy"), "kind"),
        (Some("gateway.networking.k8s.io/v1"), None, "kind"),
        (None, Some("BackendTLSPolicy"), "apiVersion"),
        (None, None, "apiVersion"),
    ] {
        let mut document = policy();
        for (name, value) in [("apiVersion", version), ("kind", kind)] {
            document[name] = value.into();
        }
        document["Kind"] = "BackendTLSPolicy".into();
        let rejection = rejected(document);
        assert_eq!(rejection.violations[0].field, field, "{version:?} {kind:?}");
        assert!(!rejection.hides_targets);
        assert_eq!(rejection.unreadable.expect("covers its targets").target_refs[0].name, "nginx");
    }
    let another = json!({"apiVersion": "kuadrant.io/v1", "kind": "TLSPolicy", "metadata": {"name": "x"},
        "spec": {"targetRef": {"kind": "Gateway", "name": "g"}, "issuerRef": {"name": "ca"}}});
    skipped(another);
}

#[test]
fn a_policy_hides_its_targets_where_one_of_them_has_no_name() {
    for (field, value, hides) in [
        ("/spec/validation/hostname", json!(7), false),
        ("/spec/targetRefs/0/kind", json!(7), false),
        ("/spec/targetRefs/0/name", json!(7), true),
        ("/spec/targetRefs/0", json!({"group": "", "kind": "Service", "nmae": "nginx"}), true),
        ("/spec/targetRefs", json!([]), true),
        ("/spec/targetRefs", json!("nginx"), true),
        ("/metadata", json!({"name": "p", "namespace": "Shop"}), true),
        ("/metadata", Value::Null, true),
    ] {
        let mut document = policy();
        *document.pointer_mut(field).expect("it is there") = value.clone();
        assert_eq!(rejected(document).hides_targets, hides, "{field}: {value}");
    }
}

/// A kind that only looks like one that is read is nobody's mistake.
#[test]
fn kinds_of_others_are_not_taken_for_slips() {
    for (version, kind) in [
        ("gateway.networking.k8s.io/v1alpha2", "TCPRoute"),
        ("gateway.networking.k8s.io/v1", "TLSRoute"),
        ("gateway.networking.k8s.io/v1", "GRPCRoute"),
        ("gateway.networking.k8s.io/v1alpha2", "UDPRoute"),
        ("gateway.networking.k8s.io/v1alpha2", "BackendLBPolicy"),
        ("gateway.networking.x-k8s.io/v1alpha1", "XBackendTrafficPolicy"),
        ("gateway.networking.x-k8s.io/v1alpha1", "XListenerSet"),
        ("networking.istio.io/v1", "Gateway"),
        ("networking.k8s.io/v1", "Ingress"),
        ("agentgateway.dev/v1alpha1", "AgentgatewayPolicy"),
        ("v1", "ServiceAccount"),
        ("v1", "Endpoints"),
        ("external-secrets.io/v1", "SecretStore"),
    ] {
        skipped(json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}));
    }
}

#[test]
fn a_policy_in_another_version_is_refused_and_still_covers_its_targets() {
    for version in ["v1alpha3", "v1alpha2", "v7"] {
        let mut document = policy();
        document["apiVersion"] = format!("gateway.networking.k8s.io/{version}").into();
        let rejection = rejected(document);
        assert_eq!(rejection.violations[0].field, "apiVersion");
        assert!(rejection.violations[0].hint.starts_with("use v1"));
        assert_eq!(rejection.unreadable.expect("covers its targets").target_refs[0].name, "nginx");
    }
}

#[test]
fn a_refused_policy_says_what_it_targets_as_far_as_it_can_be_read() {
    let mut document = policy();
    document["spec"] = json!({"targetRefs": [
        {"kind": "Service", "name": "a", "sectionName": 7},
        {"group": 5, "kind": "Service", "name": "b", "sectionName": "https"},
        {"kind": "Service"}, "c", null,
        {"group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": "d"},
    ]});
    let rejection = rejected(document);
    assert_eq!(rejection.object.as_ref().map(ToString::to_string).as_deref(), Some("BackendTLSPolicy default/p"));
    let policy = rejection.unreadable.expect("a policy is put in its place");
    let target = |group: &str, kind: &str, name: &str, section: Option<&str>| TargetRef {
        group: group.into(),
        kind: kind.into(),
        name: name.into(),
        section_name: section.map(Into::into),
    };
    assert_eq!(
        policy.target_refs,
        [
            target("", "Service", "a", None),
            target("", "Service", "b", Some("https")),
            target("agentgateway.dev", "AgentgatewayBackend", "d", None),
        ]
    );
    assert!(policy.error.contains("spec.validation: is required") || policy.error.contains("spec.validation"));
    assert!(policy.metadata.creation_timestamp.is_some(), "precedence needs it");
}

#[test]
fn a_refused_policy_without_a_name_stands_in_under_one_that_is_made_up() {
    let mut document = policy();
    document["metadata"] = json!({"namespace": "x"});
    let rejection = rejected(document);
    let stand_in = rejection.unreadable.expect("its targets are known");
    assert!(stand_in.metadata.name.starts_with("unnamed-") && !stand_in.target_refs.is_empty());
    assert_eq!(rejection.violations[0].to_string(), "metadata.name: is required");
}

#[test]
fn a_bad_status_is_a_warning_and_dropped() {
    let mut document = policy();
    document["status"] = json!({"ancestors": [{"controllerName": 5}]});
    let Ingested::Accepted { object: AnyObject::BackendTlsPolicy(policy), warnings } = ingest(document) else {
        panic!("not accepted")
    };
    assert!(policy.status.ancestors.is_empty());
    assert!(warnings.iter().any(|warning| warning.field == "status.ancestors[0].controllerName"));
}

#[test]
fn ancestors_of_others_are_kept() {
    let mut document = policy();
    document["status"] = json!({"ancestors": [{
        "ancestorRef": {"name": "gw", "namespace": "infra"},
        "controllerName": "example.com/other",
        "conditions": [{"type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
                        "lastTransitionTime": "2025-07-07T10:04:00Z"}],
    }]});
    let AnyObject::BackendTlsPolicy(policy) = accepted(document) else { panic!("another kind") };
    assert_eq!(policy.status.ancestors[0].controller_name, "example.com/other");
}

/// Values under the names that matter, so that the walk gets deep into every check.
fn plausible() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "",
        "a",
        "Service",
        "ConfigMap",
        "example.com",
        "*.example.com",
        "System",
        "Hostname",
        "URI",
        "HTTP",
        "HTTPS",
        "TLS",
        "PathPrefix",
        "/",
        "//..",
        "%2",
        "é",
        "RequestRedirect",
        "URLRewrite",
        "ReplacePrefixMatch",
        "10s",
        "99999h",
        "IPv4",
        "127.0.0.1",
        "::1",
        "None",
        "ExternalName",
        "2025-07-07T10:04:00Z",
        "kubernetes.io/tls",
        "====",
        "Terminate",
    ]);
    let keys = prop::sample::select(vec![
        "metadata",
        "name",
        "namespace",
        "labels",
        "annotations",
        "generation",
        "creationTimestamp",
        "spec",
        "status",
        "targetRefs",
        "validation",
        "hostname",
        "subjectAltNames",
        "caCertificateRefs",
        "wellKnownCACertificates",
        "options",
        "listeners",
        "tls",
        "mode",
        "port",
        "ports",
        "protocol",
        "allowedRoutes",
        "namespaces",
        "from",
        "to",
        "kind",
        "group",
        "rules",
        "matches",
        "path",
        "type",
        "value",
        "headers",
        "filters",
        "urlRewrite",
        "requestRedirect",
        "backendRefs",
        "parentRefs",
        "timeouts",
        "request",
        "backendRequest",
        "addresses",
        "addressType",
        "endpoints",
        "conditions",
        "data",
        "stringData",
        "binaryData",
        "static",
        "host",
        "ancestors",
        "ancestorRef",
        "replacePrefixMatch",
        "sectionName",
        "targetPort",
        "appProtocol",
        "clusterIP",
        "externalName",
        "ca.crt",
        "cors",
        "allowOrigins",
        "requestMirror",
    ]);
    let leaf = prop_oneof![
        4 => words.prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => prop_oneof![any::<i64>(), -1i64..70_000].prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 96, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => prop::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

fn kinds() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("gateway.networking.k8s.io/v1", "GatewayClass"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("gateway.networking.k8s.io/v1beta1", "HTTPRoute"),
        ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"),
        ("gateway.networking.k8s.io/v1alpha3", "BackendTLSPolicy"),
        ("gateway.networking.k8s.io/v1", "ReferenceGrant"),
        ("agentgateway.dev/v1alpha1", "AgentgatewayBackend"),
        ("v1", "Service"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "Namespace"),
        ("v1", "List"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_object_makes_it_panic(
        (version, kind) in kinds(),
        mut body in plausible(),
        spec in plausible(),
        name in prop::option::weighted(0.8, "[a-z]{1,3}"),
    ) {
        if let Some(object) = body.as_object_mut() {
            object.insert("apiVersion".into(), version.into());
            object.insert("kind".into(), kind.into());
            object.entry("spec").or_insert(spec);
            if let Some(name) = name {
                object.insert("metadata".into(), json!({ "name": name }));
            }
        }
        let targets = ["/spec/targetRefs", "/spec/targetRef"].map(|field| body.pointer(field).cloned());
        let admitted = ingest_admitted(body.clone());
        let strict = ingest(body);
        if let Ingested::Accepted { object, .. } = &strict {
            let same = matches!(&admitted, Ingested::Accepted { object: other, .. } if other == object);
            prop_assert!(same, "what we would admit is what an API server gives: {:?}", admitted);
        }
        match strict {
            Ingested::Rejected(rejection) => {
                prop_assert!(!rejection.violations.is_empty());
                if kind == "BackendTLSPolicy" && let Some(object) = &rejection.object {
                    let unreadable = rejection.unreadable.as_ref().expect("a named policy is never lost");
                    prop_assert_eq!(&unreadable.metadata.key(), &object.name);
                    let nameable = targets.iter().flatten()
                        .flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
                        .filter(|target| target["name"].is_string()).count();
                    prop_assert_eq!(unreadable.target_refs.len(), nameable);
                }
            }
            Ingested::Accepted { object, .. } => {
                let mut snapshot = crate::resources::Snapshot::default();
                object.insert_into(&mut snapshot);
                prop_assert_ne!(snapshot, crate::resources::Snapshot::default());
            }
            Ingested::Skipped(_) => {}
        }
    }
}
