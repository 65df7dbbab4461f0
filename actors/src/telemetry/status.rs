//! What the admin pages tell: readiness, the contact with Kubernetes, the plan that is served, its endpoints, and the
//! telemetry.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Contact, Readiness, Telemetry};
use crate::plan::{Endpoints, Plan};

/// The level of the process's log, changed while it runs.
pub trait LogLevel: Send + Sync {
    /// The directives in force, for example `info,postern=debug`.
    fn get(&self) -> String;
    /// Puts others in their place, or says in one line why not.
    fn set(&self, directives: &str) -> Result<(), String>;
}

/// Shared between the supervisor, which sets it, and the pages, which tell it.
pub struct Status {
    /// Whether the process takes traffic.
    pub readiness: Readiness,
    /// Metrics and observations.
    pub telemetry: Arc<Telemetry>,
    /// Whether the process is in touch with Kubernetes; the same that the metrics tell.
    pub contact: Arc<Contact>,
    log_level: Option<Box<dyn LogLevel>>,
    plan: RwLock<Arc<Plan>>,
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

impl Status {
    /// With an empty plan. Without a `log_level`, the page of it answers 404.
    pub fn new(telemetry: Arc<Telemetry>, readiness: Readiness, log_level: Option<Box<dyn LogLevel>>) -> Self {
        let contact = telemetry.contact().clone();
        Self { readiness, telemetry, contact, log_level, plan: RwLock::default() }
    }

    /// The plan that is served.
    pub fn plan(&self) -> Arc<Plan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another plan is served.
    pub fn set_plan(&self, plan: Arc<Plan>) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    /// The endpoints of the plan's Service ports.
    pub fn endpoints(&self) -> Arc<Endpoints> {
        self.telemetry.endpoints()
    }

    /// The endpoints have changed.
    pub fn set_endpoints(&self, endpoints: Arc<Endpoints>) {
        self.telemetry.set_endpoints(endpoints);
    }

    pub(super) fn log_level(&self) -> Option<&dyn LogLevel> {
        self.log_level.as_deref()
    }
}
