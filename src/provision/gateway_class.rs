//! The GatewayClasses that the controller makes.

use serde_json::json;

use super::manifest::{common_labels, desired, owned_by_cluster_role};
use super::{Desired, Settings, names, resource};

/// A GatewayClass of ours. It goes with the ClusterRole of the proxies.
pub fn gateway_class(name: &str, settings: &Settings) -> Desired {
    let mut metadata = json!({
        "name": name,
        "labels": common_labels(settings),
        "annotations": { names::CONTROLLER: settings.controller_name },
    });
    owned_by_cluster_role(&mut metadata, settings.owner.as_ref());
    let description = "Postern: a gateway that originates TLS to its backends";
    let spec = json!({ "controllerName": settings.controller_name, "description": description });
    desired(resource::GATEWAY_CLASS, metadata, json!({ "spec": spec }))
}
