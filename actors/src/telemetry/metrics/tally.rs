//! The instruments of a shard: written by its worker alone, read by whoever scrapes.
//!
//! An atomic addition costs as much as many plain ones. Where only one thread ever writes, a load and a store are enough,
//! and no reader can tell the difference. So none of these may be written by two threads at once; that a shard has
//! one worker at a time is seen to by [`Shard::take`](super::Shard::take).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prometheus::proto::{self, MetricType};

use super::family::{Instrument, Reading};

/// A counter.
#[derive(Debug, Clone, Default)]
pub(in crate::telemetry) struct Tally(Arc<AtomicU64>);

impl Tally {
    pub(in crate::telemetry) fn add(&self, count: u64) {
        add(&self.0, count);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Instrument for Tally {
    const KIND: MetricType = MetricType::COUNTER;
    fn read(&self) -> Reading {
        Reading::Number(self.get() as f64)
    }
}

/// A gauge of things that come and go.
#[derive(Debug, Clone, Default)]
pub(in crate::telemetry) struct Level(Arc<AtomicI64>);

impl Level {
    /// One more (`true`), or one less.
    pub(in crate::telemetry) fn step(&self, up: bool) {
        self.set(self.get().wrapping_add(if up { 1 } else { -1 }));
    }

    pub(super) fn set(&self, level: i64) {
        self.0.store(level, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Instrument for Level {
    const KIND: MetricType = MetricType::GAUGE;
    fn read(&self) -> Reading {
        Reading::Number(self.get() as f64)
    }
    fn is_at_rest(&self) -> bool {
        self.get() == 0
    }
}

/// A histogram.
#[derive(Debug, Clone)]
pub(in crate::telemetry) struct Distribution(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    /// The highest value that each but the last bucket takes, ascending.
    bounds: &'static [f64],
    /// Not cumulative; one more than there are bounds.
    counts: Box<[AtomicU64]>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

impl Distribution {
    /// With buckets up to these bounds, ascending, and one for what is beyond.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self(Arc::new(Buckets { bounds, counts, sum: AtomicU64::new(0.0_f64.to_bits()) }))
    }

    pub(in crate::telemetry) fn observe(&self, value: f64) {
        let Buckets { bounds, counts, sum } = &*self.0;
        let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        add(&counts[bucket], 1);
        let total = f64::from_bits(sum.load(Ordering::Relaxed)) + value;
        sum.store(total.to_bits(), Ordering::Relaxed);
    }
}

impl Instrument for Distribution {
    const KIND: MetricType = MetricType::HISTOGRAM;

    /// The count is that of the buckets; the sum may lack, or have, an observation that is being made.
    fn read(&self) -> Reading {
        let Buckets { bounds, counts, sum } = &*self.0;
        let mut count = 0;
        let mut cumulative = counts.iter().map(|bucket| {
            count += bucket.load(Ordering::Relaxed);
            count
        });
        let buckets = bounds.iter().zip(&mut cumulative).map(|(bound, count)| {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(count);
            bucket
        });
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(cumulative.last().unwrap_or_default());
        histogram.set_sample_sum(f64::from_bits(sum.load(Ordering::Relaxed)));
        Reading::Distribution(histogram)
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use prometheus::{Histogram, HistogramOpts};
    use proptest::prelude::*;

    use super::super::family::{Instrument, Reading};
    use super::{Distribution, Level, Tally};

    const BOUNDS: &[f64] = &[0.5, 1.0, 2.0];

    fn distribution(reading: Reading) -> prometheus::proto::Histogram {
        match reading {
            Reading::Distribution(histogram) => histogram,
            Reading::Number(number) => panic!("{number} is no distribution"),
        }
    }

    proptest! {
        #[test]
        fn a_distribution_says_what_the_engines_histogram_says(
            values in proptest::collection::vec(prop_oneof![0.0..3.0_f64, Just(0.5), Just(1.0), Just(2.0)], 0..20),
        ) {
            let ours = Distribution::new(BOUNDS);
            let options = HistogramOpts::new("name", "Help.").buckets(BOUNDS.to_vec());
            let theirs = Histogram::with_opts(options).expect("ascending buckets");
            for value in values {
                ours.observe(value);
                theirs.observe(value);
            }
            prop_assert_eq!(distribution(ours.read()), distribution(theirs.read()));
        }
    }

    #[test]
    fn handles_of_one_series_count_together() {
        let (tally, level) = (Tally::default(), Level::default());
        tally.add(2);
        tally.clone().add(3);
        assert_eq!(tally.get(), 5);
        level.step(true);
        assert!(!level.is_at_rest());
        level.clone().step(false);
        assert!(level.is_at_rest());
    }
}
