//! What a rule can forward to: a backend of one Gateway, and how TLS is originated to it.

use std::fmt;
use std::sync::Arc;

use super::endpoint::EndpointSource;
use super::identity::TlsIdentity;
use crate::outcome::Reason;

/// Names one port of one backend as one Gateway sees it (a client certificate belongs to the Gateway, so two Gateways
/// never share a backend).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId {
    /// `namespace/name` of the Gateway: the metric label `gateway`.
    pub gateway: Arc<str>,
    /// `kind/namespace/name`, for example `Service/default/nginx`: the metric label `backend`.
    pub backend: Arc<str>,
    /// The port of the backendRef, or of the `AgentgatewayBackend`.
    pub port: u16,
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.backend, self.port)
    }
}

/// A backend that exists. Whether it has endpoints is told apart, see [`EndpointSource`].
#[derive(Debug, PartialEq)]
pub struct Backend {
    /// Its name, also the key of the plan's table.
    pub id: BackendId,
    /// Where its addresses come from.
    pub endpoints: EndpointSource,
    /// How it is spoken to.
    pub tls: Tls,
    /// Of a plaintext backend: the BackendTLSPolicy that was probably meant for it, and selects something else.
    pub near_miss: Option<NearMiss>,
}

/// A BackendTLSPolicy that selects nothing by one of its targetRefs, and was probably meant for a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// `namespace/name` of the BackendTLSPolicy.
    pub policy: Arc<str>,
    /// The field at fault, and why it selects nothing.
    pub message: Arc<str>,
}

/// In a sentence, for logs and pages.
impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackendTLSPolicy {} nearly selects it: {}", self.policy, self.message)
    }
}

/// How a backend is spoken to. A port that any BackendTLSPolicy selects is never [`Tls::Plaintext`].
#[derive(Debug, Clone, PartialEq)]
pub enum Tls {
    /// No policy selects it.
    Plaintext,
    /// TLS is originated under this identity.
    Originate {
        /// `namespace/name` of the BackendTLSPolicy, for logs and pages.
        policy: Arc<str>,
        /// What is presented and what is demanded.
        identity: Arc<TlsIdentity>,
    },
    /// A policy selects it and cannot be used: no connection is ever made.
    Poisoned(Poison),
}

impl Tls {
    /// Whether both are equal; identities that are one in memory are not compared.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Originate { policy, identity }, Self::Originate { policy: other_policy, identity: other }) => {
                policy == other_policy && (Arc::ptr_eq(identity, other) || identity == other)
            }
            _ => self == other,
        }
    }

    /// `namespace/name` of the BackendTLSPolicy that decides, or is to blame.
    pub fn policy(&self) -> Option<&Arc<str>> {
        match self {
            Self::Plaintext => None,
            Self::Originate { policy, .. } => Some(policy),
            Self::Poisoned(poison) => poison.policy.as_ref(),
        }
    }
}

/// Why a target cannot be used. Answered with 500.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// The closed word for metrics, log and body.
    pub reason: Reason,
    /// For the log and the admin page, never for the client: what is wrong, and with which object.
    pub message: Arc<str>,
    /// `namespace/name` of the BackendTLSPolicy that is to blame, if one is.
    pub policy: Option<Arc<str>>,
}
