//! Gateway to the Kubernetes objects that serve it: ServiceAccount, RBAC, Service, Deployment and Lease.
//!
//! Pure: no IO, no clock. It must not know routes, nor who applies what it makes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::resources::{Gateway, ObjectRef};
use manifest::Blueprint;
use parameters::Parameters;

mod deployment;
pub mod drift;
mod election;
mod gateway_class;
mod manifest;
pub mod names;
pub mod observed;
pub mod orphans;
pub mod parameters;
mod pod;
mod rbac;
pub mod resource;
mod scaling;
mod service;

#[cfg(test)]
mod tests;

pub use election::election;
pub use gateway_class::gateway_class;
pub use resource::Resource;

/// The field manager of everything that is applied.
pub const FIELD_MANAGER: &str = "postern-controller";

/// What is the same for all Gateways.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `spec.controllerName` of our GatewayClasses.
    pub controller_name: String,
    /// Of this program: the image's tag where none is set.
    pub version: String,
    /// The ClusterRole of the proxies. `None`: it was not found, so the binding to it is left out, and what it would own has
    /// no owner.
    pub owner: Option<ClusterOwner>,
    /// Whether proxies read the experimental channel of the Gateway API.
    pub experimental: bool,
    /// Whether proxies dial what ExternalName Services name.
    pub allow_external_name_services: bool,
}

/// The ClusterRole of the proxies: bound for each Gateway, and owner of what no Gateway can own, so that it goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOwner {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
}

/// A Gateway that is to be served.
#[derive(Debug)]
pub struct Request<'a> {
    /// As written.
    pub gateway: &'a Gateway,
    /// Of the listeners that are served.
    pub ports: BTreeSet<u16>,
    /// Of its proxies.
    pub parameters: &'a Parameters,
    /// The Secrets and ConfigMaps that its configuration names, in any namespace, what stands for the system's roots among
    /// them; other kinds are ignored.
    pub references: &'a BTreeSet<ObjectRef>,
}

/// An object as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// What kind of object.
    pub resource: Resource,
    /// Empty for a cluster-scoped one.
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
    /// The whole object, for server-side apply: only fields that are ours.
    pub manifest: Value,
}

/// Those of the [`desired`] objects that say what its proxies may read. They depend on neither parameters nor ports.
pub fn access(request: &Request<'_>, settings: &Settings) -> Vec<Desired> {
    rbac::objects(&Blueprint::new(request, settings))
}

/// The objects that serve a Gateway, in the order in which they should be applied.
///
/// A Gateway without a port has no Service and no Deployment here, and nothing that depends on them: a Service needs a port,
/// and proxies that serve nothing now may serve again in a moment. What exists of them stays as it is ([`orphans`]).
pub fn desired(request: &Request<'_>, settings: &Settings) -> Vec<Desired> {
    let blueprint = Blueprint::new(request, settings);
    let mut objects = access(request, settings);
    objects.push(blueprint.local(resource::LEASE, Value::Null));
    if !request.ports.is_empty() {
        objects.push(service::service(&blueprint));
        objects.push(deployment::deployment(&blueprint));
        objects.extend(scaling::disruption_budget(&blueprint));
        objects.extend(scaling::autoscaler(&blueprint));
    }
    objects
}
