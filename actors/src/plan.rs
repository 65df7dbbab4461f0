//! The immutable runtime plan: what the proxy does with each request, decided ahead of time.
//!
//! A [`Plan`] is whole: a change of configuration is another plan, and a request ends on the plan on which it began.
//! Endpoints are the one thing that is not in it (see [`endpoint`]), so that their churn never makes a new plan.
//!
//! This module knows `http` and `regex`; never tokio, actix, kube, rustls or a clock.

use std::collections::BTreeMap;
use std::sync::Arc;

pub mod backend;
pub mod certificate;
mod describe;
pub mod described;
pub mod endpoint;
pub mod expiry;
pub mod explain;
pub mod filter;
pub mod hosts;
pub mod identity;
pub mod listener;
pub mod matching;
pub mod normal_path;
pub mod path;
pub mod rule;

pub use backend::{Backend, BackendId, NearMiss, Poison, Tls};
pub use describe::fingerprint;
pub(crate) use describe::hexadecimal;
pub use endpoint::{Endpoint, EndpointSource, Endpoints, ServicePort};
pub use expiry::{CertificateExpiry, Expiries};
pub use hosts::HostTable;
pub use identity::{TlsIdentity, Trust};
pub use listener::{Listener, Port, Protocol};
pub use matching::{RequestParts, RuleTable};
pub use normal_path::RequestPath;
pub use rule::{Action, RouteName, Rule};

/// Everything a proxy serves, for all of its Gateways (one in a cluster, any number in file mode).
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// One entry for each (Gateway, port) that has at least one programmed listener, in order of both.
    pub ports: Vec<Arc<Port>>,
    /// Every backend that a rule of the plan can choose, poisoned ones included.
    pub backends: BTreeMap<BackendId, Arc<Backend>>,
    /// The certificates whose expiry is told as a metric: the anchors of each policy.
    pub authorities: Vec<AuthorityExpiry>,
}

/// When the certificates of one CA reference of a policy end; the earliest of the reference counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityExpiry {
    /// `namespace/name` of the BackendTLSPolicy.
    pub policy: Arc<str>,
    /// `kind/namespace/name` of the reference, or `System`.
    pub reference: Arc<str>,
    /// `notAfter`, in seconds since the Unix epoch.
    pub not_after: i64,
}
