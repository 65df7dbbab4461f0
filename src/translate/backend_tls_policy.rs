//! BackendTLSPolicy: which policy a port obeys, what that policy demands, and what its status says.
//!
//! | module | owns |
//! |---|---|
//! | [`attachment`] | which policy selects which port, and who loses to whom |
//! | [`validation`] | what a policy's spec comes to: an identity, or why there is none |
//! | [`authorities`] | CA references: what they hold, and how their certificates are classified |
//! | [`ancestors`] | which Gateways get one of the 16 places of a policy's status |
//! | [`foresight`] | handshakes that can only fail |
//! | [`near_miss`] | targetRefs that select nothing, and what they were probably meant for |
//! | [`verdict`] | conditions and findings |
//!
//! It must not know routes: it is told which Gateway uses which backend. The rule above all others: a port that any policy
//! selects never gets plaintext. So selection never asks whether a policy is valid, and one that cannot be used yields a
//! [`Poison`], never nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use postern_actors::outcome::{HandshakeResult, Reason};
use postern_actors::plan::identity::{Bundle, TlsIdentity, Trust};
use postern_actors::plan::{AuthorityExpiry, NearMiss, Poison, Tls};

use self::ancestors::Places;
use self::attachment::Attachments;
use self::authorities::AuthorityStore;
use self::validation::{Compiled, Template, poison, system_message};
use super::Settings;
use super::backends::{BackendKind, OfGateways};
use super::client_certificate::ClientCertificateState;
use super::system_roots::{Roots, SystemBundle};
use crate::resources::backend_tls_policy::{CaCertificateRef, TargetRef, UnreadablePolicy};
use crate::resources::{BackendTlsPolicy, Kind, Metadata, NamespacedName, ObjectRef, Snapshot};
use crate::status::{Finding, PolicyVerdict};

mod ancestors;
mod attachment;
mod authorities;
mod foresight;
mod near_miss;
mod validation;
mod verdict;

/// What a policy can select, whether it exists or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TargetKey {
    pub(super) kind: BackendKind,
    pub(super) name: NamespacedName,
}

impl std::fmt::Display for TargetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Which Gateways use which target.
pub(super) type UsedBy = BTreeMap<TargetKey, BTreeSet<NamespacedName>>;

/// A policy, as far as it could be read.
#[derive(Debug, Clone, Copy)]
enum Policy<'a> {
    Readable(&'a BackendTlsPolicy),
    Unreadable(&'a UnreadablePolicy),
}

impl<'a> Policy<'a> {
    fn metadata(&self) -> &'a Metadata {
        match self {
            Self::Readable(policy) => &policy.metadata,
            Self::Unreadable(policy) => &policy.metadata,
        }
    }

    fn target_refs(&self) -> &'a [TargetRef] {
        match self {
            Self::Readable(policy) => &policy.spec.target_refs,
            Self::Unreadable(policy) => &policy.target_refs,
        }
    }
}

/// What one of `caCertificateRefs` of a policy of this namespace comes to; `None` if it cannot be used.
pub(crate) fn bundle_of(snapshot: &Snapshot, namespace: &str, reference: &CaCertificateRef) -> Option<Arc<Bundle>> {
    let store = &mut AuthorityStore::new(snapshot);
    store.resolve(namespace, std::slice::from_ref(reference)).bundle.clone()
}

/// Every policy of a Snapshot, judged.
pub(super) struct Policies<'a> {
    attachments: Attachments<'a>,
    /// By the number of the policy in `attachments`.
    judged: Vec<Judged>,
    clients: &'a BTreeMap<NamespacedName, ClientCertificateState>,
    roots: Roots<'a>,
    identities: HashMap<(usize, NamespacedName), Arc<TlsIdentity>>,
    /// Why there may be policies that are not among them.
    unseen: Option<Arc<str>>,
    /// By what was probably meant, the first policy that selects something else.
    near_misses: BTreeMap<TargetKey, NearMiss>,
    /// Policies with at least one ancestor of ours.
    pub(super) verdicts: BTreeMap<NamespacedName, PolicyVerdict>,
    /// In a fixed order.
    pub(super) findings: Vec<Finding>,
    /// Of the policies that a Gateway of the plan uses.
    pub(super) authorities: Vec<AuthorityExpiry>,
    /// What the policies that a Gateway uses name, whether it exists or not.
    pub(super) references: BTreeMap<NamespacedName, BTreeSet<ObjectRef>>,
}

/// What a policy comes to.
struct Judged {
    /// `namespace/name`
    name: Arc<str>,
    template: Result<Template, Poison>,
    /// Gateways for which its status had no place left.
    homeless: BTreeSet<NamespacedName>,
}

impl<'a> Policies<'a> {
    /// Judges every policy once; a ConfigMap or Secret is parsed once, however many policies refer to it.
    pub(super) fn judge(
        snapshot: &'a Snapshot,
        settings: &Settings,
        now: Timestamp,
        used_by: &UsedBy,
        of_gateways: OfGateways<'a>,
    ) -> Self {
        let OfGateways { clients, bundles } = of_gateways;
        let mut policies = Self {
            attachments: Attachments::index(snapshot),
            judged: Vec::new(),
            clients,
            roots: Roots::new(snapshot, settings, bundles),
            identities: HashMap::new(),
            unseen: snapshot.unseen_policies.clone(),
            near_misses: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            findings: Vec::new(),
            authorities: Vec::new(),
            references: BTreeMap::new(),
        };
        let mut store = AuthorityStore::new(snapshot);
        let mut findings = BTreeMap::new();
        let mut authorities = BTreeMap::new();
        for (number, &policy) in policies.attachments.policies.iter().enumerate() {
            let name = policy.metadata().key();
            let compiled = Compiled::new(policy, &mut store);
            let places = Places::assign(snapshot, settings, policy, used_by);
            let rootless = places
                .gateways()
                .filter(|_| compiled.wants_system)
                .filter_map(|gateway| Some((gateway.clone(), policies.roots.of(gateway).err()?)))
                .collect();
            let misses = policies.attachments.misses(snapshot, used_by, number);
            let subject = verdict::Subject {
                policy,
                number,
                compiled: &compiled,
                misses: &misses,
                places: &places,
                now,
                clients,
                rootless: &rootless,
                read: places.is_used() || settings.reads_everything(),
                is_told: snapshot.refused.contains(&ObjectRef { kind: Kind::BackendTlsPolicy, name: name.clone() }),
            };
            let (verdict, told) = verdict::of(&policies.attachments, snapshot, used_by, &subject);
            if !verdict.ancestors.is_empty() && !name.name.is_empty() {
                policies.verdicts.insert(name.clone(), verdict);
            }
            let planned = places.gateways().any(|gateway| settings.plans(gateway));
            if planned {
                authorities.insert(name.clone(), compiled.expiries(&name));
            }
            let missed = misses.iter().filter_map(|miss| used_by.get(miss.meant.as_ref()?)).flatten();
            if planned || settings.gateway.is_none() || missed.clone().any(|gateway| settings.plans(gateway)) {
                findings.insert(name.clone(), told);
            }
            for gateway in places.gateways() {
                let bundle = policies.roots.bundle(gateway).filter(|_| compiled.wants_system);
                let references = authorities::named(policy).chain(bundle.map(SystemBundle::reference));
                policies.references.entry(gateway.clone()).or_default().extend(references);
            }
            let name: Arc<str> = Arc::from(name.to_string());
            for miss in misses {
                let Some(meant) = miss.meant else { continue };
                let message = format!("spec.targetRefs[{}]: {}", miss.index, miss.cause).into();
                policies.near_misses.entry(meant).or_insert(NearMiss { policy: Arc::clone(&name), message });
            }
            let template = compiled.into_template(&name);
            policies.judged.push(Judged { name, template, homeless: places.homeless });
        }
        policies.findings = findings.into_values().flatten().collect();
        policies.authorities = authorities.into_values().flatten().collect();
        policies
    }

    /// The policy that was probably meant for a target, and selects something else.
    pub(super) fn near_miss(&self, target: &TargetKey) -> Option<&NearMiss> {
        self.near_misses.get(target)
    }

    /// How `gateway` speaks to a port of a target. `port_name` is the Service port's name, or empty. Plaintext only if no
    /// policy selects the port, and none can be there that nobody has seen.
    pub(super) fn tls(&mut self, gateway: &NamespacedName, target: &TargetKey, port_name: &str) -> Tls {
        let Some(number) = self.attachments.winner(target, port_name) else {
            return match &self.unseen {
                None => Tls::Plaintext,
                Some(why) => Tls::Poisoned(Poison {
                    reason: Reason::Handshake(HandshakeResult::PolicyInvalid),
                    message: Arc::clone(why),
                    policy: None,
                }),
            };
        };
        let judged = &self.judged[number];
        if judged.homeless.contains(gateway) {
            return Tls::Poisoned(Poison {
                reason: Reason::Handshake(HandshakeResult::PolicyInvalid),
                message: Arc::from(ancestors::homeless_message(&judged.name, gateway)),
                policy: Some(Arc::clone(&judged.name)),
            });
        }
        let template = match &judged.template {
            Ok(template) => template,
            Err(poison) => return Tls::Poisoned(poison.clone()),
        };
        let trust = match &template.bundle {
            Some(bundle) => Trust::Bundle(Arc::clone(bundle)),
            None => match self.roots.of(gateway) {
                Ok(roots) => Trust::System(roots),
                Err(cause) => {
                    let result = HandshakeResult::CaUnavailable;
                    return Tls::Poisoned(poison(&judged.name, result, &system_message(&cause)));
                }
            },
        };
        let client_certificate = match self.clients.get(gateway) {
            None | Some(ClientCertificateState::Unset) => None,
            Some(ClientCertificateState::Usable(certificate)) => Some(certificate),
            Some(ClientCertificateState::Unusable { message, .. }) => {
                return Tls::Poisoned(Poison {
                    reason: Reason::Handshake(HandshakeResult::ClientCertUnavailable),
                    message: Arc::from(format!("Gateway {gateway}: {message}")),
                    policy: Some(Arc::clone(&judged.name)),
                });
            }
        };
        let identity = self
            .identities
            .entry((number, gateway.clone()))
            .or_insert_with(|| Arc::new(template.identity(trust, client_certificate.cloned())));
        Tls::Originate { policy: Arc::clone(&judged.name), identity: Arc::clone(identity) }
    }
}

#[cfg(test)]
pub(in crate::translate) mod tests;
