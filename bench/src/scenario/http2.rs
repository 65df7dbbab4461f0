//! HTTP/2 over TLS in front, HTTP/1.1 over TLS behind.

use anyhow::bail;

use crate::load::h2load::{Negotiated, http2};
use crate::proxy::{Kind, Proxy};
use crate::report::Findings;
use crate::stage::{Bench, Setting, Stage, cost_rows};

/// Connections, and requests at once on each.
const SHAPE: (usize, usize) = (8, 8);

pub(super) fn run(bench: &Bench) -> anyhow::Result<Findings> {
    let mut stage = Stage::set(bench, Setting { tls_in_front: true, ..Setting::default() })?;
    let folder = stage.folder().to_owned();
    let mut notes = Vec::new();
    let mut kinds = Vec::new();
    for kind in Kind::ALL {
        match http2(SHAPE, stage.proxy(kind).place.tls, 1, bench.cores.load, &folder)? {
            Negotiated::Http2(_) => kinds.push(kind),
            Negotiated::Other(protocol) => {
                let note = format!("HTTP/2 in front: skipped for {kind}, which negotiates {protocol}.");
                eprintln!("  {note}");
                notes.push(note);
            }
        }
    }
    let load = |proxy: &Proxy| match http2(SHAPE, proxy.place.tls, bench.seconds, bench.cores.load, &folder)? {
        Negotiated::Http2(answered) => Ok(answered),
        Negotiated::Other(protocol) => bail!("{} negotiated {protocol}", proxy.kind),
    };
    let rounds = stage.rounds(&kinds, &load)?;
    if kinds.contains(&Kind::Postern) {
        stage.profile("http2", &load)?;
    }
    Ok(Findings { rows: cost_rows("HTTP/2 in front, 1 KiB", &rounds, None), notes })
}
