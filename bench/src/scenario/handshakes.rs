//! A TLS handshake with the backend for each request. The backend's own log says how many were whole and how many resumed.

use anyhow::ensure;

use crate::backend::{Connections, Seen};
use crate::load::wrk::Wrk;
use crate::proxy::{Kind, PerProxy, Proxy};
use crate::report::{Findings, Target};
use crate::stage::{Bench, Setting, Stage, cost_rows};

const CONNECTIONS: usize = 8;
/// The share that must be resumed. The first handshakes have no session to resume, and nginx makes some full ones in
/// between: up to 7 in 100 were seen.
const RESUMED_AT_LEAST: f64 = 0.9;

pub(super) fn full(bench: &Bench) -> anyhow::Result<Findings> {
    let target = Target::Ratio(Kind::Nginx, 0.45);
    run(bench, "a full handshake each", "full-handshake", Connections::FullHandshakeEach, target, |kind, seen| {
        ensure!(seen.resumed == 0 && seen.reused == 0, "{kind} was to make full handshakes only: {seen:?}");
        Ok(())
    })
}

pub(super) fn resumed(bench: &Bench) -> anyhow::Result<Findings> {
    let target = Target::Ratio(Kind::Nginx, 0.72);
    run(
        bench,
        "a resumed handshake each",
        "resumed-handshake",
        Connections::ResumedHandshakeEach,
        target,
        |kind, seen| {
            let share = seen.resumed as f64 / (seen.resumed + seen.full).max(1) as f64;
            ensure!(share >= RESUMED_AT_LEAST && seen.reused == 0, "{kind} was to resume its handshakes: {seen:?}");
            Ok(())
        },
    )
}

fn run(
    bench: &Bench,
    title: &str,
    name: &str,
    connections: Connections,
    target: Target,
    check: impl Fn(Kind, Seen) -> anyhow::Result<()>,
) -> anyhow::Result<Findings> {
    let mut stage = Stage::set(bench, Setting { connections, ..Setting::default() })?;
    let folder = stage.folder().to_owned();
    let load = |proxy: &Proxy| {
        let wrk = Wrk { url: &proxy.url("/1k"), connections: CONNECTIONS, seconds: bench.seconds, script: None };
        wrk.run(bench.cores.load, &folder)
    };
    let mut rounds = PerProxy::of(|_| Vec::new());
    let mut total: PerProxy<Seen> = PerProxy::default();
    for _ in 0..bench.rounds {
        for kind in Kind::ALL {
            let before = stage.backend()?.seen()?;
            let round = stage.round(kind, &load)?;
            let seen = stage.backend()?.seen()?.since(before);
            check(kind, seen)?;
            ensure!(
                seen.full + seen.resumed >= round.answered.requests,
                "{kind} answered {} requests, and the backend saw {seen:?}",
                round.answered.requests
            );
            total[kind].full += seen.full;
            total[kind].resumed += seen.resumed;
            rounds[kind].push(round);
        }
    }
    stage.profile(name, &load)?;
    let told = Kind::ALL.map(|kind| format!("{kind} {} full and {} resumed", total[kind].full, total[kind].resumed));
    let notes = vec![format!("{title}: the backend's log has of {}.", told.join(", of "))];
    Ok(Findings { rows: cost_rows(title, &rounds, Some(target)), notes })
}
