//! Backends of a cluster, of which an API server tells.

use std::io::BufReader;

use postern_outcomes::backend::{Backend, Request, Tls, answer};
use postern_outcomes::certificates::Authority;
use serde_json::{Value, json};

use super::{probe_with, word};

/// An API server that knows these objects, and nothing of watches.
fn api_server(objects: Vec<(&'static str, Value)>) -> Backend {
    Backend::start(move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(request) = Request::read(&mut stream) {
            let target = request.target().to_owned();
            let path = target.split('?').next().expect("a path");
            let asked = |object: &&(&str, Value)| {
                let name = object.1["metadata"]["name"].as_str().expect("a name");
                let named = !target.contains("fieldSelector") || target.contains(&format!("metadata.name%3D{name}"));
                path.ends_with(object.0) && named
            };
            let items: Vec<_> = objects.iter().filter(asked).map(|object| &object.1).collect();
            let list = json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items});
            if answer(stream.get_mut(), "Content-Type: application/json\r\n", list.to_string().as_bytes()).is_err() {
                return;
            }
        }
    })
}

fn object(kind: &str, name: &str, fields: Value) -> Value {
    let mut object = json!({
        "kind": kind,
        "metadata": {"namespace": "shop", "name": name, "uid": name, "generation": 1, "resourceVersion": "1"},
    });
    let Value::Object(fields) = fields else { panic!("{fields} is no object") };
    object.as_object_mut().expect("an object").extend(fields);
    object
}

#[test]
fn a_backend_of_a_cluster_is_probed_under_the_policy_that_applies() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("other.test")));
    let class = json!({"spec": {"controllerName": "gateway.postern.dev/controller"}});
    let gateway = json!({"spec": {
        "gatewayClassName": "postern",
        "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
    }});
    let policy = json!({"spec": {
        "targetRefs": [{"group": "", "kind": "Service", "name": "cart"}],
        "validation": {
            "hostname": "backend.test",
            "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
        },
    }});
    let mut slice = object(
        "EndpointSlice",
        "cart-1",
        json!({
            "addressType": "IPv4",
            "ports": [{"name": "https", "port": backend.address.port()}],
            "endpoints": [{"addresses": [backend.address.ip().to_string()]}],
        }),
    );
    slice["metadata"]["labels"] = json!({"kubernetes.io/service-name": "cart"});
    let objects = vec![
        ("/gatewayclasses", object("GatewayClass", "postern", class)),
        ("/gateways", object("Gateway", "web", gateway)),
        ("/services", object("Service", "cart", json!({"spec": {"ports": [{"name": "https", "port": 443}]}}))),
        ("/endpointslices", slice),
        ("/backendtlspolicies", object("BackendTLSPolicy", "cart", policy)),
        ("/configmaps", object("ConfigMap", "ca", json!({"data": {"ca.crt": ours.pem()}}))),
    ];
    let server = api_server(objects);
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    let configuration = json!({
        "clusters": [{"name": "a", "cluster": {"server": format!("http://{}", server.address)}}],
        "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    });
    std::fs::write(&kubeconfig, configuration.to_string()).expect("a file");
    let outcome =
        probe_with(&[("KUBECONFIG", kubeconfig.as_os_str())], &["service/cart.shop:443", "--gateway", "shop/web"]);
    assert_eq!((word(&outcome), outcome["policy"].as_str()), ("name_mismatch", Some("shop/cart")), "{outcome:#}");
    assert_eq!(outcome["endpoints"][0]["address"], backend.address.to_string());
    let yaml = outcome["yaml"].as_str().expect("a proposal");
    assert!(yaml.contains("namespace: shop") && yaml.contains("hostname: other.test"), "{yaml}");
}
