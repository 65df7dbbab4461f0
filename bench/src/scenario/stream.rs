//! 1 GiB in one response: what it costs, and how much memory it needs.

use std::time::Instant;

use anyhow::{Context as _, ensure};

use crate::certificates::FRONT;
use crate::load::Answered;
use crate::proxy::{Kind, PerProxy, Proxy};
use crate::report::{Findings, Row};
use crate::request::Client;
use crate::sample;
use crate::stage::{Bench, Setting, Stage};

const LENGTH: u64 = 1 << 30;
const MIB: f64 = (1 << 20) as f64;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Findings> {
    let mut stage = Stage::set(bench, Setting::default())?;
    let (mut cpu, mut peak, mut rate) = (series(), series(), series());
    for _ in 0..bench.rounds {
        for kind in Kind::ALL {
            let worker = stage.proxy(kind).worker;
            sample::reset_peak(worker)?;
            let round = stage.round(kind, &download)?;
            cpu[kind].push(round.cpu.as_secs_f64() * 1e3);
            peak[kind].push(sample::peak(worker)? as f64 / MIB);
            rate[kind].push(round.answered.rate * LENGTH as f64 / MIB);
        }
    }
    stage.profile("stream-1g", &download)?;
    let row = |quantity, values| Row { scenario: "1 GiB streamed".into(), quantity, values, target: None };
    let rows = vec![row("CPU a GiB, ms", cpu), row("peak RSS, MiB", peak), row("MiB/s", rate)];
    Ok(Findings { rows, notes: Vec::new() })
}

fn series() -> PerProxy<Vec<f64>> {
    PerProxy::default()
}

fn download(proxy: &Proxy) -> anyhow::Result<Answered> {
    let begun = Instant::now();
    let mut client = Client::connect(proxy.place.plain)?;
    let response = client.get(FRONT, "/1g", &mut vec![0; 256 * 1024]).context("1 GiB")?;
    ensure!(response.status == 200 && response.length == LENGTH, "/1g: {response:?}");
    Ok(Answered { requests: 1, rate: begun.elapsed().as_secs_f64().recip() })
}
