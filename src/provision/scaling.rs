//! How many proxies there are: PodDisruptionBudget and HorizontalPodAutoscaler, where the parameters ask for them.

use serde_json::{Value, json};

use super::manifest::Blueprint;
use super::{Desired, resource};

pub(super) fn disruption_budget(blueprint: &Blueprint<'_>) -> Option<Desired> {
    let asked = &blueprint.request.parameters.pod_disruption_budget;
    let mut spec = Value::Object(asked.clone());
    spec["selector"] = json!({ "matchLabels": blueprint.selector() });
    (!asked.is_empty()).then(|| blueprint.local(resource::POD_DISRUPTION_BUDGET, json!({ "spec": spec })))
}

pub(super) fn autoscaler(blueprint: &Blueprint<'_>) -> Option<Desired> {
    let asked = blueprint.request.parameters.horizontal_pod_autoscaler.as_ref()?;
    let target = json!({ "type": "Utilization", "averageUtilization": asked.target_cpu_utilization_percentage });
    let spec = json!({
        "scaleTargetRef": {
            "apiVersion": resource::DEPLOYMENT.api_version(),
            "kind": resource::DEPLOYMENT.kind,
            "name": blueprint.name,
        },
        "minReplicas": asked.min_replicas,
        "maxReplicas": asked.max_replicas,
        "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": target } }],
    });
    Some(blueprint.local(resource::HORIZONTAL_POD_AUTOSCALER, json!({ "spec": spec })))
}
