use serde_json::json;

use super::*;

#[test]
fn defaults_and_status_are_no_drift() {
    let desired = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"a": "b"}, "ownerReferences": [{"uid": "1", "controller": true}]},
        "spec": {"template": {"spec": {
            "affinity": {"nodeAffinity": {}},
            "containers": [{
                "name": "postern",
                "args": ["proxy"],
                "env": [{"name": "A", "value": "1"}, {"name": "EMPTY", "value": ""}],
                "resources": {"requests": {"cpu": "1000m", "memory": 1024}},
            }],
        }}},
    });
    let live = json!({
        "metadata": {
            "name": "web", "uid": "5", "generation": 7, "labels": {"a": "b", "c": "d"},
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": [{"uid": "0"}, {"uid": "1", "controller": true, "blockOwnerDeletion": false}],
        },
        "spec": {"progressDeadlineSeconds": 600, "template": {"spec": {
            "restartPolicy": "Always",
            "containers": [
                {"name": "sidecar"},
                {
                    "name": "postern",
                    "args": ["proxy"],
                    "terminationMessagePath": "/dev/termination-log",
                    "env": [{"name": "OTHER"}, {"name": "EMPTY"}, {"name": "A", "value": "1"}],
                    "resources": {"requests": {"cpu": "1", "memory": "1Ki"}},
                },
            ],
        }}},
        "status": {"replicas": 1},
    });
    assert!(holds(&live, &desired));
}

#[test]
fn an_edit_is_drift() {
    let desired = json!({
        "metadata": {"annotations": {"gateway.postern.dev/manifest": "1"}},
        "spec": {
            "replicas": 2,
            "selector": {"app": "web"},
            "allowPrivilegeEscalation": false,
            "args": ["proxy", "--gateway"],
            "ports": [{"name": "port-80", "port": 80, "protocol": "TCP"}],
            "nodeSelector": {"zone": "a"},
            "requests": {"cpu": "1"},
        },
    });
    assert!(holds(&desired, &desired));
    for (pointer, value) in [
        ("/metadata/annotations/gateway.postern.dev~1manifest", json!("2")),
        ("/spec/replicas", json!(3)),
        ("/spec/selector", json!({"app": "web", "version": "2"})),
        ("/spec/allowPrivilegeEscalation", Value::Null),
        ("/spec/args", json!(["proxy", "--gateway", "x"])),
        ("/spec/args", json!(["--gateway", "proxy"])),
        ("/spec/ports/0/name", json!("http")),
        ("/spec/ports/0/protocol", json!("UDP")),
        ("/spec/ports", json!([])),
        ("/spec/nodeSelector", json!({"zone": "a", "disk": "ssd"})),
        ("/spec/requests/cpu", json!("2")),
        ("/spec", json!("text")),
    ] {
        let mut live = desired.clone();
        *live.pointer_mut(pointer).unwrap() = value;
        assert!(!holds(&live, &desired), "{pointer}: {live}");
    }
    for field in ["replicas", "allowPrivilegeEscalation", "ports", "selector"] {
        let mut live = desired.clone();
        live["spec"].as_object_mut().unwrap().remove(field);
        assert!(!holds(&live, &desired), "without {field}");
    }
}

#[test]
fn replicas_are_kept_until_an_autoscaler_has_set_them() {
    let live = |managers: &[&str]| {
        let entry = |manager: &&str| json!({"manager": manager, "fieldsV1": {"f:spec": {"f:replicas": {}}}});
        let fields: Vec<Value> = managers.iter().map(entry).collect();
        json!({"metadata": {"managedFields": fields}, "spec": {"replicas": 3}})
    };
    for (managers, wanted, kept) in [
        (&[crate::provision::FIELD_MANAGER][..], json!({}), json!({"replicas": 3})),
        (&[crate::provision::FIELD_MANAGER], json!({"replicas": 5}), json!({"replicas": 5})),
        (&[crate::provision::FIELD_MANAGER, "kube-controller-manager"], json!({}), json!({})),
        (&["kube-controller-manager"], json!({}), json!({})),
        (&[], json!({}), json!({})),
    ] {
        let mut desired = json!({ "spec": wanted });
        keep_replicas(&mut desired, &live(managers));
        assert_eq!(desired["spec"], kept, "{managers:?}");
    }
}
