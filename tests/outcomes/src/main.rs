//! Serves a backend for every result that a handshake can have, and writes the objects that lead a gateway to them. See the
//! README beside.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Parser;
use postern_outcomes::outcomes::{Outcomes, Settings};
use tokio::signal::unix::{SignalKind, signal};

/// Serves a backend for every result that a handshake can have, until SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "postern-outcomes", version)]
struct Arguments {
    /// The folder that the objects are written into, for `postern run -f DIR` or `kubectl apply -f DIR`
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The address that the backends listen on; in a cluster one that its pods reach, since Kubernetes takes no loopback
    #[arg(long, value_name = "IP", default_value_t = Ipv4Addr::LOCALHOST.into())]
    bind: IpAddr,
    /// The namespace of the objects
    #[arg(long, value_name = "NS", default_value = "default")]
    namespace: String,
    /// The class of the Gateways
    #[arg(long, value_name = "CLASS", default_value = "postern")]
    gateway_class: String,
    /// The name of the Gateway
    #[arg(long, value_name = "NAME", default_value = "outcomes")]
    gateway_name: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { dir, bind, namespace, gateway_class, gateway_name } = Arguments::parse();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let outcomes = Outcomes::start(Settings { bind, namespace, gateway_class, gateway_name });
    write(&outcomes, &dir).with_context(|| format!("the objects cannot be written into {}", dir.display()))?;
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, &outcomes.inventory())?;
    stdout.write_all(b"\n")?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn write(outcomes: &Outcomes, dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for (name, yaml) in outcomes.files() {
        std::fs::write(dir.join(name).with_extension("yaml"), yaml)?;
    }
    Ok(())
}
