//! What is to be written, given what the cluster holds and what it should hold: objects, statuses, and deletions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use postern_actors::supervisor::kubernetes::writer::{Action, Write};
use serde_json::Value;

use super::controller::{ControllerSettings, Failures};
use super::kinds;
use super::owned::Owned;
use super::refusal;
use super::statuses::Statuses;
use crate::provision::observed::Observed;
use crate::provision::orphans::{self, Wanted};
use crate::provision::{self, Desired, drift};
use crate::resources::{Gateway, Kind, NamespacedName, ObjectRef, Snapshot};
use crate::status::{RouteVerdict, Verdicts, kubernetes, patch, reason};
use crate::translate::Provision;

/// All that it depends on.
pub(super) struct World<'a> {
    pub(super) settings: &'a ControllerSettings,
    pub(super) snapshot: &'a Snapshot,
    pub(super) refused: &'a BTreeMap<ObjectRef, String>,
    pub(super) verdicts: &'a Verdicts,
    pub(super) gateways: &'a BTreeMap<NamespacedName, Provision>,
    pub(super) references: &'a BTreeMap<NamespacedName, BTreeSet<ObjectRef>>,
    pub(super) statuses: &'a Statuses,
    pub(super) owned: &'a Owned,
    pub(super) failures: &'a Failures,
    pub(super) now: Timestamp,
}

/// The object of a write.
pub(super) fn object(write: &Write) -> (&'static str, NamespacedName) {
    (write.resource.kind, NamespacedName::new(write.namespace.clone().unwrap_or_default(), write.name.clone()))
}

/// Everything that is to be written: what depends on one another in one group.
pub(super) fn all(world: &World<'_>) -> Vec<Vec<Write>> {
    let mut groups: Vec<Vec<Write>> = classes(world).chain(election(world)).map(|write| vec![write]).collect();
    let mut wanted = Wanted::default();
    for (name, provision) in world.gateways {
        let Some(gateway) = world.snapshot.gateways.get(name) else { continue };
        if gateway.metadata.deletion_timestamp.is_some() {
            wanted.leave_all(name);
            continue;
        }
        let request = request(world, name, gateway, provision);
        let objects = if provision.accepted {
            let desired = provision::desired(&request, &world.settings.provisioning);
            wanted.provision(name, &desired);
            desired
        } else {
            // What its proxies may read is decided by references and grants alone. Proxies that there never were need nothing.
            let access = provision::access(&request, &world.settings.provisioning);
            wanted.leave(name, &access);
            if is_provisioned(world, name) { access } else { Vec::new() }
        };
        groups.push(objects.into_iter().filter_map(|object| apply(world, name, object)).collect());
    }
    leave_what_is_not_seen(world, &mut wanted);
    // Only what still has to be written has failed.
    let asked: BTreeSet<_> = groups.iter().flatten().map(object).collect();
    let failed = |gateway: &NamespacedName| {
        let gateway = gateway.to_string();
        world
            .failures
            .iter()
            .find(|(object, (cause, _))| **cause == *gateway && asked.contains(object))
            .map(|(_, (_, error))| error.clone())
    };
    groups.extend(deletions(world, &wanted).map(|write| vec![write]));
    groups.extend(statuses(world, &failed).map(|write| vec![write]));
    groups.retain(|group| !group.is_empty());
    groups
}

/// Whether the proxies of a Gateway have a Deployment.
fn is_provisioned(world: &World<'_>, name: &NamespacedName) -> bool {
    let local = provision::names::object_name(&name.name);
    let deployment = NamespacedName::new(name.namespace.clone(), local.as_str());
    world.owned.get(provision::resource::DEPLOYMENT, &deployment).is_some()
}

/// Whom we cannot judge for now, we do not end: a Gateway whose class is not there, and one that cannot be read.
fn leave_what_is_not_seen(world: &World<'_>, wanted: &mut Wanted) {
    let known = |class: &str| world.snapshot.gateway_classes.contains_key(&NamespacedName::new("", class));
    for (name, gateway) in &world.snapshot.gateways {
        if !world.gateways.contains_key(name) && !known(&gateway.spec.gateway_class_name) {
            wanted.leave_all(name);
        }
    }
    for object in world.refused.keys().filter(|object| object.kind == Kind::Gateway) {
        wanted.leave_all(&object.name);
    }
}

fn request<'a>(
    world: &'a World<'_>,
    name: &NamespacedName,
    gateway: &'a Gateway,
    provision: &'a Provision,
) -> provision::Request<'a> {
    const NONE: &BTreeSet<ObjectRef> = &BTreeSet::new();
    provision::Request {
        gateway,
        ports: provision.ports.clone(),
        parameters: &provision.parameters,
        references: world.references.get(name).unwrap_or(NONE),
    }
}

/// An object that is not there, or not as it should be.
fn apply(world: &World<'_>, gateway: &NamespacedName, mut desired: Desired) -> Option<Write> {
    let live = world.owned.get(desired.resource, &key(&desired));
    if let Some(live) = live {
        drift::keep_replicas(&mut desired.manifest, live);
        if drift::holds(live, &desired.manifest) {
            return None;
        }
    }
    // One that is labelled as ours, and another Gateway's, is looked at as one that nobody told of.
    let live = live.filter(|live| !orphans::is_foreign(live, &desired.manifest));
    Some(Write { cause: Some(Arc::from(gateway.to_string())), ..write_of(desired, live) })
}

fn write_of(desired: Desired, live: Option<&Value>) -> Write {
    Write {
        resource: desired.resource,
        namespace: namespace(&desired.namespace),
        name: Arc::from(desired.name),
        action: Action::Apply(desired.manifest),
        based_on: live.map(version).unwrap_or_default(),
        cause: None,
    }
}

fn key(desired: &Desired) -> NamespacedName {
    NamespacedName::new(desired.namespace.as_str(), desired.name.as_str())
}

fn classes<'a>(world: &'a World<'_>) -> impl Iterator<Item = Write> + 'a {
    let classes = world.settings.classes.iter().filter(|_| !world.owned.is_uninstalled());
    classes.filter_map(|name| {
        let desired = provision::gateway_class(name, &world.settings.provisioning);
        let live = world.statuses.get(Kind::GatewayClass, &key(&desired));
        match live {
            Some(live) if live["spec"]["controllerName"] != desired.manifest["spec"]["controllerName"] => {
                tracing::warn!(class = name, "the GatewayClass is another controller's, and left alone");
                None
            }
            Some(live) if drift::holds(live, &desired.manifest) => None,
            live => Some(write_of(desired, live)),
        }
    })
}

/// The Lease of the election, which whoever leads first makes bare, goes with what is installed.
fn election(world: &World<'_>) -> Option<Write> {
    if world.owned.is_uninstalled() {
        return None;
    }
    let desired = provision::election(&world.settings.election, &world.settings.provisioning);
    let live = world.owned.get(desired.resource, &key(&desired));
    let holds = live.is_some_and(|live| drift::holds(live, &desired.manifest));
    (!holds).then(|| write_of(desired, live))
}

fn deletions<'a>(world: &'a World<'_>, wanted: &'a Wanted) -> impl Iterator<Item = Write> + 'a {
    let controller = &world.settings.translation.controller_name;
    // Where Gateways cannot be seen at all, garbage collection knows better.
    let sees = world.statuses.serves(Kind::Gateway) && world.statuses.serves(Kind::GatewayClass);
    let live = world.owned.all().filter(move |_| sees);
    orphans::orphans(live, controller, wanted).into_iter().map(|orphan| Write {
        resource: orphan.resource,
        namespace: namespace(&orphan.namespace),
        name: Arc::from(orphan.name),
        action: Action::Delete { uid: orphan.uid },
        based_on: String::new(),
        cause: None,
    })
}

fn statuses<'a>(
    world: &'a World<'_>,
    failed: &'a dyn Fn(&NamespacedName) -> Option<String>,
) -> impl Iterator<Item = Write> + 'a {
    Statuses::KINDS.into_iter().flat_map(move |kind| {
        world.statuses.of(kind).filter_map(move |(name, live)| {
            let patch = status(world, failed, kind, name, live)?;
            Some(Write {
                resource: kinds::resource(kind),
                namespace: namespace(&name.namespace),
                name: name.name.clone(),
                action: Action::Status(patch),
                based_on: version(live),
                cause: None,
            })
        })
    })
}

/// The patch that gives an object the status it should have.
fn status(
    world: &World<'_>,
    failed: &dyn Fn(&NamespacedName) -> Option<String>,
    kind: Kind,
    name: &NamespacedName,
    live: &Value,
) -> Option<Value> {
    let controller = &*world.settings.translation.controller_name;
    let verdicts = world.verdicts;
    let refused = world.refused.get(&ObjectRef { kind, name: name.clone() });
    match kind {
        Kind::GatewayClass => {
            patch::gateway_class(&kubernetes::gateway_class(verdicts.gateway_classes.get(name)?), live, world.now)
        }
        Kind::Gateway => {
            let mut verdict = verdicts.gateways.get(name)?.clone();
            let gateway = world.snapshot.gateways.get(name)?;
            if let Some(why) = refused {
                refusal::earlier(&mut verdict.conditions, reason::INVALID, live, why);
            }
            provision::observed::overlay(&mut verdict, gateway, &observed(world, name, failed(name)));
            patch::gateway(&kubernetes::gateway(&verdict), live, world.now)
        }
        Kind::HttpRoute => {
            let none = RouteVerdict::default();
            let refused =
                refused.map(|why| refusal::route(name, live, why, |gateway| verdicts.gateways.contains_key(gateway)));
            let verdict = refused.as_ref().or(verdicts.http_routes.get(name)).unwrap_or(&none);
            patch::route(&kubernetes::route(verdict, controller), live, controller, world.now)
        }
        Kind::BackendTlsPolicy => {
            let mut verdict = verdicts.backend_tls_policies.get(name).cloned().unwrap_or_default();
            if let Some(why) = refused {
                for ancestor in &mut verdict.ancestors {
                    refusal::earlier(&mut ancestor.conditions, reason::INVALID, live, why);
                }
            }
            patch::policy(&kubernetes::policy(&verdict, controller), live, controller, world.now)
        }
        _ => None,
    }
}

/// What the live objects say of a Gateway.
fn observed(world: &World<'_>, name: &NamespacedName, failure: Option<String>) -> Observed {
    let local = provision::names::object_name(&name.name);
    let live = |resource| world.owned.get(resource, &NamespacedName::new(name.namespace.clone(), local.as_str()));
    let failure = failure.or_else(|| {
        let role = &world.settings.proxy_cluster_role;
        let missing = world.settings.provisioning.owner.is_none();
        missing.then(|| format!("ClusterRole {role}, which proxies need, does not exist or may not be read"))
    });
    Observed::read(
        live(provision::resource::LEASE),
        live(provision::resource::SERVICE),
        live(provision::resource::DEPLOYMENT),
        failure,
    )
}

fn namespace(namespace: &str) -> Option<Arc<str>> {
    (!namespace.is_empty()).then(|| Arc::from(namespace))
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}
