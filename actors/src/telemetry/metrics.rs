//! What is counted: one struct a component, each with its families of series.
//!
//! Every worker has a [`Shard`] of its own; a scrape reads all of them and adds up equal label sets. Series of objects
//! that are no longer in the plan are left out ([`Known`]), so a late record of an old request brings none back.
//!
//! The text format is that of the `prometheus` crate, and so are the instruments of what is counted once a process; those
//! of a shard are its own ([`tally`]). The crate's vectors are not used: they know a series by a hash over its concatenated
//! label values, by which port 80 of a backend `a1` is port 180 of a backend `a`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prometheus::proto::MetricFamily;

pub(super) mod config;
pub(super) mod downstream;
mod family;
pub(super) mod known;
pub(super) mod kubernetes;
mod labels;
pub(super) mod peers;
pub(super) mod process;
pub(super) mod request;
pub(super) mod tally;
pub(super) mod upstream;

pub(super) use config::ConfigMetrics;
pub(super) use downstream::DownstreamMetrics;
pub(super) use known::Known;
pub(super) use kubernetes::KubernetesMetrics;
pub(super) use process::ProcessMetrics;
pub(super) use request::RequestMetrics;
pub(super) use upstream::UpstreamMetrics;

/// What one worker counts.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) requests: RequestMetrics,
    pub(super) downstream: DownstreamMetrics,
    pub(super) upstream: UpstreamMetrics,
    /// Goes up when series were forgotten, so that the worker lets go of the handles it keeps.
    generation: AtomicU64,
    /// Whether a worker counts on it.
    taken: AtomicBool,
}

impl Shard {
    /// Takes it for a worker, if no other has it.
    pub(super) fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::AcqRel)
    }

    /// Its worker is gone: what it counted stays, what it held open does not.
    pub(super) fn give_back(&self) {
        self.requests.reset_gauges();
        self.downstream.reset_gauges();
        self.upstream.reset_gauges();
        self.taken.store(false, Ordering::Release);
    }

    /// Whether a worker has it.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }

    /// Changes when handles got from its families are no longer to be used.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Forgets the series of objects that are gone, but for gauges that are not at rest: what was counted up is still to
    /// be counted down.
    pub(super) fn forget_unknown(&self, known: &Known) {
        self.requests.forget_unknown(known);
        self.downstream.forget_unknown(known);
        self.upstream.forget_unknown(known);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// Adds up the shards.
pub(super) fn collect(shards: &[Arc<Shard>], known: &Known) -> Vec<MetricFamily> {
    let requests: Vec<_> = shards.iter().map(|shard| &shard.requests).collect();
    let upstream: Vec<_> = shards.iter().map(|shard| &shard.upstream).collect();
    let downstream: Vec<_> = shards.iter().map(|shard| &shard.downstream).collect();
    let mut families = RequestMetrics::collect(&requests, known);
    families.extend(DownstreamMetrics::collect(&downstream, known));
    families.extend(UpstreamMetrics::collect(&upstream, known));
    families
}
