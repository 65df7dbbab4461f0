//! Which Gateways get a place in a policy's status. It must not know what the status says.
//!
//! "A maximum of 16 ancestors will be represented in this list. [...] If this slice is full, implementations MUST NOT add
//! further entries. Instead they MUST consider the policy unimplementable and signal that on any related resources"
//! (PolicyStatus.ancestors).

use std::collections::BTreeSet;

use super::attachment::target;
use super::{Policy, UsedBy};
use crate::resources::backend_tls_policy::WrittenAncestor;
use crate::resources::{GATEWAY_GROUP, NamespacedName, Snapshot};
use crate::translate::Settings;

const PLACES: usize = 16;

/// The Gateways that use a target of a policy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Those with an entry, in the order of the entries.
    pub(super) seated: Vec<NamespacedName>,
    /// Those for which no place was left.
    pub(super) homeless: BTreeSet<NamespacedName>,
}

impl Places {
    /// Entries that were already written for our Gateways stay, in their order; the rest follow by the Gateways'
    /// precedence. So a newcomer never takes the place of one that works.
    pub(super) fn assign(snapshot: &Snapshot, settings: &Settings, policy: Policy<'_>, used_by: &UsedBy) -> Self {
        let namespace = &policy.metadata().namespace;
        let mut waiting: BTreeSet<&NamespacedName> = policy
            .target_refs()
            .iter()
            .filter_map(|reference| used_by.get(&target(namespace, reference)?))
            .flatten()
            .collect();
        let written: &[WrittenAncestor] = match policy {
            Policy::Readable(policy) => &policy.status.ancestors,
            Policy::Unreadable(_) => &[],
        };
        let (ours, others): (Vec<_>, Vec<_>) =
            written.iter().partition(|entry| entry.controller_name == settings.controller_name);
        let free = PLACES.saturating_sub(others.len());
        let mut seated: Vec<NamespacedName> = ours
            .into_iter()
            .filter_map(|entry| gateway(namespace, entry))
            .filter(|name| waiting.remove(name))
            .collect();
        let mut waiting: Vec<&NamespacedName> = waiting.into_iter().collect();
        waiting.sort_by_cached_key(|name| {
            (snapshot.gateways.get(*name).map(|gateway| gateway.metadata.precedence()), (*name).clone())
        });
        seated.extend(waiting.into_iter().cloned());
        let homeless = seated.split_off(free.min(seated.len())).into_iter().collect();
        Self { seated, homeless }
    }

    /// Whether any route of ours leads to a target.
    pub(super) fn is_used(&self) -> bool {
        self.gateways().next().is_some()
    }

    /// Every Gateway that uses a target.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &NamespacedName> {
        self.seated.iter().chain(&self.homeless)
    }
}

/// Why a policy that is full poisons its targets for a Gateway.
pub(super) fn homeless_message(policy: &str, gateway: &NamespacedName) -> String {
    format!(
        "BackendTLSPolicy {policy} has no place left in its status for Gateway {gateway}: all {PLACES} ancestors are taken, \
         so it cannot be implemented for that Gateway"
    )
}

fn gateway(namespace: &str, entry: &WrittenAncestor) -> Option<NamespacedName> {
    let reference = &entry.ancestor_ref;
    let is_gateway = reference.group == GATEWAY_GROUP && reference.kind == "Gateway";
    is_gateway
        .then(|| NamespacedName::new(reference.namespace.as_deref().unwrap_or(namespace), reference.name.as_str()))
}
