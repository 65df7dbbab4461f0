//! What one scrape of Postern's metrics costs with 1,000 backends under a policy, each of which has been asked. The other two
//! have no metrics a backend that could be compared.

use anyhow::{Context as _, ensure};

use crate::backend::{Backend, Connections};
use crate::port::free_address;
use crate::proxy::{Kind, PerProxy, Proxy, Task, routes};
use crate::report::{Findings, Row, number};
use crate::request::Client;
use crate::sample::CpuTime;
use crate::stage::Bench;

const BACKENDS: usize = 1000;
/// Scrapes of a round.
const SCRAPES: usize = 20;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Findings> {
    let folder = tempfile::tempdir_in(&bench.folder)?;
    let pair = &bench.certificates.backend;
    let backend = Backend::start(free_address()?, Connections::Kept, pair, bench.cores.backend, folder.path())?;
    let task = Task {
        backend: backend.address,
        backends: BACKENDS,
        certificates: &bench.certificates,
        resumption: true,
        routes: BACKENDS,
        tls_in_front: false,
        access_log: bench.access_log,
        forwarded: bench.forwarded,
    };
    let proxy = Proxy::start(Kind::Postern, &task, bench.cores.proxy, &bench.postern, folder.path())?;
    let mut buffer = vec![0; 64 * 1024];
    let mut client = Client::connect(proxy.place.plain)?;
    for route in 0..BACKENDS {
        let (host, path) = routes::request(BACKENDS, route);
        let response = client.get(&host, &path, &mut buffer)?;
        ensure!(response.status == 200, "route {route} is answered with {}", response.status);
    }
    let metrics = proxy.place.metrics;
    let (mut each, mut size) = (Vec::new(), 0);
    for _ in 0..bench.rounds {
        let mut scraper = Client::connect(metrics)?;
        let before = CpuTime::of(proxy.worker)?;
        for _ in 0..SCRAPES {
            let response = scraper.get("metrics", "/metrics", &mut buffer).context("/metrics")?;
            ensure!(response.status == 200, "/metrics answers {}", response.status);
            size = response.length;
        }
        let cpu = CpuTime::of(proxy.worker)?.since(&before);
        each.push(cpu.as_secs_f64() * 1e3 / SCRAPES as f64);
        eprintln!("  {} ms of CPU a scrape", number(cpu.as_secs_f64() * 1e3 / SCRAPES as f64));
    }
    let row = |quantity, values| {
        let mut of = PerProxy::of(|_| Vec::new());
        of[Kind::Postern] = values;
        Row { scenario: "a scrape with 1,000 backends".into(), quantity, values: of, target: None }
    };
    let rows = vec![row("CPU, ms", each), row("size, MiB", vec![size as f64 / f64::from(1 << 20)])];
    Ok(Findings { rows, notes: Vec::new() })
}
