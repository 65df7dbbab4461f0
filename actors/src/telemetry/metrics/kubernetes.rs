//! Metrics of what passes between this process and Kubernetes. There is one of these, not one a worker.

use std::time::SystemTime;

use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge};

use super::family::{Family, Moment, collect, counter, gauge, label_set, moment};
use super::labels::{GatewayLabel, KindLabel};
use crate::telemetry::Contact;

const OUT_OF_TOUCH: (&str, &str) = (
    "postern_kubernetes_out_of_touch_since_timestamp_seconds",
    "Since when at least one watch of Kubernetes is without contact; 0 if none is.",
);
const RESTARTS: (&str, &str) =
    ("postern_kubernetes_watch_restarts_total", "Watches of Kubernetes that were begun again, by kind of object.");
const WRITES: (&str, &str) =
    ("postern_kubernetes_writes_total", "Writes to Kubernetes, by kind of object and what became of them.");
const EVENTS: (&str, &str) = ("postern_kubernetes_events_total", "Events on handshakes, by what became of them.");
const PROGRAMMED: (&str, &str) = (
    "postern_gateway_programmed",
    "1 if the condition Programmed of the Gateway is true, else 0; told by the controller that writes.",
);
const LEADER: (&str, &str) = ("postern_leader", "1 if this is the controller that writes, else 0.");

/// Every kind that is watched or written. Another one is `other`: kinds can be made up, the names of series cannot.
const KINDS: [&str; 22] = [
    "AgentgatewayBackend",
    "BackendTLSPolicy",
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CustomResourceDefinition",
    "Deployment",
    "EndpointSlice",
    "Event",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "Lease",
    "Namespace",
    "PodDisruptionBudget",
    "ReferenceGrant",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
];

/// What became of a write: `result` of `postern_kubernetes_writes_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteResult {
    /// It was accepted.
    Success,
    /// Somebody else had changed the object: it is read and written again.
    Conflict,
    /// It was refused, or did not arrive.
    Failure,
}

impl WriteResult {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Success, Self::Conflict, Self::Failure];

    /// The word of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Conflict => "conflict",
            Self::Failure => "failure",
        }
    }
}

/// What became of an Event: `result` of `postern_kubernetes_events_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventResult {
    /// It was written.
    Written,
    /// It was refused, or did not arrive.
    Failed,
    /// There were too many at once; it is told later, if it is still true then.
    LeftOut,
}

impl EventResult {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Written, Self::Failed, Self::LeftOut];

    /// The word of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Failed => "failed",
            Self::LeftOut => "left_out",
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct EventLabel {
    result: &'static str,
}
label_set!(EventLabel { "result": result });

#[derive(Debug, PartialEq, Eq, Hash)]
struct WriteLabels {
    kind: &'static str,
    result: &'static str,
}
label_set!(WriteLabels { "kind": kind, "result": result });

/// The metrics of a process that knows Kubernetes; of another one, none is told.
#[derive(Debug)]
pub(in crate::telemetry) struct KubernetesMetrics {
    out_of_touch: Family<(), Moment>,
    restarts: Family<KindLabel, IntCounter>,
    writes: Family<WriteLabels, IntCounter>,
    events: Family<EventLabel, IntCounter>,
    leader: Family<(), IntGauge>,
    programmed: Family<GatewayLabel, IntGauge>,
}

impl KubernetesMetrics {
    pub(in crate::telemetry) fn new() -> Self {
        Self {
            out_of_touch: Family::new(moment),
            restarts: Family::new(counter),
            writes: Family::new(counter),
            events: Family::new(counter),
            leader: Family::new(gauge),
            programmed: Family::new(gauge),
        }
    }

    /// The counter of a kind that is watched, begun if there is none.
    pub(in crate::telemetry) fn restarts(&self, kind: &str) -> IntCounter {
        self.restarts.series(KindLabel { kind: word(kind) })
    }

    pub(in crate::telemetry) fn written(&self, kind: &str, result: WriteResult) {
        self.writes.series(WriteLabels { kind: word(kind), result: result.as_str() }).inc();
    }

    pub(in crate::telemetry) fn events_begin(&self) {
        for result in EventResult::ALL {
            self.events.series(EventLabel { result: result.as_str() });
        }
    }

    pub(in crate::telemetry) fn event(&self, result: EventResult) {
        self.events.series(EventLabel { result: result.as_str() }).inc();
    }

    pub(in crate::telemetry) fn leads(&self, leads: bool) {
        self.leader.series(()).set(leads.into());
    }

    /// The Gateways and whether each is programmed, in the place of those told before.
    pub(in crate::telemetry) fn programmed<'a>(&self, gateways: impl IntoIterator<Item = (&'a str, bool)>) {
        let series = gateways.into_iter().map(|(gateway, is_so)| (GatewayLabel { gateway: gateway.into() }, is_so));
        self.programmed.replace(series, |gauge, is_so| gauge.set(is_so.into()));
    }

    /// What was told last; nothing in a process that is no controller.
    pub(in crate::telemetry) fn is_leader(&self) -> Option<bool> {
        self.leader.get(&()).map(|gauge| gauge.get() == 1)
    }

    pub(in crate::telemetry) fn collect(&self, contact: &Contact) -> Vec<MetricFamily> {
        if contact.is_watching() {
            let since = contact.since().and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok());
            self.out_of_touch.series(()).set(since.map_or(0.0, |since| since.as_secs_f64()));
        }
        [
            collect(OUT_OF_TOUCH, [&self.out_of_touch], |()| true),
            collect(RESTARTS, [&self.restarts], |_| true),
            collect(WRITES, [&self.writes], |_| true),
            collect(EVENTS, [&self.events], |_| true),
            collect(LEADER, [&self.leader], |()| true),
            collect(PROGRAMMED, [&self.programmed], |_| self.is_leader() == Some(true)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The label of what is watched or written: a kind, and perhaps a name.
fn word(kind: &str) -> &'static str {
    let kind = kind.split(' ').next().unwrap_or_default();
    KINDS.iter().find(|known| **known == kind).unwrap_or(&"other")
}
