//! What the system says of this process: processor time, memory, descriptors, threads. The names are those that every
//! Prometheus client uses.

use std::fmt;

use prometheus::core::Collector as _;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;

/// Asked at each scrape.
pub(in crate::telemetry) struct ProcessMetrics(ProcessCollector);

impl ProcessMetrics {
    pub(in crate::telemetry) fn new() -> Self {
        Self(ProcessCollector::for_self())
    }

    pub(in crate::telemetry) fn collect(&self) -> Vec<MetricFamily> {
        self.0.collect()
    }
}

impl fmt::Debug for ProcessMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessMetrics")
    }
}
