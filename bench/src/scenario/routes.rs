//! The same load through one route and through 10,000, each of them asked for in turn.

use std::fs;

use crate::load::wrk::Wrk;
use crate::proxy::{Kind, PerProxy, Proxy, routes};
use crate::report::{Findings, Row, Target};
use crate::stage::{Bench, Round, Setting, Stage, cost_rows};

pub(super) const MANY: usize = 10_000;
const CONNECTIONS: usize = 16;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Findings> {
    let mut one = Stage::set(bench, Setting::default())?;
    let mut many = Stage::set(bench, Setting { routes: MANY, ..Setting::default() })?;
    let folder = many.folder().to_owned();
    let script = folder.join("routes.lua");
    fs::write(&script, routes::wrk_script(MANY))?;
    let load = |proxy: &Proxy| {
        let wrk = Wrk { url: &proxy.url("/"), connections: CONNECTIONS, seconds: bench.seconds, script: Some(&script) };
        wrk.run(bench.cores.load, &folder)
    };
    let (mut of_one, mut of_many) = (PerProxy::of(|_| Vec::new()), PerProxy::of(|_| Vec::new()));
    for _ in 0..bench.rounds {
        for kind in Kind::ALL {
            of_one[kind].push(one.round(kind, &load)?);
            of_many[kind].push(many.round(kind, &load)?);
        }
    }
    many.profile("routes", &load)?;
    let mut rows = cost_rows("1 route", &of_one, None);
    rows.extend(cost_rows("10,000 routes", &of_many, None));
    rows.push(Row {
        scenario: "10,000 routes over 1 route".into(),
        quantity: "ratio of CPU",
        values: PerProxy::of(|kind| ratios(&of_many[kind], &of_one[kind])),
        target: Some(Target::Value(1.05)),
    });
    Ok(Findings { rows, notes: Vec::new() })
}

/// Of neighbouring rounds.
fn ratios(many: &[Round], one: &[Round]) -> Vec<f64> {
    many.iter().zip(one).map(|(many, one)| many.each() / one.each()).collect()
}
