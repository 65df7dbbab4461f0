//! Gateways of our classes: whether they are accepted, their listeners, and their conditions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::Settings;
use super::client_certificate::{ClientCertificateState, client_certificate};
use super::expiry;
use super::findings::{Findings, Problem};
use super::gateway_class::{Classes, Standing};
use super::grants::Grants;
use super::listener::certificates::Certificates;
use super::listener::{ListenerDraft, conflicts};
use crate::resources::{Gateway, NamespacedName, Object, Snapshot};
use crate::status::condition::{ACCEPTED, PROGRAMMED, RESOLVED_REFS};
use crate::status::{Condition, GatewayVerdict, reason};

mod addresses;
mod shared_port;

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
    /// Why it is not accepted, for a fault of its own.
    rejected: Option<Problem>,
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
        let mut gateways = Self::default();
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
                    findings.warning(&gateway.object_ref(), &unknown_class(gateway, settings));
                    continue;
                }
            };
            let draft = GatewayDraft::judge(key, gateway, class_problem, settings, &mut certificates, findings);
            gateways.clients.insert(key.clone(), client_certificate(snapshot, gateway, grants));
            gateways.by_key.insert(key.clone(), gateways.drafts.len());
            gateways.drafts.push(draft);
        }
        if settings.shared_address {
            shared_port::settle(&mut gateways.drafts);
        }
        for draft in &gateways.drafts {
            draft.report(&gateways.clients[&draft.key], now, findings);
        }
        gateways
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
        class_problem: Option<Problem>,
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
        let rejected = class_problem.or_else(|| parameters(gateway)).or_else(|| addresses::unsupported(gateway));
        let unusable = addresses::unusable(gateway, settings.shared_address);
        let mut draft =
            Self { gateway, key: key.clone(), label: key.to_string().into(), listeners, by_name, rejected, unusable };
        draft.withhold();
        draft
    }

    /// A Gateway that is not accepted, or has no address, serves none of its listeners.
    fn withhold(&mut self) {
        let Some(problem) = self.rejected.as_ref().or(self.unusable.as_ref()) else { return };
        let message = format!("the Gateway cannot be served: {}", problem.message);
        let (field, hint) = (problem.field.clone(), problem.hint.clone());
        for listener in &mut self.listeners {
            listener.withheld = Some(Problem::new(reason::INVALID, field.clone(), message.clone(), hint.clone()));
        }
    }

    /// Whether anything of it can be served.
    pub(crate) fn serves(&self) -> bool {
        self.rejected.is_none() && self.unusable.is_none()
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

    fn verdict(&self, client: &ClientCertificateState) -> GatewayVerdict {
        let generation = self.gateway.metadata.generation;
        GatewayVerdict {
            conditions: vec![
                self.accepted(generation),
                self.programmed(generation),
                self.resolved_refs(client, generation),
            ],
            listeners: self.listeners.iter().map(|listener| listener.verdict(generation)).collect(),
        }
    }

    /// "This can be the reason when "Accepted" is "True" or "False", depending on whether the listener being invalid causes
    /// the entire Gateway to not be accepted." (GatewayReasonListenersNotValid)
    fn accepted(&self, generation: i64) -> Condition {
        if let Some(problem) = &self.rejected {
            return Condition::no(ACCEPTED, problem.code, &problem.message, generation);
        }
        let (good, bad) = self.partition(ListenerDraft::accepted);
        if good.is_empty() {
            let message = if bad.is_empty() {
                "it has no listeners".into()
            } else {
                format!("none of its listeners is accepted: {}", bad.join(", "))
            };
            Condition::no(ACCEPTED, reason::LISTENERS_NOT_VALID, message, generation)
        } else if bad.is_empty() {
            Condition::yes(ACCEPTED, reason::ACCEPTED, "the Gateway is valid", generation)
        } else {
            let message = format!("listeners accepted: {}; not accepted: {}", good.join(", "), bad.join(", "));
            Condition::yes(ACCEPTED, reason::LISTENERS_NOT_VALID, message, generation)
        }
    }

    fn programmed(&self, generation: i64) -> Condition {
        if let Some(problem) = &self.rejected {
            return Condition::no(
                PROGRAMMED,
                reason::INVALID,
                format!("not accepted: {}", problem.message),
                generation,
            );
        }
        if let Some(problem) = &self.unusable {
            return Condition::no(PROGRAMMED, problem.code, &problem.message, generation);
        }
        let (good, bad) = self.partition(ListenerDraft::programmed);
        if good.is_empty() {
            Condition::no(PROGRAMMED, reason::INVALID, "none of its listeners is programmed", generation)
        } else {
            let good = good.join(", ");
            let message = match &bad[..] {
                [] => format!("listeners programmed: {good}"),
                bad => format!("listeners programmed: {good}; not programmed: {}", bad.join(", ")),
            };
            Condition::yes(PROGRAMMED, reason::PROGRAMMED, message, generation)
        }
    }

    /// "whether the controller was able to resolve all the object references for the Gateway that are not part of a
    /// specific Listener configuration, and also provides a positive-polarity summary of Listener's "ResolvedRefs"
    /// condition" (GatewayConditionResolvedRefs)
    fn resolved_refs(&self, client: &ClientCertificateState, generation: i64) -> Condition {
        if let ClientCertificateState::Unusable { reason, message } = client {
            return Condition::no(RESOLVED_REFS, reason, message, generation);
        }
        let (_, bad) = self.partition(|listener| listener.unresolved.is_empty());
        if bad.is_empty() {
            Condition::yes(RESOLVED_REFS, reason::RESOLVED_REFS, "every reference resolves", generation)
        } else {
            let message = format!("listeners with references that do not resolve: {}", bad.join(", "));
            Condition::no(RESOLVED_REFS, reason::LISTENERS_NOT_RESOLVED, message, generation)
        }
    }

    /// Names of the listeners of which something is true, and of the others.
    fn partition(&self, holds: impl Fn(&ListenerDraft<'a>) -> bool) -> (Vec<&str>, Vec<&str>) {
        let (yes, no): (Vec<_>, Vec<_>) = self.listeners.iter().partition(|listener| holds(listener));
        let names = |listeners: Vec<&ListenerDraft<'a>>| {
            listeners.into_iter().map(|listener| listener.spec.name.as_str()).collect()
        };
        (names(yes), names(no))
    }
}

/// `spec.infrastructure.parametersRef`: "If the referent cannot be found, refers to an unsupported kind [...] the Gateway
/// SHOULD be rejected with the "Accepted" status condition set to "False" and an "InvalidParameters" reason."
/// (GatewayInfrastructure.parametersRef) We support none yet.
fn parameters(gateway: &Gateway) -> Option<Problem> {
    let reference = gateway.spec.infrastructure.as_ref()?.get("parametersRef").filter(|value| !value.is_null())?;
    let text = |key: &str| reference.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    Some(Problem::new(
        reason::INVALID_PARAMETERS,
        "spec.infrastructure.parametersRef",
        format!(
            "parametersRef names {} {} of group {:?}; no parameters are supported",
            text("kind"),
            text("name"),
            text("group")
        ),
        "remove spec.infrastructure.parametersRef",
    ))
}

fn unknown_class(gateway: &Gateway, settings: &Settings) -> Problem {
    let name = &gateway.spec.gateway_class_name;
    let message = format!("there is no GatewayClass {name}; the Gateway is not served");
    let hint = if settings.class_names.is_empty() {
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
