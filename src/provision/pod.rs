//! The pods of the proxies of a Gateway: one container that runs `postern proxy`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::manifest::Blueprint;
use super::parameters::{Parameters, overlay};
use crate::resources::ingest::drop_nulls;

/// Where a proxy says whether it is ready.
const READINESS_PORT: u16 = 15_021;
/// The user of the image.
const USER: u32 = 65_532;
/// From the end of a drain until the kubelet loses its patience, in seconds.
const MARGIN_SECONDS: u32 = 10;

pub(super) fn spec(blueprint: &Blueprint<'_>) -> Value {
    let parameters = blueprint.request.parameters;
    let grace = parameters.drain_delay_seconds + parameters.drain_timeout_seconds + MARGIN_SECONDS;
    let mut spec = Map::new();
    spec.insert("serviceAccountName".into(), blueprint.name.as_str().into());
    spec.insert("automountServiceAccountToken".into(), true.into());
    spec.insert("enableServiceLinks".into(), false.into());
    spec.insert("terminationGracePeriodSeconds".into(), grace.into());
    spec.insert("securityContext".into(), overlaid(pod_security(), &parameters.pod_security_context));
    spec.insert("containers".into(), json!([container(blueprint)]));
    put(&mut spec, "imagePullSecrets", &parameters.image_pull_secrets);
    put(&mut spec, "nodeSelector", &parameters.node_selector);
    put(&mut spec, "tolerations", &parameters.tolerations);
    put(&mut spec, "affinity", &parameters.affinity);
    put(&mut spec, "priorityClassName", &parameters.priority_class_name);
    spec.insert("topologySpreadConstraints".into(), spread(blueprint));
    Value::Object(spec)
}

/// A field, unless it is empty.
fn put(spec: &mut Map<String, Value>, field: &str, value: impl Serialize) {
    let value = json!(value);
    if value != json!([]) && value != json!({}) && value != json!("") {
        spec.insert(field.to_owned(), value);
    }
}

/// Over the nodes where that is possible, if nothing else is asked for. A constraint that counts no pods counts those of the
/// Gateway: what is set for all Gateways cannot name one.
fn spread(blueprint: &Blueprint<'_>) -> Value {
    let mut constraints = blueprint.request.parameters.topology_spread_constraints.clone();
    if constraints.is_empty() {
        let softly = "ScheduleAnyway";
        constraints.push(json!({ "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": softly }));
    }
    for constraint in constraints.iter_mut().filter_map(Value::as_object_mut) {
        constraint.entry("labelSelector").or_insert_with(|| json!({ "matchLabels": blueprint.selector() }));
    }
    Value::Array(constraints)
}

fn container(blueprint: &Blueprint<'_>) -> Value {
    let parameters = blueprint.request.parameters;
    let mut container = json!({
        "name": "postern",
        "image": image(blueprint),
        "imagePullPolicy": parameters.image.pull_policy,
        "args": arguments(blueprint),
        "env": environment(blueprint),
        "securityContext": overlaid(container_security(), &parameters.security_context),
        // A proxy that finds no API server waits for it, not ready: a restart would not bring it nearer.
        "startupProbe": { "httpGet": probe("live"), "periodSeconds": 1, "failureThreshold": 60 },
        "readinessProbe": { "httpGet": probe("ready"), "periodSeconds": 2, "timeoutSeconds": 2 },
        "livenessProbe": { "httpGet": probe("live"), "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6 },
    });
    if !parameters.resources.is_empty() {
        container["resources"] = json!(parameters.resources);
    }
    container
}

fn probe(of: &str) -> Value {
    json!({ "path": format!("/healthz/{of}"), "port": READINESS_PORT })
}

fn image(blueprint: &Blueprint<'_>) -> String {
    let image = &blueprint.request.parameters.image;
    let registry = if image.registry.is_empty() { String::new() } else { format!("{}/", image.registry) };
    let tag = if image.tag.is_empty() { &blueprint.settings.version } else { &image.tag };
    format!("{registry}{}:{tag}", image.repository)
}

fn arguments(blueprint: &Blueprint<'_>) -> Vec<String> {
    let Parameters { drain_delay_seconds, drain_timeout_seconds, system_ca_bundle, extra_args, .. } =
        blueprint.request.parameters;
    let mut arguments = vec!["proxy".to_owned()];
    for (option, value) in [
        ("--gateway", blueprint.key.to_string()),
        ("--controller-name", blueprint.settings.controller_name.clone()),
        ("--drain-delay", drain_delay_seconds.to_string()),
        ("--drain-timeout", drain_timeout_seconds.to_string()),
    ] {
        arguments.extend([option.to_owned(), value]);
    }
    if !system_ca_bundle.config_map.is_empty() {
        arguments.extend(["--system-ca-bundle-config-map".to_owned(), system_ca_bundle.config_map.clone()]);
        arguments.extend(["--system-ca-bundle-key".to_owned(), system_ca_bundle.key.clone()]);
    }
    if blueprint.settings.allow_external_name_services {
        arguments.push("--allow-external-name-services".to_owned());
    }
    arguments.extend(extra_args.iter().cloned());
    arguments
}

/// `extraEnv` replaces what it names, but not what the pod is.
fn environment(blueprint: &Blueprint<'_>) -> Vec<Value> {
    let parameters = blueprint.request.parameters;
    let mut set = vec![("RUST_LOG", parameters.log_level.clone()), ("LOG_FORMAT", parameters.log_format.clone())];
    if blueprint.settings.experimental {
        set.push(("KGW_ENABLE_GATEWAY_API_EXPERIMENTAL_FEATURES", "true".to_owned()));
    }
    for (name, value) in &parameters.extra_env {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match set.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => set.push((name, value)),
        }
    }
    let pod = [("POD_NAME", "metadata.name"), ("POD_NAMESPACE", "metadata.namespace"), ("POD_IPS", "status.podIPs")];
    let set = set.into_iter().filter(|(name, _)| !pod.iter().any(|(ours, _)| ours == name));
    let downward = |(name, field)| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": field } } });
    let plain = set.map(|(name, value)| json!({ "name": name, "value": value }));
    pod.map(downward).into_iter().chain(plain).collect()
}

fn pod_security() -> Value {
    json!({
        "runAsNonRoot": true,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": { "type": "RuntimeDefault" },
        "sysctls": [{ "name": "net.ipv4.ip_unprivileged_port_start", "value": "0" }],
    })
}

fn container_security() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    })
}

/// Restricted defaults with what the parameters say; `null` takes a default away.
fn overlaid(defaults: Value, parameters: &Map<String, Value>) -> Value {
    let mut value = defaults;
    overlay::merge(&mut value, Value::Object(parameters.clone()));
    drop_nulls(&mut value);
    value
}
