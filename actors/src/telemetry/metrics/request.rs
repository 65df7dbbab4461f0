//! Metrics of requests.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use indexmap::Equivalent;
use prometheus::proto::MetricFamily;

use super::family::{Family, collect, label_set};
use super::known::Known;
use super::labels::GatewayLabel;
use super::tally::{Distribution, Level, Tally};
use crate::outcome::Reason;
use crate::telemetry::RequestRecord;

const TOTAL: (&str, &str) = ("postern_requests_total", "Requests whose response has ended.");
const DURATION: (&str, &str) =
    ("postern_request_duration_seconds", "Time from the end of a request's head to the end of the response.");
const IN_FLIGHT: (&str, &str) = ("postern_requests_in_flight", "Requests whose response has not ended.");

/// Seconds; from a cached answer nearby to a long poll.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RequestLabels {
    gateway: Arc<str>,
    listener: Arc<str>,
    route: Arc<str>,
    backend: Arc<str>,
    method: Method,
    status: Status,
    reason: Reason,
}
label_set!(RequestLabels {
    "gateway": gateway,
    "listener": listener,
    "route": route,
    "backend": backend,
    "method": method,
    "status": status,
    "reason": reason,
});

/// Requests of which all the labels are equal, and the port of the backend as well.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::telemetry) struct RequestClass {
    labels: RequestLabels,
    port: u16,
}

/// A class as a record says it: borrowed, so that nothing is copied to look it up. What the record has shared is compared
/// by address first: the class that is kept holds the same text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::telemetry) struct ClassOf<'a> {
    gateway: &'a Arc<str>,
    listener: &'a str,
    route: &'a str,
    backend: Option<&'a Arc<str>>,
    port: u16,
    method: Method,
    status: Status,
    reason: Reason,
}

impl<'a> ClassOf<'a> {
    pub(in crate::telemetry) fn new(record: &RequestRecord<'a>) -> Self {
        Self {
            gateway: record.gateway,
            listener: record.listener,
            route: record.route,
            backend: record.backend.map(|id| &id.backend),
            port: record.backend.map_or(0, |id| id.port),
            method: Method::of(record.method),
            status: Status::of(record.status),
            reason: record.reason,
        }
    }

    pub(in crate::telemetry) fn to_owned(&self) -> RequestClass {
        let labels = RequestLabels {
            gateway: self.gateway.clone(),
            listener: self.listener.into(),
            route: self.route.into(),
            backend: self.backend.cloned().unwrap_or_default(),
            method: self.method,
            status: self.status,
            reason: self.reason,
        };
        RequestClass { labels, port: self.port }
    }
}

impl RequestClass {
    fn borrow(&self) -> ClassOf<'_> {
        let RequestLabels { gateway, listener, route, backend, method, status, reason } = &self.labels;
        let (method, status, reason) = (*method, *status, *reason);
        let backend = Some(backend).filter(|name| !name.is_empty());
        ClassOf { gateway, listener, route, backend, port: self.port, method, status, reason }
    }
}

impl Hash for RequestClass {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrow().hash(state);
    }
}

impl Equivalent<RequestClass> for ClassOf<'_> {
    fn equivalent(&self, class: &RequestClass) -> bool {
        *self == class.borrow()
    }
}

/// The methods of RFC 9110 and RFC 5789; a client's own invention is no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Other,
}

impl Method {
    fn of(method: &str) -> Self {
        match method {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            "OPTIONS" => Self::Options,
            "TRACE" => Self::Trace,
            "PATCH" => Self::Patch,
            _ => Self::Other,
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Other => "other",
        })
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DurationLabels {
    gateway: Arc<str>,
    route: Arc<str>,
    backend: Arc<str>,
    status_class: &'static str,
}
label_set!(DurationLabels {
    "gateway": gateway,
    "route": route,
    "backend": backend,
    "status_class": status_class,
});

/// A status that is registered (RFC 9110, section 16.2), or the class of one that is not: a backend's own invention is no
/// label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Status(u16);

impl Status {
    fn of(status: u16) -> Self {
        let registered = StatusCode::from_u16(status).is_ok_and(|status| status.canonical_reason().is_some());
        Self(if registered { status } else { status / 100 })
    }

    fn class(self) -> u16 {
        if self.0 < 100 { self.0 } else { self.0 / 100 }
    }
}

/// `503`, or `5xx`; 0 is none.
impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            class @ 1..=9 => write!(f, "{class}xx"),
            status => write!(f, "{status}"),
        }
    }
}

fn status_class(status: Status) -> &'static str {
    match status.class() {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "none",
    }
}

/// The requests of one shard.
#[derive(Debug)]
pub(in crate::telemetry) struct RequestMetrics {
    total: Family<RequestLabels, Tally>,
    duration: Family<DurationLabels, Distribution>,
    in_flight: Family<GatewayLabel, Level>,
}

/// The series that one request counts on.
#[derive(Debug)]
pub(in crate::telemetry) struct RequestSeries {
    total: Tally,
    duration: Distribution,
}

impl RequestSeries {
    pub(in crate::telemetry) fn count(&self, duration: Duration) {
        self.total.add(1);
        self.duration.observe(duration.as_secs_f64());
    }
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            total: Family::new(Tally::default),
            duration: Family::new(|| Distribution::new(BUCKETS)),
            in_flight: Family::new(Level::default),
        }
    }
}

impl RequestMetrics {
    /// The series that the requests of a class count on.
    pub(in crate::telemetry) fn series(&self, class: &RequestClass) -> RequestSeries {
        let labels = &class.labels;
        let duration = self.duration.series(DurationLabels {
            gateway: labels.gateway.clone(),
            route: labels.route.clone(),
            backend: labels.backend.clone(),
            status_class: status_class(labels.status),
        });
        RequestSeries { total: self.total.series(labels.clone()), duration }
    }

    pub(in crate::telemetry) fn in_flight(&self, gateway: &str) -> Level {
        self.in_flight.series(GatewayLabel { gateway: gateway.into() })
    }

    pub(super) fn reset_gauges(&self) {
        self.in_flight.reset();
    }

    pub(super) fn forget_unknown(&self, known: &Known) {
        self.total.retain(|labels| labels.known(known));
        self.duration.retain(|labels| labels.known(known));
        self.in_flight.retain(|labels| known.gateway(&labels.gateway));
    }

    pub(super) fn collect(shards: &[&Self], known: &Known) -> Vec<MetricFamily> {
        let shards = || shards.iter();
        [
            collect(TOTAL, shards().map(|shard| &shard.total), |labels| labels.known(known)),
            collect(DURATION, shards().map(|shard| &shard.duration), |labels| labels.known(known)),
            collect(IN_FLIGHT, shards().map(|shard| &shard.in_flight), |labels| known.gateway(&labels.gateway)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl RequestLabels {
    fn known(&self, known: &Known) -> bool {
        known.request(&self.gateway, &self.listener, &self.route, &self.backend)
    }
}

impl DurationLabels {
    fn known(&self, known: &Known) -> bool {
        known.request(&self.gateway, "", &self.route, &self.backend)
    }
}
