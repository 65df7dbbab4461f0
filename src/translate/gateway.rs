//! Gateways of our classes: whether they are accepted, their listeners, and their conditions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::client_certificate::{self, ClientCertificateState, client_certificate};
use super::expiry;
use super::findings::{Findings, Problem};
use super::gateway_class::{Classes, Standing};
use super::grants::Grants;
use super::listener::certificates::Certificates;
use super::listener::{ListenerDraft, conflicts};
use super::system_roots::{Bundles, SystemBundle};
use super::{Provision, Settings};
use crate::provision::parameters::Parameters;
use crate::resources::suggest::closest;
use crate::resources::{Gateway, Kind, NamespacedName, Object, ObjectRef, Snapshot};
use crate::status::{GatewayVerdict, reason};

mod addresses;
mod parameters;
mod shared_port;
mod verdict;

/// A Gateway on the way to the plan.
#[derive(Debug)]
pub(crate) struct GatewayDraft<'a> {
    /// As written.
    pub(crate) gateway: &'a Gateway,
    /// Namespace and name.
    pub(crate) key: NamespacedName,
    /// `namespace/name`, as the plan has it.
    pub(crate) label: Arc<str>,
    /// In the order of `spec.listeners`.
    pub(crate) listeners: Vec<ListenerDraft<'a>>,
    /// Listeners by their names.
    pub(crate) by_name: HashMap<&'a str, Vec<usize>>,
    /// Whether the plan holds what it serves, and what is wrong with it is told.
    pub(crate) planned: bool,
    /// What its proxies are provisioned with.
    parameters: Parameters,
    /// The Secret of `spec.tls.backend.clientCertificateRef` that it may name, whether it exists or not.
    client_secret: Option<NamespacedName>,
    /// The ConfigMap of `spec.infrastructure.parametersRef`, whether it exists or not.
    parameters_map: Option<NamespacedName>,
    /// Why it is not accepted, for a fault of its own.
    rejected: Option<Problem>,
    /// It is not accepted for its parameters alone: what proxies it has go on as they are.
    goes_on: bool,
    /// Nobody can tell what it puts in the place of the system's roots.
    roots_unknown: bool,
    /// Why none of its addresses can be had.
    unusable: Option<Problem>,
}

/// The Gateways of our classes, in the order of their names, and what each presents to its TLS backends.
#[derive(Debug, Default)]
pub(crate) struct Gateways<'a> {
    /// In the order of their names.
    pub(crate) drafts: Vec<GatewayDraft<'a>>,
    /// Indices into `drafts`.
    pub(crate) by_key: HashMap<NamespacedName, usize>,
    /// `spec.tls.backend.clientCertificateRef` of each.
    pub(crate) clients: BTreeMap<NamespacedName, ClientCertificateState>,
    /// What some of them put in the place of the system's roots.
    pub(crate) bundles: Bundles,
    /// Whether the plan holds what each of them serves.
    pub(crate) whole: bool,
}

impl<'a> Gateways<'a> {
    /// Judges every Gateway of our classes and its listeners.
    pub(crate) fn judge(
        snapshot: &'a Snapshot,
        settings: &Settings,
        grants: &Grants,
        classes: &Classes<'_>,
        now: Timestamp,
        findings: &mut Findings,
    ) -> Self {
        let mut gateways = Self { whole: settings.gateway.is_none(), ..Self::default() };
        let mut certificates = Certificates::new(snapshot, grants, now);
        for (key, gateway) in &snapshot.gateways {
            let class_problem = match classes.standing(&gateway.spec.gateway_class_name) {
                Standing::Ours => None,
                Standing::Rejected(message) => Some(Problem::new(
                    reason::INVALID_PARAMETERS,
                    "spec.gatewayClassName",
                    message,
                    "mend the GatewayClass",
                )),
                Standing::Foreign => continue,
                Standing::Unknown => {
                    if settings.plans(key) {
                        findings.error(&gateway.object_ref(), &unknown_class(gateway, settings, snapshot));
                    }
                    continue;
                }
            };
            let parameters = parameters::resolve(gateway, settings, snapshot)
                .map_err(|problem| (problem, parameters::fallback(gateway, settings, snapshot)));
            let mut told = Findings::default();
            let mut draft =
                GatewayDraft::judge(key, gateway, (class_problem, parameters), settings, &mut certificates, &mut told);
            draft.client_secret = client_certificate::secret(gateway, grants);
            if draft.planned {
                findings.extend(told.into_vec());
            }
            gateways.clients.insert(key.clone(), client_certificate(snapshot, gateway, grants));
            gateways.bundles.extend(draft.system_bundle().map(|bundle| (key.clone(), bundle)));
            gateways.by_key.insert(key.clone(), gateways.drafts.len());
            gateways.drafts.push(draft);
        }
        if settings.shared_address {
            shared_port::settle(&mut gateways.drafts);
        }
        for draft in gateways.drafts.iter().filter(|draft| draft.planned) {
            draft.report(&gateways.clients[&draft.key], now, findings);
        }
        gateways
    }

    /// What the proxies of each need.
    pub(crate) fn provisions(self) -> BTreeMap<NamespacedName, Provision> {
        self.drafts.into_iter().map(GatewayDraft::provision).collect()
    }

    /// The Secrets and ConfigMaps that each names, with those of the policies that it uses.
    pub(crate) fn references(
        &self,
        mut of_policies: BTreeMap<NamespacedName, BTreeSet<ObjectRef>>,
    ) -> BTreeMap<NamespacedName, BTreeSet<ObjectRef>> {
        let of = |draft: &GatewayDraft<'_>| {
            let mut references = of_policies.remove(&draft.key).unwrap_or_default();
            references.extend(draft.references());
            (draft.key.clone(), references)
        };
        self.drafts.iter().map(of).collect()
    }

    /// The status of each, once routes are attached.
    pub(crate) fn verdicts(&self) -> BTreeMap<NamespacedName, GatewayVerdict> {
        self.drafts.iter().map(|draft| (draft.key.clone(), draft.verdict(&self.clients[&draft.key]))).collect()
    }
}

impl<'a> GatewayDraft<'a> {
    fn judge(
        key: &NamespacedName,
        gateway: &'a Gateway,
        (class_problem, parameters): (Option<Problem>, parameters::Resolved),
        settings: &Settings,
        certificates: &mut Certificates<'_>,
        findings: &mut Findings,
    ) -> Self {
        let mut listeners: Vec<_> = (0..gateway.spec.listeners.len())
            .map(|index| ListenerDraft::judge(gateway, index, certificates, findings))
            .collect();
        conflicts::mark(&mut listeners);
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, listener) in gateway.spec.listeners.iter().enumerate() {
            by_name.entry(listener.name.as_str()).or_default().push(index);
        }
        let (parameters, invalid, roots_unknown) = match parameters {
            Ok(parameters) => (parameters, None, false),
            Err((problem, Some(parameters))) => (parameters, Some(problem), false),
            Err((problem, None)) => (settings.parameters.clone().unwrap_or_default(), Some(problem), true),
        };
        let mut draft = Self {
            gateway,
            key: key.clone(),
            label: key.to_string().into(),
            listeners,
            by_name,
            planned: settings.plans(key),
            parameters,
            client_secret: None,
            parameters_map: settings.parameters.as_ref().and_then(|_| parameters::config_map(gateway)),
            goes_on: settings.parameters.is_some()
                && class_problem.is_none()
                && addresses::unsupported(gateway).is_none(),
            roots_unknown,
            rejected: class_problem.or(invalid).or_else(|| addresses::unsupported(gateway)),
            unusable: addresses::unusable(gateway, settings.shared_address),
        };
        draft.withhold();
        draft
    }

    /// A Gateway that is not accepted, or has no address, serves none of its listeners. A slip in its parameters is no reason
    /// to end what is served.
    fn withhold(&mut self) {
        let rejected = self.rejected.as_ref().filter(|_| !self.goes_on);
        let Some(problem) = rejected.or(self.unusable.as_ref()) else { return };
        let message = format!("the Gateway cannot be served: {}", problem.message);
        let (field, hint) = (problem.field.clone(), problem.hint.clone());
        for listener in &mut self.listeners {
            listener.withheld = Some(Problem::new(reason::INVALID, field.clone(), message.clone(), hint.clone()));
        }
    }

    /// Whether anything of it can be served.
    pub(crate) fn serves(&self) -> bool {
        (self.rejected.is_none() || self.goes_on) && self.unusable.is_none()
    }

    /// What it puts in the place of the system's roots; an error where nobody can tell.
    fn system_bundle(&self) -> Option<Result<SystemBundle, Arc<str>>> {
        if let Some(problem) = self.rejected.as_ref().filter(|_| self.goes_on && self.roots_unknown) {
            return Some(Err(format!("what stands for the system's roots is not known: {}", problem.message).into()));
        }
        let bundle = &self.parameters.system_ca_bundle;
        (!bundle.config_map.is_empty()).then(|| {
            let namespace = self.gateway.metadata.namespace.as_str();
            let config_map = NamespacedName::new(namespace, bundle.config_map.as_str());
            Ok(SystemBundle { config_map, key: bundle.key.clone() })
        })
    }

    fn references(&self) -> impl Iterator<Item = ObjectRef> {
        let secrets = self.listeners.iter().flat_map(|listener| &listener.secrets).chain(&self.client_secret).cloned();
        let secrets = secrets.map(|name| ObjectRef { kind: Kind::Secret, name });
        secrets.chain(self.parameters_map.clone().map(|name| ObjectRef { kind: Kind::ConfigMap, name }))
    }

    fn provision(self) -> (NamespacedName, Provision) {
        let ports = self.listeners.iter().filter(|listener| listener.programmed()).map(|listener| listener.spec.port);
        let (ports, accepted) = (ports.collect(), self.accepted(self.gateway.metadata.generation).status);
        (self.key, Provision { parameters: self.parameters, ports, accepted })
    }

    fn report(&self, client: &ClientCertificateState, now: Timestamp, findings: &mut Findings) {
        let object = self.gateway.object_ref();
        for problem in self.rejected.iter().chain(&self.unusable) {
            findings.error(&object, problem);
        }
        let field = "spec.tls.backend.clientCertificateRef";
        match client {
            ClientCertificateState::Unset => {}
            ClientCertificateState::Usable(certificate) => {
                let secret = certificate.reference.strip_prefix("Secret/").unwrap_or(&certificate.reference);
                expiry::look_at(certificate.not_after, secret, now, (&object, field), findings);
            }
            ClientCertificateState::Unusable { reason, message } => {
                let hint = "until it is mended the TLS backends of this Gateway get 500";
                findings.error(&object, &Problem::new(reason, field, message.clone(), hint));
            }
        }
        if self.gateway.spec.listeners.is_empty() {
            let hint = "add at least one listener";
            findings.error(
                &object,
                &Problem::new(reason::LISTENERS_NOT_VALID, "spec.listeners", "it has no listeners", hint),
            );
        }
        for listener in &self.listeners {
            listener.report(&object, self.serves(), findings);
        }
    }
}

fn unknown_class(gateway: &Gateway, settings: &Settings, snapshot: &Snapshot) -> Problem {
    let name = &gateway.spec.gateway_class_name;
    let message = format!("there is no GatewayClass {name}; the Gateway is not served");
    let classes = snapshot.gateway_classes.keys().map(|class| &*class.name);
    let near = closest(name, classes.chain(settings.class_names.iter().map(String::as_str)));
    let hint = if let Some(near) = near {
        format!("did you mean `gatewayClassName: {near}`?")
    } else if settings.class_names.is_empty() {
        format!("create GatewayClass {name} with controllerName {}", settings.controller_name)
    } else {
        format!(
            "use one of the classes {}, or create GatewayClass {name} with controllerName {}",
            settings.class_names.join(", "),
            settings.controller_name
        )
    };
    Problem::new("GatewayClassNotFound", "spec.gatewayClassName", message, hint)
}
