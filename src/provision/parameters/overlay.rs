//! Parameters from what the operator has set for all Gateways, and what a Gateway's ConfigMap lays over it.
//!
//! Maps are merged, lists and scalars replaced, `null` takes away what was set. An error names the key at fault and says what
//! would mend it.

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::Parameters;
use crate::resources::document;
use crate::resources::ingest::drop_nulls;

#[cfg(test)]
mod tests;

/// What only the operator sets: who may write a Gateway and a ConfigMap is not to choose what runs in the cluster, with which
/// rights, before whom, or with which of the operator's limits off.
const OF_THE_OPERATOR: [&str; 8] = [
    "extraArgs",
    "extraEnv",
    "image",
    "imagePullSecrets",
    "podSecurityContext",
    "priorityClassName",
    "securityContext",
    "tolerations",
];

const SYSTEM_CA_BUNDLE: &str = "systemCABundle";

/// Maps in which `null` takes away a default of ours, so it has to stay until that is known.
const OVER_OUR_DEFAULTS: [&str; 2] = ["podSecurityContext", "securityContext"];

/// What the operator has set.
pub fn read(defaults: &Value) -> Result<Parameters, String> {
    checked(defaults.clone())
}

impl Parameters {
    /// These with a Gateway's YAML laid over them. The error names the key at fault.
    pub fn overlay(&self, text: &str) -> Result<Self, String> {
        let maps = maps(text)?;
        if let Some(key) = maps.iter().flat_map(Map::keys).find(|key| OF_THE_OPERATOR.contains(&key.as_str())) {
            return Err(format!("{key}: only the operator sets it (the value proxy.{key} of the chart)"));
        }
        self.under(maps)
    }

    /// These with nothing but `systemCABundle` of a Gateway's YAML laid over them. All other keys are left unread, so that what
    /// is wrong with them is wrong with nothing else.
    pub fn overlay_bundle(&self, text: &str) -> Result<Self, String> {
        let mut maps = maps(text)?;
        for map in &mut maps {
            map.retain(|key, _| key == SYSTEM_CA_BUNDLE);
        }
        self.under(maps)
    }

    fn under(&self, maps: Vec<Map<String, Value>>) -> Result<Self, String> {
        let mut value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for map in maps {
            merge(&mut value, Value::Object(map));
        }
        let parameters = checked(value)?;
        let names_one = |parameters: &Self| !parameters.system_ca_bundle.config_map.is_empty();
        if names_one(self) && !names_one(&parameters) {
            let problem = "is empty, and would bring the system's roots back; name a ConfigMap, or leave the key away";
            return Err(format!("{SYSTEM_CA_BUNDLE}.configMap: {problem}"));
        }
        Ok(parameters)
    }
}

/// What was written, by document.
fn maps(text: &str) -> Result<Vec<Map<String, Value>>, String> {
    let documents = document::read(text).map_err(|error| {
        if error.remedy.is_empty() { error.to_string() } else { format!("{error}; {}", error.remedy) }
    })?;
    let map = |document: document::Document| match document.value {
        Value::Object(map) => Ok(map),
        _ => Err(format!("line {}: not a map; write parameters as `key: value`", document.lines.line())),
    };
    documents.into_iter().map(map).collect()
}

/// Lays one value over another.
pub(in crate::provision) fn merge(value: &mut Value, over: Value) {
    match (value, over) {
        (Value::Object(map), Value::Object(over)) => {
            for (key, over) in over {
                merge(map.entry(key).or_insert(Value::Null), over);
            }
        }
        (value, over) => *value = over,
    }
}

fn checked(mut value: Value) -> Result<Parameters, String> {
    if value.is_null() {
        value = json!({});
    }
    if let Value::Object(map) = &mut value {
        map.retain(|_, value| !value.is_null());
        map.iter_mut()
            .filter(|(key, _)| !OVER_OUR_DEFAULTS.contains(&key.as_str()))
            .for_each(|(_, value)| drop_nulls(value));
    }
    let parameters = Parameters::deserialize(&value).map_err(|error| fault(&value, error))?;
    parameters.check().map_err(|(key, problem)| format!("{key}: {problem}"))?;
    Ok(parameters)
}

/// Names the key for which a value is no Parameters: every key may be left out, so the one at fault is refused alone as well.
fn fault(value: &Value, mut error: serde_json::Error) -> String {
    let mut path: Vec<&str> = Vec::new();
    let mut here = value;
    'deeper: while let Some(map) = here.as_object() {
        for (key, below) in map {
            path.push(key);
            if let Err(found) = Parameters::deserialize(alone(&path, below)) {
                (here, error) = (below, found);
                continue 'deeper;
            }
            path.pop();
        }
        break;
    }
    if path.is_empty() { error.to_string() } else { format!("{}: {error}", path.join(".")) }
}

fn alone(path: &[&str], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |value, key| Value::Object(Map::from_iter([((*key).to_owned(), value)])))
}

/// A key and what is wrong with it.
type Fault = (String, String);

impl Parameters {
    /// What no type says. What remains is for the API server to refuse.
    fn check(&self) -> Result<(), Fault> {
        let fault = |key: &str, problem: &str| Err((key.to_owned(), problem.to_owned()));
        for (key, value, allowed) in [
            ("image.pullPolicy", &self.image.pull_policy, &["Always", "IfNotPresent", "Never"][..]),
            ("logFormat", &self.log_format, &["text", "json"]),
            ("service.type", &self.service.kind, &["LoadBalancer", "NodePort", "ClusterIP"]),
            ("service.externalTrafficPolicy", &self.service.external_traffic_policy, &["Cluster", "Local", ""]),
        ] {
            if !allowed.contains(&value.as_str()) {
                return fault(key, &format!("{value:?} is not known; use one of {}", allowed.join(", ")));
            }
        }
        if self.image.repository.is_empty() {
            return fault("image.repository", "is empty; name an image, or leave the key away");
        }
        if self.system_ca_bundle.key.is_empty() {
            return fault("systemCABundle.key", "is empty; name a key of the ConfigMap, or leave it away for ca.crt");
        }
        if let Some((name, value)) = self.extra_env.iter().find(|(_, value)| value.is_object() || value.is_array()) {
            return fault(&format!("extraEnv.{name}"), &format!("{value} is no string, number or boolean; quote it"));
        }
        for (key, seconds) in
            [("drainDelaySeconds", self.drain_delay_seconds), ("drainTimeoutSeconds", self.drain_timeout_seconds)]
        {
            const DAY: u32 = 24 * 60 * 60;
            if seconds > DAY {
                return fault(key, &format!("{seconds} is longer than a day; use at most {DAY}"));
            }
        }
        self.check_scaling()
    }

    fn check_scaling(&self) -> Result<(), Fault> {
        let budget = &self.pod_disruption_budget;
        let known = ["minAvailable", "maxUnavailable"];
        if let Some(unknown) = budget.keys().find(|key| !known.contains(&key.as_str())) {
            let problem = format!("unknown field, expected {}", known.join(" or "));
            return Err((format!("podDisruptionBudget.{unknown}"), problem));
        }
        if budget.len() > 1 {
            let problem = "minAvailable and maxUnavailable exclude each other; set one of them to null";
            return Err(("podDisruptionBudget".to_owned(), problem.to_owned()));
        }
        let Some(autoscaler) = &self.horizontal_pod_autoscaler else { return Ok(()) };
        let key = |name: &str| format!("horizontalPodAutoscaler.{name}");
        if autoscaler.min_replicas == 0 {
            Err((key("minReplicas"), "has to be at least 1".to_owned()))
        } else if autoscaler.max_replicas < autoscaler.min_replicas {
            let problem = format!("is {}, less than minReplicas {}", autoscaler.max_replicas, autoscaler.min_replicas);
            Err((key("maxReplicas"), format!("{problem}; raise it")))
        } else if autoscaler.target_cpu_utilization_percentage == 0 {
            Err((key("targetCPUUtilizationPercentage"), "has to be at least 1".to_owned()))
        } else {
            Ok(())
        }
    }
}
