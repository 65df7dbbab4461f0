use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

mod labels;
mod observations;

use super::{
    Acquisition, CloseReason, DownstreamHandshake, EventResult, Evidence, HandshakeRecord, Observer, PolicyCondition,
    PoolState, Rejection, RequestRecord, Retry, Settings, Telemetry, TlsInfo, WriteResult,
};
use crate::certificate::Facts;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::backend::{Backend, BackendId, NearMiss, Poison, Tls};
use crate::plan::endpoint::EndpointSource;
use crate::plan::filter::Filters;
use crate::plan::identity::{Bundle, PeerNames, TlsIdentity, TlsVersion, Trust};
use crate::plan::listener::{Listener, Port, Protocol};
use crate::plan::matching::{Match, PathMatch, RuleTableBuilder};
use crate::plan::rule::{Action, Rule, Target, Timeouts, WeightedBackend, WeightedBackends};
use crate::plan::{AuthorityExpiry, CertificateExpiry, Expiries, HostTable, Plan};

pub(super) fn id(name: &str) -> BackendId {
    BackendId { gateway: "ns/gw".into(), backend: format!("Service/ns/{name}").into(), port: 8443 }
}

pub(super) fn originate() -> Tls {
    let identity = TlsIdentity {
        sni: "example.com".into(),
        names: PeerNames::Sni,
        trust: Trust::Bundle(Arc::new(Bundle::default())),
        client_certificate: None,
        min_version: TlsVersion::Tls12,
        max_version: TlsVersion::Tls13,
        alpn: Vec::new(),
        resumption: true,
        pins: BTreeSet::new(),
    };
    Tls::Originate { policy: "ns/policy".into(), identity: Arc::new(identity) }
}

pub(super) fn poisoned() -> Tls {
    let reason = Reason::Handshake(HandshakeResult::CaUnavailable);
    Tls::Poisoned(Poison { reason, message: "no <CA> & no \"hope\"".into(), policy: Some("ns/bad".into()) })
}

/// A backend in plaintext, for which a policy was probably meant.
pub(super) fn nearly() -> (BackendId, Arc<Backend>) {
    let near_miss = NearMiss { policy: "ns/slip".into(), message: "there is no <Service> ns/nearlyy".into() };
    let endpoints = EndpointSource::Host { host: "127.0.0.1".into(), port: 8443 };
    let backend = Backend { id: id("nearly"), endpoints, tls: Tls::Plaintext, near_miss: Some(near_miss) };
    (backend.id.clone(), Arc::new(backend))
}

/// A Gateway with one listener and one route, `ns/route`, to all of these backends.
pub(super) fn plan<'a>(backends: impl IntoIterator<Item = (&'a str, Tls)>) -> Plan {
    let backends: Vec<_> = backends
        .into_iter()
        .map(|(name, tls)| {
            let endpoints = EndpointSource::Host { host: "127.0.0.1".into(), port: 8443 };
            Arc::new(Backend { id: id(name), endpoints, tls, near_miss: None })
        })
        .collect();
    let references = backends.iter().map(|backend| WeightedBackend {
        weight: 1,
        filters: Filters::default(),
        target: Target::Backend(backend.clone()),
    });
    let rule = Rule {
        route: "ns/route".into(),
        index: 0,
        name: None,
        filters: Filters::default(),
        action: Action::Forward(WeightedBackends::new(references)),
        timeouts: Timeouts::default(),
    };
    let mut rules = RuleTableBuilder::default();
    let path = PathMatch::Prefix("/".into());
    rules.push(Match { path, method: None, headers: Vec::new(), query: Vec::new() }, Arc::new(rule));
    let mut routes = HostTable::default();
    routes.insert(None, rules.build());
    let mut listeners = HostTable::default();
    let listener = Listener { name: "http".into(), hostname: None, certificates: Vec::new(), routes };
    listeners.insert(None, Arc::new(listener));
    Plan {
        ports: vec![Arc::new(Port { gateway: "ns/gw".into(), port: 80, protocol: Protocol::Http, listeners })],
        backends: backends.into_iter().map(|backend| (backend.id.clone(), backend)).collect(),
        authorities: vec![AuthorityExpiry {
            policy: "ns/policy".into(),
            reference: "ConfigMap/ns/ca".into(),
            not_after: 1_900_000_000,
        }],
    }
}

pub(super) fn telemetry() -> Arc<Telemetry> {
    Telemetry::new(Settings { version: "1.2.3", revision: "abc", access_log: None })
}

pub(super) fn tls_info() -> TlsInfo {
    TlsInfo {
        sni: "example.com".into(),
        version: "1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        alpn: "http/1.1".into(),
        resumed: false,
        peer_not_after: Some(1_800_000_000),
    }
}

static ORIGINATE: LazyLock<Tls> = LazyLock::new(originate);
static EVIDENCE: LazyLock<Evidence> =
    LazyLock::new(|| Evidence::of(HandshakeResult::Expired, "presented for <other>.example"));
static SEEN: LazyLock<Evidence> = LazyLock::new(|| Evidence::presented([leaf(1_800_000_000)].into()));

/// What a certificate says of itself that ends then.
pub(super) fn leaf(not_after: i64) -> Facts {
    Facts {
        subject: "CN=a".into(),
        issuer: "CN=ca".into(),
        not_before: 0,
        not_after,
        dns_names: vec!["example.com".into()],
        uris: Vec::new(),
        addresses: Vec::new(),
        is_ca: false,
        server_auth: None,
        key_hash: [1; 32],
        fingerprint: [2; 32],
    }
}

pub(super) fn failed(backend: &BackendId, result: HandshakeResult) -> HandshakeRecord<'_> {
    HandshakeRecord {
        backend,
        configured: &ORIGINATE,
        policy: "ns/policy",
        endpoint: None,
        sni: "example.com",
        result,
        tls: None,
        dns: Some(Duration::from_millis(1)),
        tcp: Some(Duration::from_millis(2)),
        handshake: Some(Duration::from_millis(3)),
        evidence: &EVIDENCE,
    }
}

pub(super) fn succeeded<'a>(backend: &'a BackendId, tls: &'a TlsInfo) -> HandshakeRecord<'a> {
    let endpoint = Some(([127, 0, 0, 1], 8443).into());
    HandshakeRecord { endpoint, tls: Some(tls), evidence: &SEEN, ..failed(backend, HandshakeResult::Ok) }
}

fn request<'a>(gateway: &'a Arc<str>, backend: Option<&'a BackendId>) -> RequestRecord<'a> {
    RequestRecord {
        gateway,
        listener: "http",
        route: "ns/route",
        backend,
        endpoint: None,
        client: ([192, 0, 2, 1], 1234).into(),
        method: "GET",
        scheme: "http",
        host: "secret-host",
        target: "/secret-path?secret-query",
        version: "HTTP/1.1",
        status: 200,
        reason: Reason::None,
        detail: "secret-detail",
        duration: Duration::from_millis(7),
        received: 0,
        sent: 5,
        upstream_tls: None,
        request_id: "",
        traceparent: "",
    }
}

/// The value of the one series whose labels are exactly these.
#[track_caller]
fn value(telemetry: &Telemetry, series: &str) -> Option<f64> {
    let text = telemetry.render();
    let mut found = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    let value = found.next();
    assert!(found.next().is_none(), "{series} is there twice");
    value
}

const B: &str = "gateway=\"ns/gw\",backend=\"Service/ns/a\",port=\"8443\"";

#[test]
fn a_backend_with_a_tls_identity_has_its_ok_series_from_the_start() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate()), ("plain", Tls::Plaintext), ("poisoned", poisoned())]));
    let text = telemetry.render();
    let handshakes: Vec<_> = text.lines().filter(|line| line.starts_with("postern_upstream_tls_handshakes")).collect();
    let expected = [
        format!("postern_upstream_tls_handshakes_total{{{B},result=\"ok\",resumed=\"false\"}} 0"),
        format!("postern_upstream_tls_handshakes_total{{{B},result=\"ok\",resumed=\"true\"}} 0"),
    ];
    assert_eq!(handshakes, expected);
}

#[test]
fn workers_are_added_up() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (gateway, a, tls) = ("ns/gw".into(), id("a"), tls_info());
    for worker in [telemetry.worker(), telemetry.worker()] {
        for _ in 0..3 {
            worker.request(&request(&gateway, Some(&a)));
            worker.handshake(&succeeded(&a, &tls));
        }
    }
    let labels = "gateway=\"ns/gw\",listener=\"http\",route=\"ns/route\",backend=\"Service/ns/a\",method=\"GET\",\
                  status=\"200\",reason=\"none\"";
    assert_eq!(value(&telemetry, &format!("postern_requests_total{{{labels}}}")), Some(6.0));
    let labels = "gateway=\"ns/gw\",route=\"ns/route\",backend=\"Service/ns/a\",status_class=\"2xx\"";
    assert_eq!(value(&telemetry, &format!("postern_request_duration_seconds_count{{{labels}}}")), Some(6.0));
    let ok = format!("postern_upstream_tls_handshakes_total{{{B},result=\"ok\",resumed=\"false\"}}");
    assert_eq!(value(&telemetry, &ok), Some(6.0));
}

#[test]
fn each_result_is_counted_under_its_word_and_without_resumed() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, a) = (telemetry.worker(), id("a"));
    for result in HandshakeResult::ALL.into_iter().filter(|result| *result != HandshakeResult::Ok) {
        worker.handshake(&failed(&a, result));
        let labels = format!("{B},result=\"{result}\"");
        let count = format!("postern_upstream_tls_handshakes_total{{{labels},resumed=\"\"}}");
        assert_eq!(value(&telemetry, &count), Some(1.0), "{result}");
        let last = format!("postern_upstream_tls_last_failure_timestamp_seconds{{{labels}}}");
        assert!(value(&telemetry, &last).is_some_and(|time| time > 1.7e9), "{result}");
    }
}

#[test]
fn of_an_attempt_that_failed_the_last_phase_failed() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, a) = (telemetry.worker(), id("a"));
    worker.handshake(&HandshakeRecord { handshake: None, ..failed(&a, HandshakeResult::TcpRefused) });
    let count = |phase: &str, outcome: &str| {
        let labels = format!("{B},phase=\"{phase}\",outcome=\"{outcome}\"");
        value(&telemetry, &format!("postern_upstream_connect_duration_seconds_count{{{labels}}}"))
    };
    assert_eq!([count("dns", "ok"), count("tcp", "error")], [Some(1.0), Some(1.0)]);
    assert_eq!([count("dns", "error"), count("tcp", "ok"), count("tls", "error")], [None, None, None]);
}

#[test]
fn a_series_goes_with_its_object() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate()), ("b", originate())]));
    let (worker, gateway, tls) = (telemetry.worker(), "ns/gw".into(), tls_info());
    let count_on = |name: &str| {
        let backend = id(name);
        worker.request(&request(&gateway, Some(&backend)));
        worker.handshake(&succeeded(&backend, &tls));
        worker.handshake(&failed(&backend, HandshakeResult::Expired));
        worker.acquired(&backend, Acquisition::New);
        worker.upstream_bytes(&backend, 1, 1);
    };
    count_on("a");
    count_on("b");
    assert!(telemetry.render().contains("Service/ns/b"));
    assert!(telemetry.observations().get(&id("b")).is_some());

    telemetry.plan_applied(&plan([("a", originate())]));
    assert!(telemetry.render().contains("Service/ns/a") && !telemetry.render().contains("Service/ns/b"));
    assert!(telemetry.observations().get(&id("b")).is_none());
    count_on("b");
    assert!(!telemetry.render().contains("Service/ns/b"), "a request that began before does not bring it back");

    telemetry.plan_applied(&plan([("a", Tls::Plaintext)]));
    let text = telemetry.render();
    assert!(
        text.contains("Service/ns/a") && !text.contains("upstream_tls"),
        "without a policy there is no TLS:\n{text}"
    );

    telemetry.plan_applied(&Plan::default());
    let text = telemetry.render();
    assert!(!text.contains("ns/gw") && !text.contains("ns/policy"), "{text}");
}

#[test]
fn what_counts_up_counts_down_even_if_its_object_was_away() {
    let telemetry = telemetry();
    let (worker, a) = (telemetry.worker(), id("a"));
    let active = format!("postern_upstream_pool_connections{{{B},state=\"active\"}}");
    telemetry.plan_applied(&plan([("a", originate())]));
    worker.pool(&a, None, Some(PoolState::Connecting));
    worker.pool(&a, Some(PoolState::Connecting), Some(PoolState::Active));
    telemetry.plan_applied(&Plan::default());
    telemetry.plan_applied(&plan([("a", originate())]));
    assert_eq!(value(&telemetry, &active), Some(1.0));
    worker.pool(&a, Some(PoolState::Active), None);
    assert_eq!(value(&telemetry, &active), Some(0.0));
}

#[test]
fn a_connection_is_opened_once() {
    use PoolState::{Active, Connecting, Idle};
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, a) = (telemetry.worker(), id("a"));
    let life = [None, Some(Connecting), Some(Active), Some(Idle), Some(Active), Some(Idle), None];
    let failed = [None, Some(Connecting), None];
    for steps in [&life[..], &failed] {
        for step in steps.windows(2) {
            worker.pool(&a, step[0], step[1]);
        }
    }
    worker.closed(&a, CloseReason::Idle);
    assert_eq!(value(&telemetry, &format!("postern_upstream_connections_opened_total{{{B}}}")), Some(1.0));
    let closed =
        |reason| value(&telemetry, &format!("postern_upstream_connections_closed_total{{{B},reason=\"{reason}\"}}"));
    assert_eq!([closed("idle"), closed("policy_change")], [Some(1.0), Some(0.0)]);
    for state in PoolState::ALL {
        let series = format!("postern_upstream_pool_connections{{{B},state=\"{}\"}}", state.as_str());
        assert_eq!(value(&telemetry, &series), Some(0.0), "{series}");
    }
}

#[test]
fn a_connection_that_goes_over_to_another_backend_is_not_opened_again() {
    use PoolState::{Active, Connecting, Idle};
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate()), ("b", originate())]));
    let (worker, a, b) = (telemetry.worker(), id("a"), id("b"));
    for (backend, from, to) in [
        (&a, None, Some(Connecting)),
        (&a, Some(Connecting), Some(Active)),
        (&a, Some(Active), Some(Idle)),
        (&a, Some(Idle), None),
        (&b, None, Some(Active)),
        (&b, Some(Active), None),
        (&a, None, Some(Idle)),
        (&a, Some(Idle), None),
    ] {
        worker.pool(backend, from, to);
    }
    let opened = |labels: &str| value(&telemetry, &format!("postern_upstream_connections_opened_total{{{labels}}}"));
    assert_eq!([opened(B), opened(&B.replace("/a\"", "/b\""))], [Some(1.0), Some(0.0)]);
}

#[test]
fn a_worker_that_is_gone_leaves_its_counts_and_holds_nothing_open() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let a = id("a");
    let first = telemetry.worker();
    first.pool(&a, None, Some(PoolState::Connecting));
    first.pool(&a, Some(PoolState::Connecting), Some(PoolState::Active));
    first.request_in_flight("ns/gw", true);
    first.downstream_connection("ns/gw", 80, true);
    let gauges = || {
        [
            value(&telemetry, "postern_requests_in_flight{gateway=\"ns/gw\"}"),
            value(&telemetry, "postern_downstream_connections{gateway=\"ns/gw\",port=\"80\"}"),
            value(&telemetry, &format!("postern_upstream_pool_connections{{{B},state=\"active\"}}")),
        ]
    };
    assert_eq!(gauges(), [Some(1.0); 3]);
    drop(first);
    assert_eq!(gauges(), [Some(0.0); 3]);

    let successor = telemetry.worker();
    successor.pool(&a, None, Some(PoolState::Connecting));
    successor.pool(&a, Some(PoolState::Connecting), Some(PoolState::Active));
    assert_eq!(value(&telemetry, &format!("postern_upstream_connections_opened_total{{{B}}}")), Some(2.0));
    assert_eq!(telemetry.shards.lock().expect("no panic").len(), 1, "its successor goes on with its shard");
}

#[test]
fn a_gateway_without_a_port_is_told_as_in_sync_by_the_process_that_serves_it() {
    let telemetry = telemetry();
    telemetry.serves("ns/own".into());
    telemetry.plan_applied(&Plan::default());
    telemetry.config_in_sync(true);
    assert_eq!(value(&telemetry, "postern_config_in_sync{gateway=\"ns/own\"}"), Some(1.0));
    telemetry.plan_applied(&plan([]));
    telemetry.config_in_sync(false);
    for gateway in ["ns/own", "ns/gw"] {
        assert_eq!(value(&telemetry, &format!("postern_config_in_sync{{gateway=\"{gateway}\"}}")), Some(0.0));
    }
}

#[test]
fn what_befalls_a_clients_connection_is_counted_by_cause() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let rejected = |why: &str| {
        value(
            &telemetry,
            &format!("postern_downstream_connections_rejected_total{{gateway=\"ns/gw\",reason=\"{why}\"}}"),
        )
    };
    let panics = || value(&telemetry, "postern_connection_panics_total{gateway=\"ns/gw\"}");
    assert_eq!((panics(), rejected("limit"), rejected("descriptors")), (Some(0.0), Some(0.0), Some(0.0)));

    let worker = telemetry.worker();
    worker.panicked("ns/gw");
    worker.connection_rejected("ns/gw", Rejection::Limit);
    worker.connection_rejected("ns/gw", Rejection::Limit);
    worker.connection_rejected("ns/gw", Rejection::Descriptors);
    assert_eq!((panics(), rejected("limit"), rejected("descriptors")), (Some(1.0), Some(2.0), Some(1.0)));

    for (outcome, times) in [(DownstreamHandshake::Ok, 3), (DownstreamHandshake::Failed, 2)] {
        (0..times).for_each(|_| worker.downstream_handshake("ns/gw", 80, outcome));
    }
    let handshakes = DownstreamHandshake::ALL.map(|outcome| {
        let labels = format!("gateway=\"ns/gw\",port=\"80\",result=\"{}\"", outcome.as_str());
        value(&telemetry, &format!("postern_downstream_tls_handshakes_total{{{labels}}}"))
    });
    assert_eq!(handshakes, [Some(3.0), Some(2.0), None]);

    telemetry.plan_applied(&Plan::default());
    assert!(!telemetry.render().contains("ns/gw"), "they go with their Gateway");
}

#[test]
fn a_request_that_is_sent_again_is_counted_by_cause() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, a) = (telemetry.worker(), id("a"));
    worker.retried(&a, Retry::Stale);
    let retries = Retry::ALL
        .map(|why| value(&telemetry, &format!("postern_upstream_retries_total{{{B},reason=\"{}\"}}", why.as_str())));
    assert_eq!(retries, [Some(0.0), Some(1.0)]);
}

#[test]
fn the_configuration_is_told() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    telemetry.config_applied(false);
    let last_success = || value(&telemetry, "postern_config_last_success_timestamp_seconds");
    assert_eq!(last_success(), None);
    telemetry.config_applied(true);
    assert!(last_success().is_some_and(|time| time > 1.7e9));
    telemetry.config_in_sync(false);
    let condition =
        |status| PolicyCondition { kind: "BackendTLSPolicy", policy: "ns/p", condition: "Accepted", status };
    telemetry.policy_conditions([condition(true)]);
    telemetry.policy_conditions([condition(false)]);
    for (series, expected) in [
        ("postern_config_applies_total{result=\"failure\"}", 1.0),
        ("postern_config_applies_total{result=\"success\"}", 1.0),
        ("postern_config_in_sync{gateway=\"ns/gw\"}", 0.0),
        ("postern_build_info{version=\"1.2.3\",revision=\"abc\"}", 1.0),
        (
            "postern_backend_ca_certificate_not_after_timestamp_seconds{policy=\"ns/policy\",ref=\"ConfigMap/ns/ca\"}",
            1.9e9,
        ),
        ("postern_policy_condition{kind=\"BackendTLSPolicy\",policy=\"ns/p\",type=\"Accepted\",status=\"true\"}", 0.0),
        ("postern_policy_condition{kind=\"BackendTLSPolicy\",policy=\"ns/p\",type=\"Accepted\",status=\"false\"}", 1.0),
    ] {
        assert_eq!(value(&telemetry, series), Some(expected), "{series}");
    }
    telemetry.policy_conditions([]);
    assert!(!telemetry.render().contains("policy_condition"));
}

#[test]
fn what_passes_between_the_process_and_kubernetes_is_told() {
    let telemetry = telemetry();
    let text = telemetry.render();
    assert!(!text.contains("kubernetes") && !text.contains("leader"), "not of a gateway on files:\n{text}");

    let since = || value(&telemetry, "postern_kubernetes_out_of_touch_since_timestamp_seconds");
    let restarts = |kind| value(&telemetry, &format!("postern_kubernetes_watch_restarts_total{{kind=\"{kind}\"}}"));
    telemetry.kubernetes_watched(["HTTPRoute", "Gateway"]);
    assert_eq!((since(), restarts("HTTPRoute"), restarts("Gateway")), (Some(0.0), Some(0.0), Some(0.0)));
    telemetry.contact().lost("HTTPRoute", "secret-cause");
    telemetry.kubernetes_watch_restarted("HTTPRoute ns/secret-name");
    assert!(since().is_some_and(|since| since > 1.7e9));
    assert_eq!((restarts("HTTPRoute"), restarts("Gateway")), (Some(1.0), Some(0.0)));
    telemetry.contact().regained("HTTPRoute");
    assert_eq!((since(), restarts("HTTPRoute")), (Some(0.0), Some(1.0)));

    for result in [WriteResult::Success, WriteResult::Conflict, WriteResult::Success] {
        telemetry.kubernetes_written("Gateway", result);
    }
    let writes = WriteResult::ALL.map(|result| {
        let labels = format!("kind=\"Gateway\",result=\"{}\"", result.as_str());
        value(&telemetry, &format!("postern_kubernetes_writes_total{{{labels}}}"))
    });
    assert_eq!(writes, [Some(2.0), Some(1.0), None]);
    for leads in [false, true, false] {
        telemetry.leads(leads);
        assert_eq!(value(&telemetry, "postern_leader"), Some(f64::from(leads)));
        telemetry.gateways_programmed([("ns/one", true), ("ns/two", false)]);
        let programmed = |name| value(&telemetry, &format!("postern_gateway_programmed{{gateway=\"{name}\"}}"));
        let told = leads.then_some((1.0, 0.0));
        assert_eq!((programmed("ns/one"), programmed("ns/two")), (told.map(|told| told.0), told.map(|told| told.1)));
    }

    telemetry.kubernetes_watch_restarted("Secret-Kind");
    telemetry.kubernetes_written("Secret-Kind", WriteResult::Failure);
    assert_eq!(restarts("other"), Some(1.0));
    assert_eq!(value(&telemetry, "postern_kubernetes_writes_total{kind=\"other\",result=\"failure\"}"), Some(1.0));
    assert!(!telemetry.render().to_lowercase().contains("secret"), "{}", telemetry.render());
}

#[test]
fn the_process_is_told_of() {
    let telemetry = telemetry();
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"] {
        assert!(value(&telemetry, name).is_some_and(|value| value > 0.0), "{name}");
    }
}

#[test]
fn what_the_pools_may_hold_is_the_sum_of_the_workers_and_goes_with_one() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (one, two) = (telemetry.worker(), telemetry.worker());
    one.pool_limit(&id("a"), 2048);
    two.pool_limit(&id("a"), 1024);
    let series = "postern_upstream_pool_limit{gateway=\"ns/gw\",backend=\"Service/ns/a\",port=\"8443\"}";
    assert_eq!(value(&telemetry, series), Some(3072.0));
    drop(one);
    assert_eq!(value(&telemetry, series), Some(1024.0));
}
