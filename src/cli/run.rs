//! `postern run`: the gateway on files.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use postern_actors::supervisor::PortMapping;
use postern_actors::supervisor::shutdown::{DrainSettings, Signals};

use super::check::Checked;
use super::configuration::{settings, sources};
use super::console::Voice;
use super::data_plane::DataPlane;
use super::descriptors;
use super::log::{self, LogFormat};
use super::paint::{Paint, print};
use super::quantity::seconds;
use super::serve::{Pages, ServeSettings, serve};

/// Serve what files of Kubernetes YAML say, and follow their changes.
#[derive(Debug, Args)]
#[command(
    after_help = "RUST_LOG sets what is logged (default info). SIGTERM and SIGINT drain, a second one ends at once.\n\n\
Example: postern run -f examples/guide --map-port 80:8080"
)]
pub(crate) struct RunArguments {
    /// File, folder (*.yaml, *.yml, *.json) or - (standard input); repeatable
    #[arg(short, long = "file", required = true, value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Worker threads [default: the cores it may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Bind listeners to this address only [default: all, IPv4 and IPv6]
    #[arg(long, value_name = "IP")]
    bind_address: Option<IpAddr>,
    /// Bind a listener's port elsewhere (to 0: any free one); repeatable
    #[arg(long, value_name = "FROM:TO")]
    map_port: Vec<PortMapping>,
    /// Where the admin pages are
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:15000")]
    admin_address: SocketAddr,
    /// Where /metrics is
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:15020")]
    metrics_address: SocketAddr,
    /// Where /healthz/ready is
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:15021")]
    ready_address: SocketAddr,
    /// CA certificates (PEM) for wellKnownCACertificates: System
    #[arg(long, value_name = "FILE")]
    system_ca_bundle: Option<PathBuf>,
    /// How log lines look
    #[arg(long, value_enum, value_name = "FORMAT", env = "LOG_FORMAT", hide_env_values = true, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// From not ready to no longer accepting
    #[arg(long, value_name = "SEC", default_value = "0", value_parser = seconds)]
    drain_delay: Duration,
    /// What requests get to end
    #[arg(long, value_name = "SEC", default_value = "30", value_parser = seconds)]
    drain_timeout: Duration,
    /// Only tell what `postern check` would, and exit
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    data_plane: DataPlane,
}

/// The cores that the process may use: what its affinity and its cgroup allow.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

pub(super) fn main(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    let (paths, fixed) = sources(&arguments.files)?;
    let translation = settings(arguments.system_ca_bundle.as_deref());
    if arguments.once {
        let checked = Checked::of(&paths, &fixed, translation);
        print(&checked.text(Paint::for_stream(&std::io::stdout())));
        return Ok(checked.exit_code());
    }
    let level = log::begin(arguments.log_format, "info");
    let workers = arguments.workers.map_or_else(cores, usize::from);
    let settings = ServeSettings {
        paths,
        fixed,
        translation,
        workers,
        worker: arguments.data_plane.settings(workers, descriptors::raise()),
        bind_address: arguments.bind_address,
        ports: arguments.map_port.into_iter().collect(),
        pages: Pages {
            admin: arguments.admin_address,
            metrics: arguments.metrics_address,
            ready: arguments.ready_address,
        },
        voice: match arguments.log_format {
            LogFormat::Text => Voice::Text(Paint::for_stream(&std::io::stdout())),
            LogFormat::Json => Voice::Log,
        },
        access_log: arguments.data_plane.logs_requests().then(|| arguments.log_format.into()),
        log_level: Some(Box::new(level)),
        closing: None,
    };
    let drain = DrainSettings { delay: arguments.drain_delay, timeout: arguments.drain_timeout };
    actix_rt::System::new().block_on(async move {
        let mut signals = Signals::install()?;
        let running = serve(settings).await?;
        let signal = tokio::select! {
            signal = signals.next() => signal,
            () = running.lost() => anyhow::bail!("the supervisor of the workers has died; nothing is served any more"),
        };
        tracing::info!(signal, "draining");
        Ok(if running.drain(&mut signals, drain).await { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
