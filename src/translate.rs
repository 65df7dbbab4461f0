//! Snapshot to Plan and Verdicts: a pure function, the same for the controller, the proxies, the file mode and
//! `postern check`. No IO, no clock (the time is passed in), no locks.
//!
//! In phases: Gateways and their listeners are judged; routes are read and attached; what they name is resolved, with the
//! policies over it; then the rules are made, and everything gets its status.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use postern_actors::plan::identity::SystemRoots;
use postern_actors::plan::{EndpointSource, Endpoints, Plan};

use crate::provision::parameters::Parameters;
use crate::resources::{NamespacedName, ObjectRef, Snapshot};
use crate::status::Verdicts;

mod absence;
mod allowed_routes;
pub(crate) mod backend_tls_policy;
pub(crate) mod backends;
pub(crate) mod certificates;
pub(crate) mod client_certificate;
pub mod endpoints;
mod expiry;
mod findings;
mod gateway;
mod gateway_class;
pub(crate) mod grants;
mod hostname;
mod http_route;
mod listener;
pub(crate) mod options;
pub(crate) mod pem;
mod routing;
mod secret_ref;
mod system_roots;
mod unattached;
mod work;

use backends::{BackendUse, OfGateways, ResolvedBackends};
use findings::Findings;
use gateway::Gateways;
use gateway_class::Classes;
use grants::Grants;
use http_route::RouteDraft;
use http_route::attachment::{self, Parent};
use http_route::verdict::{self, Resolutions};
use routing::Routing;
pub(crate) use unattached::unattached;

/// What a translation depends on besides the objects.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `spec.controllerName` of our GatewayClasses.
    pub controller_name: String,
    /// Classes that are ours even without a GatewayClass object (file mode).
    pub class_names: Vec<String>,
    /// What `wellKnownCACertificates: System` stands for, or why it cannot be used.
    pub system_roots: Result<Arc<SystemRoots>, String>,
    /// All Gateways listen on one machine's addresses (file mode): of two Gateways that claim a port the older gets it.
    pub shared_address: bool,
    /// Whether a backendRef may lead to a Service of type ExternalName.
    pub external_name_services: bool,
    /// Whether fields of the Gateway API's experimental channel are read.
    pub experimental: bool,
    /// What proxies are provisioned with, over which `spec.infrastructure.parametersRef` is laid; `None` where nothing is
    /// provisioned (file mode), and a parametersRef is refused.
    pub parameters: Option<Parameters>,
    /// Plan, endpoints and findings are those of this Gateway alone; everything is judged over the whole Snapshot all the
    /// same, so that a proxy and the controller agree.
    pub gateway: Option<NamespacedName>,
    /// A backend that counts as one that a route leads to, and is planned, whether that is so or not.
    pub(crate) also_used: Option<BackendUse>,
}

impl Settings {
    /// For objects out of files: everything on one machine, and nobody else's objects among them.
    pub fn of_files(
        controller_name: impl Into<String>,
        class_names: impl IntoIterator<Item = impl Into<String>>,
        system_roots: Result<Arc<SystemRoots>, String>,
    ) -> Self {
        Self {
            controller_name: controller_name.into(),
            class_names: class_names.into_iter().map(Into::into).collect(),
            system_roots,
            shared_address: true,
            external_name_services: true,
            experimental: true,
            parameters: None,
            gateway: None,
            also_used: None,
        }
    }

    /// Whether Secrets and ConfigMaps take part to which no Gateway's configuration refers: in a cluster nobody reads them.
    fn reads_everything(&self) -> bool {
        self.parameters.is_none()
    }

    /// Whether the plan holds what this Gateway serves.
    pub(crate) fn plans(&self, gateway: &NamespacedName) -> bool {
        self.gateway.as_ref().is_none_or(|only| only == gateway)
    }
}

/// What a translation yields.
#[derive(Debug)]
pub struct Translation {
    /// What the proxies do.
    pub plan: Plan,
    /// The endpoints of every Service port of the plan.
    pub endpoints: Endpoints,
    /// What is said of it.
    pub verdicts: Verdicts,
    /// What the proxies of each Gateway of ours need.
    pub gateways: BTreeMap<NamespacedName, Provision>,
    /// The Secrets and ConfigMaps that the configuration of each Gateway of ours names and may name, whether they exist or
    /// not. Nothing else of these two kinds takes part in a translation.
    pub references: BTreeMap<NamespacedName, BTreeSet<ObjectRef>>,
}

/// What the proxies of a Gateway need.
#[derive(Debug, Clone, PartialEq)]
pub struct Provision {
    /// Those of the settings, or those that `spec.infrastructure.parametersRef` makes of them. Where it cannot be used, the
    /// Gateway is not accepted, and these are those of the settings.
    pub parameters: Parameters,
    /// The ports with at least one listener that can be served; none, where the Gateway cannot be.
    pub ports: BTreeSet<u16>,
    /// Whether the condition `Accepted` of the Gateway holds.
    pub accepted: bool,
}

/// Translates. Its cost is proportional to the input.
pub fn translate(snapshot: &Snapshot, settings: &Settings, now: jiff::Timestamp) -> Translation {
    let mut findings = Findings::default();
    let grants = Grants::index(snapshot);
    let classes = Classes::judge(snapshot, settings, &mut findings);
    let mut gateways = Gateways::judge(snapshot, settings, &grants, &classes, now, &mut findings);

    let routes = http_route::draft_all(snapshot, settings, &grants);
    let parents: Vec<Vec<Parent<'_>>> =
        routes.iter().map(|route| attachment::attach(route, &gateways, snapshot, &mut findings)).collect();
    for (route, parents) in routes.iter().zip(&parents) {
        count_attached(route, parents, &mut gateways);
    }

    let (mut used, named) = uses(&routes, &parents, &gateways);
    let of_ours = |usage: &&BackendUse| gateways.drafts.iter().any(|gateway| gateway.key == usage.gateway);
    let also_used = settings.also_used.as_ref().filter(of_ours);
    used.extend(also_used.cloned());
    let of_gateways = OfGateways { clients: &gateways.clients, bundles: &gateways.bundles };
    let resolved = backends::resolve(snapshot, settings, now, &used, of_gateways);
    let unattached = if named.is_empty() {
        ResolvedBackends::default()
    } else {
        backends::resolve(snapshot, settings, now, &named, of_gateways)
    };

    let resolutions = Resolutions { attached: &resolved, unattached: &unattached };
    let mut routing = Routing::new(&gateways);
    let mut http_routes = BTreeMap::new();
    for (route, parents) in routes.iter().zip(&parents).filter(|(_, parents)| !parents.is_empty()) {
        routing.add(route, parents, &gateways, &resolved);
        let verdict = verdict::verdict(route, parents, &gateways, resolutions, &mut findings);
        http_routes.insert(route.key.clone(), verdict);
    }
    findings.extend(resolved.findings);

    let (ports, mut backends) = routing.into_plan(&gateways);
    if let Some(Ok(backend)) = also_used.and_then(|usage| resolved.backends.get(usage)) {
        backends.insert(backend.id.clone(), Arc::clone(backend));
    }
    let plan = Plan { ports, backends, authorities: resolved.authorities };
    let endpoints = endpoints_of(&plan, snapshot);
    if settings.reads_everything() {
        endpoints::slips::report(snapshot, &endpoints, &mut findings);
    }
    let references = gateways.references(resolved.references);
    let verdicts = Verdicts {
        gateways: gateways.verdicts(),
        gateway_classes: classes.verdicts,
        http_routes,
        backend_tls_policies: resolved.policies,
        findings: findings.into_vec(),
    };
    Translation { plan, endpoints, verdicts, gateways: gateways.provisions(), references }
}

/// "The AttachedRoutes number represents the number of Routes with the Accepted condition set to "True" that have been
/// attached to this Listener." (ListenerStatus.attachedRoutes)
fn count_attached(route: &RouteDraft<'_>, parents: &[Parent<'_>], gateways: &mut Gateways<'_>) {
    if route.has_valid_rule() {
        for (gateway, listeners) in routing::attached(parents) {
            for listener in listeners {
                gateways.drafts[gateway].listeners[listener].attached_routes += 1;
            }
        }
    }
}

/// What the backendRefs of attached routes name (also where nothing is there), and what only those of routes name that are
/// not attached: those get a status as well, but a policy has no ancestor by them.
fn uses(
    routes: &[RouteDraft<'_>],
    parents: &[Vec<Parent<'_>>],
    gateways: &Gateways<'_>,
) -> (BTreeSet<BackendUse>, BTreeSet<BackendUse>) {
    let mut used = BTreeSet::new();
    let mut named = BTreeSet::new();
    for (route, parents) in routes.iter().zip(parents) {
        for parent in parents {
            let gateway = &gateways.drafts[parent.gateway].key;
            let uses = if parent.outcome.is_ok() { &mut used } else { &mut named };
            let targets =
                route.rules.iter().flat_map(|rule| &rule.refs).filter_map(|reference| reference.target.as_ref().ok());
            for target in targets {
                work::steps(1);
                uses.insert(BackendUse { gateway: gateway.clone(), target: target.clone() });
            }
        }
    }
    named.retain(|usage| !used.contains(usage));
    (used, named)
}

/// The endpoints of the plan's Service ports.
fn endpoints_of(plan: &Plan, snapshot: &Snapshot) -> Endpoints {
    let ports: BTreeSet<_> = plan
        .backends
        .values()
        .filter_map(|backend| match &backend.endpoints {
            EndpointSource::Service(port) => Some(port.clone()),
            EndpointSource::Host { .. } => None,
        })
        .collect();
    endpoints::endpoints(snapshot, ports)
}

#[cfg(test)]
mod tests;
