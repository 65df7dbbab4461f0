use serde_json::json;

use super::*;
use crate::provision::resource::{
    CLUSTER_ROLE_BINDING, DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, POD_DISRUPTION_BUDGET, ROLE, ROLE_BINDING, SERVICE,
};

const CONTROLLER: &str = "gateway.postern.dev/controller";

fn live(resource: Resource, namespace: &str, name: &str) -> (Resource, Value) {
    let object = json!({"metadata": {
        "namespace": namespace, "name": name, "uid": format!("uid of {name}"), "resourceVersion": "8",
        "labels": {names::MANAGED_BY: "postern"},
        "annotations": {names::CONTROLLER: CONTROLLER, names::GATEWAY: "infra/web"},
    }});
    (resource, object)
}

fn desired(resource: Resource, namespace: &str, name: &str) -> Desired {
    Desired { resource, namespace: namespace.into(), name: name.into(), manifest: live(resource, namespace, name).1 }
}

fn everything() -> Vec<(Resource, Value)> {
    vec![
        live(DEPLOYMENT, "infra", "web"),
        live(SERVICE, "infra", "web"),
        live(ROLE, "infra", "web"),
        live(ROLE, "shop", "web-1"),
        live(ROLE_BINDING, "shop", "web-1"),
        live(CLUSTER_ROLE_BINDING, "", "postern:infra:web"),
        live(POD_DISRUPTION_BUDGET, "infra", "web"),
        live(HORIZONTAL_POD_AUTOSCALER, "infra", "web"),
    ]
}

fn deleted(live: &[(Resource, Value)], wanted: &Wanted) -> Vec<String> {
    let orphans = orphans(live.iter().map(|(resource, object)| (*resource, object)), CONTROLLER, wanted);
    orphans.into_iter().map(|orphan| format!("{} {}/{}", orphan.resource.kind, orphan.namespace, orphan.name)).collect()
}

#[test]
fn everything_of_a_gateway_that_is_gone_goes() {
    assert_eq!(deleted(&everything(), &Wanted::default()).len(), everything().len());
    let only = [live(ROLE, "shop", "web-1")];
    let orphans = orphans(only.iter().map(|(resource, object)| (*resource, object)), CONTROLLER, &Wanted::default());
    assert_eq!((&*orphans[0].uid, &*orphans[0].resource_version), ("uid of web-1", "8"));
}

#[test]
fn what_is_no_longer_asked_for_goes() {
    let gateway = NamespacedName::new("infra", "web");
    let mut wanted = Wanted::default();
    wanted.provision(&gateway, &[desired(DEPLOYMENT, "infra", "web"), desired(ROLE, "shop", "web-1")]);
    assert_eq!(
        deleted(&everything(), &wanted),
        ["RoleBinding shop/web-1", "PodDisruptionBudget infra/web", "HorizontalPodAutoscaler infra/web"]
    );
}

#[test]
fn what_served_stays_while_a_gateway_serves_no_port() {
    let gateway = NamespacedName::new("infra", "web");
    let mut wanted = Wanted::default();
    wanted.provision(&gateway, &[desired(ROLE, "infra", "web")]);
    assert_eq!(deleted(&everything(), &wanted), ["Role shop/web-1", "RoleBinding shop/web-1"]);
}

#[test]
fn what_is_revoked_goes_though_the_rest_stays_as_it_is() {
    let gateway = NamespacedName::new("infra", "web");
    let mut live_objects = everything();
    live_objects.extend([live(ROLE, "other", "web-1"), live(ROLE_BINDING, "other", "web-1")]);
    let mut wanted = Wanted::default();
    wanted.leave(&gateway, &[desired(ROLE, "other", "web-1"), desired(ROLE_BINDING, "other", "web-1")]);
    assert_eq!(deleted(&live_objects, &wanted), ["Role shop/web-1", "RoleBinding shop/web-1"]);
    wanted.leave(&gateway, &[]);
    assert_eq!(deleted(&live_objects, &wanted).len(), 4, "nothing is granted any more");
}

#[test]
fn nothing_goes_while_it_is_unclear_what_is_wanted() {
    let mut wanted = Wanted::default();
    wanted.leave_all(&NamespacedName::new("infra", "web"));
    assert!(deleted(&everything(), &wanted).is_empty());
}

#[test]
fn what_is_not_ours_stays() {
    for (pointer, value) in [
        ("/metadata/labels/app.kubernetes.io~1managed-by", json!("Helm")),
        ("/metadata/annotations/gateway.postern.dev~1controller", json!("example.com/other")),
        ("/metadata/annotations", json!({names::CONTROLLER: CONTROLLER})),
        ("/metadata/annotations", Value::Null),
        ("/metadata", json!({"deletionTimestamp": "2026-01-01T00:00:00Z"})),
    ] {
        let (resource, mut object) = live(DEPLOYMENT, "infra", "web");
        *object.pointer_mut(pointer).unwrap() = value;
        assert!(deleted(&[(resource, object)], &Wanted::default()).is_empty(), "{pointer}");
    }
    let (resource, mut object) = live(DEPLOYMENT, "infra", "web");
    object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    assert!(deleted(&[(resource, object)], &Wanted::default()).is_empty(), "it is on its way");
}

#[test]
fn a_namesake_is_not_taken_over() {
    let mut manifest = live(SERVICE, "infra", "web").1;
    manifest["metadata"]["ownerReferences"] = json!([{"uid": "0d9c", "controller": true}]);
    let (_, ours) = live(SERVICE, "infra", "web");
    assert!(!is_foreign(&ours, &manifest), "of the Gateway that was called so before");
    let owners = json!([{"uid": "1"}, {"uid": "0d9c", "controller": true}]);
    let stripped = json!({"metadata": {"name": "web", "ownerReferences": owners}});
    assert!(!is_foreign(&stripped, &manifest), "only its annotations were edited away");
    for foreign in [
        json!({"metadata": {"name": "web"}}),
        json!({"metadata": {"name": "web", "ownerReferences": [{"uid": "1", "controller": true}]}}),
        json!({"metadata": {"annotations": {names::CONTROLLER: CONTROLLER, names::GATEWAY: "infra/other"}}}),
        json!({"metadata": {"annotations": {names::CONTROLLER: "example.com/other", names::GATEWAY: "infra/web"}}}),
    ] {
        assert!(is_foreign(&foreign, &manifest), "{foreign}");
    }
}

#[test]
fn what_goes_with_the_same_cluster_role_is_not_of_the_same_gateway() {
    let owned = |gateway: &str| {
        let (_, mut object) = live(CLUSTER_ROLE_BINDING, "", "postern:infra:example-com-1");
        object["metadata"]["ownerReferences"] = json!([{"uid": "77aa"}]);
        object["metadata"]["annotations"][names::GATEWAY] = gateway.into();
        object
    };
    assert!(is_foreign(&owned("infra/example.com"), &owned("infra/example-com-1")));
    assert!(!is_foreign(&owned("infra/example.com"), &owned("infra/example.com")));
}

#[test]
fn what_serves_no_gateway_is_named_by_the_operator() {
    let lease = json!({"metadata": {"name": "postern", "annotations": {names::CONTROLLER: CONTROLLER}}});
    assert!(!is_foreign(&json!({"metadata": {"name": "postern"}}), &lease), "whoever leads first has made it");
}
