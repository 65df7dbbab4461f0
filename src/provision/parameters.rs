//! What can be set of the proxies of a Gateway: the value `proxy` of the chart, overlaid by the ConfigMap that
//! `spec.infrastructure.parametersRef` names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub mod overlay;

pub use overlay::read;

/// The key of the ConfigMap under which the parameters are, as YAML.
pub const KEY: &str = "values.yaml";

/// Parameters of the proxies of a Gateway. The names are those of the chart's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Parameters {
    /// The image of the proxies.
    pub image: Image,
    /// `imagePullSecrets` of the pods.
    pub image_pull_secrets: Vec<Value>,
    /// Pods, where there is no autoscaler.
    pub replicas: u32,
    /// `resources` of the container.
    pub resources: Map<String, Value>,
    /// Of the pods.
    pub node_selector: BTreeMap<String, String>,
    /// Of the pods.
    pub tolerations: Vec<Value>,
    /// Of the pods.
    pub affinity: Map<String, Value>,
    /// Of the pods.
    pub topology_spread_constraints: Vec<Value>,
    /// Of the pods; empty: none.
    pub priority_class_name: String,
    /// Of the pods, beside those of `spec.infrastructure`.
    pub pod_annotations: BTreeMap<String, String>,
    /// Of the pods, beside those of `spec.infrastructure`.
    pub pod_labels: BTreeMap<String, String>,
    /// Laid over the pods' restricted `securityContext`.
    pub pod_security_context: Map<String, Value>,
    /// Laid over the container's restricted `securityContext`.
    pub security_context: Map<String, Value>,
    /// Environment of the container: string, number or boolean.
    pub extra_env: BTreeMap<String, Value>,
    /// Further arguments of `postern proxy`.
    pub extra_args: Vec<String>,
    /// `RUST_LOG` of the container.
    pub log_level: String,
    /// `text` or `json`
    pub log_format: String,
    /// The Service in front of the pods.
    pub service: ServiceParameters,
    /// `minAvailable` or `maxUnavailable`; empty: no PodDisruptionBudget.
    pub pod_disruption_budget: Map<String, Value>,
    /// `None`: no HorizontalPodAutoscaler.
    #[serde(deserialize_with = "absent_if_empty")]
    pub horizontal_pod_autoscaler: Option<Autoscaler>,
    /// From not ready to no longer accepting, in seconds.
    pub drain_delay_seconds: u32,
    /// What requests get to end, in seconds.
    pub drain_timeout_seconds: u32,
    /// What takes the place of the `System` roots.
    #[serde(rename = "systemCABundle")]
    pub system_ca_bundle: CaBundle,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Image {
    /// Empty: none before the repository.
    pub registry: String,
    /// `repository`
    pub repository: String,
    /// Empty: the version of this program.
    pub tag: String,
    /// `Always`, `IfNotPresent` or `Never`
    pub pull_policy: String,
}

/// The Service of a Gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServiceParameters {
    /// `LoadBalancer`, `NodePort` or `ClusterIP`
    #[serde(rename = "type")]
    pub kind: String,
    /// Beside those of `spec.infrastructure`.
    pub annotations: BTreeMap<String, String>,
    /// Beside those of `spec.infrastructure`.
    pub labels: BTreeMap<String, String>,
    /// Empty: Kubernetes' default.
    pub external_traffic_policy: String,
    /// Empty: the cluster's default.
    pub load_balancer_class: String,
    /// Empty: everybody.
    pub load_balancer_source_ranges: Vec<String>,
}

/// A HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Autoscaler {
    /// At least this many pods.
    pub min_replicas: u32,
    /// At the most this many pods.
    pub max_replicas: u32,
    /// Of the requested CPU, in percent.
    #[serde(rename = "targetCPUUtilizationPercentage")]
    pub target_cpu_utilization_percentage: u32,
}

/// A ConfigMap of CA certificates in the namespace of the Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CaBundle {
    /// Its name; empty: the roots of the system.
    pub config_map: String,
    /// The key in it.
    pub key: String,
}

impl Default for Parameters {
    fn default() -> Self {
        let requests: Map<String, Value> = [("cpu", "100m"), ("memory", "128Mi")]
            .into_iter()
            .map(|(name, quantity)| (name.to_owned(), quantity.into()))
            .collect();
        Self {
            image: Image::default(),
            image_pull_secrets: Vec::new(),
            replicas: 1,
            resources: [("requests".to_owned(), Value::Object(requests))].into_iter().collect(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            affinity: Map::new(),
            topology_spread_constraints: Vec::new(),
            priority_class_name: String::new(),
            pod_annotations: BTreeMap::new(),
            pod_labels: BTreeMap::new(),
            pod_security_context: Map::new(),
            security_context: Map::new(),
            extra_env: BTreeMap::new(),
            extra_args: Vec::new(),
            log_level: "info".into(),
            log_format: "json".into(),
            service: ServiceParameters::default(),
            pod_disruption_budget: Map::new(),
            horizontal_pod_autoscaler: None,
            drain_delay_seconds: 5,
            drain_timeout_seconds: 30,
            system_ca_bundle: CaBundle::default(),
        }
    }
}

impl Default for Image {
    fn default() -> Self {
        Self {
            registry: "ghcr.io".into(),
            repository: "postern-gateway/postern".into(),
            tag: String::new(),
            pull_policy: "IfNotPresent".into(),
        }
    }
}

impl Default for ServiceParameters {
    fn default() -> Self {
        Self {
            kind: "LoadBalancer".into(),
            annotations: BTreeMap::new(),
            labels: BTreeMap::new(),
            external_traffic_policy: String::new(),
            load_balancer_class: String::new(),
            load_balancer_source_ranges: Vec::new(),
        }
    }
}

impl Default for Autoscaler {
    fn default() -> Self {
        Self { min_replicas: 1, max_replicas: 5, target_cpu_utilization_percentage: 80 }
    }
}

impl Default for CaBundle {
    fn default() -> Self {
        Self { config_map: String::new(), key: "ca.crt".into() }
    }
}

fn absent_if_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Autoscaler>, D::Error> {
    let value = Option::<Map<String, Value>>::deserialize(deserializer)?;
    match value {
        Some(map) if !map.is_empty() => {
            serde_json::from_value(Value::Object(map)).map(Some).map_err(serde::de::Error::custom)
        }
        _ => Ok(None),
    }
}
