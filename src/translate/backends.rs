//! Backends: from what a backendRef names, as one Gateway uses it, to what the plan forwards to.
//!
//! It must not know routes: it is told the uses. Nor the insides of a BackendTLSPolicy: it asks how a port is spoken to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use postern_actors::outcome::Reason;
use postern_actors::plan::{AuthorityExpiry, Backend, BackendId, EndpointSource, Poison, ServicePort, Tls};

use super::Settings;
use super::backend_tls_policy::{Policies, TargetKey, UsedBy};
use super::client_certificate::ClientCertificateState;
use super::endpoints::tcp_port;
use super::system_roots::Bundles;
use crate::resources::{NamespacedName, ObjectRef, Service, Snapshot, service};
use crate::status::{Finding, PolicyVerdict, reason};

/// `spec.type` of a Service that stands for a name in the DNS.
const EXTERNAL_NAME: &str = "ExternalName";

/// The kinds that a backendRef can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum BackendKind {
    /// core
    Service,
    /// agentgateway.dev
    AgentgatewayBackend,
}

impl BackendKind {
    /// The kind as manifests write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::AgentgatewayBackend => "AgentgatewayBackend",
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a backendRef names, whether it exists or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BackendTarget {
    /// The kind.
    pub(crate) kind: BackendKind,
    /// The object.
    pub(crate) name: NamespacedName,
    /// `port` of the backendRef.
    pub(crate) port: Option<u16>,
}

/// A target as one Gateway uses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BackendUse {
    /// The Gateway to which a route with the backendRef is attached.
    pub(crate) gateway: NamespacedName,
    /// What the backendRef names.
    pub(crate) target: BackendTarget,
}

/// Why a target cannot be had at all.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BackendProblem {
    /// For the route's `ResolvedRefs`: `BackendNotFound`, `UnsupportedProtocol` or `InvalidKind`.
    pub(crate) route_reason: &'static str,
    /// Names the object, the cause and the remedy.
    pub(crate) message: String,
    /// What the reference's share of the requests gets.
    pub(crate) poison: Poison,
}

/// What became of every use.
#[derive(Debug, Default)]
pub(crate) struct ResolvedBackends {
    /// One entry for each use. A backend whose policy cannot be used is `Ok` with [`Tls::Poisoned`].
    pub(crate) backends: BTreeMap<BackendUse, Result<Arc<Backend>, BackendProblem>>,
    /// Policies with at least one ancestor of ours.
    pub(crate) policies: BTreeMap<NamespacedName, PolicyVerdict>,
    /// What a user should know, in a fixed order.
    pub(crate) findings: Vec<Finding>,
    /// When the anchors end.
    pub(crate) authorities: Vec<AuthorityExpiry>,
    /// The Secrets and ConfigMaps that the policies of each Gateway name.
    pub(crate) references: BTreeMap<NamespacedName, BTreeSet<ObjectRef>>,
}

/// What the Gateways bring to TLS with their backends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfGateways<'a> {
    /// What each presents; one without an entry presents nothing.
    pub(crate) clients: &'a BTreeMap<NamespacedName, ClientCertificateState>,
    /// What each puts in the place of the system's roots; one without an entry takes those of the settings.
    pub(crate) bundles: &'a Bundles,
}

/// Resolves every use.
pub(crate) fn resolve(
    snapshot: &Snapshot,
    settings: &Settings,
    now: Timestamp,
    uses: &BTreeSet<BackendUse>,
    of_gateways: OfGateways<'_>,
) -> ResolvedBackends {
    let mut used_by = UsedBy::new();
    for BackendUse { gateway, target } in uses {
        used_by.entry(key(target)).or_default().insert(gateway.clone());
    }
    let mut policies = Policies::judge(snapshot, settings, now, &used_by, of_gateways);
    let mut known: BTreeMap<BackendId, Arc<Backend>> = BTreeMap::new();
    let mut backends = BTreeMap::new();
    for usage in uses {
        let outcome = Place::find(snapshot, settings, &usage.target).and_then(|place| {
            let id = place.id(&usage.gateway, &usage.target);
            if let Some(backend) = known.get(&id) {
                return Ok(Arc::clone(backend));
            }
            let tls = policies.tls(&usage.gateway, &key(&usage.target), &place.port_name);
            if tls == Tls::Plaintext {
                place.must_not_need_tls(&usage.target)?;
            }
            let near_miss = policies.near_miss(&key(&usage.target)).filter(|_| tls == Tls::Plaintext).cloned();
            let backend = Arc::new(Backend { id: id.clone(), endpoints: place.source, tls, near_miss });
            known.insert(id, Arc::clone(&backend));
            Ok(backend)
        });
        backends.insert(usage.clone(), outcome);
    }
    ResolvedBackends {
        backends,
        policies: policies.verdicts,
        findings: policies.findings,
        authorities: policies.authorities,
        references: policies.references,
    }
}

fn key(target: &BackendTarget) -> TargetKey {
    TargetKey { kind: target.kind, name: target.name.clone() }
}

/// Where a target that exists is.
struct Place {
    source: EndpointSource,
    port: u16,
    /// The Service port's name, or empty.
    port_name: String,
    app_protocol: Option<String>,
}

impl Place {
    fn find(snapshot: &Snapshot, settings: &Settings, target: &BackendTarget) -> Result<Self, BackendProblem> {
        match target.kind {
            BackendKind::Service => match snapshot.services.get(&target.name) {
                Some(service) if service.spec.kind == EXTERNAL_NAME && !settings.external_name_services => {
                    Err(external_name(&target.name))
                }
                Some(service) => Self::of_service(service, target),
                None => Err(not_found(format!("Service {} does not exist", target.name))),
            },
            BackendKind::AgentgatewayBackend => Self::of_static(snapshot, target),
        }
    }

    fn of_service(service: &Service, target: &BackendTarget) -> Result<Self, BackendProblem> {
        let name = &target.name;
        let Some(number) = target.port else {
            return Err(not_found(format!("a backendRef to Service {name} needs a port; {}", port_list(service))));
        };
        let external = service.spec.kind == EXTERNAL_NAME;
        let declared = tcp_port(&service.spec.ports, number);
        let (port_name, app_protocol) = match declared {
            Some(port) => (port.name.clone(), port.app_protocol.clone()),
            // An ExternalName Service need not list ports; one that does is held to its list.
            None if external && service.spec.ports.is_empty() => (String::new(), None),
            None => {
                let other = service.spec.ports.iter().find(|port| port.port == number);
                return Err(match other {
                    Some(port) => unsupported(format!(
                        "port {number} of Service {name} is {}, and HTTP needs TCP; {}",
                        port.protocol,
                        port_list(service)
                    )),
                    None => not_found(format!("Service {name} has no port {number}; {}", port_list(service))),
                });
            }
        };
        if app_protocol.as_deref().is_some_and(|protocol| protocol.eq_ignore_ascii_case("kubernetes.io/h2c")) {
            return Err(unsupported(format!(
                "port {number} of Service {name} has appProtocol kubernetes.io/h2c, and HTTP/2 to backends is not supported \
                 yet: remove appProtocol if the backend speaks HTTP/1.1 as well"
            )));
        }
        let source = if external {
            let host = service.spec.external_name.trim_end_matches('.');
            if host.is_empty() {
                return Err(not_found(format!("Service {name} is of type ExternalName and has no externalName")));
            }
            EndpointSource::Host { host: Arc::from(host), port: number }
        } else {
            EndpointSource::Service(ServicePort {
                namespace: Arc::clone(&name.namespace),
                name: Arc::clone(&name.name),
                port: number,
            })
        };
        Ok(Self { source, port: number, port_name, app_protocol })
    }

    fn of_static(snapshot: &Snapshot, target: &BackendTarget) -> Result<Self, BackendProblem> {
        let name = &target.name;
        let Some(backend) = snapshot.agentgateway_backends.get(name) else {
            return Err(not_found(format!("AgentgatewayBackend {name} does not exist")));
        };
        let port = backend.spec.fixed.port;
        if let Some(other) = target.port.filter(|&other| other != port) {
            return Err(not_found(format!(
                "AgentgatewayBackend {name} has no port {other}: its port is {port}; correct the backendRef's port or leave \
                 it out"
            )));
        }
        let host = backend.spec.fixed.host.trim_start_matches('[').trim_end_matches(']');
        let source = EndpointSource::Host { host: Arc::from(host), port };
        Ok(Self { source, port, port_name: String::new(), app_protocol: None })
    }

    fn id(&self, gateway: &NamespacedName, target: &BackendTarget) -> BackendId {
        BackendId {
            gateway: Arc::from(gateway.to_string()),
            backend: Arc::from(format!("{}/{}/{}", target.kind, target.name.namespace, target.name.name)),
            port: self.port,
        }
    }

    /// A port that declares TLS is not spoken to in plaintext.
    fn must_not_need_tls(&self, target: &BackendTarget) -> Result<(), BackendProblem> {
        let Some(protocol) = self.app_protocol.as_ref().filter(|protocol| declares_tls(protocol)) else {
            return Ok(());
        };
        Err(unsupported(format!(
            "port {} of Service {} has appProtocol {protocol}, and no BackendTLSPolicy selects it: create one, which says \
             whom to trust",
            self.port, target.name
        )))
    }
}

/// Whether an `appProtocol` is one of TLS. The names are IANA's, in whatever case, and KEP-3726's.
pub(super) fn declares_tls(app_protocol: &str) -> bool {
    ["https", "wss", "kubernetes.io/wss"].iter().any(|name| app_protocol.eq_ignore_ascii_case(name))
}

/// A port by its number and its name, for messages.
pub(super) fn port_name(port: &service::ServicePort) -> String {
    match (port.name.as_str(), port.protocol.as_str()) {
        ("", "TCP" | "") => port.port.to_string(),
        (name, "TCP" | "") => format!("{} ({name})", port.port),
        ("", protocol) => format!("{}/{protocol}", port.port),
        (name, protocol) => format!("{}/{protocol} ({name})", port.port),
    }
}

fn port_list(service: &Service) -> String {
    let ports: Vec<String> = service.spec.ports.iter().map(port_name).collect();
    if ports.is_empty() { "it has no ports".into() } else { format!("its ports are {}", ports.join(", ")) }
}

/// "Support: Implementation-specific (Services with type ExternalName)" is said of the kind of a backendRef, so the reason is
/// that of kinds (BackendObjectReference.kind).
fn external_name(name: &NamespacedName) -> BackendProblem {
    let message = format!(
        "Service {name} is of type ExternalName, which is not permitted: whoever writes such a Service could lead the gateway \
         to any host (CVE-2021-25740); the value allowExternalNameServices permits it"
    );
    problem(reason::INVALID_KIND, message)
}

fn not_found(message: String) -> BackendProblem {
    problem(reason::BACKEND_NOT_FOUND, message)
}

fn unsupported(message: String) -> BackendProblem {
    problem(reason::UNSUPPORTED_PROTOCOL, message)
}

fn problem(route_reason: &'static str, message: String) -> BackendProblem {
    let poison = Poison { reason: Reason::BackendInvalid, message: Arc::from(message.as_str()), policy: None };
    BackendProblem { route_reason, message, poison }
}

#[cfg(test)]
mod tests;
