//! TargetRefs that select nothing, what they were probably meant for, and what comes of it: that is spoken to in plaintext.
//! It must not decide anything: by its specification such a policy does not attach, so nothing here touches what is selected.

use std::sync::Arc;

use super::attachment::{Attachments, Outcome, target};
use super::{TargetKey, UsedBy};
use crate::resources::backend_tls_policy::TargetRef;
use crate::resources::snapshot::Store;
use crate::resources::suggest::closest;
use crate::resources::{AGENTGATEWAY_GROUP, NamespacedName, Snapshot};
use crate::translate::absence::{beside, namesakes};
use crate::translate::backends::{BackendKind, declares_tls, port_name};
use crate::translate::endpoints::is_tcp;

/// The core group, and what it is taken for.
const CORE: [&str; 3] = ["", "core", "v1"];

/// A targetRef of a policy that selects nothing.
pub(super) struct Miss {
    /// Of `spec.targetRefs`.
    pub(super) index: usize,
    /// `TargetNotFound` or `InvalidKind`
    pub(super) code: &'static str,
    pub(super) cause: String,
    pub(super) hint: String,
    /// What it was probably meant for: a target that is there.
    pub(super) meant: Option<TargetKey>,
    /// Whether it can only be a slip.
    pub(super) is_slip: bool,
    /// What becomes of the requests to what was meant.
    pub(super) consequence: Option<String>,
}

impl Miss {
    /// What is wrong, and what comes of it.
    pub(super) fn message(&self) -> String {
        let consequence = self.consequence.iter().map(|consequence| format!("; {consequence}"));
        consequence.fold(self.cause.clone(), |message, consequence| message + &consequence)
    }
}

/// What has to be written otherwise for a target to be selected.
fn difference(written: &TargetRef, meant: &TargetKey) -> String {
    let group = if meant.kind == BackendKind::Service { "" } else { AGENTGATEWAY_GROUP };
    let fields = [
        (written.group != group)
            .then(|| if group.is_empty() { "`group: \"\"`".into() } else { format!("`group: {group}`") }),
        (written.kind != meant.kind.as_str()).then(|| format!("`kind: {}`", meant.kind)),
        (written.name != *meant.name.name).then(|| format!("`name: {}`", meant.name.name)),
    ];
    format!("did you mean {}?", fields.into_iter().flatten().collect::<Vec<_>>().join(" and "))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|character| !character.is_ascii_digit())
}

impl Attachments<'_> {
    /// The targetRefs of the policy with this number that select nothing.
    pub(super) fn misses(&self, snapshot: &Snapshot, used_by: &UsedBy, number: usize) -> Vec<Miss> {
        let policy = self.policies[number];
        let namespace = &policy.metadata().namespace;
        let references = policy.target_refs().iter().enumerate();
        let misses = references.filter_map(|(index, reference)| {
            if target(namespace, reference).is_none() {
                return Some(self.unsupported(snapshot, namespace, index, reference));
            }
            match self.outcome(snapshot, number, reference)? {
                Outcome::NotFound { cause, hint, meant } => {
                    let code = "TargetNotFound";
                    Some(Miss { index, code, cause, hint, meant, is_slip: false, consequence: None })
                }
                Outcome::Won { .. } | Outcome::Lost { .. } | Outcome::NotTcp { .. } => None,
            }
        });
        let with_consequence = |miss: Miss| {
            let consequence = miss.meant.as_ref().and_then(|meant| self.consequence(snapshot, used_by, meant));
            // A target may be yet to come, unless somebody asks for one that is nearly called so.
            let is_slip = miss.is_slip || (miss.code == "TargetNotFound" && consequence.is_some());
            Miss { is_slip, consequence, ..miss }
        };
        misses.map(with_consequence).collect()
    }

    fn unsupported(&self, snapshot: &Snapshot, namespace: &str, index: usize, reference: &TargetRef) -> Miss {
        let TargetRef { group, kind, name, .. } = reference;
        let kinds = [BackendKind::Service, BackendKind::AgentgatewayBackend];
        let near = closest(kind, kinds.map(BackendKind::as_str));
        let near_group = CORE.contains(&group.as_str()) || closest(group, [AGENTGATEWAY_GROUP]).is_some();
        let is_slip = near.is_some() && near_group;
        let kinds = kinds.into_iter().filter(|kind| is_slip && near == Some(kind.as_str()));
        let meant = kinds.map(|kind| TargetKey { kind, name: NamespacedName::new(namespace, name.as_str()) }).find_map(
            |same| if self.exposed(snapshot, &same).is_some() { Some(same) } else { self.near(snapshot, &same) },
        );
        let hint = match &meant {
            Some(meant) => difference(reference, meant),
            None => {
                format!("a Service (group \"\") or an AgentgatewayBackend (group {AGENTGATEWAY_GROUP}) can be selected")
            }
        };
        Miss {
            index,
            code: "InvalidKind",
            cause: format!("kind {kind} of group {group:?} cannot be selected"),
            hint,
            meant,
            is_slip,
            consequence: None,
        }
    }

    /// The target of a similar name that has no policy, where one is not there.
    pub(super) fn near(&self, snapshot: &Snapshot, absent: &TargetKey) -> Option<TargetKey> {
        match absent.kind {
            BackendKind::Service => self.near_of(&snapshot.services, snapshot, absent),
            BackendKind::AgentgatewayBackend => self.near_of(&snapshot.agentgateway_backends, snapshot, absent),
        }
    }

    fn near_of<T>(&self, store: &Store<T>, snapshot: &Snapshot, absent: &TargetKey) -> Option<TargetKey> {
        let of_name = |name: &str| TargetKey {
            kind: absent.kind,
            name: NamespacedName::new(Arc::clone(&absent.name.namespace), name),
        };
        // Names that differ in their numbers alone are those of several of a kind.
        let is_another = |name: &str| !letters(name).eq(letters(&absent.name.name));
        let names = beside(store, &absent.name).map(|name| &*name.name).filter(|name| is_another(name));
        let exposed = names.filter(|name| self.exposed(snapshot, &of_name(name)).is_some());
        closest(&absent.name.name, exposed).map(of_name)
    }

    /// The target of the same name in another namespace that has no policy, where one is not there. In a cluster other
    /// namespaces are those of other people, of whose objects a status must not tell.
    pub(super) fn elsewhere(&self, snapshot: &Snapshot, absent: &TargetKey) -> Option<TargetKey> {
        if snapshot.gateway_api.is_some() {
            return None;
        }
        match absent.kind {
            BackendKind::Service => self.elsewhere_of(&snapshot.services, snapshot, absent),
            BackendKind::AgentgatewayBackend => self.elsewhere_of(&snapshot.agentgateway_backends, snapshot, absent),
        }
    }

    fn elsewhere_of<T>(&self, store: &Store<T>, snapshot: &Snapshot, absent: &TargetKey) -> Option<TargetKey> {
        let mut same = namesakes(store, &absent.name).map(|name| TargetKey { kind: absent.kind, name: name.clone() });
        same.find(|same| self.exposed(snapshot, same).is_some())
    }

    /// Which ports of the target that was meant are spoken to in plaintext, if any is.
    fn consequence(&self, snapshot: &Snapshot, used_by: &UsedBy, meant: &TargetKey) -> Option<String> {
        let exposed = self.exposed(snapshot, meant).filter(|_| used_by.contains_key(meant))?;
        Some(format!("requests to {exposed} go in plaintext, since no policy selects it"))
    }

    /// A target with those of its ports that no policy selects and that do not demand TLS, if there are any.
    fn exposed(&self, snapshot: &Snapshot, target: &TargetKey) -> Option<String> {
        if snapshot.unseen_policies.is_some() {
            return None;
        }
        let free = |port_name: &str| self.winner(target, port_name).is_none();
        let ports: Vec<_> = match target.kind {
            BackendKind::AgentgatewayBackend => {
                let backend = snapshot.agentgateway_backends.get(&target.name)?;
                free("").then(|| backend.spec.fixed.port.to_string()).into_iter().collect()
            }
            BackendKind::Service => {
                let declared = &snapshot.services.get(&target.name)?.spec.ports;
                if declared.is_empty() {
                    return free("").then(|| target.to_string());
                }
                let demands_tls = |protocol: &Option<String>| protocol.as_deref().is_some_and(declares_tls);
                let exposed = declared.iter().filter(|port| is_tcp(port) && !demands_tls(&port.app_protocol));
                exposed.filter(|port| free(&port.name)).map(port_name).collect()
            }
        };
        match ports.as_slice() {
            [] => None,
            [port] => Some(format!("{target}, port {port},")),
            ports => Some(format!("{target}, ports {},", ports.join(", "))),
        }
    }
}
