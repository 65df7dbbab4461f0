//! Every handshake result, provoked: the client's status and body, the metric and the log say the same word.

use postern_actors::outcome::HandshakeResult;
use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::{Authority, Validity};
use postern_outcomes::objects::{GATEWAY, Target};
use postern_outcomes::outcomes::{Case, Outcomes, Settings};

use super::client::get;
use super::gateway::Gateway;

#[test]
fn every_result_is_told_in_the_same_word_to_client_metric_and_log() {
    let outcomes = Outcomes::start(Settings::default());
    let objects: String = outcomes.files().into_iter().map(|(_, yaml)| yaml).collect();
    let gateway = Gateway::start(&objects);
    for case in outcomes.results() {
        let word = word(case);
        let response = get(gateway.address(case.listener.port()), &case.host(), &format!("/{word}"));
        assert_eq!(response.status, case.status, "{word}: {response:?}");
        assert!(response.body.contains(&case.body), "{word}: {response:?}");
        let secret = response.body.contains("127.") || response.body.contains("other.test");
        assert!(case.status == 200 || !secret, "{word}: {response:?}");
    }
    let metrics = gateway.metrics();
    for case in outcomes.results() {
        let unusable = case.status == 500;
        let counted = metrics.lines().any(|line| {
            let metric = if unusable { "postern_requests_total{" } else { "postern_upstream_tls_handshakes_total{" };
            let label = if unusable { "reason" } else { "result" };
            line.starts_with(metric)
                && line.contains(&format!("/default/{}\"", case.name()))
                && line.contains(&format!("{label}=\"{}\"", word(case)))
                && !line.ends_with(" 0")
        });
        assert!(counted, "{} is not counted:\n{metrics}", word(case));
    }
    for case in outcomes.results().iter().filter(|case| case.result != Some(HandshakeResult::Ok)) {
        gateway.wait_for_log(|line| line.contains(&case.host()) && line.contains(word(case)));
        let warning = gateway.wait_for_log(|line| {
            line.contains("TLS to the backend failed") && line.contains(&format!("result=\"{}\"", word(case)))
        });
        for field in ["gateway=", "backend=", "policy=", "remedy=", "left_out="] {
            assert!(warning.contains(field), "{field} in {warning}");
        }
    }
    let mismatch = gateway.wait_for_log(|line| line.contains("result=\"name_mismatch\""));
    for field in [
        "peer_subject=",
        "peer_sans=\"DNS:other.test\" ",
        "peer_not_after=20",
        "demanded=\"DNS:backend.test\" ",
        "endpoint=127.",
    ] {
        assert!(mismatch.contains(field), "{field} in {mismatch}");
    }
    assert!(!gateway.output().contains("PRIVATE KEY"));
}

fn word(case: &Case) -> &'static str {
    case.result.expect("a result").as_str()
}

/// What a peer writes into its certificate stays within its field, whoever reads the line.
#[test]
fn a_certificate_forges_no_field_of_the_log() {
    let stranger = Authority::new("a stranger").issue_with("backend.test", Validity::Now, |parameters| {
        let name = "x result=\"ok\" remedy=none\u{202e}\u{1b}[31m";
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    });
    let backend = Backend::tls(&Tls::new(stranger));
    let app = Target::new("app", backend.address).policy(&Authority::new("ours").pem(), "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}", app.yaml()));
    assert_eq!(get(gateway.address(80), "app.test", "/").status, 502);
    let warning = gateway.wait_for_log(|line| line.contains("TLS to the backend failed"));
    assert!(warning.contains(r#"peer_subject="CN=x result=\"ok\" remedy=none"#), "{warning}");
    assert!(!warning.contains(['\u{202e}', '\u{1b}']), "{warning}");
}
