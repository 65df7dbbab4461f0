//! Objects that we once made and that nobody wants any more. What a Gateway owns goes with it by the API server's garbage
//! collection; this is for what it cannot own, for what its parameters asked for once, and for Gateways that are no longer
//! ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Desired, Resource, names, resource};
use crate::resources::NamespacedName;

/// What the Gateways of ours want to have.
#[derive(Debug, Default)]
pub struct Wanted {
    gateways: BTreeMap<String, Standing>,
}

#[derive(Debug)]
enum Standing {
    /// These objects; `serves` is whether those are among them that depend on a port and on parameters.
    Told { objects: BTreeSet<(Resource, String, String)>, serves: bool },
    /// What it wants cannot be told: everything stays.
    Unclear,
}

impl Wanted {
    /// A Gateway of ours, and all that [`super::desired`] made of it.
    pub fn provision(&mut self, gateway: &NamespacedName, desired: &[Desired]) {
        let serves = desired.iter().any(|object| object.resource == resource::DEPLOYMENT);
        self.tell(gateway, desired, serves);
    }

    /// A Gateway of ours whose objects are to stay as they are, because its parameters cannot be read: all but what it may
    /// read in other namespaces, which is what [`super::access`] says. A slip of its own is to hold up no one's revocation.
    pub fn leave(&mut self, gateway: &NamespacedName, access: &[Desired]) {
        self.tell(gateway, access, false);
    }

    fn tell(&mut self, gateway: &NamespacedName, objects: &[Desired], serves: bool) {
        let objects =
            objects.iter().map(|object| (object.resource, object.namespace.clone(), object.name.clone())).collect();
        self.gateways.insert(gateway.to_string(), Standing::Told { objects, serves });
    }

    /// A Gateway of which nobody can tell what it wants, since it cannot be read, or its class is not known: everything stays.
    pub fn leave_all(&mut self, gateway: &NamespacedName) {
        self.gateways.insert(gateway.to_string(), Standing::Unclear);
    }

    /// Only what a Gateway may have or not have goes while it is there. The rest is always wanted; that it is missing from a
    /// list (without a port there is no Deployment) is no reason to end what serves.
    fn keeps(&self, gateway: &str, resource: Resource, namespace: &str, name: &str) -> bool {
        match self.gateways.get(gateway) {
            None => false,
            Some(Standing::Unclear) => true,
            Some(Standing::Told { objects, serves }) => {
                let at_home = gateway.split_once('/').is_some_and(|(home, _)| home == namespace);
                let may_go = match resource {
                    resource::ROLE | resource::ROLE_BINDING => !at_home,
                    resource::POD_DISRUPTION_BUDGET | resource::HORIZONTAL_POD_AUTOSCALER => *serves,
                    _ => false,
                };
                !may_go || objects.contains(&(resource, namespace.to_owned(), name.to_owned()))
            }
        }
    }
}

/// An object that is to be deleted, if it is still the one that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// What kind of object.
    pub resource: Resource,
    /// Empty for a cluster-scoped one.
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.resourceVersion`
    pub resource_version: String,
}

/// Those of the live objects that the controller of this name made for a Gateway and that nobody wants. What is being deleted
/// already is left out.
pub fn orphans<'a>(
    live: impl IntoIterator<Item = (Resource, &'a Value)>,
    controller: &str,
    wanted: &Wanted,
) -> Vec<Orphan> {
    live.into_iter()
        .filter_map(|(resource, object)| {
            let metadata = object.get("metadata")?;
            let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default();
            let gateway = gateway_of(object, controller)?;
            let (namespace, name) = (text("namespace"), text("name"));
            if metadata.get("deletionTimestamp").is_some() || wanted.keeps(gateway, resource, namespace, name) {
                return None;
            }
            Some(Orphan {
                resource,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                uid: text("uid").to_owned(),
                resource_version: text("resourceVersion").to_owned(),
            })
        })
        .collect()
}

/// Whether a live object is somebody else's, so that it must not be taken over by applying a manifest of the same name: it
/// has neither the annotations nor the controlling owner that the manifest gives it. What serves no Gateway (a GatewayClass,
/// the election's Lease) has the name that the operator gave it, and is never foreign.
pub fn is_foreign(live: &Value, manifest: &Value) -> bool {
    fn of<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
        object.pointer("/metadata/annotations")?.get(name)
    }
    // The ClusterRole of the proxies, which controls nothing, owns objects of all Gateways: it says nothing of whose they are.
    fn controller(object: &Value) -> Option<&Value> {
        let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
        owners.iter().find(|owner| owner["controller"] == true)?.get("uid")
    }
    let is_marked = [names::CONTROLLER, names::GATEWAY].iter().all(|name| of(live, name) == of(manifest, name));
    let is_owned = controller(manifest).is_some() && controller(live) == controller(manifest);
    of(manifest, names::GATEWAY).is_some() && !is_marked && !is_owned
}

/// `NAMESPACE/NAME` of the Gateway that the controller made an object for.
pub fn gateway_of<'a>(live: &'a Value, controller: &str) -> Option<&'a str> {
    let metadata = live.get("metadata")?;
    let annotation = |name: &str| metadata.get("annotations")?.get(name)?.as_str();
    let is_ours = metadata.get("labels")?.get(names::MANAGED_BY)?.as_str() == Some(names::POSTERN)
        && annotation(names::CONTROLLER) == Some(controller);
    is_ours.then(|| annotation(names::GATEWAY)).flatten()
}

#[cfg(test)]
mod tests;
