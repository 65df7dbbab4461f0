//! `postern probe`: how a handshake with a backend goes, step by step, what word the metric would have for it, and what would
//! mend it.

mod authorities;
mod exit;
mod known;
mod manifest;
mod proposal;
mod text;
mod url;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use postern_actors::outcome::HandshakeResult;
use postern_actors::plan::{Backend, Endpoint};
use postern_actors::upstream::probe::{Probe, Report};
use postern_actors::upstream::{RefusedAddresses, UpstreamSettings};
use serde::Serialize;

use authorities::AtHand;
use known::Wanted;

use super::Refusal;
use super::given::GivenArguments;
use super::log::{self, LogFormat};
use super::paint::{Paint, print};
use super::quantity::TimeLimit;
use crate::resources::BackendTlsPolicy;

/// What does not fit the short help.
const DETAILS: &str = "\
BACKEND is a URL (https://HOST:PORT), or a backend of the given objects: as log and metrics name it \
(Service/NAMESPACE/NAME:PORT), as service/NAME.NAMESPACE:PORT or agentgatewaybackend/NAME.NAMESPACE, or by a NAME that only \
one has. It is probed at its endpoints, under the BackendTLSPolicy that selects it. Without -f the objects are those of the \
cluster; what only pods reach is probed in one: kubectl exec -n NAMESPACE deployment/GATEWAY -- postern probe --gateway \
NAMESPACE/GATEWAY BACKEND

The verdict is the word that the metric postern_upstream_tls_handshakes_total has for it, or no_endpoint (its Service has no \
ready endpoint), or backend_invalid (the backend itself cannot be used). Of a backend without a policy, ok says that TCP reached \
it. What is proposed to mend it was tried by a handshake. Certificates that come from the peer itself have to be checked by another way before they are trusted.

Exit code: 0 ok, 2 wrong command line or nothing to probe, 10 DNS, 11 TCP, 12 not TLS or no protocol in common (alerts and closed \
connections too), 13 the backend's certificate, 14 the client certificate was refused, 15 the policy cannot be used, 16 time-out, \
1 anything else.

Example: postern probe https://example.com --ca ca.crt";

/// Try a handshake with a backend, step by step, and tell what would mend it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: postern probe https://example.com --ca ca.crt",
    after_long_help = DETAILS,
    mut_arg("controller_name", |argument| argument.hide_short_help(true)),
    mut_arg("system_ca_bundle_config_map", |argument| argument.hide_short_help(true)),
    mut_arg("system_ca_bundle_key", |argument| argument.hide_short_help(true)),
    mut_arg("allow_external_name_services", |argument| argument.hide_short_help(true)),
    mut_arg("experimental", |argument| argument.hide_short_help(true)),
)]
pub(crate) struct ProbeArguments {
    /// What is probed: a URL or a backend
    #[arg(value_name = "BACKEND")]
    backend: String,
    /// Send GET / on each connection over TLS as well, and tell the status
    #[arg(long)]
    request: bool,
    /// For name resolution, TCP and TLS, each
    #[arg(long, value_name = "SEC", default_value = "5")]
    timeout: TimeLimit,
    /// How to tell it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    given: GivenArguments,
    #[command(flatten)]
    url: url::UrlArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// What is probed.
struct Subject {
    backend: Arc<Backend>,
    /// Of its Service, where it has one.
    endpoints: Arc<[Endpoint]>,
    /// The policy that selects it, if it could be read.
    policy: Option<Arc<BackendTlsPolicy>>,
    /// Where that is written, as `FILE:LINE`, if it is from a file.
    place: Option<String>,
    /// What it could refer to besides.
    at_hand: Vec<AtHand>,
    refused: RefusedAddresses,
    /// What was asked for, where it is no backend of any Gateway.
    url: Option<url::Objects>,
}

/// The outcome for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// The objects that would mend it, or that stand for a URL.
    yaml: Option<&'a str>,
    /// How the handshake ends with these.
    yaml_result: Option<HandshakeResult>,
    exit_code: u8,
}

pub(super) fn main(arguments: &ProbeArguments) -> anyhow::Result<ExitCode> {
    let _level = log::begin(LogFormat::Text, "off");
    actix_rt::System::new().block_on(probe(arguments))
}

async fn probe(arguments: &ProbeArguments) -> anyhow::Result<ExitCode> {
    let subject = arguments.subject().await?;
    let TimeLimit(limit) = arguments.timeout;
    let settings = UpstreamSettings {
        connect_timeout: limit,
        handshake_timeout: limit,
        refused: subject.refused.clone(),
        ..UpstreamSettings::default()
    };
    let at_hand = subject.at_hand.iter().map(|at_hand| at_hand.bundle.clone()).collect();
    let probe = Probe { at_hand, ..Probe::new(settings, arguments.request) };
    let mut report = probe.run(&subject.backend, &subject.endpoints).await;
    match &subject.url {
        Some(objects) => objects.stand_in(&mut report),
        None => authorities::name(&subject, &mut report),
    }
    let proposal = proposal::proposal(&subject, &report);
    let exit_code = exit::code(report.verdict.result);
    print(&match arguments.output {
        Output::Text => text::render(&report, proposal.as_ref(), Paint::for_stream(&std::io::stdout())),
        Output::Json => {
            let outcome = Outcome {
                report: &report,
                yaml: proposal.as_ref().map(|proposal| &*proposal.yaml),
                yaml_result: proposal.as_ref().map(|proposal| proposal.result),
                exit_code,
            };
            serde_json::to_string_pretty(&outcome)? + "\n"
        }
    });
    Ok(ExitCode::from(exit_code))
}

impl ProbeArguments {
    async fn subject(&self) -> Result<Subject, Refusal> {
        if url::is_one(&self.backend) {
            if !self.given.files.is_empty() {
                return Err(Refusal("a URL is probed by itself: leave -f out, or name a backend of the files".into()));
            }
            return self.url.subject(&self.backend, self.given.system_ca_bundle.as_deref());
        }
        if let Some(option) = self.url.first_given() {
            let why = "a backend of the objects is probed under its own policy";
            return Err(Refusal(format!("{option} is for URLs: {why}")));
        }
        let wanted = Wanted::read(&self.backend);
        let given = match wanted.usage(self.given.gateway.as_ref()) {
            Some(usage) => self.given.read_with(usage).await?,
            None => self.given.read().await?,
        };
        known::subject(&wanted, &given, self.given.files.is_empty())
    }
}
