//! `postern proxy`: the data plane of one Gateway of a cluster.

use std::net::IpAddr;
use std::process::ExitCode;

use actix::Actor as _;
use anyhow::Context as _;
use clap::Args;
use postern_actors::supervisor::kubernetes::applied::AppliedReporter;
use postern_actors::supervisor::kubernetes::events::EventReporter;
use postern_actors::supervisor::kubernetes::watch::Pace;
use postern_actors::supervisor::kubernetes::{connect, watches};
use postern_actors::supervisor::shutdown::Signals;
use postern_actors::upstream::RefusedAddresses;

use super::Refusal;
use super::cluster::{ClusterArguments, gateway};
use super::console::Voice;
use super::log;
use super::process::Process;
use super::serve::prepare;
use crate::cluster::kinds;
use crate::cluster::proxy::ProxyConfiguration;
use crate::provision::names;
use crate::resources::NamespacedName;

mod progress;

use progress::Progress;

/// Serve one Gateway of a cluster.
#[derive(Debug, Args)]
#[command(after_help = "It watches the API server by itself, by the pod's service account or else the kubeconfig.\n\n\
Example: postern proxy --gateway default/web")]
pub(crate) struct ProxyArguments {
    /// The Gateway
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = gateway)]
    gateway: NamespacedName,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Addresses of the pod, which no backend may have
    #[arg(long, env = "POD_IPS", hide_env_values = true, value_delimiter = ',', value_name = "IP")]
    pod_ips: Vec<IpAddr>,
    /// Of this process, in the Events that it writes
    #[arg(long, env = "HOSTNAME", hide_env_values = true, value_name = "NAME", hide_short_help = true)]
    pod_name: Option<String>,
    #[command(flatten)]
    process: Process,
}

pub(super) fn main(arguments: ProxyArguments) -> anyhow::Result<ExitCode> {
    let level = log::begin(arguments.process.log_format, "info");
    let mut settings = arguments.process.settings(Voice::Log, level);
    settings.worker.upstream.refused = RefusedAddresses::in_cluster(arguments.pod_ips.iter().copied());
    let translation = arguments.cluster.settings(Some(arguments.gateway.clone()), None);
    actix_rt::System::new().block_on(async move {
        let mut signals = Signals::install()?;
        let client = connect().await.map_err(|error| Refusal(format!("no way to the API server is known: {error}")))?;
        let prepared = prepare(settings).context("cannot begin")?;
        let (status, console) = (prepared.status.clone(), prepared.console.clone());
        let fixed = kinds::of_proxy();
        status.telemetry.kubernetes_watched(
            kinds::of_proxy().iter().map(|target| target.resource.kind).chain(["ConfigMap", "Secret"]),
        );
        let gateway = &arguments.gateway;
        status.telemetry.serves(gateway.to_string().into());
        let (configuration, wanted) = ProxyConfiguration::new(gateway.clone(), translation, status.clone());
        let source = watches::source(client.clone(), Pace::default(), status.telemetry.clone(), fixed, wanted);
        let lease = names::object_name(&gateway.name);
        let reporter = AppliedReporter::new(client.clone(), &gateway.namespace, &lease).start();
        let events = EventReporter::new(client, arguments.pod_name, status.telemetry.clone()).start();
        let progress = Progress::new(console, reporter, events).start();
        let running = prepared.serve(configuration, vec![source], progress.clone().recipient(), progress.recipient());
        running.until_signalled(&mut signals, arguments.process.drain()).await
    })
}
