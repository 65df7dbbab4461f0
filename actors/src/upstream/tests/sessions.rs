//! Resumption: when it happens, when it must not, and that a resumed session is judged as of now.

use rustls::HandshakeKind::{Full, Resumed};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use super::bench::{Bench, addresses, identity, named, originate, secured, service};
use super::certificates::{HOUR, authority, exactly, issued_by, now, server};
use super::peer::{Peer, presenting};
use crate::outcome::HandshakeResult;
use crate::plan::{EndpointSource, TlsIdentity};
use crate::telemetry::CloseReason;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

impl Bench {
    /// Two exchanges on connections of their own: whether the second one resumed the session of the first.
    async fn resumes(&self, backend: &std::sync::Arc<crate::plan::Backend>) -> bool {
        assert!(!self.tls(backend).await.resumed);
        self.upstreams.close_idle(CloseReason::Idle);
        self.tls(backend).await.resumed
    }
}

#[actix_rt::test]
async fn the_second_connection_resumes_the_session_of_the_first() {
    let leaf = server().self_signed();
    for version in VERSIONS {
        let peer = Peer::tls(presenting(&leaf).speaking(version)).await;
        let bench = Bench::new();
        assert!(bench.resumes(&secured(peer.address, identity(exactly(&[&leaf])))).await, "{version:?}");
        assert_eq!(peer.handshakes()[0] != Resumed, peer.handshakes()[1] == Resumed);
        assert_eq!(bench.seen.results(), [HandshakeResult::Ok; 2]);
        assert!(bench.seen.last().tls.expect("told").peer_not_after.is_some());
    }
}

#[actix_rt::test]
async fn resumption_can_be_switched_off() {
    let leaf = server().self_signed();
    for version in VERSIONS {
        let peer = Peer::tls(presenting(&leaf).speaking(version)).await;
        let identity = TlsIdentity { resumption: false, ..identity(exactly(&[&leaf])) };
        assert!(!Bench::new().resumes(&secured(peer.address, identity)).await, "{version:?}");
    }
}

#[actix_rt::test]
async fn a_session_is_resumed_only_under_the_identity_that_made_it() {
    let ca = authority("a CA").self_signed();
    let other = authority("another CA").self_signed();
    let leaf = server().signed_by(&ca);
    for version in VERSIONS {
        let peer = Peer::tls(presenting(&leaf).speaking(version)).await;
        let bench = Bench::new();
        bench.tls(&secured(peer.address, identity(issued_by(&[&ca])))).await;
        bench.upstreams.close_idle(CloseReason::Idle);
        // The same peer, vouched for by itself: a full handshake.
        assert!(!bench.tls(&secured(peer.address, identity(exactly(&[&leaf])))).await.resumed);
        // And not vouched for: refused, session or not.
        let stranger = secured(peer.address, identity(issued_by(&[&other])));
        assert!(bench.exchange(&stranger).await.is_err(), "{version:?}");
        assert!(!peer.handshakes().contains(&Resumed));
    }
}

#[actix_rt::test]
async fn sessions_do_not_cross_from_one_endpoint_to_another() {
    let leaf = server().self_signed();
    let peers = [Peer::tls(presenting(&leaf)).await, Peer::tls(presenting(&leaf)).await];
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), originate(identity(exactly(&[&leaf]))));
    bench.apply(&[&backend], &[(&port, &[peers[0].address])]);
    bench.tls(&backend).await;
    bench.upstreams.endpoints_changed(&port, &addresses(&[peers[1].address]));
    assert!(!bench.tls(&backend).await.resumed);
}

#[actix_rt::test]
async fn equal_identities_share_their_sessions_over_plans() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Bench::new();
    // Equal in content, each in an `Arc` of its own, as every plan makes them anew.
    let backends = || secured(peer.address, identity(exactly(&[&leaf])));
    let (first, second) = (backends(), backends());
    bench.apply(&[&first], &[]);
    bench.tls(&first).await;
    bench.upstreams.close_idle(CloseReason::Idle);
    bench.apply(&[&second], &[]);
    assert!(bench.tls(&second).await.resumed);
}

#[actix_rt::test]
async fn a_session_whose_certificate_has_expired_is_refused() {
    let leaf = server().until(now() + HOUR).self_signed();
    for version in VERSIONS {
        let peer = Peer::tls(presenting(&leaf).speaking(version)).await;
        let bench = Bench::new();
        let backend = secured(peer.address, identity(exactly(&[&leaf])));
        bench.tls(&backend).await;
        bench.upstreams.close_idle(CloseReason::Idle);
        bench.clock.advance(2 * HOUR);
        let failure = bench.exchange(&backend).await.expect_err("has expired");
        assert_eq!(failure.certificate_error, Some("Expired"), "{failure}");
        assert_eq!(bench.seen.results(), [HandshakeResult::Ok, HandshakeResult::Expired]);
        assert_eq!(peer.handshakes().get(1), Some(&Resumed), "the peer was ready to resume");
    }
}

#[actix_rt::test]
async fn a_stale_session_gives_way_to_a_full_handshake_where_the_certificate_was_renewed() {
    let ca = authority("a CA").self_signed();
    let peer = Peer::tls(presenting(&server().until(now() + HOUR).signed_by(&ca))).await;
    let bench = Bench::new();
    let backend = secured(peer.address, identity(issued_by(&[&ca])));
    bench.tls(&backend).await;
    bench.upstreams.close_idle(CloseReason::Idle);
    bench.clock.advance(2 * HOUR);
    peer.renew(&presenting(&server().signed_by(&ca)));
    assert!(!bench.tls(&backend).await.resumed);
    assert_eq!(bench.seen.results(), [HandshakeResult::Ok; 2], "the stale session is nobody's failure");
    assert_eq!(peer.handshakes()[1..], [Resumed, Full]);
}
