//! `postern controller`: provisions the Gateways of a cluster, and writes every status.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient};
use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use postern_actors::listener::message::EndpointsChanged;
use postern_actors::supervisor::configuration::{Changed, ConfigSupervisor, Outlets, Source, Translated};
use postern_actors::supervisor::kubernetes::leader::{self, Candidate, take_part};
use postern_actors::supervisor::kubernetes::watch::Pace;
use postern_actors::supervisor::kubernetes::writer::{WriteAll, Writer};
use postern_actors::supervisor::kubernetes::{connect, connect_within, watches};
use postern_actors::supervisor::life::keep;
use postern_actors::supervisor::shutdown::Signals;
use postern_actors::supervisor::workers::NO_CONFIGURATION;
use postern_actors::supervisor::{Publish, panics};
use postern_actors::telemetry::{self, Readiness, Status, Telemetry};
use tokio::sync::oneshot;

use super::log::{self, LogFormat};
use super::process::PageArguments;
use super::serve::open_pages;
use super::{Refusal, console, descriptors};
use crate::cluster::controller::{ControllerChange, ControllerConfiguration, ControllerReport};
use crate::provision::FIELD_MANAGER;
use crate::provision::orphans::is_foreign;

mod file;

/// Provision the Gateways of a cluster, and write every status.
#[derive(Debug, Args)]
#[command(after_help = "It reaches the API server by the pod's service account, or else by the kubeconfig.\n\n\
Example: postern controller --config /etc/postern/controller.yaml")]
pub(crate) struct ControllerArguments {
    /// What it makes, and how (YAML)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Of this process among the replicas
    #[arg(long, env = "POD_NAME", hide_env_values = true, value_name = "NAME")]
    pod_name: String,
    /// Where the Lease is that decides which of the replicas writes
    #[arg(long, env = "POD_NAMESPACE", hide_env_values = true, value_name = "NAMESPACE")]
    pod_namespace: String,
    /// Read the experimental channel of the Gateway API
    #[arg(long, env = "KGW_ENABLE_GATEWAY_API_EXPERIMENTAL_FEATURES", hide_env_values = true, default_value = "false",
        action = ArgAction::Set, value_parser = BoolishValueParser::new(), value_name = "true|false")]
    experimental: bool,
    #[command(flatten)]
    pages: PageArguments,
    /// How log lines look
    #[arg(long, value_enum, value_name = "FORMAT", env = "LOG_FORMAT", hide_env_values = true, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

pub(super) fn main(arguments: &ControllerArguments) -> anyhow::Result<ExitCode> {
    let level = log::begin(arguments.log_format, "info");
    panics::log();
    let namespace = &arguments.pod_namespace;
    let settings = file::read(&arguments.config, namespace, arguments.experimental).map_err(Refusal)?;
    actix_rt::System::new().block_on(async move {
        let mut signals = Signals::install()?;
        let unknown = |error| Refusal(format!("no way to the API server is known: {error}"));
        let client = connect().await.map_err(unknown)?;
        let candidates = connect_within(leader::REQUEST).await.map_err(unknown)?;
        descriptors::raise();
        let telemetry = Telemetry::new(telemetry::Settings {
            version: env!("CARGO_PKG_VERSION"),
            revision: option_env!("POSTERN_REVISION").unwrap_or("unknown"),
            access_log: None,
        });
        let readiness = Readiness::new([NO_CONFIGURATION, "kubernetes"]);
        let status = Arc::new(Status::new(telemetry.clone(), readiness, Some(Box::new(level))));
        let (servers, pages) = open_pages((&arguments.pages).into(), &status)?;
        tracing::info!(admin = %pages.admin, metrics = %pages.metrics, ready = %pages.ready, "serving the pages");

        let fixed = ControllerConfiguration::fixed(&settings);
        telemetry.kubernetes_watched(fixed.iter().map(|target| target.resource.kind).chain(["ConfigMap", "Secret"]));
        telemetry.leads(false);
        let candidate = Candidate {
            namespace: settings.election.namespace.to_string(),
            lease: settings.election.name.to_string(),
            identity: arguments.pod_name.clone(),
        };
        let (configuration, wanted) = ControllerConfiguration::new(settings, status.clone());
        let watched = watches::source(client.clone(), Pace::default(), telemetry.clone(), fixed, wanted);
        let (back, written) = outcomes();
        let writer = Writer::new(client, FIELD_MANAGER, is_foreign, telemetry.clone(), move |outcome| {
            if let Some(sink) = &*back.borrow() {
                sink.do_send(Changed(ControllerChange::Written(outcome)));
            }
        });
        let writer = writer.start();
        let reports = Reports { writer: writer.clone().recipient(), telemetry }.start();
        let outlets = Outlets {
            plans: reports.clone().recipient(),
            endpoints: reports.clone().recipient(),
            reports: reports.clone().recipient(),
        };
        let configuration = Arc::new(Mutex::new(configuration));
        let sources = vec![watched, written];
        let start = move || ConfigSupervisor::new(configuration.clone(), sources.clone(), outlets.clone()).start();
        actix_rt::spawn(keep("configuration", start, || true));

        let (stop, stopped) = oneshot::channel();
        let election = actix_rt::spawn(take_part(candidates, candidate, writer.clone().recipient(), stopped));
        let signal = tokio::select! {
            signal = signals.next() => signal,
            () = gone(&writer, &reports) => anyhow::bail!("an actor that writes has died; nothing is written any more"),
        };
        tracing::info!(signal, "ending");
        status.readiness.draining();
        drop(stop);
        tokio::select! {
            _ = election => {}
            _ = signals.next() => {}
        }
        servers.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Ends when one of them has died: whoever keeps the process brings both back.
async fn gone(writer: &Addr<Writer>, reports: &Addr<Reports>) {
    while writer.connected() && reports.connected() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How often it is looked whether the writing actors live.
const LOOK_EVERY: Duration = Duration::from_millis(500);

type Sink = Rc<RefCell<Option<Recipient<Changed<ControllerChange>>>>>;

/// The way back of what the writer tells: to the supervisor of the configuration that lives now.
fn outcomes() -> (Sink, Source<ControllerChange>) {
    let sink: Sink = Rc::default();
    let source = sink.clone();
    #[expect(clippy::arc_with_non_send_sync, reason = "a source stays on the thread of its supervisor")]
    let source: Source<ControllerChange> = Arc::new(move |recipient| drop(source.borrow_mut().replace(recipient)));
    (sink, source)
}

/// Takes what is said of a translation to the writer and the metrics. There is no plan and nobody to serve it.
struct Reports {
    writer: Recipient<WriteAll>,
    telemetry: Arc<Telemetry>,
}

impl Actor for Reports {
    type Context = Context<Self>;
}

impl Handler<Translated<ControllerReport>> for Reports {
    type Result = ();

    fn handle(&mut self, translated: Translated<ControllerReport>, _: &mut Self::Context) {
        let ControllerReport { writes, verdicts, expiries, programmed } = translated.report;
        console::tell_policy_conditions(&self.telemetry, &verdicts);
        self.telemetry.certificates(&expiries);
        let programmed: Vec<_> = programmed.iter().map(|(name, is_so)| (name.to_string(), *is_so)).collect();
        self.telemetry.gateways_programmed(programmed.iter().map(|(name, is_so)| (&**name, *is_so)));
        self.telemetry.config_applied(true);
        self.writer.do_send(WriteAll(writes));
    }
}

impl Handler<Publish> for Reports {
    type Result = ();

    fn handle(&mut self, _: Publish, _: &mut Self::Context) {}
}

impl Handler<EndpointsChanged> for Reports {
    type Result = ();

    fn handle(&mut self, _: EndpointsChanged, _: &mut Self::Context) {}
}
