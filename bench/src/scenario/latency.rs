//! How long requests take at one rate for all three: half of what the slowest of them can do.

use anyhow::{Context as _, bail};

use crate::load::h2load::{Paced, at_rate};
use crate::load::wrk::Wrk;
use crate::proxy::{Kind, PerProxy};
use crate::report::{Findings, Row, Target};
use crate::stage::{Bench, Setting, Stage};
use crate::statistics::percentile;

const CONNECTIONS: usize = 16;
/// Rounds of one proxy in which something else on the machine may have kept it from the rate.
const TOLERATED: usize = 3;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Findings> {
    let mut stage = Stage::set(bench, Setting::default())?;
    let folder = stage.folder().to_owned();
    let core = bench.cores.load;
    let mut slowest = f64::INFINITY;
    for kind in Kind::ALL {
        let round = stage.round(kind, &|proxy| {
            let wrk = Wrk { url: &proxy.url("/1k"), connections: CONNECTIONS, seconds: bench.seconds, script: None };
            wrk.run(core, &folder)
        })?;
        slowest = slowest.min(round.answered.rate);
    }
    let rate = (slowest / 2.0) as u64;
    let (mut median, mut tail): (PerProxy<Vec<f64>>, PerProxy<Vec<f64>>) = Default::default();
    let mut missed: PerProxy<usize> = PerProxy::default();
    for _ in 0..bench.rounds {
        for kind in Kind::ALL {
            let url = stage.proxy(kind).url("/1k");
            let times = loop {
                match at_rate(&url, CONNECTIONS, rate, bench.seconds, core, &folder)
                    .with_context(|| kind.to_string())?
                {
                    Paced::Times(times) => break times,
                    Paced::Missed(reached) if missed[kind] == TOLERATED => {
                        bail!("{kind} answered {reached:.0} requests a second of {rate}, and not for the first time")
                    }
                    Paced::Missed(_) => missed[kind] += 1,
                }
            };
            let (middle, late) = (percentile(&times, 0.5), percentile(&times, 0.99));
            let (middle, late) = middle.zip(late).context("no request was timed")?;
            eprintln!("  {kind}: p50 {middle:.0} µs, p99 {late:.0} µs of {} requests", times.len());
            median[kind].push(middle);
            tail[kind].push(late);
        }
    }
    let notes = Kind::ALL.into_iter().filter(|kind| missed[*kind] > 0).map(|kind| {
        format!("{rate} requests/s: {kind} missed the rate in {} rounds, which were repeated.", missed[kind])
    });
    let notes = notes.collect();
    let row =
        |quantity, values, target| Row { scenario: format!("{rate} requests/s, 1 KiB"), quantity, values, target };
    let rows = vec![row("p50, µs", median, None), row("p99, µs", tail, Some(Target::Ratio(Kind::Nginx, 1.0)))];
    Ok(Findings { rows, notes })
}
