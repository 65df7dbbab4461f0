//! Files over connections that stay open on both sides: what a gateway does all day.

use crate::load::wrk::Wrk;
use crate::proxy::{Kind, Proxy};
use crate::report::{Findings, Target};
use crate::stage::{Bench, Setting, Stage, cost_rows};

const CONNECTIONS: usize = 16;

pub(super) fn small(bench: &Bench) -> anyhow::Result<Findings> {
    run(bench, "keep-alive, 1 KiB", "keep-alive-1k", "/1k", Target::Ratio(Kind::Haproxy, 0.92))
}

pub(super) fn large(bench: &Bench) -> anyhow::Result<Findings> {
    run(bench, "keep-alive, 1 MiB", "keep-alive-1m", "/1m", Target::Ratio(Kind::Haproxy, 0.85))
}

fn run(bench: &Bench, title: &str, name: &str, path: &str, target: Target) -> anyhow::Result<Findings> {
    let mut stage = Stage::set(bench, Setting::default())?;
    let folder = stage.folder().to_owned();
    let load = |proxy: &Proxy| {
        let wrk = Wrk { url: &proxy.url(path), connections: CONNECTIONS, seconds: bench.seconds, script: None };
        wrk.run(bench.cores.load, &folder)
    };
    let rounds = stage.rounds(&Kind::ALL, &load)?;
    stage.profile(name, &load)?;
    Ok(Findings { rows: cost_rows(title, &rounds, Some(target)), notes: Vec::new() })
}
