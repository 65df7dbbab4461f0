//! `postern probe` beside a running gateway: for every result, the word of the one is the label of the other's metric.

use std::process::Command;

use postern_actors::outcome::HandshakeResult;
use postern_outcomes::outcomes::{Outcomes, Settings};
use serde_json::Value;

use super::client::get;
use super::gateway::Gateway;

#[test]
fn every_result_has_the_word_of_the_metric_and_the_exit_code_of_its_class() {
    let outcomes = Outcomes::start(Settings::default());
    let objects: String = outcomes.files().into_iter().map(|(_, yaml)| yaml).collect();
    let gateway = Gateway::start(&objects);
    for case in outcomes.results() {
        get(gateway.address(case.listener.port()), &case.host(), "/");
    }
    let metrics = gateway.metrics();
    for case in outcomes.results() {
        let name = case.name();
        let objects = gateway.path("objects.yaml");
        let probe = Command::new(env!("CARGO_BIN_EXE_postern"))
            .args(["probe", "--timeout", "1", "-o", "json", "-f"])
            .args([objects.as_os_str(), name.as_ref()])
            .output()
            .expect("the binary runs");
        let outcome: Value = serde_json::from_slice(&probe.stdout).expect("JSON");
        let word = outcome["verdict"]["result"].as_str().expect("a word");
        assert_eq!(words(&metrics, name), [word], "{name}: {outcome:#}");
        assert_eq!(probe.status.code(), Some(class(case.result.expect("a result"))), "{name}");
        assert_eq!(outcome["exitCode"].as_i64(), probe.status.code().map(Into::into));
    }
}

/// The words that the metrics have for a backend: for its handshakes, or, where none is made, for its requests.
fn words(metrics: &str, name: &str) -> Vec<String> {
    let words = |metric: &str, label: &str| {
        let of_backend = |line: &&str| {
            line.starts_with(metric) && line.contains(&format!("/default/{name}\"")) && !line.ends_with(" 0")
        };
        let label = |line: &str| {
            let (_, after) = line.split_once(&format!("{label}=\""))?;
            after.split('"').next().map(str::to_owned)
        };
        metrics.lines().filter(of_backend).filter_map(label).collect::<Vec<_>>()
    };
    let handshakes = words("postern_upstream_tls_handshakes_total{", "result");
    if handshakes.is_empty() { words("postern_requests_total{", "reason") } else { handshakes }
}

fn class(result: HandshakeResult) -> i32 {
    use HandshakeResult as Result;
    match result {
        Result::Ok => 0,
        Result::DnsFailure => 10,
        Result::TcpRefused | Result::TcpUnreachable => 11,
        Result::NotTls | Result::VersionOrCipherMismatch | Result::AlpnMismatch => 12,
        Result::AlertReceived | Result::PeerClosed => 12,
        Result::ClientCertRejected => 14,
        Result::CaUnavailable | Result::PolicyInvalid | Result::ClientCertUnavailable => 15,
        Result::Timeout => 16,
        Result::Other => 1,
        _ => 13,
    }
}
