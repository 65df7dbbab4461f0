use super::*;

#[test]
fn the_last_handshake_of_a_backend_is_remembered() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, a, tls) = (telemetry.worker(), id("a"), tls_info());
    worker.handshake(&succeeded(&a, &tls));
    worker.handshake(&failed(&a, HandshakeResult::Expired));
    worker.handshake(&failed(&a, HandshakeResult::NameMismatch));
    let last = telemetry.observations().get(&a).expect("an observation");
    assert_eq!((last.result, last.consecutive_failures), (HandshakeResult::NameMismatch, 2));
    assert_eq!((&*last.evidence.cause, last.tls), ("presented for <other>.example", Some(tls_info())));
    worker.handshake(&succeeded(&a, &tls));
    let last = telemetry.observations().get(&a).expect("an observation");
    assert_eq!((last.result, last.consecutive_failures, &*last.evidence.cause), (HandshakeResult::Ok, 0, ""));
}

#[test]
fn of_the_certificates_of_a_backend_the_first_end_is_told() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (one, two, a, tls) = (telemetry.worker(), telemetry.worker(), id("a"), tls_info());
    let series = "postern_upstream_tls_peer_certificate_not_after_timestamp_seconds{gateway=\"ns/gw\",backend=\"Service/ns/a\",port=\"8443\"}";
    one.handshake(&succeeded(&a, &tls));
    assert_eq!(value(&telemetry, series), Some(1_800_000_000.0));
    let ends_earlier = Evidence::presented([leaf(1_700_000_000)].into());
    let again = succeeded(&a, &tls);
    let expired = HandshakeRecord { evidence: &ends_earlier, ..failed(&a, HandshakeResult::Expired) };
    two.handshake(&HandshakeRecord { endpoint: again.endpoint, ..expired.clone() });
    assert_eq!(value(&telemetry, series), Some(1_700_000_000.0), "another worker saw an earlier end");
    one.handshake(&HandshakeRecord { endpoint: again.endpoint, ..failed(&a, HandshakeResult::Timeout) });
    assert_eq!(value(&telemetry, series), Some(1_700_000_000.0), "nothing was presented");
    one.handshake(&again);
    assert_eq!(value(&telemetry, series), Some(1_800_000_000.0), "it was renewed");
    two.handshake(&HandshakeRecord { endpoint: Some(([127, 0, 0, 2], 8443).into()), ..expired });
    one.handshake(&again);
    assert_eq!(value(&telemetry, series), Some(1_700_000_000.0), "another endpoint's ends earlier");
}

#[test]
fn what_was_seen_before_the_identity_changed_is_outdated_until_the_next_attempt() {
    let telemetry = telemetry();
    telemetry.plan_applied(&plan([("a", originate())]));
    let (worker, a, tls) = (telemetry.worker(), id("a"), tls_info());
    worker.handshake(&failed(&a, HandshakeResult::Expired));
    worker.handshake(&failed(&a, HandshakeResult::Expired));
    let outdated = || telemetry.observations().get(&a).expect("an observation").outdated;
    telemetry.plan_applied(&plan([("a", originate())]));
    assert!(!outdated(), "nothing changed");
    let other = other();
    telemetry.plan_applied(&plan([("a", other.clone())]));
    assert!(outdated());
    worker.handshake(&HandshakeRecord { configured: &other, ..failed(&a, HandshakeResult::Expired) });
    let last = telemetry.observations().get(&a).expect("an observation");
    assert_eq!((last.outdated, last.consecutive_failures), (false, 1));
    worker.handshake(&HandshakeRecord { configured: &other, ..succeeded(&a, &tls) });
    assert!(!outdated());
}

/// TLS under another identity than [`originate`].
fn other() -> Tls {
    let Tls::Originate { policy, identity } = originate() else { panic!("it does") };
    let identity = TlsIdentity { sni: "other.example".into(), ..(*identity).clone() };
    Tls::Originate { policy, identity: Arc::new(identity) }
}

#[test]
fn an_attempt_that_began_before_a_change_says_nothing_of_what_is_configured_since() {
    let telemetry = telemetry();
    let (worker, a, tls) = (telemetry.worker(), id("a"), tls_info());
    let last = || telemetry.observations().get(&a).expect("an observation");
    telemetry.plan_applied(&plan([("a", originate())]));
    worker.handshake(&failed(&a, HandshakeResult::UnknownIssuer));
    let other = other();
    telemetry.plan_applied(&plan([("a", other.clone())]));
    worker.handshake(&succeeded(&a, &tls));
    assert_eq!((last().outdated, last().result, last().counts.full), (true, HandshakeResult::UnknownIssuer, 1));
    worker.handshake(&HandshakeRecord { configured: &other, ..failed(&a, HandshakeResult::NameMismatch) });
    worker.handshake(&succeeded(&a, &tls));
    assert_eq!((last().outdated, last().result, last().counts.full), (false, HandshakeResult::NameMismatch, 2));

    telemetry.plan_applied(&plan([]));
    worker.handshake(&HandshakeRecord { configured: &other, ..failed(&a, HandshakeResult::Timeout) });
    assert!(!telemetry.observations().knows(&a), "its backend has gone");
}

#[test]
fn a_failure_before_a_change_is_known_as_such() {
    let telemetry = telemetry();
    let (worker, a, tls, other) = (telemetry.worker(), id("a"), tls_info(), other());
    let outdated = || telemetry.observations().get(&a).and_then(|last| last.last_failure).expect("it failed").outdated;
    telemetry.plan_applied(&plan([("a", originate())]));
    worker.handshake(&failed(&a, HandshakeResult::UnknownIssuer));
    assert!(!outdated());
    telemetry.plan_applied(&plan([("a", other.clone())]));
    worker.handshake(&HandshakeRecord { configured: &other, ..succeeded(&a, &tls) });
    assert!(outdated());
    worker.handshake(&HandshakeRecord { configured: &other, ..failed(&a, HandshakeResult::Expired) });
    assert!(!outdated());
}
