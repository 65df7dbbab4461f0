//! Backends: from a (Gateway, backendRef) to what the plan forwards to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use postern_actors::outcome::Reason;
use postern_actors::plan::{AuthorityExpiry, Backend, Endpoints, Poison};

use super::Settings;
use super::client_certificate::ClientCertificateState;
use crate::resources::{NamespacedName, Snapshot};
use crate::status::{Finding, PolicyVerdict};

/// The kinds that a backendRef can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum BackendKind {
    /// core
    Service,
    /// agentgateway.dev
    AgentgatewayBackend,
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
    /// For the route's `ResolvedRefs`: `BackendNotFound`, `UnsupportedProtocol`, ...
    pub(crate) route_reason: &'static str,
    /// Names the object, the cause and the remedy.
    pub(crate) message: String,
    /// What the reference's share of the requests gets.
    pub(crate) poison: Poison,
}

/// What became of every use.
#[derive(Debug, Default)]
pub(crate) struct ResolvedBackends {
    /// One entry for each use. A backend whose policy cannot be used is `Ok` with [`Tls::Poisoned`](postern_actors::plan::Tls).
    pub(crate) backends: BTreeMap<BackendUse, Result<Arc<Backend>, BackendProblem>>,
    /// Policies with at least one ancestor of ours.
    pub(crate) policies: BTreeMap<NamespacedName, PolicyVerdict>,
    /// What a user should know, in a fixed order.
    pub(crate) findings: Vec<Finding>,
    /// When the anchors end.
    pub(crate) authorities: Vec<AuthorityExpiry>,
    /// The ready endpoints of every Service port among the backends.
    pub(crate) endpoints: Endpoints,
}

/// Resolves every use. `clients` has an entry for each Gateway that a use names.
pub(crate) fn resolve(
    _snapshot: &Snapshot,
    _settings: &Settings,
    _now: Timestamp,
    uses: &BTreeSet<BackendUse>,
    _clients: &BTreeMap<NamespacedName, ClientCertificateState>,
) -> ResolvedBackends {
    let mut resolved = ResolvedBackends::default();
    for usage in uses {
        let message = format!("{} is not resolved yet", usage.target.name);
        let poison = Poison { reason: Reason::BackendInvalid, message: message.as_str().into(), policy: None };
        let problem = BackendProblem { route_reason: "BackendNotFound", message, poison };
        resolved.backends.insert(usage.clone(), Err(problem));
    }
    resolved
}
