//! The composition of a running gateway: which actor is told by which.

use std::io::Write;
use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor as _, Addr, Recipient};
use postern_actors::listener::{ListenerActor, WorkerSettings};
use postern_actors::supervisor::configuration::{Changed, Configuration, Outlets, Source, Translated};
use postern_actors::supervisor::life::keep;
use postern_actors::supervisor::shutdown::{self, DrainSettings, Signals};
use postern_actors::supervisor::sockets::Sockets;
use postern_actors::supervisor::workers::{ListeningChanged, NO_CONFIGURATION};
use postern_actors::supervisor::{ConfigSupervisor, FileEvents, FileWatch, PortMap, Workers};
use postern_actors::telemetry::admin::Servers;
use postern_actors::telemetry::{self, Readiness, Status, Telemetry};
use tokio::sync::watch;

use super::Refusal;
use super::configuration::FileConfiguration;
use super::console::{Closing, Console, Served, Voice};
use crate::translate::Settings;

pub(crate) use super::console::Pages;

/// The files that a gateway serves.
pub(crate) struct Files {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Text that never changes: standard input.
    pub fixed: Vec<(PathBuf, Arc<str>)>,
    /// How it is translated.
    pub translation: Settings,
}

/// What a gateway needs to know, wherever its configuration comes from.
pub(crate) struct ServeSettings {
    /// Worker threads.
    pub workers: usize,
    /// What each of them is told.
    pub worker: WorkerSettings,
    /// `None` is all addresses.
    pub bind_address: Option<IpAddr>,
    /// Where ports are bound.
    pub ports: PortMap,
    /// Where the pages are asked to be; port 0 is any free one.
    pub pages: Pages,
    /// How it is told.
    pub voice: Voice,
    /// How the access log is written to standard output; `None` writes none.
    pub access_log: Option<telemetry::LogFormat>,
    /// The level of the program's log, for the admin page.
    pub log_level: Option<Box<dyn telemetry::LogLevel>>,
    /// What is told under the banner in place of a command to try.
    pub closing: Option<Closing>,
}

/// A gateway that runs.
pub(crate) struct Running {
    workers: Addr<Workers<ListenerActor>>,
    status: Arc<Status>,
    servers: Servers,
    /// Where its pages are.
    pub pages: Pages,
    /// What is served.
    pub served: watch::Receiver<Option<Served>>,
}

/// A gateway whose pages are open and whose console listens, and which does not serve yet.
pub(crate) struct Prepared {
    /// What the pages tell.
    pub status: Arc<Status>,
    /// Takes reports and what is bound.
    pub console: Addr<Console>,
    servers: Servers,
    pages: Pages,
    served: watch::Receiver<Option<Served>>,
    workers: usize,
    sockets: Sockets,
    worker: WorkerSettings,
}

/// Opens the pages. Fails only where one cannot be bound.
pub(crate) fn prepare(settings: ServeSettings) -> anyhow::Result<Prepared> {
    postern_actors::supervisor::panics::log();
    let access_log = settings.access_log.map(|format| (format, Box::new(std::io::stdout()) as Box<dyn Write + Send>));
    let telemetry = Telemetry::new(telemetry::Settings {
        version: env!("CARGO_PKG_VERSION"),
        revision: option_env!("POSTERN_REVISION").unwrap_or("unknown"),
        access_log,
    });
    let status = Arc::new(Status::new(telemetry.clone(), Readiness::new([NO_CONFIGURATION]), settings.log_level));
    let (servers, pages) = open_pages(settings.pages, &status)?;
    let (console, served) = Console::new(settings.voice, pages, telemetry, settings.closing);
    Ok(Prepared {
        status,
        console: console.start(),
        servers,
        pages,
        served,
        workers: settings.workers,
        sockets: Sockets::new(settings.workers, settings.bind_address, settings.ports),
        worker: settings.worker,
    })
}

impl Prepared {
    /// Begins to serve what a configuration makes of what the sources tell.
    pub(crate) fn serve<C: Configuration>(
        self,
        configuration: C,
        sources: Vec<Source<C::Change>>,
        reports: Recipient<Translated<C::Report>>,
        bound: Recipient<ListeningChanged>,
    ) -> Running {
        let worker = Arc::new(self.worker);
        let make = {
            let telemetry = self.status.telemetry.clone();
            Arc::new(move |_| ListenerActor::new(worker.clone(), Rc::new(telemetry.worker())))
        };
        let workers = Workers::new(self.workers, self.sockets, make, self.status.clone(), bound).start();
        let outlets = Outlets { plans: workers.clone().recipient(), endpoints: workers.clone().recipient(), reports };
        let configuration = Arc::new(Mutex::new(configuration));
        let start = move || ConfigSupervisor::new(configuration.clone(), sources.clone(), outlets.clone()).start();
        actix_rt::spawn(keep("configuration", start, || true));
        Running { workers, status: self.status, servers: self.servers, pages: self.pages, served: self.served }
    }
}

/// Begins to serve what files say. Fails only where a page cannot be bound.
pub(crate) fn serve_files(settings: ServeSettings, files: Files) -> anyhow::Result<Running> {
    let prepared = prepare(settings)?;
    let asked = files.paths.iter().chain(files.fixed.iter().map(|(path, _)| path)).cloned().collect();
    let configuration = FileConfiguration::new(files.translation, asked);
    let console = prepared.console.clone();
    let sources = vec![follow(files.paths, files.fixed)];
    Ok(prepared.serve(configuration, sources, console.clone().recipient(), console.recipient()))
}

/// Binds the pages and serves them.
pub(super) fn open_pages(asked: Pages, status: &Arc<Status>) -> anyhow::Result<(Servers, Pages)> {
    let open = |name: &str, option: &str, address| {
        TcpListener::bind(address)
            .map_err(|error| Refusal(format!("the {name} address {address}: {error} (choose another with {option})")))
    };
    let admin = open("admin", "--admin-address", asked.admin)?;
    let metrics = open("metrics", "--metrics-address", asked.metrics)?;
    let ready = open("readiness", "--ready-address", asked.ready)?;
    let pages = Pages { admin: admin.local_addr()?, metrics: metrics.local_addr()?, ready: ready.local_addr()? };
    let servers = telemetry::admin::serve(Some(admin), Some(metrics), Some(ready), status)?;
    Ok((servers, pages))
}

/// The source that follows files, for as long as somebody listens to it.
fn follow(paths: Vec<PathBuf>, fixed: Vec<(PathBuf, Arc<str>)>) -> Source<FileEvents> {
    Arc::new(move |sink: Recipient<Changed<FileEvents>>| {
        let (paths, fixed) = (paths.clone(), fixed.clone());
        let listening = sink.clone();
        let start = move || FileWatch::new(paths.clone(), fixed.clone(), sink.clone()).start();
        actix_rt::spawn(keep("files", start, move || listening.connected()));
    })
}

/// How often it is looked whether the workers are still supervised.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Running {
    /// Ends when the supervisor of the workers has died, and with it every socket: nothing in this process can bring them
    /// back, so whoever keeps the process has to.
    pub(crate) async fn lost(&self) {
        while self.workers.connected() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Serves until a signal asks for the end, and drains.
    pub(crate) async fn until_signalled(self, signals: &mut Signals, drain: DrainSettings) -> anyhow::Result<ExitCode> {
        let signal = tokio::select! {
            signal = signals.next() => signal,
            () = self.lost() => anyhow::bail!("the supervisor of the workers has died; nothing is served any more"),
        };
        tracing::info!(signal, "draining");
        Ok(if self.drain(signals, drain).await { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Drains; `false` if a second signal came first.
    pub(crate) async fn drain(self, signals: &mut Signals, settings: DrainSettings) -> bool {
        let not_ready = || self.status.readiness.draining();
        let (announce, drain) = (self.workers.clone().recipient(), self.workers.clone().recipient());
        let orderly = shutdown::drain(signals, settings, not_ready, announce, drain).await;
        if orderly {
            self.servers.stop().await;
        }
        self.status.telemetry.shutdown();
        orderly
    }
}
