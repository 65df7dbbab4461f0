//! Memory of the process that serves: idle, with 10,000 idle client connections, with 10,000 routes.

use std::net::Ipv4Addr;

use anyhow::{Context as _, ensure};

use super::routes::MANY;
use crate::certificates::FRONT;
use crate::proxy::{Kind, PerProxy, Proxy};
use crate::report::{Findings, Row, Target};
use crate::request::Client;
use crate::sample::Memory;
use crate::stage::{Bench, Setting, Stage};

const CONNECTIONS: usize = 10_000;
/// Client addresses, so that no port is used twice within the kernel's time of waiting.
const SOURCES: usize = 8;
/// One in so many connections is asked again at the end.
const SAMPLED: usize = 100;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Findings> {
    let (mut idle, mut busy): (PerProxy<Vec<Memory>>, PerProxy<Vec<Memory>>) = Default::default();
    let mut routes: PerProxy<Vec<Memory>> = PerProxy::default();
    {
        let stage = Stage::set(bench, Setting::default())?;
        for kind in Kind::ALL {
            let proxy = stage.proxy(kind);
            let before = Memory::of(proxy.worker)?;
            let after = with_idle_connections(proxy).with_context(|| kind.to_string())?;
            eprintln!("  {kind}: {} and {} KiB, {CONNECTIONS} connections apart", before.rss / 1024, after.rss / 1024);
            idle[kind].push(before);
            busy[kind].push(after);
        }
    }
    let stage = Stage::set(bench, Setting { routes: MANY, ..Setting::default() })?;
    for kind in Kind::ALL {
        routes[kind].push(Memory::of(stage.proxy(kind).worker)?);
    }

    let mut rows = Vec::new();
    for (scenario, memory) in [("idle", &idle), ("10,000 idle connections", &busy), ("10,000 routes, idle", &routes)] {
        let values = |of: fn(&Memory) -> u64| {
            PerProxy::of(|kind| memory[kind].iter().map(|memory| of(memory) as f64 / 1_048_576.0).collect())
        };
        let row = |quantity, values| Row { scenario: scenario.to_owned(), quantity, values, target: None };
        rows.push(row("RSS, MiB", values(|memory| memory.rss)));
        rows.push(row("PSS, MiB", values(|memory| memory.pss)));
    }
    let each = PerProxy::of(|kind| {
        let pairs = busy[kind].iter().zip(&idle[kind]);
        pairs.map(|(busy, idle)| (busy.rss as f64 - idle.rss as f64) / CONNECTIONS as f64 / 1024.0).collect()
    });
    let scenario = "10,000 idle connections".to_owned();
    rows.push(Row { scenario, quantity: "KiB a connection", values: each, target: Some(Target::Value(10.0)) });
    Ok(Findings { rows, notes: Vec::new() })
}

/// Its memory while so many connections are open, each of which has carried one request.
fn with_idle_connections(proxy: &Proxy) -> anyhow::Result<Memory> {
    let mut buffer = vec![0; 64 * 1024];
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for index in 0..CONNECTIONS {
        let source = Ipv4Addr::new(127, 0, 1, 1 + (index % SOURCES) as u8);
        let mut client =
            Client::connect_from(source, proxy.place.plain).with_context(|| format!("connection {index}"))?;
        ask(&mut client, &mut buffer).with_context(|| format!("connection {index}"))?;
        clients.push(client);
    }
    let memory = Memory::of(proxy.worker)?;
    for client in clients.iter_mut().step_by(SAMPLED) {
        ask(client, &mut buffer).context("a connection that was idle")?;
    }
    Ok(memory)
}

fn ask(client: &mut Client, buffer: &mut [u8]) -> anyhow::Result<()> {
    let response = client.get(FRONT, "/1k", buffer)?;
    ensure!(response.status == 200, "it answers {}", response.status);
    Ok(())
}
