//! The Lease that decides which replica of the controller writes. Its holder is the election's concern; here it gets what lets it go with the
//! ClusterRole of the proxies.

use serde_json::{Value, json};

use super::manifest::{common_labels, desired, owned_by_cluster_role};
use super::{Desired, Settings, names, resource};
use crate::resources::NamespacedName;

/// The Lease, but for its `spec`.
pub fn election(lease: &NamespacedName, settings: &Settings) -> Desired {
    let mut metadata = json!({
        "namespace": &*lease.namespace,
        "name": &*lease.name,
        "labels": common_labels(settings),
        "annotations": { names::CONTROLLER: settings.controller_name },
    });
    owned_by_cluster_role(&mut metadata, settings.owner.as_ref());
    desired(resource::LEASE, metadata, Value::Null)
}
