//! Snapshot to Plan and Verdicts: a pure function, the same for the controller, the proxies, the file mode and
//! `postern check`. No IO, no clock (the time is passed in), no locks.

use std::sync::Arc;

use postern_actors::plan::identity::SystemRoots;
use postern_actors::plan::{Endpoints, Plan};

use crate::resources::Snapshot;
use crate::status::Verdicts;

pub(crate) mod backend_tls_policy;
pub(crate) mod backends;
pub(crate) mod certificates;
pub(crate) mod client_certificate;
pub mod endpoints;
pub(crate) mod grants;
pub(crate) mod options;
pub(crate) mod pem;

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
}

/// Translates. Its cost is proportional to the input.
pub fn translate(_snapshot: &Snapshot, _settings: &Settings, _now: jiff::Timestamp) -> Translation {
    Translation { plan: Plan::default(), endpoints: Endpoints::default(), verdicts: Verdicts::default() }
}
