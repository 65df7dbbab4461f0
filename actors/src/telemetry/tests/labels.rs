use super::*;

#[test]
fn no_label_holds_what_a_client_made_up() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, gateway, a) = (telemetry.worker(), "ns/gw".into(), id("a"));
    worker.request(&RequestRecord { method: "secret\"}", ..request(&gateway, Some(&a)) });
    let alpn = TlsInfo { alpn: "secret-protocol".into(), ..tls_info() };
    worker.handshake(&succeeded(&a, &alpn));
    let text = telemetry.render();
    assert!(text.contains("method=\"other\"") && text.contains("alpn=\"other\""), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_status_is_registered_or_its_class() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, gateway) = (telemetry.worker(), "ns/gw".into());
    for status in [404, 499, 418, 599, 503, 0, 999] {
        worker.request(&RequestRecord { status, ..request(&gateway, None) });
    }
    let statuses: BTreeSet<_> = telemetry
        .render()
        .lines()
        .filter_map(|line| line.strip_prefix("postern_requests_total{")?.split("status=\"").nth(1)?.split('"').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["0", "404", "418", "4xx", "503", "5xx", "9xx"]);
}

/// ARCHITECTURE.md states this figure: whatever its peer does, one backend has no more series.
#[test]
fn the_series_of_a_backend_are_bounded() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, a) = (telemetry.worker(), id("a"));
    for result in HandshakeResult::ALL.into_iter().filter(|result| *result != HandshakeResult::Ok) {
        let all = failed(&a, result);
        worker.handshake(&HandshakeRecord { tcp: None, handshake: None, ..all.clone() });
        worker.handshake(&HandshakeRecord { handshake: None, ..all.clone() });
        worker.handshake(&all);
    }
    let suites = rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
    for suite in suites {
        let version = if suite.tls13().is_some() { "1.3" } else { "1.2" };
        let cipher = suite.suite().as_str().expect("a name");
        for alpn in ["", "http/1.1", "h2", "a word of the peer's own", "another one"] {
            for resumed in [false, true] {
                let tls = TlsInfo { version, cipher, alpn: alpn.into(), resumed, ..tls_info() };
                worker.handshake(&succeeded(&a, &tls));
            }
        }
    }
    worker.acquired(&a, Acquisition::New);
    worker.pool_limit(&a, 1);
    let text = telemetry.render();
    let series = text.lines().filter(|line| line.contains("backend=\"Service/ns/a\""));
    assert_eq!((series.count(), suites.len()), (SERIES_OF_A_BACKEND, 9), "{text}");
}

const SERIES_OF_A_BACKEND: usize = 268;

/// Boards and alerts name these: a name or a label more or less is a change of the interface.
#[test]
fn every_metric_has_its_name_and_labels() {
    let telemetry = telemetry();
    let mut plan_of_both = plan([("a", originate())]);
    let (id_of_nearly, nearly) = nearly();
    plan_of_both.backends.insert(id_of_nearly, nearly);
    telemetry.plan_applied(&plan_of_both);
    let (worker, gateway, a, tls) = (telemetry.worker(), "ns/gw".into(), id("a"), tls_info());
    worker.request(&request(&gateway, Some(&a)));
    worker.request_in_flight("ns/gw", true);
    worker.downstream_connection("ns/gw", 80, true);
    worker.handshake(&succeeded(&a, &tls));
    worker.handshake(&failed(&a, HandshakeResult::Expired));
    worker.acquired(&a, Acquisition::Reused);
    worker.downstream_handshake("ns/gw", 80, DownstreamHandshake::Ok);
    telemetry.config_applied(true);
    telemetry.config_propagated("HTTPRoute", Duration::from_millis(5));
    telemetry.config_in_sync(true);
    let accepted = PolicyCondition { kind: "BackendTLSPolicy", policy: "ns/p", condition: "Accepted", status: true };
    telemetry.policy_conditions([accepted]);
    telemetry.kubernetes_watched(["HTTPRoute"]);
    telemetry.kubernetes_written("Gateway", WriteResult::Success);
    telemetry.leads(true);
    telemetry.gateways_programmed([("ns/gw", true)]);
    telemetry.event_written(EventResult::Written);
    telemetry.certificates(&Expiries {
        clients: vec![certificate("Secret/ns/client")],
        listeners: vec![certificate("Secret/ns/web")],
        ..plan([("a", originate())]).expiries()
    });
    worker.pool_limit(&a, 1024);

    let b = "gateway backend port";
    let expected: BTreeMap<_, _> = [
        ("access_log_dropped_total", String::new()),
        ("backend_ca_certificate_not_after_timestamp_seconds", "policy ref".into()),
        ("backend_client_certificate_not_after_timestamp_seconds", "gateway ref".into()),
        ("build_info", "version revision".into()),
        ("config_applies_total", "result".into()),
        ("config_in_sync", "gateway".into()),
        ("config_last_success_timestamp_seconds", String::new()),
        ("config_propagation_seconds", "kind".into()),
        ("connection_panics_total", "gateway".into()),
        ("downstream_connections", "gateway port".into()),
        ("downstream_connections_rejected_total", "gateway reason".into()),
        ("downstream_tls_handshakes_total", "gateway port result".into()),
        ("gateway_programmed", "gateway".into()),
        ("kubernetes_events_total", "result".into()),
        ("kubernetes_out_of_touch_since_timestamp_seconds", String::new()),
        ("kubernetes_watch_restarts_total", "kind".into()),
        ("kubernetes_writes_total", "kind result".into()),
        ("leader", String::new()),
        ("listener_certificate_not_after_timestamp_seconds", "gateway ref".into()),
        ("policy_condition", "kind policy type status".into()),
        ("request_duration_seconds", "gateway route backend status_class".into()),
        ("requests_in_flight", "gateway".into()),
        ("requests_total", "gateway listener route backend method status reason".into()),
        ("upstream_connect_duration_seconds", format!("{b} phase outcome")),
        ("upstream_connections_closed_total", format!("{b} reason")),
        ("upstream_connections_opened_total", b.into()),
        ("upstream_pool_acquisitions_total", format!("{b} kind")),
        ("upstream_pool_connections", format!("{b} state")),
        ("upstream_pool_limit", b.into()),
        ("upstream_received_bytes_total", b.into()),
        ("upstream_retries_total", format!("{b} reason")),
        ("upstream_sent_bytes_total", b.into()),
        ("upstream_tls_connections_total", format!("{b} version cipher alpn")),
        ("upstream_tls_handshake_duration_seconds", format!("{b} resumed outcome")),
        ("upstream_tls_handshakes_total", format!("{b} result resumed")),
        ("upstream_tls_last_failure_timestamp_seconds", format!("{b} result")),
        ("upstream_tls_peer_certificate_not_after_timestamp_seconds", b.into()),
        ("upstream_tls_policy_info", format!("{b} policy")),
        ("upstream_tls_policy_near_miss_info", format!("{b} policy")),
    ]
    .into_iter()
    .map(|(name, labels)| (format!("postern_{name}"), labels))
    .collect();

    let mut found = BTreeMap::new();
    let ours = |line: &&str| line.starts_with("postern_");
    for line in telemetry.render().lines().filter(ours) {
        let series = line.rsplit_once(' ').expect("a value").0;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let names = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)).filter(|name| *name != "le");
        found.insert(name.to_owned(), names.collect::<Vec<_>>().join(" "));
    }
    assert_eq!(found, expected);
}

fn certificate(reference: &str) -> CertificateExpiry {
    CertificateExpiry { gateway: "ns/gw".into(), reference: reference.into(), not_after: 1_800_000_000 }
}
