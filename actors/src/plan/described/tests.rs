use serde_json::json;

use super::*;

/// One that has everything is beside [`Plan::describe`], and goldens of the translation are read back in the package `postern`.
#[test]
fn what_is_no_description_is_refused_and_says_why() {
    let backend = |tls: Value| {
        json!({"ports": [], "backends": [{
            "gateway": "a/web", "backend": "Service/a/app", "port": 443, "endpoints": {"service": "a/app:443"}, "tls": tls,
        }]})
    };
    let rule = |rule: Value| {
        json!({"backends": [], "ports": [{"gateway": "a/web", "port": 80, "protocol": "http", "listeners": [{
            "name": "http", "hosts": [{"hostname": "*", "rules": [rule]}],
        }]}]})
    };
    let good = json!({"match": {"path": {"prefix": "/"}}, "route": "a/r", "rule": 0, "action": {"forward": []}});
    assert!(Plan::from_description(&backend(json!("plaintext"))).is_ok());
    assert!(Plan::from_description(&rule(good.clone())).is_ok());
    let with = |field: &str, value: Value| {
        let mut bad = good.clone();
        bad[field] = value;
        rule(bad)
    };
    for (description, expected) in [
        (json!({}), "missing field `ports`"),
        (backend(json!("tls")), "did not match any variant"),
        (backend(json!({"poisoned": {"reason": "no_route"}})), "no_route is no reason"),
        (with("match", json!({"path": {"regex": "("}})), "("),
        (with("action", json!({"forward": [{"weight": 1, "backend": "Service/a/app:1"}]})), "not among the backends"),
        (with("action", json!({"forward": [{"weight": 1}]})), "either a backend or a reason"),
        (with("requestTimeoutSeconds", json!(-1.0)), "negative"),
    ] {
        let error = Plan::from_description(&description).expect_err("it is none");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn endpoints_are_those_of_the_dump() {
    let dump = json!({"endpoints": {"a/app:443": ["192.0.2.1:8443", "[2001:db8::1]:8443"], "a/none:80": []}});
    let found = endpoints(&dump).expect("they are right");
    let app = &found[&service_port("a/app:443").expect("it is right")];
    assert_eq!(app.iter().map(|endpoint| endpoint.address.port()).collect::<Vec<_>>(), [8443, 8443]);
    assert_eq!(found.len(), 2);
    assert_eq!(endpoints(&json!({})), Ok(Endpoints::default()));
    assert!(endpoints(&json!({"endpoints": {"app": []}})).is_err());
}
