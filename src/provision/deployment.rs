//! The Deployment of the proxies of a Gateway. Nothing in it depends on the Gateway's listeners: a change of a pod template
//! restarts the pods.

use serde_json::json;

use super::manifest::Blueprint;
use super::{Desired, pod, resource};

/// The Deployment. A pod goes only when another one is ready.
pub(super) fn deployment(blueprint: &Blueprint<'_>) -> Desired {
    let parameters = blueprint.request.parameters;
    let mut spec = json!({
        "selector": { "matchLabels": blueprint.selector() },
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
        "template": {
            "metadata": { "labels": blueprint.pod_labels() },
            "spec": pod::spec(blueprint),
        },
    });
    let annotations = blueprint.pod_annotations();
    if !annotations.is_empty() {
        spec["template"]["metadata"]["annotations"] = json!(annotations);
    }
    // An autoscaler owns the number of replicas.
    if parameters.horizontal_pod_autoscaler.is_none() {
        spec["replicas"] = parameters.replicas.into();
    }
    blueprint.local(resource::DEPLOYMENT, json!({ "spec": spec }))
}
