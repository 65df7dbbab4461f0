use serde_json::json;

use super::*;
use crate::resources::{Kind, NamespacedName};

const DEFAULTS: &str = "{}";
const EVERYTHING: &str = "
image: {registry: '', repository: example.com/postern, tag: '1.2', pullPolicy: Always}
imagePullSecrets: [{name: registry}]
replicas: 3
resources: {limits: {memory: 1Gi}}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: edge, operator: Exists}]
affinity: {nodeAffinity: {}}
topologySpreadConstraints:
- {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule}
priorityClassName: system-cluster-critical
podAnnotations: {example.com/scrape: 'true', example.com/team: nobody}
podLabels: {tier: edge, app.kubernetes.io/name: other}
podSecurityContext: {fsGroup: null, runAsUser: 1000}
securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}
extraEnv: {POD_NAME: fake, RUST_BACKTRACE: 1, RUST_LOG: debug, TRACE: true}
extraArgs: [--workers, '2']
logFormat: text
service:
  type: LoadBalancer
  annotations: {example.com/balancer: internal, example.com/team: nobody}
  labels: {exposed: 'yes'}
  externalTrafficPolicy: Local
  loadBalancerClass: example.com/balancer
  loadBalancerSourceRanges: [192.0.2.0/24]
podDisruptionBudget: {minAvailable: 50%}
horizontalPodAutoscaler: {minReplicas: 2, maxReplicas: 9}
drainDelaySeconds: 10
drainTimeoutSeconds: 60
systemCABundle: {configMap: company-ca, key: bundle.pem}
";

fn gateway(spec: Value) -> Gateway {
    let mut gateway = json!({
        "metadata": {"namespace": "infra", "name": "web", "uid": "0d9c", "generation": 3},
        "spec": {"gatewayClassName": "postern", "listeners": []},
    });
    parameters::overlay::merge(&mut gateway["spec"], spec);
    serde_json::from_value(gateway).unwrap()
}

fn settings() -> Settings {
    Settings {
        controller_name: "gateway.postern.dev/controller".into(),
        version: "0.1.0".into(),
        owner: Some(ClusterOwner { name: "postern-proxy".into(), uid: "77aa".into() }),
        experimental: false,
        allow_external_name_services: false,
    }
}

fn references(names: &[(Kind, &str, &str)]) -> BTreeSet<ObjectRef> {
    names
        .iter()
        .map(|&(kind, namespace, name)| ObjectRef { kind, name: NamespacedName::new(namespace, name) })
        .collect()
}

/// What the operator has set, as YAML.
fn parameters_of(text: &str) -> Parameters {
    let documents = crate::resources::document::read(text).unwrap();
    parameters::read(&documents.into_iter().next().map_or(Value::Null, |document| document.value)).unwrap()
}

fn make(gateway: &Gateway, ports: &[u16], parameters: &str, settings: &Settings) -> Vec<Desired> {
    make_with(gateway, ports, parameters, &references(&[]), settings)
}

fn make_with(
    gateway: &Gateway,
    ports: &[u16],
    parameters: &str,
    references: &BTreeSet<ObjectRef>,
    settings: &Settings,
) -> Vec<Desired> {
    let parameters = parameters_of(parameters);
    let ports = ports.iter().copied().collect();
    desired(&Request { gateway, ports, parameters: &parameters, references }, settings)
}

fn of(objects: &[Desired], resource: Resource) -> &Value {
    let mut found = objects.iter().filter(|object| object.resource == resource);
    let only = found.next().unwrap_or_else(|| panic!("there is no {}", resource.kind));
    assert!(found.next().is_none(), "there is more than one {}", resource.kind);
    &only.manifest
}

fn container(objects: &[Desired]) -> &Value {
    &of(objects, resource::DEPLOYMENT)["spec"]["template"]["spec"]["containers"][0]
}

fn render(objects: &[Desired]) -> String {
    let texts = objects.iter().map(|object| serde_json::to_string_pretty(&object.manifest).unwrap());
    texts.collect::<Vec<_>>().join("\n---\n")
}

macro_rules! golden {
    ($name:literal, $text:expr) => {
        insta::with_settings!({ snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

#[test]
fn the_objects_of_a_gateway_with_defaults() {
    golden!("provision_defaults", render(&make(&gateway(json!({})), &[80, 443], DEFAULTS, &settings())));
}

#[test]
fn the_objects_of_a_gateway_with_everything() {
    let infrastructure = json!({
        "labels": {"team": "blue", "gateway.networking.k8s.io/gateway-name": "other"},
        "annotations": {"example.com/team": "blue", "gateway.postern.dev/controller": "other"},
    });
    let addresses = json!([{"type": "IPAddress"}, {"value": "192.0.2.7"}, {"value": "192.0.2.8"}]);
    let gateway = gateway(json!({"infrastructure": infrastructure, "addresses": addresses}));
    let references = references(&[
        (Kind::Secret, "infra", "web-tls"),
        (Kind::ConfigMap, "infra", "company-ca"),
        (Kind::ConfigMap, "shop", "ca"),
        (Kind::Secret, "shop", "b"),
        (Kind::Secret, "shop", "a"),
        (Kind::ConfigMap, "other", "ca"),
        (Kind::Service, "third", "backend"),
    ]);
    let settings = Settings { experimental: true, allow_external_name_services: true, ..settings() };
    golden!("provision_everything", render(&make_with(&gateway, &[8080], EVERYTHING, &references, &settings)));
}

/// Every scalar of a value, by its JSON pointer.
fn leaves(value: &Value, pointer: &str) -> Vec<String> {
    let step = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| leaves(value, &step(key))).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| leaves(item, &step(&index.to_string()))).collect()
        }
        _ => vec![pointer.to_owned()],
    }
}

#[test]
fn whatever_is_edited_is_drift() {
    let references = references(&[(Kind::Secret, "shop", "a")]);
    for Desired { manifest, .. } in make_with(&gateway(json!({})), &[80, 443], EVERYTHING, &references, &settings()) {
        let mut served = manifest.clone();
        served["status"] = json!({"replicas": 1});
        assert!(drift::holds(&served, &manifest));
        for pointer in
            leaves(&manifest, "").iter().filter(|pointer| !["/apiVersion", "/kind"].contains(&pointer.as_str()))
        {
            for edited in [json!("edited"), Value::Null] {
                let mut live = manifest.clone();
                *live.pointer_mut(pointer).unwrap() = edited;
                assert!(!drift::holds(&live, &manifest), "{pointer}");
            }
        }
    }
}

#[test]
fn a_gateway_class() {
    golden!("provision_gateway_class", render(&[gateway_class("postern", &settings())]));
}

#[test]
fn a_change_of_ports_changes_the_service_alone() {
    let [before, after] =
        [&[80][..], &[80, 8443]].map(|ports| make(&gateway(json!({})), ports, EVERYTHING, &settings()));
    let changed: Vec<_> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .map(|(before, _)| before.resource)
        .collect();
    assert_eq!((before.len(), changed), (after.len(), vec![resource::SERVICE]));
}

#[test]
fn permissions_come_before_the_pods_that_need_them() {
    let references = references(&[(Kind::Secret, "shop", "a")]);
    let objects = make_with(&gateway(json!({})), &[80], EVERYTHING, &references, &settings());
    let place = |resource| objects.iter().rposition(|object| object.resource == resource).unwrap();
    for permission in [
        resource::SERVICE_ACCOUNT,
        resource::ROLE,
        resource::ROLE_BINDING,
        resource::CLUSTER_ROLE_BINDING,
        resource::LEASE,
    ] {
        assert!(place(permission) < place(resource::DEPLOYMENT), "{}", permission.kind);
    }
}

#[test]
fn without_a_port_nothing_serves() {
    let objects = make(&gateway(json!({})), &[], EVERYTHING, &settings());
    for absent in
        [resource::SERVICE, resource::DEPLOYMENT, resource::POD_DISRUPTION_BUDGET, resource::HORIZONTAL_POD_AUTOSCALER]
    {
        assert!(objects.iter().all(|object| object.resource != absent), "{}", absent.kind);
    }
    of(&objects, resource::SERVICE_ACCOUNT);
}

#[test]
fn what_proxies_may_read_depends_on_neither_parameters_nor_ports() {
    let references = references(&[(Kind::Secret, "shop", "a"), (Kind::ConfigMap, "infra", "ca")]);
    let (gateway, settings) = (gateway(json!({})), settings());
    let access_with = |parameters: &str, ports: &[u16]| {
        let (parameters, ports) = (parameters_of(parameters), ports.iter().copied().collect());
        access(&Request { gateway: &gateway, ports, parameters: &parameters, references: &references }, &settings)
    };
    let kinds = [resource::SERVICE_ACCOUNT, resource::ROLE, resource::ROLE_BINDING, resource::CLUSTER_ROLE_BINDING];
    let mut of_desired = make_with(&gateway, &[80], EVERYTHING, &references, &settings);
    of_desired.retain(|object| kinds.contains(&object.resource));
    assert_eq!(of_desired.len(), 6, "at home, in shop, and in the cluster");
    assert_eq!(access_with(EVERYTHING, &[80]), of_desired);
    assert_eq!(access_with(DEFAULTS, &[]), of_desired);
}

#[test]
fn nobody_else_says_what_is_ours_to_say() {
    let hostile = json!({"gateway.postern.dev/applied": "0d9c/9", "example.com/applied": "x"});
    let gateway = gateway(json!({"infrastructure": {"labels": hostile, "annotations": hostile}}));
    let text = format!("{{podLabels: {hostile}, podAnnotations: {hostile}, service: {{labels: {hostile}}}}}");
    let objects = make(&gateway, &[80], &text, &settings());
    let pods = &of(&objects, resource::DEPLOYMENT)["spec"]["template"]["metadata"];
    for metadata in objects.iter().map(|object| &object.manifest["metadata"]).chain([pods]) {
        for words in ["labels", "annotations"] {
            assert!(metadata[words].get("gateway.postern.dev/applied").is_none(), "{metadata}");
            assert_eq!(metadata[words]["example.com/applied"], "x", "{metadata}");
        }
    }
}

#[test]
fn a_role_never_names_nothing() {
    let objects = make(&gateway(json!({})), &[80], DEFAULTS, &settings());
    let rules = of(&objects, resource::ROLE)["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "the Lease's");
    assert!(rules.iter().all(|rule| !rule["resourceNames"].as_array().unwrap().is_empty()));
}

#[test]
fn without_the_cluster_role_nothing_is_bound_to_it() {
    let references = references(&[(Kind::Secret, "shop", "a")]);
    let settings = Settings { owner: None, ..settings() };
    let objects = make_with(&gateway(json!({})), &[80], DEFAULTS, &references, &settings);
    assert!(objects.iter().all(|object| object.resource != resource::CLUSTER_ROLE_BINDING));
    let abroad: Vec<_> = objects.iter().filter(|object| object.namespace == "shop").collect();
    assert_eq!(abroad.len(), 2);
    assert!(abroad.iter().all(|object| object.manifest["metadata"].get("ownerReferences").is_none()));
}

#[test]
fn an_autoscaler_owns_the_replicas() {
    let fixed = make(&gateway(json!({})), &[80], "replicas: 3", &settings());
    assert_eq!(of(&fixed, resource::DEPLOYMENT)["spec"]["replicas"], 3);
    let scaled = make(&gateway(json!({})), &[80], "horizontalPodAutoscaler: {maxReplicas: 9}", &settings());
    assert!(of(&scaled, resource::DEPLOYMENT)["spec"].get("replicas").is_none());
    assert_eq!(of(&scaled, resource::HORIZONTAL_POD_AUTOSCALER)["spec"]["maxReplicas"], 9);
}

#[test]
fn only_a_load_balancer_is_asked_for_an_address() {
    let asking = gateway(json!({"addresses": [{"value": "192.0.2.7"}]}));
    for (kind, address) in [("LoadBalancer", json!("192.0.2.7")), ("NodePort", Value::Null), ("ClusterIP", Value::Null)]
    {
        let parameters = format!("service: {{type: {kind}, externalTrafficPolicy: Local, loadBalancerClass: x}}");
        let objects = make(&asking, &[80], &parameters, &settings());
        let spec = &of(&objects, resource::SERVICE)["spec"];
        assert_eq!((&spec["type"], &spec["loadBalancerIP"]), (&json!(kind), &address));
        assert_eq!(spec.get("loadBalancerClass").is_some(), kind == "LoadBalancer", "{kind}");
        assert_eq!(spec.get("externalTrafficPolicy").is_some(), kind != "ClusterIP", "{kind}");
        assert!(spec.get("externalIPs").is_none());
    }
}

#[test]
fn the_image_is_of_this_version_where_no_tag_is_set() {
    let objects = make(&gateway(json!({})), &[80], DEFAULTS, &settings());
    assert_eq!(container(&objects)["image"], "ghcr.io/postern-gateway/postern:0.1.0");
}

#[test]
fn a_new_version_alone_restarts_no_pod_of_a_fixed_image() {
    let other = Settings { version: "0.2.0".into(), ..settings() };
    let [one, other] = [settings(), other].map(|settings| {
        let objects = make(&gateway(json!({})), &[80], "image: {tag: '1'}", &settings);
        of(&objects, resource::DEPLOYMENT)["spec"].clone()
    });
    assert_eq!(one, other);
}

#[test]
fn the_pods_are_found_whatever_is_asked_of_labels() {
    let hostile = json!({
        "app.kubernetes.io/name": "other", "gateway.networking.k8s.io/gateway-name": "other",
        "app.kubernetes.io/managed-by": "other",
    });
    let gateway = gateway(json!({"infrastructure": {"labels": hostile}}));
    let objects = make(&gateway, &[80], "podLabels: {app.kubernetes.io/name: other}", &settings());
    let deployment = &of(&objects, resource::DEPLOYMENT)["spec"];
    let labels = &deployment["template"]["metadata"]["labels"];
    for selector in [&deployment["selector"]["matchLabels"], &of(&objects, resource::SERVICE)["spec"]["selector"]] {
        assert!(selector.as_object().unwrap().iter().all(|(key, value)| &labels[key] == value), "{selector} {labels}");
    }
    assert!(objects.iter().all(|object| object.manifest["metadata"]["labels"][names::MANAGED_BY] == names::POSTERN));
}

#[test]
fn the_guides_gateway_keeps_its_name() {
    let mut gateway = gateway(json!({}));
    gateway.metadata.name = "agentgateway-proxy".into();
    let objects = make(&gateway, &[80], DEFAULTS, &settings());
    for resource in [resource::DEPLOYMENT, resource::SERVICE, resource::SERVICE_ACCOUNT, resource::LEASE] {
        assert_eq!(of(&objects, resource)["metadata"]["name"], "agentgateway-proxy");
    }
    assert_eq!(of(&objects, resource::CLUSTER_ROLE_BINDING)["metadata"]["name"], "postern:infra:agentgateway-proxy");
}

#[test]
fn a_long_name_fits_wherever_it_is_put() {
    let mut gateway = gateway(json!({"gatewayClassName": "c".repeat(253)}));
    gateway.metadata.name = "1.".repeat(100) + "x";
    let references = references(&[(Kind::Secret, "shop", "a")]);
    let objects = make_with(&gateway, &[80], EVERYTHING, &references, &settings());
    for object in &objects {
        let labels = object.manifest["metadata"]["labels"].as_object().unwrap();
        assert!(labels.values().all(|value| value.as_str().unwrap().len() <= 63), "{labels:?}");
        assert!(object.resource == resource::CLUSTER_ROLE_BINDING || object.name.len() <= 63, "{}", object.name);
    }
    let asked = format!("infra/{}", gateway.metadata.name);
    assert!(
        container(&objects)["args"].as_array().unwrap().contains(&asked.into()),
        "the proxy is told the whole name"
    );
}
