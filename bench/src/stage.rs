//! One backend with the three proxies in front of it, and the alternating rounds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::backend::{Backend, Connections, FILES};
use crate::certificates::{Certificates, Pair};
use crate::cores::Cores;
use crate::load::Answered;
use crate::port::free_address;
use crate::process::{Process, pinned};
use crate::proxy::{Kind, PerProxy, Proxy, Task};
use crate::report::{Row, Target, number};
use crate::sample::CpuTime;

/// What every scenario works with.
#[derive(Debug)]
pub(crate) struct Bench {
    /// Which core does what.
    pub(crate) cores: Cores,
    /// How often each proxy is measured.
    pub(crate) rounds: usize,
    /// How long a round is.
    pub(crate) seconds: u64,
    /// Whether all three log each request to a file.
    pub(crate) access_log: bool,
    /// Whether nginx and HAProxy set the forwarding fields that Postern sets.
    pub(crate) forwarded: bool,
    /// Where profiles of Postern go, if any are wanted.
    pub(crate) perf: Option<PathBuf>,
    /// Postern's binary.
    pub(crate) postern: PathBuf,
    /// Of this run.
    pub(crate) certificates: Certificates,
    /// For everything that is written.
    pub(crate) folder: PathBuf,
}

/// What a scenario needs of backend and proxies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// How the backend treats connections.
    pub(crate) connections: Connections,
    /// How many routes the proxies have.
    pub(crate) routes: usize,
    /// Whether they listen for HTTPS as well.
    pub(crate) tls_in_front: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self { connections: Connections::Kept, routes: 1, tls_in_front: false }
    }
}

/// Backend and proxies that run. Dropping it ends them, and removes what they wrote.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// What every scenario works with.
    pub(crate) bench: &'a Bench,
    proxies: PerProxy<Proxy>,
    backend: Option<Backend>,
    folder: tempfile::TempDir,
    setting: Setting,
}

/// One measured round of one proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// What the proxy's worker used.
    pub(crate) cpu: Duration,
    /// What was answered.
    pub(crate) answered: Answered,
}

impl Round {
    /// Microseconds of CPU time a request.
    pub(crate) fn each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answered.requests as f64
    }
}

impl<'a> Stage<'a> {
    /// Starts all of them, and waits until each proxy answers.
    pub(crate) fn set(bench: &'a Bench, setting: Setting) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&bench.folder)?;
        let pair = &bench.certificates.backend;
        let backend = Backend::start(free_address()?, setting.connections, pair, bench.cores.backend, folder.path())?;
        let task = Task {
            backend: backend.address,
            backends: 1,
            certificates: &bench.certificates,
            resumption: setting.connections != Connections::FullHandshakeEach,
            routes: setting.routes,
            tls_in_front: setting.tls_in_front,
            access_log: bench.access_log,
            forwarded: bench.forwarded,
        };
        let proxies =
            PerProxy::try_of(|kind| Proxy::start(kind, &task, bench.cores.proxy, &bench.postern, folder.path()))?;
        let stage = Self { bench, proxies, backend: Some(backend), folder, setting };
        if setting.routes == 1 {
            stage.expect_the_files()?;
        }
        Ok(stage)
    }

    /// Each proxy gives the backend's files, whole.
    fn expect_the_files(&self) -> anyhow::Result<()> {
        for kind in Kind::ALL {
            for (file, size) in &FILES[..2] {
                let response = self.proxies[kind].get(&format!("/{file}"))?;
                ensure!(
                    response.status == 200 && response.length == *size,
                    "{kind} answers {} with {} bytes to /{file}",
                    response.status,
                    response.length
                );
            }
        }
        Ok(())
    }

    /// The proxy.
    pub(crate) fn proxy(&self, kind: Kind) -> &Proxy {
        &self.proxies[kind]
    }

    /// The backend.
    pub(crate) fn backend(&self) -> anyhow::Result<&Backend> {
        self.backend.as_ref().context("the backend is gone")
    }

    /// For files that last as long as the stage.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the backend, and starts one with another certificate at the same address.
    pub(crate) fn exchange_backend(&mut self, pair: &Pair) -> anyhow::Result<()> {
        let address = self.backend()?.address;
        self.backend = None;
        let core = self.bench.cores.backend;
        self.backend = Some(Backend::start(address, self.setting.connections, pair, core, self.folder.path())?);
        Ok(())
    }

    /// One round of load on one proxy.
    pub(crate) fn round(&mut self, kind: Kind, load: &Load<'_>) -> anyhow::Result<Round> {
        let worker = self.proxies[kind].worker;
        let before = CpuTime::of(worker)?;
        let answered = load(&self.proxies[kind]);
        let cpu = CpuTime::of(worker).map(|after| after.since(&before));
        self.proxies[kind].check()?;
        let round = Round { cpu: cpu?, answered: answered.with_context(|| kind.to_string())? };
        eprintln!("  {kind}: {} µs of CPU a request, {} requests/s", number(round.each()), number(round.answered.rate));
        Ok(round)
    }

    /// As many rounds as are asked for, the proxies taking turns.
    pub(crate) fn rounds(&mut self, kinds: &[Kind], load: &Load<'_>) -> anyhow::Result<PerProxy<Vec<Round>>> {
        let mut rounds = PerProxy::of(|_| Vec::new());
        for _ in 0..self.bench.rounds {
            for kind in kinds {
                rounds[*kind].push(self.round(*kind, load)?);
            }
        }
        Ok(rounds)
    }

    /// One more round of Postern, with `perf` beside it, where that is asked for.
    pub(crate) fn profile(&mut self, name: &str, load: &Load<'_>) -> anyhow::Result<()> {
        let Some(folder) = self.bench.perf.clone() else { return Ok(()) };
        let file = folder.join(format!("{name}.perf.data"));
        let mut perf = pinned(self.bench.cores.load, "perf");
        perf.args(["record", "-F", "999", "-g", "-p", &self.proxies[Kind::Postern].worker.to_string(), "-o"]);
        perf.arg(&file).arg("--").arg("sleep").arg(self.bench.seconds.to_string());
        perf.stdout(std::process::Stdio::null());
        let perf = Process::start("perf", perf, self.folder.path())?;
        self.round(Kind::Postern, load)?;
        let status = perf.wait()?;
        ensure!(status.success(), "perf failed ({status})");
        eprintln!("  profile: {}", file.display());
        Ok(())
    }
}

/// Puts load on a proxy.
pub(crate) type Load<'a> = dyn Fn(&Proxy) -> anyhow::Result<Answered> + 'a;

/// The rows of a scenario whose cost is CPU time a request.
pub(crate) fn cost_rows(scenario: &str, rounds: &PerProxy<Vec<Round>>, target: Option<Target>) -> Vec<Row> {
    let values = |of: fn(&Round) -> f64| PerProxy::of(|kind| rounds[kind].iter().map(of).collect());
    vec![
        Row { scenario: scenario.to_owned(), quantity: "CPU a request, µs", values: values(Round::each), target },
        Row {
            scenario: scenario.to_owned(),
            quantity: "requests/s",
            values: values(|round| round.answered.rate),
            target: None,
        },
    ]
}
