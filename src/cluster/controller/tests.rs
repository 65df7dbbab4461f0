use postern_actors::supervisor::kubernetes::resource::{Resource, Scope};
use postern_actors::supervisor::kubernetes::watch::Event;
use postern_actors::supervisor::kubernetes::writer::Action;
use postern_actors::telemetry::{self, Readiness, Telemetry};
use serde_json::{Value, json};

use super::*;
use crate::cluster::state::name_of;
use crate::provision::parameters::Parameters;
use crate::provision::resource::{
    CLUSTER_ROLE_BINDING, DEPLOYMENT, GATEWAY_CLASS, LEASE, POD_DISRUPTION_BUDGET, PROVISIONED, ROLE, SERVICE,
};
use crate::resources::Kind;

const GATEWAYS: Resource = kinds::resource(Kind::Gateway);
const ROUTES: Resource = kinds::resource(Kind::HttpRoute);
const CONTROLLER: &str = "gateway.postern.dev/controller";

/// What an API server holds, and a controller that follows it.
struct Cluster {
    objects: BTreeMap<(Resource, NamespacedName), Value>,
    version: u64,
    controller: ControllerConfiguration,
    wanted: watch::Receiver<Numbered>,
}

impl Cluster {
    fn new(parameters: Parameters) -> Self {
        let translation = translate::Settings {
            class_names: Vec::new(),
            shared_address: false,
            external_name_services: false,
            experimental: false,
            parameters: Some(parameters),
            ..translate::Settings::of_files(CONTROLLER, [""; 0], Err("no roots".into()))
        };
        let provisioning = provision::Settings {
            controller_name: CONTROLLER.into(),
            version: "1.2.3".into(),
            owner: None,
            experimental: false,
            allow_external_name_services: false,
        };
        let settings = ControllerSettings {
            translation,
            provisioning,
            classes: vec!["postern".into()],
            proxy_cluster_role: "postern-proxy".into(),
            election: NamespacedName::new("system", "postern"),
        };
        let telemetry = Telemetry::new(telemetry::Settings { version: "0", revision: "0", access_log: None });
        let status = Arc::new(Status::new(telemetry, Readiness::new([KUBERNETES]), None));
        let fixed = ControllerConfiguration::fixed(&settings);
        let (controller, wanted) = ControllerConfiguration::new(settings, status);
        let mut cluster = Self { objects: BTreeMap::new(), version: 0, controller, wanted };
        for target in fixed {
            let role = json!({"metadata": {"name": "postern-proxy", "uid": "role-uid"}});
            let objects = if target.resource.kind == "ClusterRole" { vec![role] } else { vec![] };
            cluster.tell(target, Event::Listed(objects));
        }
        cluster
    }

    fn tell(&mut self, target: Target, event: Event) {
        self.controller.change(Watched { target, event }.into());
    }

    /// What every watch that sees an object tells of it.
    fn tell_of(&mut self, resource: Resource, object: &Value, event: fn(Value) -> Event) {
        if kinds::kind_of(&resource)
            .is_some_and(|kind| kinds::of_controller().contains(&Target::all(kinds::resource(kind))))
        {
            self.tell(Target::all(resource), event(object.clone()));
        }
        let ours = object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "postern";
        if ours && PROVISIONED.contains(&resource) {
            let scope = Scope::Labelled("app.kubernetes.io/managed-by=postern");
            self.tell(Target { resource, scope }, event(object.clone()));
        }
    }

    /// Puts an object there as somebody else would.
    fn put(&mut self, resource: Resource, mut object: Value) {
        let name = name_of(&object).expect("a name");
        self.version += 1;
        let before = self.objects.get(&(resource, name.clone()));
        let generation = before.map_or(1, |before| {
            before["metadata"]["generation"].as_i64().unwrap_or(1) + i64::from(before["spec"] != object["spec"])
        });
        object["apiVersion"] = json!(resource.api_version());
        object["kind"] = json!(resource.kind);
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        object["metadata"]["generation"] = json!(generation);
        let uid = before.and_then(|before| before["metadata"]["uid"].as_str()).map(str::to_owned);
        object["metadata"]["uid"] = json!(uid.unwrap_or_else(|| format!("uid-{}", self.version)));
        self.objects.insert((resource, name), object.clone());
        self.tell_of(resource, &object, Event::Applied);
    }

    fn edit(&mut self, resource: Resource, namespace: &str, name: &str, edit: impl FnOnce(&mut Value)) {
        let mut object = self.get(resource, namespace, name).expect("it is there").clone();
        edit(&mut object);
        self.put(resource, object);
    }

    fn delete(&mut self, resource: Resource, namespace: &str, name: &str) {
        let key = (resource, NamespacedName::new(namespace, name));
        let object = self.objects.remove(&key).expect("it is there");
        self.tell_of(resource, &object, Event::Deleted);
    }

    fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(resource, NamespacedName::new(namespace, name)))
    }

    fn condition(&self, resource: Resource, name: &str, kind: &str) -> String {
        let object = self.get(resource, "a", name).expect("it is there");
        let of = |list: &Value| {
            let found = list.as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
            found.map(|found| format!("{} {}", found["status"].as_str().unwrap(), found["reason"].as_str().unwrap()))
        };
        of(&object["status"]["conditions"])
            .or_else(|| of(&object["status"]["parents"][0]["conditions"]))
            .unwrap_or_default()
    }

    fn writes(&mut self) -> Vec<Write> {
        self.report().writes.into_iter().flatten().collect()
    }

    /// Whether the Gateway `web` is told as programmed.
    fn is_programmed(&mut self) -> Option<bool> {
        self.report().programmed.get(&NamespacedName::new("a", "web")).copied()
    }

    fn report(&mut self) -> ControllerReport {
        loop {
            if let Ok((_, _, report)) = self.controller.translate() {
                return report;
            }
            // What is watched by name is listed as soon as it is asked for.
            let wanted = self.wanted.borrow_and_update().clone();
            for target in wanted.into_keys() {
                let Scope::Named { namespace: Some(namespace), name } = &target.scope else { continue };
                let listed = self.get(target.resource, namespace, name).cloned().into_iter().collect();
                self.controller.change(Watched { target, event: Event::Listed(listed) }.into());
            }
        }
    }

    /// Does what the controller asks for until it asks for nothing, and counts.
    fn settle(&mut self) -> usize {
        let mut count = 0;
        for _ in 0..10 {
            let writes = self.writes();
            if writes.is_empty() {
                return count;
            }
            count += writes.len();
            for write in writes {
                self.write(write);
            }
        }
        panic!("it never settles: {:#?}", self.writes());
    }

    fn write(&mut self, write: Write) {
        let namespace = write.namespace.as_deref().unwrap_or_default();
        let live = self.get(write.resource, namespace, &write.name).cloned();
        match write.action {
            Action::Apply(manifest) => {
                let mut object = live.unwrap_or_else(|| json!({}));
                merge(&mut object, &manifest);
                self.put(write.resource, object);
            }
            Action::Status(patch) => {
                let mut object = live.expect("a status is of an object");
                assert_eq!(
                    patch["metadata"]["resourceVersion"], object["metadata"]["resourceVersion"],
                    "of this version"
                );
                merge(&mut object, &patch);
                self.put(write.resource, object);
            }
            Action::Delete { uid } => {
                assert_eq!(live.expect("it is there")["metadata"]["uid"], json!(uid));
                self.delete(write.resource, namespace, &write.name);
            }
        }
    }
}

/// RFC 7386.
fn merge(value: &mut Value, over: &Value) {
    match over {
        Value::Object(fields) => {
            if !value.is_object() {
                *value = json!({});
            }
            for (key, over) in fields {
                if over.is_null() {
                    value.as_object_mut().expect("a map").remove(key);
                } else {
                    merge(&mut value[key], over);
                }
            }
        }
        over => *value = over.clone(),
    }
}

fn gateway(port: u16) -> Value {
    json!({
        "metadata": {"namespace": "a", "name": "web"},
        "spec": {"gatewayClassName": "postern", "listeners": [{"name": "http", "protocol": "HTTP", "port": port}]},
    })
}

fn route() -> Value {
    json!({
        "metadata": {"namespace": "a", "name": "r"},
        "spec": {"parentRefs": [{"name": "web"}], "rules": [{"backendRefs": [{"name": "nobody", "port": 80}]}]},
    })
}

/// A cluster with a Gateway of which a proxy serves everything.
fn serving() -> Cluster {
    let mut cluster = Cluster::new(Parameters::default());
    cluster.put(GATEWAYS, gateway(80));
    cluster.settle();
    cluster.edit(LEASE, "a", "web", |lease| {
        lease["metadata"]["annotations"]["gateway.postern.dev/applied"] = json!("x/1");
    });
    let uid = cluster.get(GATEWAYS, "a", "web").expect("put")["metadata"]["uid"].as_str().expect("text").to_owned();
    cluster.edit(LEASE, "a", "web", |lease| {
        lease["metadata"]["annotations"]["gateway.postern.dev/applied"] = json!(format!("{uid}/1"));
    });
    cluster.edit(SERVICE, "a", "web", |service| {
        service["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    });
    cluster.settle();
    cluster
}

#[test]
fn classes_are_made_and_judged_and_nothing_is_written_twice() {
    let mut cluster = Cluster::new(Parameters::default());
    assert!(cluster.settle() >= 2);
    let class = cluster.get(GATEWAY_CLASS, "", "postern").expect("made");
    assert_eq!(class["spec"]["controllerName"], CONTROLLER);
    assert_eq!(class["metadata"]["ownerReferences"][0]["uid"], "role-uid");
    assert_eq!(class["status"]["conditions"][0]["type"], "Accepted");
    assert_eq!(cluster.settle(), 0);
}

#[test]
fn a_class_of_another_controller_is_left_alone() {
    let mut cluster = Cluster::new(Parameters::default());
    let theirs = json!({"metadata": {"name": "postern"}, "spec": {"controllerName": "example.com/theirs"}});
    cluster.put(GATEWAY_CLASS, theirs);
    cluster.put(GATEWAYS, gateway(80));
    cluster.settle();
    assert_eq!(
        cluster.get(GATEWAY_CLASS, "", "postern").expect("theirs")["spec"]["controllerName"],
        "example.com/theirs"
    );
    assert!(cluster.get(DEPLOYMENT, "a", "web").is_none());
    assert!(cluster.get(GATEWAYS, "a", "web").expect("put").get("status").is_none());
}

#[test]
fn a_gateway_is_programmed_when_a_proxy_serves_it_and_it_has_an_address() {
    let mut cluster = Cluster::new(Parameters::default());
    cluster.put(GATEWAYS, gateway(80));
    cluster.settle();
    for resource in PROVISIONED
        .into_iter()
        .filter(|resource| !["PodDisruptionBudget", "HorizontalPodAutoscaler"].contains(&resource.kind))
    {
        let (namespace, name) = if resource == CLUSTER_ROLE_BINDING { ("", "postern:a:web") } else { ("a", "web") };
        assert!(cluster.get(resource, namespace, name).is_some(), "{}", resource.kind);
    }
    assert_eq!(cluster.condition(GATEWAYS, "web", "Accepted"), "True Accepted");
    assert!(cluster.condition(GATEWAYS, "web", "Programmed").starts_with("False"));
    assert_eq!(cluster.is_programmed(), Some(false));

    let mut cluster = serving();
    assert_eq!(cluster.condition(GATEWAYS, "web", "Programmed"), "True Programmed");
    assert_eq!(cluster.is_programmed(), Some(true));
    let status = &cluster.get(GATEWAYS, "a", "web").expect("put")["status"];
    assert_eq!(status["addresses"], json!([{"type": "IPAddress", "value": "192.0.2.1"}]));
    assert_eq!(cluster.settle(), 0, "over an unchanged cluster nothing is written");
}

#[test]
fn a_new_generation_is_programmed_only_when_it_is_served() {
    let mut cluster = serving();
    let deployment = cluster.get(DEPLOYMENT, "a", "web").expect("made").clone();
    cluster.edit(GATEWAYS, "a", "web", |gateway| gateway["spec"]["listeners"][0]["port"] = json!(8080));
    cluster.settle();
    assert_eq!(cluster.condition(GATEWAYS, "web", "Programmed"), "False Pending");
    assert_eq!(cluster.get(SERVICE, "a", "web").expect("made")["spec"]["ports"][0]["port"], 8080);
    assert_eq!(cluster.get(DEPLOYMENT, "a", "web"), Some(&deployment), "no pod is started again");
}

#[test]
fn what_somebody_edits_is_mended_and_what_somebody_deletes_is_made_again() {
    let mut cluster = serving();
    cluster.edit(DEPLOYMENT, "a", "web", |deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("example.com/other");
    });
    assert_eq!(cluster.settle(), 1);
    let image =
        &cluster.get(DEPLOYMENT, "a", "web").expect("made")["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, "ghcr.io/postern-gateway/postern:1.2.3");
    cluster.edit(DEPLOYMENT, "a", "web", |deployment| deployment["status"] = json!({"readyReplicas": 1}));
    assert_eq!(cluster.settle(), 0, "what others own is no drift");
    cluster.delete(SERVICE, "a", "web");
    cluster.settle();
    assert!(cluster.get(SERVICE, "a", "web").is_some());
}

#[test]
fn a_proxy_may_read_what_its_gateway_names_and_nothing_else() {
    let mut cluster = serving();
    cluster.edit(GATEWAYS, "a", "web", |gateway| {
        gateway["spec"]["listeners"][0] = json!({"name": "https", "protocol": "HTTPS", "port": 443,
            "tls": {"certificateRefs": [{"name": "cert"}, {"name": "theirs", "namespace": "b"}]}});
    });
    cluster.settle();
    let rules = cluster.get(ROLE, "a", "web").expect("made")["rules"].to_string();
    assert!(rules.contains("cert") && !rules.contains("theirs"), "{rules}");
    assert!(cluster.objects.keys().all(|(resource, name)| *resource != ROLE || &*name.namespace != "b"));

    let grant = json!({
        "metadata": {"namespace": "b", "name": "g"},
        "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "a"}],
                 "to": [{"group": "", "kind": "Secret"}]},
    });
    cluster.put(kinds::resource(Kind::ReferenceGrant), grant);
    cluster.settle();
    let roles = |cluster: &Cluster| {
        cluster.objects.keys().filter(|(resource, name)| *resource == ROLE && &*name.namespace == "b").count()
    };
    assert_eq!(roles(&cluster), 1);
    cluster.delete(kinds::resource(Kind::ReferenceGrant), "b", "g");
    cluster.settle();
    assert_eq!(roles(&cluster), 0, "what is not granted any more may not be read any more");
}

#[test]
fn what_no_gateway_can_own_goes_when_the_gateway_goes() {
    let mut cluster = serving();
    assert!(cluster.get(CLUSTER_ROLE_BINDING, "", "postern:a:web").is_some());
    cluster.delete(GATEWAYS, "a", "web");
    cluster.settle();
    assert!(cluster.get(CLUSTER_ROLE_BINDING, "", "postern:a:web").is_none());
}

#[test]
fn a_slip_in_the_parameters_is_told_and_disturbs_nothing() {
    let mut cluster = serving();
    let values = |text: &str| json!({"metadata": {"namespace": "a", "name": "values"}, "data": {"values.yaml": text}});
    let config_maps = kinds::resource(Kind::ConfigMap);
    cluster.objects.insert((config_maps, NamespacedName::new("a", "values")), {
        let mut map = values("podDisruptionBudget: {minAvailable: 1}");
        map["apiVersion"] = json!("v1");
        map["kind"] = json!("ConfigMap");
        map
    });
    cluster.edit(GATEWAYS, "a", "web", |gateway| {
        gateway["spec"]["infrastructure"] =
            json!({"parametersRef": {"group": "", "kind": "ConfigMap", "name": "values"}});
    });
    cluster.settle();
    assert!(cluster.get(POD_DISRUPTION_BUDGET, "a", "web").is_some());
    let before = cluster.get(DEPLOYMENT, "a", "web").cloned();

    let mut slip = values("podDisruptionBudgets: {minAvailable: 1}");
    slip["apiVersion"] = json!("v1");
    slip["kind"] = json!("ConfigMap");
    let target = Target::named(config_maps, Some("a"), "values");
    cluster.tell(target, Event::Applied(slip));
    cluster.settle();
    assert_eq!(cluster.condition(GATEWAYS, "web", "Accepted"), "False InvalidParameters");
    assert_eq!(cluster.get(DEPLOYMENT, "a", "web").cloned(), before);
    assert!(cluster.get(POD_DISRUPTION_BUDGET, "a", "web").is_some(), "it stays as it is");
    let listener = &cluster.get(GATEWAYS, "a", "web").expect("put")["status"]["listeners"][0];
    assert!(listener["conditions"].to_string().contains("\"Programmed\""));
}

#[test]
fn a_route_has_a_status_under_our_gateway_alone_and_loses_it_with_the_reference() {
    let mut cluster = serving();
    cluster.put(ROUTES, route());
    cluster.settle();
    assert_eq!(cluster.condition(ROUTES, "r", "Accepted"), "True Accepted");
    assert_eq!(cluster.condition(ROUTES, "r", "ResolvedRefs"), "False BackendNotFound");
    cluster.edit(ROUTES, "a", "r", |route| {
        let theirs = json!({"parentRef": {"name": "other"}, "controllerName": "example.com/theirs", "conditions": []});
        route["status"]["parents"].as_array_mut().expect("a list").push(theirs);
    });
    assert_eq!(cluster.settle(), 0);
    cluster.edit(ROUTES, "a", "r", |route| route["spec"]["parentRefs"][0]["name"] = json!("other"));
    cluster.settle();
    let parents = &cluster.get(ROUTES, "a", "r").expect("put")["status"]["parents"];
    assert_eq!(parents.as_array().map(Vec::len), Some(1));
    assert_eq!(parents[0]["controllerName"], "example.com/theirs");
}

fn written(error: Option<&str>) -> ControllerChange {
    ControllerChange::Written(Written {
        kind: "Deployment",
        namespace: "a".into(),
        name: "web".into(),
        cause: Some("a/web".into()),
        error: error.map(str::to_owned),
    })
}

#[test]
fn what_cannot_be_applied_is_said_of_the_gateway_for_as_long_as_it_has_to_be() {
    let mut cluster = serving();
    cluster.delete(DEPLOYMENT, "a", "web");
    assert_eq!(cluster.controller.change(written(Some("quota exceeded"))), Effect::Everything);
    assert_eq!(cluster.controller.change(written(Some("quota exceeded"))), Effect::Nothing, "that is no news");
    for write in cluster.writes().into_iter().filter(|write| write.resource != DEPLOYMENT) {
        cluster.write(write);
    }
    assert_eq!(cluster.condition(GATEWAYS, "web", "Programmed"), "False NoResources");
    assert_eq!(cluster.controller.change(written(None)), Effect::Everything);
    cluster.settle();
    assert_eq!(cluster.condition(GATEWAYS, "web", "Programmed"), "True Programmed");

    cluster.controller.change(written(Some("what need not be written any more")));
    cluster.settle();
    assert_eq!(cluster.condition(GATEWAYS, "web", "Programmed"), "True Programmed");
    assert!(cluster.controller.failures.is_empty());
}

#[test]
fn whom_the_controller_cannot_judge_for_now_it_does_not_end() {
    let serves = |cluster: &Cluster| {
        cluster.get(DEPLOYMENT, "a", "web").is_some()
            && cluster.get(CLUSTER_ROLE_BINDING, "", "postern:a:web").is_some()
    };
    // Its class is gone for a moment, for example since its owner was replaced.
    let mut cluster = serving();
    cluster.delete(GATEWAY_CLASS, "", "postern");
    let writes = cluster.writes();
    assert!(writes.iter().all(|write| !matches!(write.action, Action::Delete { .. })), "{writes:#?}");
    cluster.settle();
    assert!(cluster.get(GATEWAY_CLASS, "", "postern").is_some(), "it is made again");
    assert!(serves(&cluster));

    // The kind is not served any more: garbage collection ends what has to end.
    for kind in [GATEWAYS, GATEWAY_CLASS] {
        let mut cluster = serving();
        cluster.tell(Target::all(kind), Event::Absent);
        assert!(cluster.writes().iter().all(|write| !matches!(write.action, Action::Delete { .. })), "{}", kind.kind);
    }

    // It cannot be read, and this process has never known it otherwise.
    let mut cluster = serving();
    let mut unreadable = cluster.get(GATEWAYS, "a", "web").expect("put").clone();
    unreadable["spec"]["listeners"] = json!("none");
    cluster.delete(GATEWAYS, "a", "web");
    cluster.put(GATEWAYS, unreadable);
    assert!(cluster.writes().iter().all(|write| !matches!(write.action, Action::Delete { .. })));
}

#[test]
fn what_is_uninstalled_is_not_made_again() {
    let mut cluster = serving();
    let role = json!({"metadata": {"name": "postern-proxy", "uid": "role-uid"}});
    let target = ControllerConfiguration::fixed(&cluster.controller.settings)
        .into_iter()
        .find(|target| target.resource.kind == "ClusterRole")
        .expect("it is watched");
    cluster.tell(target, Event::Deleted(role));
    cluster.delete(GATEWAY_CLASS, "", "postern");
    cluster.settle();
    assert!(cluster.get(GATEWAY_CLASS, "", "postern").is_none());
    assert_eq!(cluster.condition(GATEWAYS, "web", "Programmed"), "True Programmed", "who said so last");
}

#[test]
fn access_that_is_revoked_goes_although_the_gateway_is_not_accepted() {
    let mut cluster = serving();
    let grant = json!({
        "metadata": {"namespace": "b", "name": "g"},
        "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "a"}],
                 "to": [{"group": "", "kind": "Secret"}]},
    });
    cluster.put(kinds::resource(Kind::ReferenceGrant), grant);
    cluster.edit(GATEWAYS, "a", "web", |gateway| {
        gateway["spec"]["listeners"][0] = json!({"name": "https", "protocol": "HTTPS", "port": 443,
            "tls": {"certificateRefs": [{"name": "theirs", "namespace": "b"}]}});
    });
    cluster.settle();
    let roles = |cluster: &Cluster| {
        cluster.objects.keys().filter(|(resource, name)| *resource == ROLE && &*name.namespace == "b").count()
    };
    assert_eq!(roles(&cluster), 1);
    cluster.edit(GATEWAYS, "a", "web", |gateway| {
        gateway["spec"]["addresses"] = json!([{"type": "example.com/odd", "value": "x"}]);
    });
    cluster.settle();
    assert!(cluster.condition(GATEWAYS, "web", "Accepted").starts_with("False"));
    assert_eq!(roles(&cluster), 1);
    cluster.delete(kinds::resource(Kind::ReferenceGrant), "b", "g");
    cluster.settle();
    assert_eq!(roles(&cluster), 0);
}

#[test]
fn only_what_is_read_has_an_effect() {
    let mut cluster = serving();
    let services = Target::all(kinds::resource(Kind::Service));
    let service = |status: &Value| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "a", "name": "s"},
               "spec": {"ports": [{"port": 80}]}, "status": status})
    };
    let mut tell = |object: Value| {
        let event = Event::Applied(object);
        cluster.controller.change(Watched { target: services.clone(), event }.into())
    };
    assert_eq!(tell(service(&json!({}))), Effect::Everything);
    assert_eq!(tell(service(&json!({"loadBalancer": {}}))), Effect::Nothing);
}
