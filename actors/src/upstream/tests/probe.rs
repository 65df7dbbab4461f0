//! The probe, beside the request path: the same peers, the same words, and what is told of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use tokio::time::timeout;

use super::bench::{Bench, DEADLINE, addresses, at, eventually, identity, named, originate, plain, secured, service};
use super::certificates::{HOUR, Issued, authority, certificate, exactly, issued_by, now, server, system};
use super::peer::{Peer, nobody, presenting};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::identity::{Bundle, PeerNames, SubjectAltName, TlsVersion};
use crate::plan::{Backend, EndpointSource, Poison, Tls, TlsIdentity};
use crate::upstream::probe::report::{Role, Validity};
use crate::upstream::probe::{Probe, Report};
use crate::upstream::resolver::Answer;
use crate::upstream::{RefusedAddresses, Resolver, UpstreamSettings};

/// A probe whose resolver knows one name.
fn probe(name: &'static str, found: &[IpAddr], refused: RefusedAddresses) -> Probe {
    let found = found.to_vec();
    let resolver = Resolver::with_lookup(
        DEADLINE,
        std::rc::Rc::new(move |host| {
            let addresses = if &*host == name { Ok(found.clone().into()) } else { Err("NXDOMAIN".into()) };
            let answer = addresses.map(|addresses| Answer { addresses, time_to_live: Duration::from_mins(1) });
            Box::pin(async move { answer })
        }),
    );
    Probe { resolver, ..Probe::new(UpstreamSettings { refused, ..UpstreamSettings::default() }, false) }
}

async fn run(backend: &Backend, endpoints: &[SocketAddr]) -> Report {
    let probe = Probe::new(UpstreamSettings::default(), false);
    timeout(DEADLINE, probe.run(backend, &addresses(endpoints))).await.expect("in time")
}

/// Probes a backend, of which the request path must say the same.
async fn agreed(backend: &Arc<Backend>) -> Report {
    let report = run(backend, &[]).await;
    let bench = Bench::new();
    let _ = bench.exchange(backend).await;
    assert_eq!(report.verdict.result, Reason::Handshake(bench.seen.last().result));
    report
}

fn word(report: &Report) -> HandshakeResult {
    match report.verdict.result {
        Reason::Handshake(result) => result,
        other => panic!("{other} is no result of a handshake"),
    }
}

#[actix_rt::test]
async fn a_success_is_told_step_by_step() {
    let ca = authority("a CA").self_signed();
    let other = authority("another CA").self_signed();
    let leaf = server().until(now() + 36 * HOUR).signed_by(&ca);
    let peer = Peer::tls(presenting(&leaf).with_intermediate(&ca).alpn("http/1.1")).await;
    let report = agreed(&secured(peer.address, identity(issued_by(&[&other, &ca])))).await;
    assert_eq!(word(&report), HandshakeResult::Ok);
    assert_eq!((report.verdict.cause.as_str(), report.verdict.remedy.as_str()), ("", ""));
    assert!(report.mended.is_none());
    let endpoint = &report.endpoints[0];
    assert_eq!((endpoint.version, &*endpoint.alpn, endpoint.reached), ("1.3", "http/1.1", true));
    assert_eq!(endpoint.certificates.iter().map(|it| it.ca).collect::<Vec<_>>(), [false, true]);
    assert_eq!((endpoint.certificates[0].days_left, endpoint.names[0].carried), (1, true));
    assert!(endpoint.tcp.is_some() && endpoint.handshake.is_some() && !endpoint.asked_for_certificate);
    let versions: Vec<_> = report.versions.iter().map(|version| (version.version, version.result)).collect();
    assert_eq!(versions, [("1.2", Some(HandshakeResult::Ok)), ("1.3", Some(HandshakeResult::Ok))]);
    assert_eq!(report.resumed, Some(true));
    let anchors: Vec<_> = report.anchors.expect("anchors").list;
    assert_eq!(anchors.iter().map(|anchor| anchor.vouches).collect::<Vec<_>>(), [false, true]);
}

#[actix_rt::test]
async fn a_session_that_may_or_can_not_be_resumed_is_not() {
    let leaf = server().self_signed();
    let forgetful = Peer::tls(presenting(&leaf).without_memory()).await;
    let backend = secured(forgetful.address, identity(exactly(&[&leaf])));
    assert_eq!(agreed(&backend).await.resumed, Some(false));
    let off = TlsIdentity { resumption: false, ..identity(exactly(&[&leaf])) };
    assert_eq!(run(&secured(forgetful.address, off), &[]).await.resumed, None);
}

#[actix_rt::test]
async fn versions_that_the_policy_does_not_permit_are_not_tried() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf).speaking(&TLS13)).await;
    let new = TlsIdentity { min_version: TlsVersion::Tls13, ..identity(exactly(&[&leaf])) };
    let report = run(&secured(peer.address, new), &[]).await;
    assert_eq!(report.versions.iter().map(|it| it.result).collect::<Vec<_>>(), [None, Some(HandshakeResult::Ok)]);
    let both = run(&secured(peer.address, identity(exactly(&[&leaf]))), &[]).await;
    assert_eq!(both.versions[0].result, Some(HandshakeResult::VersionOrCipherMismatch));
    assert_eq!(word(&both), HandshakeResult::Ok);
}

#[actix_rt::test]
async fn a_late_refusal_is_waited_for() {
    let (leaf, clients) = (server().self_signed(), authority("the CA of clients").self_signed());
    let client = certificate("the gateway").for_clients().signed_by(&clients).as_client();
    for version in [&TLS12, &TLS13] {
        let peer = Peer::tls(presenting(&leaf).demanding_clients_of(&clients).speaking(version)).await;
        let refused = agreed(&secured(peer.address, identity(exactly(&[&leaf])))).await;
        assert_eq!(word(&refused), HandshakeResult::ClientCertRejected, "{version:?}");
        assert!(refused.endpoints[0].asked_for_certificate && refused.verdict.remedy.contains("clientCertificateRef"));
        assert_eq!(refused.endpoints[0].client_authorities, ["CN=the CA of clients"]);
        let known = TlsIdentity { client_certificate: Some(client.clone()), ..identity(exactly(&[&leaf])) };
        let accepted = agreed(&secured(peer.address, known)).await;
        assert_eq!(word(&accepted), HandshakeResult::Ok);
        let confirmed = accepted.endpoints[0].confirmed;
        assert_eq!(confirmed, *version == TLS12, "silence confirms nothing in TLS 1.3");
    }
}

#[actix_rt::test]
async fn anchors_are_told_with_what_they_may_do_today() {
    let ca = authority("a CA").self_signed();
    let ended = authority("ended").from(now() - 2 * HOUR).until(now() - HOUR).self_signed();
    let begins = authority("begins").from(now() + HOUR).self_signed();
    let leaf = server().signed_by(&ended);
    let peer = Peer::tls(presenting(&leaf)).await;
    let report = agreed(&secured(peer.address, identity(issued_by(&[&ca, &ended, &begins])))).await;
    assert_eq!(word(&report), HandshakeResult::UnknownIssuer);
    let list = report.anchors.expect("anchors").list;
    let roles: Vec<_> = list.iter().map(|anchor| (anchor.role, anchor.vouches)).collect();
    assert_eq!(roles, [(Role::MayIssue, false), (Role::Expired, false), (Role::NotYetValid, false)]);
    let itself = server().self_signed();
    let peer = Peer::tls(presenting(&itself)).await;
    let report = agreed(&secured(peer.address, identity(exactly(&[&itself])))).await;
    let list = report.anchors.expect("anchors").list;
    assert_eq!((list[0].role, list[0].validity, list[0].vouches), (Role::StandsForItself, Validity::Valid, true));
    let past = server().from(now() - 2 * HOUR).until(now() - HOUR).self_signed();
    let peer = Peer::tls(presenting(&past)).await;
    let report = agreed(&secured(peer.address, identity(exactly(&[&past])))).await;
    let list = report.anchors.expect("anchors").list;
    assert_eq!((list[0].role, list[0].validity, list[0].vouches), (Role::StandsForItself, Validity::Expired, false));
    assert_eq!(report.endpoints[0].certificates[0].validity, Validity::Expired);
    let peer = Peer::tls(presenting(&server().signed_by(&ca))).await;
    let report = agreed(&secured(peer.address, identity(system(&[&ended, &ca])))).await;
    let anchors = report.anchors.expect("anchors");
    assert_eq!((anchors.count, anchors.list.len(), &*anchors.list[0].subject), (2, 1, "CN=a CA"));
}

#[actix_rt::test]
async fn of_a_certificate_that_cannot_be_read_no_name_is_told() {
    let leaf = server().self_signed();
    for unread in [leaf.as_v1(), leaf.presenting(vec![0x30, 0x03, 0x02, 0x01, 0x2a])] {
        let peer = Peer::tls(presenting(&unread)).await;
        let report = agreed(&secured(peer.address, identity(exactly(&[&leaf])))).await;
        assert_eq!((word(&report), report.endpoints[0].names.len()), (HandshakeResult::BadEncoding, 0));
    }
}

#[actix_rt::test]
async fn everything_that_the_policy_can_mend_is_mended_at_once() {
    let ca = authority("a CA").self_signed();
    let leaf = certificate("a backend").dns("*.other.test").uri("spiffe://other/test").not_ca().signed_by(&ca);
    let peer = Peer::tls(presenting(&leaf).with_intermediate(&ca).speaking(&TLS12).alpn("acme")).await;
    let stranger = authority("a stranger").self_signed();
    let identity =
        TlsIdentity { min_version: TlsVersion::Tls13, pins: [[7; 32]].into(), ..identity(issued_by(&[&stranger])) };
    let report = agreed(&secured(peer.address, identity.clone())).await;
    assert_eq!(word(&report), HandshakeResult::VersionOrCipherMismatch, "the first of them is the verdict");
    let mended = report.mended.expect("it can be mended");
    assert_eq!((mended.result, &*mended.remedy), (HandshakeResult::Ok, ""));
    let names = [
        SubjectAltName::Hostname(identity.sni.to_string()),
        SubjectAltName::Hostname("*.other.test".into()),
        SubjectAltName::Uri("spiffe://other/test".into()),
    ];
    let expected = TlsIdentity {
        names: PeerNames::AnyOf(names.into()),
        trust: issued_by(&[&stranger, &ca]),
        min_version: TlsVersion::Tls12,
        alpn: Vec::new(),
        pins: [[7; 32], leaf.pin()].into(),
        ..identity
    };
    assert_eq!(mended.identity, expected);
    assert_eq!(mended.anchors, std::slice::from_ref(&ca.der));
    assert!(!mended.client_certificate_untried);
}

#[actix_rt::test]
async fn a_stranger_is_never_shown_the_client_certificate() {
    let clients = authority("the CA of clients").self_signed();
    let client = certificate("the gateway").for_clients().signed_by(&clients).as_client();
    let (itself, stranger) = (server().self_signed(), authority("a stranger").self_signed());
    for version in [&TLS12, &TLS13] {
        let peer = Peer::tls(presenting(&itself).demanding_clients_of(&clients).speaking(version)).await;
        let identity = TlsIdentity { client_certificate: Some(client.clone()), ..identity(issued_by(&[&stranger])) };
        let report = run(&secured(peer.address, identity), &[]).await;
        assert_eq!(word(&report), HandshakeResult::UnknownIssuer);
        let mended = report.mended.expect("it is self-signed");
        assert!(mended.client_certificate_untried, "{version:?}");
        assert_eq!((mended.result, &*mended.remedy), (HandshakeResult::ClientCertRejected, ""));
        assert_eq!(mended.identity.client_certificate, Some(client.clone()), "it is a part of what is proposed");
        let tried = peer.accepted();
        eventually("every handshake has ended", || peer.ended() == tried).await;
        assert!(peer.handshakes().is_empty(), "none succeeds without it");
    }
}

#[actix_rt::test]
async fn names_come_to_those_that_other_endpoints_may_carry() {
    let ca = authority("a CA").self_signed();
    let other = certificate("other").dns("a.test").dns("a_b.test").dns("b.test").uri("spiffe://c").not_ca();
    let other = Peer::tls(presenting(&other.signed_by(&ca))).await;
    let of_service = |identity| named("a", EndpointSource::Service(service("a")), originate(identity));
    let mended = async |identity: TlsIdentity| {
        let report = run(&of_service(identity), &[other.address]).await;
        assert_eq!((word(&report), report.verdict.at), (HandshakeResult::NameMismatch, Some(other.address)));
        report.mended
    };
    let identity = identity(issued_by(&[&ca]));
    let host = |name: &str| SubjectAltName::Hostname(name.into());
    let found = mended(identity.clone()).await.expect("a change");
    let uri = SubjectAltName::Uri("spiffe://c".into());
    let expected = [host(&identity.sni), host("a.test"), host("b.test"), uri];
    assert_eq!((found.identity.names, found.result), (PeerNames::AnyOf(expected.into()), HandshakeResult::Ok));
    let some = |count: u8| {
        let others = (1..count).map(|number| host(&format!("{number}.test")));
        PeerNames::AnyOf(std::iter::once(host(&identity.sni)).chain(others).collect())
    };
    let PeerNames::AnyOf(four) = some(4) else { unreachable!() };
    let found = mended(TlsIdentity { names: some(4), ..identity.clone() }).await.expect("a change");
    assert_eq!(found.identity.names, PeerNames::AnyOf([four, vec![host("a.test")]].concat()), "five at most");
    assert!(mended(TlsIdentity { names: some(5), ..identity.clone() }).await.is_none(), "none of five goes");
}

#[actix_rt::test]
async fn nothing_is_taken_from_one_endpoint_while_others_pass() {
    let (root, private) = (authority("a root").self_signed(), authority("private").self_signed());
    let good = Peer::tls(presenting(&server().signed_by(&root)).speaking(&TLS13)).await;
    let stray = Peer::tls(presenting(&server().self_signed())).await;
    let foreign = Peer::tls(presenting(&server().signed_by(&private)).with_intermediate(&private)).await;
    let misnamed = Peer::tls(presenting(&certificate("other").dns("other.test").not_ca().signed_by(&root))).await;
    let old = Peer::tls(presenting(&server().signed_by(&root)).speaking(&TLS12)).await;
    let identity = TlsIdentity { min_version: TlsVersion::Tls13, ..identity(issued_by(&[&root])) };
    let backend = named("a", EndpointSource::Service(service("a")), originate(identity));
    for (peer, result) in [
        (&stray, HandshakeResult::UnknownIssuer),
        (&foreign, HandshakeResult::UnknownIssuer),
        (&misnamed, HandshakeResult::NameMismatch),
    ] {
        let report = run(&backend, &[good.address, peer.address]).await;
        assert_eq!((word(&report), report.mended.is_none()), (result, true));
        let (meaning, remedy, at) = (&report.verdict.meaning, &report.verdict.remedy, peer.address);
        assert!(meaning.ends_with(&format!(" 1 of 2 endpoints is fine. Not fine: {at} ({result}).")), "{meaning}");
        assert!(remedy.starts_with(&format!("Look at the pod at {at}: others pass")), "{remedy}");
    }
    let mended = run(&backend, &[good.address, old.address]).await.mended.expect("versions are no matter of trust");
    assert_eq!((mended.result, mended.identity.min_version), (HandshakeResult::Ok, TlsVersion::Tls12));
    let report = run(&backend, &[stray.address, foreign.address]).await;
    assert!(report.mended.is_some() && report.verdict.meaning.contains(" 0 of 2 endpoints are fine."));
}

#[actix_rt::test]
async fn what_is_at_hand_comes_before_what_the_peer_presents() {
    let (root, stranger) = (authority("a root").self_signed(), authority("a stranger").self_signed());
    let intermediate = authority("an intermediate").signed_by(&root);
    let leaf = server().signed_by(&intermediate);
    let bundle = |issued: &Issued| Arc::new(Bundle { issuers: vec![issued.der.clone()], leaves: Vec::new() });
    let probe = |at_hand: Vec<_>| Probe { at_hand, ..Probe::new(UpstreamSettings::default(), false) };
    let run =
        async |probe: Probe, backend: Arc<Backend>| timeout(DEADLINE, probe.run(&backend, &[])).await.expect("in time");
    let whole = Peer::tls(presenting(&leaf).with_intermediate(&intermediate)).await;
    let untrusted = secured(whole.address, identity(issued_by(&[&stranger])));
    let report = run(probe(vec![bundle(&stranger), bundle(&root)]), untrusted).await;
    let mended = report.mended.expect("a change");
    assert_eq!(
        (mended.result, mended.at_hand, mended.anchors),
        (HandshakeResult::Ok, vec![(1, root.der.clone())], Vec::new())
    );
    assert_eq!(mended.identity.trust, issued_by(&[&stranger, &root]));

    let alone = Peer::tls(presenting(&leaf)).await;
    let trusted = secured(alone.address, identity(issued_by(&[&root])));
    let report = run(probe(vec![bundle(&stranger), bundle(&intermediate)]), trusted).await;
    assert_eq!(
        (word(&report), report.lacking, report.mended.is_none()),
        (HandshakeResult::UnknownIssuer, Some(1), true)
    );
    let remedy = &report.verdict.remedy;
    assert!(
        remedy.starts_with("Have the backend send the certificate of the intermediate CA `CN=an inter"),
        "{remedy}"
    );
}

#[actix_rt::test]
async fn only_the_side_that_a_peer_needs_is_widened() {
    let leaf = server().self_signed();
    for (spoken, only) in [(&TLS12, TlsVersion::Tls13), (&TLS13, TlsVersion::Tls12)] {
        let peer = Peer::tls(presenting(&leaf).speaking(spoken)).await;
        let identity = TlsIdentity { min_version: only, max_version: only, ..identity(exactly(&[&leaf])) };
        let found = run(&secured(peer.address, identity), &[]).await.mended.expect("a change").identity;
        assert_eq!((found.min_version, found.max_version), (TlsVersion::Tls12, TlsVersion::Tls13));
    }
}

#[actix_rt::test]
async fn protocols_come_to_those_that_other_endpoints_choose() {
    let leaf = server().self_signed();
    for (spoken, mended) in [("http/1.1", &["acme", "http/1.1"][..]), ("h2", &[])] {
        let peer = Peer::tls(presenting(&leaf).alpn(spoken)).await;
        let identity = TlsIdentity { alpn: vec!["acme".into()], ..identity(exactly(&[&leaf])) };
        let found = run(&secured(peer.address, identity), &[]).await.mended.expect("a change");
        assert_eq!(
            (found.result, found.identity.alpn),
            (HandshakeResult::Ok, mended.iter().map(ToString::to_string).collect())
        );
    }
}

#[actix_rt::test]
async fn a_silent_peer_is_waited_for_once() {
    let peer =
        Peer::raw(|mut socket| async move { drop(tokio::io::copy(&mut socket, &mut tokio::io::sink()).await) }).await;
    let settings = UpstreamSettings { handshake_timeout: Duration::from_millis(50), ..UpstreamSettings::default() };
    let backend = secured(peer.address, identity(exactly(&[&server().self_signed()])));
    let report = timeout(DEADLINE, Probe::new(settings, false).run(&backend, &[])).await.expect("in time");
    assert_eq!((word(&report), report.versions.len(), peer.accepted()), (HandshakeResult::Timeout, 0, 1));
}

#[actix_rt::test]
async fn nothing_is_proposed_that_does_not_help() {
    let ca = authority("a CA").self_signed();
    let alone = Peer::tls(presenting(&server().signed_by(&ca))).await;
    let stranger = authority("a stranger").self_signed();
    let report = agreed(&secured(alone.address, identity(issued_by(&[&stranger])))).await;
    assert_eq!((word(&report), report.mended.is_none()), (HandshakeResult::UnknownIssuer, true), "its CA did not come");
    let impostor = authority("a CA").self_signed();
    let claimed = Peer::tls(presenting(&server().signed_by(&ca)).with_intermediate(&impostor)).await;
    let report = agreed(&secured(claimed.address, identity(issued_by(&[&stranger])))).await;
    assert!(report.mended.is_none(), "a CA came that has not issued it");
    let nameless = Peer::tls(presenting(&certificate("example.com").not_ca().signed_by(&ca))).await;
    let report = agreed(&secured(nameless.address, identity(issued_by(&[&ca])))).await;
    assert_eq!((word(&report), report.mended.is_none()), (HandshakeResult::NameMismatch, true), "a CN is no name");
    let expired = server().from(now() - 2 * HOUR).until(now() - HOUR).signed_by(&ca);
    let expired = Peer::tls(presenting(&expired)).await;
    let report = agreed(&secured(expired.address, identity(issued_by(&[&ca])))).await;
    assert_eq!((word(&report), report.mended.is_none()), (HandshakeResult::Expired, true));
    assert!(report.endpoints[0].certificates[0].days_left < 0);
}

#[actix_rt::test]
async fn what_a_change_brings_to_light_is_told() {
    let ca = authority("a CA").self_signed();
    let old = certificate("old").dns("other.test").from(now() - 2 * HOUR).until(now() - HOUR).not_ca();
    let peer = Peer::tls(presenting(&old.signed_by(&ca)).speaking(&TLS12)).await;
    let identity = TlsIdentity { min_version: TlsVersion::Tls13, ..identity(issued_by(&[&ca])) };
    let mended = agreed(&secured(peer.address, identity)).await.mended.expect("a change");
    assert_eq!(mended.result, HandshakeResult::Expired);
    assert!(mended.remedy.contains("Renew"), "{}", mended.remedy);
}

#[actix_rt::test]
async fn one_bad_endpoint_of_a_service_is_the_verdict_and_one_dead_address_of_a_name_is_not() {
    let (leaf, stranger) = (server().self_signed(), server().self_signed());
    let good = Peer::tls(presenting(&leaf)).await;
    let bad = Peer::tls(presenting(&stranger)).await;
    let dead = nobody().await;
    let backend = |source| named("a", source, originate(identity(exactly(&[&leaf]))));
    let of_service = backend(EndpointSource::Service(service("a")));
    for (endpoints, result, at) in [
        (&[good.address, bad.address][..], HandshakeResult::UnknownIssuer, bad.address),
        (&[good.address, dead], HandshakeResult::TcpRefused, dead),
        (&[good.address], HandshakeResult::Ok, good.address),
    ] {
        let report = run(&of_service, endpoints).await;
        assert_eq!((word(&report), report.verdict.at), (result, Some(at)));
        assert_eq!(report.endpoints.len(), endpoints.len());
    }
    let none = run(&of_service, &[]).await;
    assert_eq!((none.verdict.result, none.endpoints.len()), (Reason::NoEndpoint, 0));
    let host = EndpointSource::Host { host: "a.example".into(), port: good.address.port() };
    // Nobody listens at the second address of the name.
    let found = [Ipv4Addr::new(127, 0, 0, 9), Ipv4Addr::LOCALHOST].map(IpAddr::V4);
    let probe = probe("a.example", &found, RefusedAddresses::default());
    let report = probe.run(&backend(host), &[]).await;
    assert_eq!((word(&report), report.verdict.at), (HandshakeResult::Ok, Some(good.address)));
    assert_eq!(report.endpoints.iter().map(|it| it.reached).collect::<Vec<_>>(), [false, true]);
}

#[actix_rt::test]
async fn names_that_lead_nowhere_or_where_they_may_not_are_told() {
    let peer = Peer::plaintext().await;
    let refused = RefusedAddresses::in_cluster([]);
    let probe = probe("a.example", &[Ipv4Addr::LOCALHOST.into()], refused);
    let host = |name: &str| EndpointSource::Host { host: name.into(), port: peer.address.port() };
    let backend = |name| named("a", host(name), originate(identity(exactly(&[&server().self_signed()]))));
    let report = probe.run(&backend("a.example"), &[]).await;
    assert_eq!(word(&report), HandshakeResult::TcpUnreachable);
    assert!(report.verdict.cause.contains("loopback"), "{}", report.verdict.cause);
    let report = probe.run(&backend("b.example"), &[]).await;
    assert_eq!((word(&report), &*report.verdict.cause), (HandshakeResult::DnsFailure, "NXDOMAIN"));
    assert_eq!(peer.accepted(), 0);
}

#[actix_rt::test]
async fn a_poisoned_backend_is_not_dialled_and_a_plaintext_one_by_tcp_alone() {
    let peer = Peer::plaintext().await;
    let result = HandshakeResult::CaUnavailable;
    let poison = Poison { reason: Reason::Handshake(result), message: "no ca.crt".into(), policy: Some("a/b".into()) };
    let report = run(&named("a", at(peer.address), Tls::Poisoned(poison)), &[]).await;
    assert_eq!((word(&report), &*report.verdict.cause, &*report.policy), (result, "no ca.crt", "a/b"));
    assert_eq!(peer.accepted(), 0);
    let report = run(&plain(peer.address), &[]).await;
    assert_eq!((word(&report), report.offer.is_none()), (HandshakeResult::Ok, true));
    assert!(report.verdict.meaning.contains("plaintext"));
    let asking = Probe::new(UpstreamSettings::default(), true);
    let report = timeout(DEADLINE, asking.run(&plain(peer.address), &[])).await.expect("in time");
    let response = report.endpoints[0].response.as_deref();
    assert_eq!(response, Some("none: no request is sent in plaintext"));
    let report = run(&plain(nobody().await), &[]).await;
    assert_eq!(word(&report), HandshakeResult::TcpRefused);
}
