//! The objects that the controller has made, and two that it needs to know: the ClusterRole that owns what no Gateway can
//! own, and the CRD that says which version of the Gateway API is installed.

use std::collections::BTreeMap;

use postern_actors::supervisor::kubernetes::resource::{Resource, Scope, Target};
use postern_actors::supervisor::kubernetes::watch::{Event, Watched};
use serde_json::Value;

use super::state::name_of;
use crate::provision::ClusterOwner;
use crate::provision::resource::{LEASE, PROVISIONED};
use crate::resources::NamespacedName;
use crate::resources::snapshot::GatewayApi;

const CLUSTER_ROLES: Resource =
    Resource { group: "rbac.authorization.k8s.io", versions: &["v1"], kind: "ClusterRole", plural: "clusterroles" };
const CRDS: Resource = Resource {
    group: "apiextensions.k8s.io",
    versions: &["v1"],
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
};
/// The CRD whose annotations tell the version of the Gateway API.
const GATEWAY_CLASSES: &str = "gatewayclasses.gateway.networking.k8s.io";
/// What every object that we make is labelled with.
const OURS: &str = "app.kubernetes.io/managed-by=postern";

/// What a telling comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing that matters.
    None,
    /// An object is another one.
    Some,
    /// The version of the Gateway API is another one.
    GatewayApi,
}

/// What was told of them.
#[derive(Debug)]
pub(super) struct Owned {
    cluster_role: Target,
    crd: Target,
    owner: Option<ClusterOwner>,
    objects: BTreeMap<Resource, BTreeMap<NamespacedName, Value>>,
    /// What has never been told, and why where that is known.
    unknown: BTreeMap<Target, Option<String>>,
    /// There was an owner.
    had_owner: bool,
}

impl Owned {
    /// Nothing is known yet.
    pub(super) fn new(cluster_role: &str) -> Self {
        Self {
            cluster_role: cluster_role_target(cluster_role),
            crd: crd_target(),
            owner: None,
            objects: BTreeMap::new(),
            unknown: Self::targets(cluster_role).into_iter().map(|target| (target, None)).collect(),
            had_owner: false,
        }
    }

    /// What is watched.
    pub(super) fn targets(cluster_role: &str) -> Vec<Target> {
        PROVISIONED
            .iter()
            .map(|resource| Target { resource: *resource, scope: Scope::Labelled(OURS) })
            .chain([cluster_role_target(cluster_role), crd_target()])
            .collect()
    }

    /// Whether a watch is one of these.
    pub(super) fn is_told_by(&self, target: &Target) -> bool {
        matches!(target.scope, Scope::Labelled(_)) || *target == self.cluster_role || *target == self.crd
    }

    /// What has to be told yet, a line each.
    pub(super) fn waits_for(&self) -> Vec<String> {
        let line = |(target, cause): (&Target, &Option<String>)| match cause {
            Some(cause) => format!("{target} cannot be listed: {cause}"),
            None => format!("{target} is not listed yet"),
        };
        self.unknown.iter().map(line).collect()
    }

    /// Takes over what a watch told.
    pub(super) fn take(&mut self, watched: Watched, gateway_api: &mut Option<GatewayApi>) -> News {
        let Watched { target, event } = watched;
        match &event {
            Event::Unavailable(cause) if matches!(target.scope, Scope::Labelled(_)) => {
                self.unknown.entry(target.clone()).and_modify(|known| *known = Some(cause.clone()));
            }
            // What may not be read of the two others is done without.
            _ => drop(self.unknown.remove(&target)),
        }
        if target == self.crd {
            let now = latest(&event).map(version);
            if matches!(event, Event::Unavailable(_)) || *gateway_api == now {
                return News::Some;
            }
            *gateway_api = now;
            return News::GatewayApi;
        }
        if target == self.cluster_role {
            if !matches!(event, Event::Unavailable(_)) {
                self.owner = latest(&event).and_then(owner);
                self.had_owner |= self.owner.is_some();
            }
            return News::Some;
        }
        let objects = self.objects.entry(target.resource).or_default();
        match event {
            Event::Listed(listed) => {
                *objects = listed.into_iter().filter_map(|object| Some((name_of(&object)?, object))).collect();
            }
            Event::Applied(object) => {
                let Some(name) = name_of(&object) else { return News::None };
                let renewed = objects.get(&name).is_some_and(|before| is_renewal(&target.resource, before, &object));
                objects.insert(name, object);
                if renewed {
                    return News::None;
                }
            }
            Event::Deleted(object) => {
                name_of(&object).map(|name| objects.remove(&name));
            }
            Event::Absent => objects.clear(),
            Event::Unavailable(_) => {}
        }
        News::Some
    }

    /// One object.
    pub(super) fn get(&self, resource: Resource, name: &NamespacedName) -> Option<&Value> {
        self.objects.get(&resource)?.get(name)
    }

    /// All objects.
    pub(super) fn all(&self) -> impl Iterator<Item = (Resource, &Value)> {
        self.objects.iter().flat_map(|(resource, objects)| objects.values().map(|object| (*resource, object)))
    }

    /// The ClusterRole of the proxies was there, and is gone: so is what is installed.
    pub(super) fn is_uninstalled(&self) -> bool {
        self.had_owner && self.owner.is_none()
    }

    /// The ClusterRole of the proxies, if it is there.
    pub(super) fn cluster_owner(&self) -> Option<ClusterOwner> {
        self.owner.clone()
    }
}

/// Whether only the holder of a Lease has said that it is alive.
fn is_renewal(resource: &Resource, before: &Value, now: &Value) -> bool {
    let same = |field: &str| before["metadata"][field] == now["metadata"][field];
    *resource == LEASE && ["labels", "annotations", "ownerReferences"].into_iter().all(same)
}

fn cluster_role_target(name: &str) -> Target {
    Target::named(CLUSTER_ROLES, None, name)
}

fn crd_target() -> Target {
    Target::named(CRDS, None, GATEWAY_CLASSES)
}

/// The object of a watch of one object, as of an event.
fn latest(event: &Event) -> Option<&Value> {
    match event {
        Event::Listed(objects) => objects.first(),
        Event::Applied(object) => Some(object),
        Event::Deleted(_) | Event::Absent | Event::Unavailable(_) => None,
    }
}

fn version(crd: &Value) -> GatewayApi {
    let annotation = |name: &str| Some(crd["metadata"]["annotations"].get(name)?.as_str()?.to_owned());
    GatewayApi {
        bundle_version: annotation("gateway.networking.k8s.io/bundle-version").unwrap_or_default(),
        channel: annotation("gateway.networking.k8s.io/channel").unwrap_or_default(),
    }
}

fn owner(cluster_role: &Value) -> Option<ClusterOwner> {
    let text = |field: &str| Some(cluster_role["metadata"].get(field)?.as_str()?.to_owned());
    Some(ClusterOwner { name: text("name")?, uid: text("uid")? })
}
