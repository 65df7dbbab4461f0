use serde_json::{Value, json};

use super::*;
use crate::provision::parameters::Parameters;
use crate::resources::{Kind, NamespacedName};

const CONTROLLER: &str = "gateway.postern.dev/controller";

fn object(kind: Kind, name: &str, spec: &Value) -> Value {
    let resource = kinds::resource(kind);
    let namespace = if kind == Kind::GatewayClass { "" } else { "a" };
    json!({
        "apiVersion": resource.api_version(), "kind": resource.kind,
        "metadata": {"namespace": namespace, "name": name}, "spec": spec,
    })
}

fn https(secret: &str) -> Value {
    let tls = json!({"certificateRefs": [{"name": secret}]});
    json!({"gatewayClassName": "c", "listeners": [{"name": "https", "protocol": "HTTPS", "port": 443, "tls": tls}]})
}

/// What a cluster with two Gateways answers, of which one has roots of its own, for a policy that asks for the system's. Nobody may read Secrets.
fn answer(target: Target) -> Watched {
    let event = match (kinds::kind_of(&target.resource).expect("it is read"), &target.scope) {
        (Kind::GatewayClass, _) => {
            Event::Listed(vec![object(Kind::GatewayClass, "c", &json!({"controllerName": CONTROLLER}))])
        }
        (Kind::Gateway, _) => {
            let parametrised = json!({"group": "", "kind": "ConfigMap", "name": "parameters"});
            let mut one = https("one");
            one["infrastructure"] = json!({ "parametersRef": parametrised });
            let gateways = [("web", one), ("other", https("two"))];
            Event::Listed(gateways.map(|(name, spec)| object(Kind::Gateway, name, &spec)).into())
        }
        (Kind::ConfigMap, Scope::Named { name, .. }) if &**name == "parameters" => {
            let mut parameters = object(Kind::ConfigMap, name, &Value::Null);
            parameters["data"] = json!({"values.yaml": "systemCABundle: {configMap: roots}"});
            Event::Listed(vec![parameters])
        }
        (Kind::Secret, _) => Event::Unavailable("secrets is forbidden".into()),
        (Kind::AgentgatewayBackend, _) => Event::Absent,
        (Kind::Service, _) => Event::Listed(vec![object(Kind::Service, "app", &json!({"ports": [{"port": 443}]}))]),
        (Kind::HttpRoute, _) => {
            let rules = json!([{"backendRefs": [{"name": "app", "port": 443}]}]);
            let spec = json!({"parentRefs": [{"name": "web"}], "rules": rules});
            Event::Listed(vec![object(Kind::HttpRoute, "app", &spec)])
        }
        (Kind::BackendTlsPolicy, _) => {
            let targets = json!([{"group": "", "kind": "Service", "name": "app"}]);
            let validation = json!({"hostname": "app.example", "wellKnownCACertificates": "System"});
            let spec = json!({"targetRefs": targets, "validation": validation});
            Event::Listed(vec![object(Kind::BackendTlsPolicy, "app", &spec)])
        }
        _ => Event::Listed(Vec::new()),
    };
    Watched { target, event }
}

fn settings(gateway: Option<NamespacedName>) -> Settings {
    Settings {
        class_names: Vec::new(),
        shared_address: false,
        parameters: Some(Parameters::default()),
        gateway,
        ..Settings::of_files(CONTROLLER, [""; 0], Err("no roots".into()))
    }
}

/// What is read in each round but the first, and what it comes to.
fn read(mut once: Once) -> (Vec<Vec<String>>, Translation, Vec<String>) {
    let mut rounds = Vec::new();
    loop {
        match once.next(jiff::Timestamp::UNIX_EPOCH).expect("everything can be listed") {
            Next::Read(targets) => {
                rounds.push(targets.iter().map(ToString::to_string).collect());
                for target in targets {
                    once.take(answer(target));
                }
            }
            Next::Whole(translation) => {
                assert_eq!(once.snapshot().gateways.len(), 2);
                return (rounds.split_off(1), *translation, once.unread().collect());
            }
        }
    }
}

#[test]
fn what_is_named_is_read_until_nothing_new_is_named() {
    let (rounds, translation, unread) = read(Once::new(settings(None)));
    assert_eq!(rounds, [vec!["ConfigMap a/parameters", "Secret a/one", "Secret a/two"], vec!["ConfigMap a/roots"]]);
    let forbidden = |name| format!("Secret a/{name} cannot be read, and counts as not there: secrets is forbidden");
    assert_eq!(unread, ["one", "two"].map(forbidden));
    assert_eq!(translation.verdicts.gateways.len(), 2);
    assert!(translation.plan.ports.is_empty(), "their certificates are not there");
}

#[test]
fn of_one_gateway_nothing_is_read_that_only_others_name() {
    let (rounds, translation, _) = read(Once::new(settings(Some(NamespacedName::new("a", "other")))));
    assert_eq!(rounds, [vec!["Secret a/two"]]);
    assert_eq!(translation.verdicts.gateways.len(), 2, "all are judged");
}

#[test]
fn a_kind_that_cannot_be_listed_is_named() {
    let error = |forbidden: &[&str]| {
        let mut once = Once::new(settings(None));
        let Ok(Next::Read(targets)) = once.next(jiff::Timestamp::UNIX_EPOCH) else { panic!("kinds come first") };
        for target in targets {
            let event = Event::Unavailable("forbidden".into());
            let forbidden = forbidden.contains(&target.resource.kind);
            once.take(if forbidden { Watched { target, event } } else { answer(target) });
        }
        once.next(jiff::Timestamp::UNIX_EPOCH).expect_err("a kind is not known").to_string()
    };
    assert_eq!(error(&["HTTPRoute"]), "HTTPRoute cannot be listed: forbidden");
    let several = error(&["Gateway", "HTTPRoute", "Service"]);
    assert!(several.ends_with(" cannot be listed: forbidden (nor can 2 other kinds)"), "{several}");
}
