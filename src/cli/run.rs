//! `postern run`: the gateway on files.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use postern_actors::supervisor::PortMapping;
use postern_actors::supervisor::shutdown::Signals;

use super::check::Checked;
use super::configuration::{settings, sources};
use super::console::Voice;
use super::log::{self, LogFormat};
use super::paint::{Paint, print};
use super::process::Process;
use super::serve::{Files, ServeSettings, serve_files};

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
    /// Bind listeners to this address only [default: all, IPv4 and IPv6]
    #[arg(long, value_name = "IP")]
    bind_address: Option<IpAddr>,
    /// Bind a listener's port elsewhere (to 0: any free one); repeatable
    #[arg(long, value_name = "FROM:TO")]
    map_port: Vec<PortMapping>,
    /// CA certificates (PEM) for wellKnownCACertificates: System
    #[arg(long, value_name = "FILE")]
    system_ca_bundle: Option<PathBuf>,
    /// Only tell what `postern check` would, and exit
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    process: Process,
}

/// The cores that the process may use: what its affinity and its cgroup allow.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

pub(super) fn main(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    let sources = sources(&arguments.files)?;
    let translation = settings(arguments.system_ca_bundle.as_deref());
    if arguments.once {
        let checked = Checked::of(&sources, translation);
        print(&checked.text(Paint::for_stream(&std::io::stdout())));
        return Ok(checked.exit_code());
    }
    let process = arguments.process;
    let level = log::begin(process.log_format, "info");
    let voice = match process.log_format {
        LogFormat::Text => Voice::Text(Paint::for_stream(&std::io::stdout())),
        LogFormat::Json => Voice::Log,
    };
    let settings = ServeSettings {
        bind_address: arguments.bind_address,
        ports: arguments.map_port.into_iter().collect(),
        ..process.settings(voice, level)
    };
    actix_rt::System::new().block_on(async move {
        let mut signals = Signals::install()?;
        let (paths, fixed) = sources;
        let running = serve_files(settings, Files { paths, fixed, translation })?;
        running.until_signalled(&mut signals, process.drain()).await
    })
}
