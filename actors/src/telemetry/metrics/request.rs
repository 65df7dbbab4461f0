//! Metrics of requests.

use std::borrow::Cow;
use std::sync::Arc;

use prometheus::proto::MetricFamily;
use prometheus::{Histogram, IntCounter, IntGauge};

use super::family::{Family, collect, counter, gauge, histogram, label_set};
use super::known::Known;
use crate::outcome::Reason;
use crate::telemetry::RequestRecord;

const TOTAL: (&str, &str) = ("postern_requests_total", "Requests whose response has ended.");
const DURATION: (&str, &str) =
    ("postern_request_duration_seconds", "Time from the end of a request's head to the end of the response.");
const IN_FLIGHT: (&str, &str) = ("postern_requests_in_flight", "Requests whose response has not ended.");

/// Seconds; from a cached answer nearby to a long poll.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Labels of a request. Borrowed where a series is looked up, owned where it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::telemetry) struct RequestLabels<'a> {
    gateway: Cow<'a, str>,
    listener: Cow<'a, str>,
    route: Cow<'a, str>,
    backend: Cow<'a, str>,
    method: Method,
    status: u16,
    reason: Reason,
}
label_set!(RequestLabels<'static> {
    "gateway": gateway,
    "listener": listener,
    "route": route,
    "backend": backend,
    "method": method,
    "status": status,
    "reason": reason,
});

impl<'a> RequestLabels<'a> {
    pub(in crate::telemetry) fn of(record: &'a RequestRecord<'_>) -> Self {
        Self {
            gateway: Cow::Borrowed(record.gateway),
            listener: Cow::Borrowed(record.listener),
            route: Cow::Borrowed(record.route),
            backend: Cow::Borrowed(record.backend.map_or("", |id| &id.backend)),
            method: Method::of(record.method),
            status: record.status,
            reason: record.reason,
        }
    }

    fn into_owned(self) -> RequestLabels<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        RequestLabels {
            gateway: own(self.gateway),
            listener: own(self.listener),
            route: own(self.route),
            backend: own(self.backend),
            method: self.method,
            status: self.status,
            reason: self.reason,
        }
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

fn status_class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "none",
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct GatewayLabel {
    gateway: Arc<str>,
}
label_set!(GatewayLabel { "gateway": gateway });

/// The requests of one shard.
#[derive(Debug)]
pub(in crate::telemetry) struct RequestMetrics {
    total: Family<RequestLabels<'static>, IntCounter>,
    duration: Family<DurationLabels, Histogram>,
    in_flight: Family<GatewayLabel, IntGauge>,
}

/// The series that one request counts on.
#[derive(Debug)]
pub(in crate::telemetry) struct RequestSeries {
    /// How many.
    pub(in crate::telemetry) total: IntCounter,
    /// How long.
    pub(in crate::telemetry) duration: Histogram,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            total: Family::new(counter),
            duration: Family::new(|| histogram(BUCKETS)),
            in_flight: Family::new(gauge),
        }
    }
}

impl RequestMetrics {
    /// The series of a request, with the labels to find them again.
    pub(in crate::telemetry) fn series(&self, labels: RequestLabels<'_>) -> (RequestLabels<'static>, RequestSeries) {
        let duration = self.duration.series(DurationLabels {
            gateway: labels.gateway.as_ref().into(),
            route: labels.route.as_ref().into(),
            backend: labels.backend.as_ref().into(),
            status_class: status_class(labels.status),
        });
        let labels = labels.into_owned();
        (labels.clone(), RequestSeries { total: self.total.series(labels), duration })
    }

    pub(in crate::telemetry) fn in_flight(&self, gateway: &str) -> IntGauge {
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

impl RequestLabels<'_> {
    fn known(&self, known: &Known) -> bool {
        known.request(&self.gateway, &self.listener, &self.route, &self.backend)
    }
}

impl DurationLabels {
    fn known(&self, known: &Known) -> bool {
        known.request(&self.gateway, "", &self.route, &self.backend)
    }
}
