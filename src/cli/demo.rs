//! `postern demo`: TLS origination at work, with nothing but this program. It makes a CA, certificates and backends, writes
//! the YAML that a cluster would hold, and runs the gateway on it as `postern run` does.

mod backends;
mod certificates;
mod manifests;
mod probe;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use postern_actors::listener::WorkerSettings;
use postern_actors::supervisor::PortMapping;
use postern_actors::supervisor::shutdown::{DrainSettings, Signals};

use super::Refusal;
use super::configuration::settings;
use super::console::Voice;
use super::log::{self, Level, LogFormat};
use super::paint::{Paint, print};
use super::serve::{Files, Pages, ServeSettings, serve_files};
use certificates::Authority;
use manifests::Manifest;

/// Show TLS origination at work: backends and a gateway of its own, and curl lines to paste.
#[derive(Debug, Args)]
#[command(after_help = "Example: postern demo --check")]
pub(crate) struct DemoArguments {
    /// Local port of the gateway; 0 is any free one [default: 8080, or a free one if that is in use]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Folder for the YAML, new or empty, kept afterwards [default: a temporary one, which goes at the end]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Send the requests, compare the outcomes, and exit: 0 only if all are as expected
    #[arg(long)]
    check: bool,
}

/// One host of the demo, and what a request to it comes to.
pub(crate) struct Expectation {
    /// Name of the Service, the route and the policy.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) about: &'static str,
    /// Status of the answer.
    pub(crate) status: u16,
    /// What the body holds.
    pub(crate) body: &'static str,
    /// `result` in the metrics.
    pub(crate) result: &'static str,
}

const TRUSTED: &str = "demo-ca";
const OTHER: &str = "other-ca";

const EXPECTATIONS: [Expectation; 4] = [
    Expectation {
        name: "good",
        about: "The backend's certificate is issued by the CA that the policy names.",
        status: 200,
        body: "Hello from the backend `good`",
        result: "ok",
    },
    Expectation {
        name: "wrong-ca",
        about: "The policy names another CA than the one that issued the backend's certificate.",
        status: 502,
        body: "invalid peer certificate: UnknownIssuer (unknown_issuer)",
        result: "unknown_issuer",
    },
    Expectation {
        name: "expired",
        about: "The backend's certificate expired yesterday.",
        status: 502,
        body: "invalid peer certificate: Expired (expired)",
        result: "expired",
    },
    Expectation {
        name: "plaintext",
        about: "The backend speaks no TLS, and the gateway never falls back to plaintext.",
        status: 502,
        body: "the backend cannot be reached (not_tls)",
        result: "not_tls",
    },
];

impl Expectation {
    fn host(&self) -> String {
        format!("{}.demo", self.name)
    }
}

/// The folder of the YAML.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn new(dir: Option<PathBuf>) -> anyhow::Result<Self> {
        match dir {
            Some(dir) => {
                // What is in there would be read with the demo's objects, and what has the name of one of them be lost.
                if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
                    let folder = dir.display();
                    return Err(
                        Refusal(format!("--dir {folder}: it is not empty; name a new or an empty folder")).into()
                    );
                }
                Ok(Self::Kept(dir))
            }
            None => tempfile::Builder::new()
                .prefix("postern-demo-")
                .tempdir()
                .map(Self::Temporary)
                .context("no temporary folder could be made; name one with --dir"),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

pub(super) fn main(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    let level = log::begin(LogFormat::Text, if arguments.check { "error" } else { "warn" });
    let port = free_port(arguments.port)?;
    let folder = Folder::new(arguments.dir)?;
    let goes = matches!(folder, Folder::Temporary(_));
    actix_rt::System::new().block_on(async move {
        let mut signals = Signals::install()?;
        let read_in_plaintext = prepare(folder.path()).await?;
        let files = Files { paths: vec![folder.path().to_owned()], fixed: Vec::new(), translation: settings(None) };
        let running = serve_files(gateway(folder.path(), goes, port, arguments.check, level), files)?;
        let drain = DrainSettings { delay: Duration::ZERO, timeout: Duration::from_secs(5) };
        let as_expected = if arguments.check {
            let checked = probe::check(&running, &EXPECTATIONS, &read_in_plaintext).await?;
            print(&checked.text);
            checked.as_expected
        } else {
            signals.next().await;
            true
        };
        running.drain(&mut signals, drain).await;
        drop(folder);
        Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// The port that was asked for, if it can be had; or 8080, or any free one.
fn free_port(asked: Option<u16>) -> Result<u16, Refusal> {
    const USUAL: u16 = 8080;
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, asked.unwrap_or(USUAL)));
    match (asked, bound) {
        (Some(port), Err(error)) => {
            Err(Refusal(format!("--port {port} cannot be had ({error}); name another one, or 0 for any that is free")))
        }
        (Some(port), Ok(_)) => Ok(port),
        (None, bound) => Ok(if bound.is_ok() { USUAL } else { 0 }),
    }
}

/// Makes certificates, backends and YAML, and gives the count of requests that a backend could read in plaintext.
async fn prepare(folder: &Path) -> anyhow::Result<Arc<AtomicUsize>> {
    let trusted = Authority::new("Postern demo CA")?;
    let other = Authority::new("Another CA")?;
    let leaf = |name: &str, from, to| trusted.issue(&manifests::backend_name(name), from, to);
    let good = backends::over_tls("good", leaf("good", -1, 30)?).await?;
    let wrong = backends::over_tls("wrong-ca", leaf("wrong-ca", -1, 30)?).await?;
    let expired = backends::over_tls("expired", leaf("expired", -30, -1)?).await?;
    let (plaintext, read) = backends::in_plaintext().await?;
    let addresses: [SocketAddr; 4] = [good, wrong, expired, plaintext];
    let authority = |name: &str| if name == "wrong-ca" { OTHER } else { TRUSTED };
    let manifests: Vec<_> = EXPECTATIONS
        .iter()
        .zip(addresses)
        .map(|(expectation, address)| Manifest {
            name: expectation.name,
            about: expectation.about,
            authority: authority(expectation.name),
            address,
        })
        .collect();
    manifests::write(folder, &[(TRUSTED, &trusted.pem), (OTHER, &other.pem)], &manifests)
        .with_context(|| format!("{} cannot be written", folder.display()))?;
    Ok(read)
}

fn gateway(folder: &Path, goes: bool, port: u16, quiet: bool, level: Level) -> ServeSettings {
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let paint = Paint::for_stream(&std::io::stdout());
    ServeSettings {
        workers: super::run::cores().min(2),
        worker: WorkerSettings::default(),
        bind_address: Some(Ipv4Addr::LOCALHOST.into()),
        ports: [PortMapping { named: manifests::LISTENER_PORT, bound: port }].into_iter().collect(),
        pages: Pages { admin: any, metrics: any, ready: any },
        voice: if quiet { Voice::Log } else { Voice::Text(paint) },
        access_log: (!quiet).then_some(LogFormat::Text.into()),
        log_level: Some(Box::new(level)),
        closing: Some(Box::new({
            let folder = folder.display().to_string();
            move |gateway| closing(&folder, goes, gateway, paint)
        })),
    }
}

/// What to try, and what comes of it.
fn closing(folder: &str, goes: bool, gateway: SocketAddr, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.bold("Try"));
    for expectation in &EXPECTATIONS {
        let Expectation { about, status, body, .. } = expectation;
        let host = expectation.host();
        let status = if *status == 200 { paint.green("200") } else { paint.red(&status.to_string()) };
        let _ = writeln!(text, "  curl -H 'host: {host}' http://{gateway}/");
        let _ = writeln!(text, "      {status} {body}\n      {about}");
    }
    let end = if goes { "Ctrl-C ends, and removes it." } else { "Ctrl-C ends." };
    let _ = writeln!(text, "\nThe YAML is in {folder}: edit it, and the gateway follows. {end}");
    text
}
