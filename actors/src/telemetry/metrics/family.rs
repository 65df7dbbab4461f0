//! Families: the series of one metric by their labels, how a series is read, and how shards are added up.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus::core::Metric as _;
use prometheus::proto::{self, LabelPair, MetricFamily, MetricType};
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntGauge};

use super::tally::Level;

/// The labels of one family.
pub(super) trait LabelSet: Eq + Hash {
    /// Their names.
    const NAMES: &'static [&'static str];
    /// Their values, in the order of the names.
    fn values(&self) -> Vec<String>;
}

/// Says which fields of a type are which labels.
macro_rules! label_set {
    ($type:ty { $($name:literal: $($field:ident).+),* $(,)? }) => {
        impl $crate::telemetry::metrics::family::LabelSet for $type {
            const NAMES: &'static [&'static str] = &[$($name),*];
            fn values(&self) -> Vec<String> {
                vec![$(self.$($field).+.to_string()),*]
            }
        }
    };
}
pub(super) use label_set;

/// No labels.
impl LabelSet for () {
    const NAMES: &'static [&'static str] = &[];
    fn values(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is measured: a handle, cheap to clone, that can be read.
pub(super) trait Instrument: Clone {
    /// How the text format calls it.
    const KIND: MetricType;
    /// Its value now.
    fn read(&self) -> Reading;
    /// The value of a series that two shards have.
    fn merge(into: &mut Reading, other: Reading) {
        into.add(other);
    }
    /// Whether nothing is lost if it is forgotten with its object.
    fn is_at_rest(&self) -> bool {
        true
    }
}

/// A value as it was read.
#[derive(Debug)]
pub(super) enum Reading {
    Number(f64),
    Distribution(proto::Histogram),
}

impl Reading {
    fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Number(sum), Self::Number(number)) => *sum += number,
            (Self::Distribution(sum), Self::Distribution(other)) => *sum = add_distributions(sum, &other),
            // A family has one kind of instrument.
            (Self::Number(_), Self::Distribution(_)) | (Self::Distribution(_), Self::Number(_)) => {}
        }
    }
}

/// Both have the buckets of their family.
fn add_distributions(one: &proto::Histogram, other: &proto::Histogram) -> proto::Histogram {
    let mut sum = proto::Histogram::default();
    sum.set_sample_count(one.get_sample_count() + other.get_sample_count());
    sum.set_sample_sum(one.get_sample_sum() + other.get_sample_sum());
    let buckets = one.get_bucket().iter().zip(other.get_bucket()).map(|(one, other)| {
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(one.upper_bound());
        bucket.set_cumulative_count(one.cumulative_count() + other.cumulative_count());
        bucket
    });
    sum.set_bucket(buckets.collect());
    sum
}

impl Instrument for IntCounter {
    const KIND: MetricType = MetricType::COUNTER;
    fn read(&self) -> Reading {
        Reading::Number(self.get() as f64)
    }
}

impl Instrument for IntGauge {
    const KIND: MetricType = MetricType::GAUGE;
    fn read(&self) -> Reading {
        Reading::Number(self.get() as f64)
    }
    fn is_at_rest(&self) -> bool {
        self.get() == 0
    }
}

impl Instrument for Histogram {
    const KIND: MetricType = MetricType::HISTOGRAM;
    fn read(&self) -> Reading {
        Reading::Distribution(self.metric().get_histogram().clone())
    }
}

/// A moment, in seconds since the Unix epoch. Of several shards the latest counts.
#[derive(Debug, Clone)]
pub(super) struct Moment(Gauge);

impl Moment {
    /// Sets it.
    pub(super) fn set(&self, seconds: f64) {
        self.0.set(seconds);
    }

    /// As it was set last.
    pub(super) fn get(&self) -> f64 {
        self.0.get()
    }
}

impl Instrument for Moment {
    const KIND: MetricType = MetricType::GAUGE;
    fn read(&self) -> Reading {
        Reading::Number(self.get())
    }
    fn merge(into: &mut Reading, other: Reading) {
        if let (Reading::Number(latest), Reading::Number(other)) = (into, other) {
            *latest = latest.max(other);
        }
    }
}

/// What is set and never counted down. Shards add up.
#[derive(Debug, Clone)]
pub(super) struct Amount(Gauge);

impl Amount {
    /// Sets it.
    pub(super) fn set(&self, amount: u64) {
        self.0.set(amount as f64);
    }

    /// As it was set last.
    pub(super) fn get(&self) -> u64 {
        self.0.get() as u64
    }
}

impl Instrument for Amount {
    const KIND: MetricType = MetricType::GAUGE;
    fn read(&self) -> Reading {
        Reading::Number(self.0.get())
    }
}

/// Makes instruments. They never get into a registry, so only the family's name is ever seen.
const UNREGISTERED: (&str, &str) = ("postern", "A series of a family.");

pub(super) fn counter() -> IntCounter {
    IntCounter::new(UNREGISTERED.0, UNREGISTERED.1).expect("a valid name")
}

pub(super) fn gauge() -> IntGauge {
    IntGauge::new(UNREGISTERED.0, UNREGISTERED.1).expect("a valid name")
}

pub(super) fn moment() -> Moment {
    Moment(Gauge::new(UNREGISTERED.0, UNREGISTERED.1).expect("a valid name"))
}

pub(super) fn amount() -> Amount {
    Amount(Gauge::new(UNREGISTERED.0, UNREGISTERED.1).expect("a valid name"))
}

pub(super) fn histogram(buckets: &[f64]) -> Histogram {
    let options = HistogramOpts::new(UNREGISTERED.0, UNREGISTERED.1).buckets(buckets.to_vec());
    Histogram::with_opts(options).expect("ascending buckets")
}

/// The series of one metric in one shard.
#[derive(Debug)]
pub(super) struct Family<L, M> {
    make: fn() -> M,
    series: Mutex<HashMap<L, M>>,
}

impl<L: LabelSet, M: Instrument> Family<L, M> {
    /// Without a series.
    pub(super) fn new(make: fn() -> M) -> Self {
        Self { make, series: Mutex::default() }
    }

    /// The series with these labels, begun if there is none.
    pub(super) fn series(&self, labels: L) -> M {
        self.lock().entry(labels).or_insert_with(self.make).clone()
    }

    /// The series with these labels, if it has begun.
    pub(super) fn get(&self, labels: &L) -> Option<M> {
        self.lock().get(labels).cloned()
    }

    /// Looks at every series, in no order. What looks must not wait.
    pub(super) fn each(&self, mut look: impl FnMut(&L, &M)) {
        self.lock().iter().for_each(|(labels, instrument)| look(labels, instrument));
    }

    /// Forgets the series whose labels are not wanted, but for those that are not at rest.
    pub(super) fn retain(&self, wanted: impl Fn(&L) -> bool) {
        self.lock().retain(|labels, instrument| wanted(labels) || !instrument.is_at_rest());
    }

    /// Puts series in the place of all others, at once.
    pub(super) fn replace<V>(&self, values: impl IntoIterator<Item = (L, V)>, set: impl Fn(&M, V)) {
        let series = values.into_iter().map(|(labels, value)| {
            let instrument = (self.make)();
            set(&instrument, value);
            (labels, instrument)
        });
        let series = series.collect();
        *self.lock() = series;
    }

    /// Forgets every series.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// A panic elsewhere leaves a map of handles as good as it was.
    fn lock(&self) -> MutexGuard<'_, HashMap<L, M>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: LabelSet> Family<L, Level> {
    /// Sets every series to 0.
    pub(super) fn reset(&self) {
        self.lock().values().for_each(|gauge| gauge.set(0));
    }
}

/// Adds up a family over its shards, leaving out the series that are not wanted. `None` if none is left.
pub(super) fn collect<'a, L: LabelSet + 'a, M: Instrument + 'a>(
    (name, help): (&str, &str),
    shards: impl IntoIterator<Item = &'a Family<L, M>>,
    wanted: impl Fn(&L) -> bool,
) -> Option<MetricFamily> {
    let mut merged: BTreeMap<Vec<String>, Reading> = BTreeMap::new();
    for shard in shards {
        for (labels, instrument) in shard.lock().iter().filter(|(labels, _)| wanted(labels)) {
            let reading = instrument.read();
            match merged.entry(labels.values()) {
                std::collections::btree_map::Entry::Occupied(mut sum) => M::merge(sum.get_mut(), reading),
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(reading);
                }
            }
        }
    }
    if merged.is_empty() {
        return None;
    }
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(M::KIND);
    family.set_metric(merged.into_iter().map(|(values, reading)| metric(L::NAMES, values, M::KIND, reading)).collect());
    Some(family)
}

fn metric(names: &[&str], values: Vec<String>, kind: MetricType, reading: Reading) -> proto::Metric {
    let pairs = names.iter().zip(values).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value(value);
        pair
    });
    let mut metric = proto::Metric::from_label(pairs.collect());
    match reading {
        Reading::Distribution(histogram) => metric.set_histogram(histogram),
        Reading::Number(number) if kind == MetricType::COUNTER => {
            let mut counter = proto::Counter::default();
            counter.set_value(number);
            metric.set_counter(counter);
        }
        Reading::Number(number) => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(number);
            metric.set_gauge(gauge);
        }
    }
    metric
}

#[cfg(test)]
mod tests {
    use super::{Family, Instrument, LabelSet, collect, counter, gauge, histogram, moment};

    #[derive(PartialEq, Eq, Hash)]
    struct Labels {
        object: &'static str,
        port: u16,
    }
    label_set!(Labels { "object": object, "port": port });

    fn render<M: Instrument>(shards: &[Family<Labels, M>], wanted: impl Fn(&Labels) -> bool) -> String {
        let family = collect(("name", "Help."), shards, wanted);
        prometheus::TextEncoder::new().encode_to_string(family.as_slice()).expect("a family with series")
    }

    const A: Labels = Labels { object: "a", port: 180 };
    const A1: Labels = Labels { object: "a1", port: 80 };

    #[test]
    fn counters_of_all_shards_add_up_by_label_set() {
        let shards = [Family::new(counter), Family::new(counter)];
        shards[0].series(A).inc_by(1);
        shards[1].series(A).inc_by(2);
        shards[1].series(A1).inc_by(4);
        let expected = "# HELP name Help.\n# TYPE name counter\nname{object=\"a\",port=\"180\"} 3\n\
                        name{object=\"a1\",port=\"80\"} 4\n";
        assert_eq!(render(&shards, |_| true), expected);
    }

    #[test]
    fn histograms_add_up_by_bucket() {
        let shards = [Family::new(|| histogram(&[1.0, 2.0])), Family::new(|| histogram(&[1.0, 2.0]))];
        shards[0].series(A).observe(0.5);
        shards[1].series(A).observe(1.5);
        shards[1].series(A).observe(5.0);
        let text = render(&shards, |_| true);
        for line in [
            "name_bucket{object=\"a\",port=\"180\",le=\"1\"} 1",
            "name_bucket{object=\"a\",port=\"180\",le=\"2\"} 2",
            "name_bucket{object=\"a\",port=\"180\",le=\"+Inf\"} 3",
            "name_sum{object=\"a\",port=\"180\"} 7",
            "name_count{object=\"a\",port=\"180\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn of_moments_the_latest_counts() {
        let shards = [Family::new(moment), Family::new(moment)];
        shards[0].series(A).set(2.0);
        shards[1].series(A).set(1.0);
        assert!(render(&shards, |_| true).ends_with("} 2\n"));
    }

    #[test]
    fn what_is_not_wanted_is_left_out_and_forgotten_once_at_rest() {
        let shards = [Family::new(gauge)];
        shards[0].series(A).set(1);
        shards[0].series(A1).set(1);
        let only_a1 = |labels: &Labels| labels.object == "a1";
        let shown = render(&shards, only_a1);
        assert!(shown.contains("\"a1\"") && !shown.contains("\"a\""), "{shown}");

        shards[0].retain(only_a1);
        assert_eq!(shards[0].series(A).get(), 1, "still to be counted down");
        shards[0].series(A).dec();
        shards[0].retain(only_a1);
        assert_eq!(shards[0].lock().len(), 1);
    }

    #[test]
    fn a_family_without_series_is_not_told() {
        let shards = [Family::<(), _>::new(counter)];
        assert!(collect(("name", "Help."), &shards, |()| true).is_none());
        assert!(<() as LabelSet>::NAMES.is_empty());
    }
}
