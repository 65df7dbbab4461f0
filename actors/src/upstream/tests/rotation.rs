//! What becomes of pooled connections when the identity of their backend changes while they live.

use std::sync::Arc;
use std::time::Duration;

use rustls::HandshakeKind;

use super::bench::{Bench, at, eventually, identity, named, originate, pass, ping, plain, secured, service};
use super::certificates::{HOUR, Issued, authority, certificate, exactly, issued_by, now, server};
use super::peer::{Peer, presenting};
use crate::outcome::HandshakeResult;
use crate::plan::identity::{PeerNames, SubjectAltName};
use crate::plan::{Backend, EndpointSource, TlsIdentity};
use crate::telemetry::{CloseReason, PoolState};
use crate::upstream::UpstreamConnection;

/// A backend whose certificate a CA of its own has issued, a client certificate, and the worker with one idle connection.
struct Rotation {
    ca: Issued,
    other: Issued,
    leaf: Issued,
    peer: Peer,
    bench: Bench,
    before: Arc<Backend>,
}

impl Rotation {
    async fn new() -> Self {
        Self::of(Bench::new(), |_, _| {}).await
    }

    /// From an identity that trusts the CA and is otherwise as it is made here.
    async fn of(bench: Bench, adjust: impl FnOnce(&mut TlsIdentity, &Issued)) -> Self {
        let ca = authority("a CA").self_signed();
        let leaf = server().dns("also.example.com").signed_by(&ca);
        let peer = Peer::tls(presenting(&leaf)).await;
        let mut before = identity(issued_by(&[&ca]));
        adjust(&mut before, &leaf);
        let before = secured(peer.address, before);
        bench.apply(&[&before], &[]);
        bench.tls(&before).await;
        let other = authority("another CA").self_signed();
        Self { ca, other, leaf, peer, bench, before }
    }

    fn after(&self, identity: TlsIdentity) -> Arc<Backend> {
        secured(self.peer.address, identity)
    }

    /// Goes over to another identity.
    fn apply(&self, identity: TlsIdentity) -> Arc<Backend> {
        let after = self.after(identity);
        self.bench.apply(&[&after], &[]);
        after
    }

    /// The connection is used under the new identity, and nothing was shaken or closed for it.
    async fn is_kept_under(&self, identity: TlsIdentity) {
        let said = format!("{identity:?}");
        let after = self.apply(identity);
        assert_eq!(self.bench.seen.count(PoolState::Idle), 1, "{said}");
        for _ in 0..2 {
            self.bench.tls(&after).await;
        }
        assert_eq!(self.peer.handshakes().len(), 1, "{said}");
        assert!(self.bench.seen.closed.borrow().is_empty(), "{said}");
    }

    /// The connection closes at once, and the new identity refuses the peer.
    async fn is_closed_under(&self, identity: TlsIdentity, result: HandshakeResult) {
        let after = self.apply(identity);
        assert_eq!(*self.bench.seen.closed.borrow(), [CloseReason::PolicyChange]);
        assert_eq!(self.bench.seen.count(PoolState::Idle), 0);
        assert!(self.bench.exchange(&after).await.is_err());
        assert_eq!(self.bench.seen.results(), [HandshakeResult::Ok, result]);
        eventually("the peer sees the end", || self.peer.goodbyes() == 1).await;
    }
}

fn any_of(names: &[&str]) -> PeerNames {
    PeerNames::AnyOf(names.iter().map(|name| SubjectAltName::Hostname((*name).into())).collect())
}

#[actix_rt::test]
async fn a_connection_goes_on_where_the_new_anchors_vouch_for_it() {
    let rotation = Rotation::new().await;
    let (ca, other) = (&rotation.ca, &rotation.other);
    rotation.is_kept_under(identity(issued_by(&[ca, other]))).await;
    rotation.is_kept_under(identity(issued_by(&[other, ca]))).await;
    rotation.is_kept_under(identity(exactly(&[&rotation.leaf]))).await;
}

#[actix_rt::test]
async fn a_connection_ends_where_the_new_anchors_do_not_vouch_for_it() {
    let rotation = Rotation::new().await;
    rotation.is_closed_under(identity(issued_by(&[&rotation.other])), HandshakeResult::UnknownIssuer).await;
}

#[actix_rt::test]
async fn a_connection_goes_on_if_the_certificate_carries_the_new_name() {
    let rotation = Rotation::new().await;
    let trust = || issued_by(&[&rotation.ca]);
    rotation.is_kept_under(TlsIdentity { names: any_of(&["also.example.com"]), ..identity(trust()) }).await;
    rotation.is_kept_under(identity(trust())).await;
    let nowhere = TlsIdentity { names: any_of(&["nowhere.example.com"]), ..identity(trust()) };
    rotation.is_closed_under(nowhere, HandshakeResult::NameMismatch).await;
}

#[actix_rt::test]
async fn a_connection_goes_on_if_the_key_is_the_new_pin() {
    let rotation = Rotation::new().await;
    let pinned = |to: &Issued| TlsIdentity { pins: [to.pin()].into(), ..identity(issued_by(&[&rotation.ca])) };
    rotation.is_kept_under(pinned(&rotation.leaf)).await;
    rotation.is_closed_under(pinned(&rotation.ca), HandshakeResult::PinMismatch).await;
}

#[actix_rt::test]
async fn the_chain_is_judged_as_of_the_change() {
    let ca = authority("a CA").self_signed();
    let short = server().until(now() + HOUR).signed_by(&ca);
    let peer = Peer::tls(presenting(&short)).await;
    let bench = Bench::new();
    let before = secured(peer.address, identity(issued_by(&[&ca])));
    bench.apply(&[&before], &[]);
    bench.tls(&before).await;
    bench.clock.advance(2 * HOUR);
    let other = authority("another CA").self_signed();
    bench.apply(&[&secured(peer.address, identity(issued_by(&[&ca, &other])))], &[]);
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::PolicyChange]);
}

#[actix_rt::test]
async fn connections_in_use_are_judged_when_they_are_given_back() {
    let rotation = Rotation::new().await;
    let bench = &rotation.bench;
    let mut good = bench.acquire(&rotation.before).await.expect("a connection");
    let after = rotation.apply(identity(issued_by(&[&rotation.ca, &rotation.other])));
    // The request that has it ends undisturbed. One that comes meanwhile shakes hands by itself.
    let fresh = bench.acquire(&after).await.expect("a connection");
    assert!(!fresh.is_reused());
    drop(fresh);
    ping(&mut good).await.expect("an answer");
    good.release();
    assert_eq!(bench.seen.count(PoolState::Idle), 1);
    let mut held = bench.acquire(&after).await.expect("a connection");
    assert!(held.is_reused());
    ping(&mut held).await.expect("an answer");
    assert_eq!(rotation.peer.accepted(), 2);
    bench.seen.closed.borrow_mut().clear();
    let last = rotation.apply(identity(issued_by(&[&rotation.other])));
    ping(&mut held).await.expect("an answer");
    assert!(bench.seen.closed.borrow().is_empty());
    held.release();
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::PolicyChange]);
    assert_eq!(bench.seen.count(PoolState::Idle) + bench.seen.count(PoolState::Active), 0);
    assert!(bench.exchange(&last).await.is_err());
}

#[actix_rt::test]
async fn of_several_changes_the_last_one_judges() {
    for good in [true, false] {
        let rotation = Rotation::new().await;
        let bench = &rotation.bench;
        let held = bench.acquire(&rotation.before).await.expect("a connection");
        rotation.apply(identity(issued_by(&[&rotation.other])));
        let trust = if good { &rotation.ca } else { &rotation.other };
        rotation.apply(TlsIdentity { names: any_of(&["also.example.com"]), ..identity(issued_by(&[trust])) });
        held.release();
        assert_eq!(bench.seen.count(PoolState::Idle), i64::from(good));
        assert_eq!(bench.seen.closed.borrow().len(), usize::from(!good));
    }
}

#[actix_rt::test]
async fn a_change_that_is_taken_back_finds_the_connection_that_was_in_use() {
    let rotation = Rotation::new().await;
    let held = rotation.bench.acquire(&rotation.before).await.expect("a connection");
    rotation.apply(identity(issued_by(&[&rotation.other])));
    let again = rotation.apply(identity(issued_by(&[&rotation.ca])));
    held.release();
    rotation.bench.tls(&again).await;
    assert_eq!(rotation.peer.accepted(), 1);
}

#[actix_rt::test]
async fn a_request_of_the_earlier_plan_that_waits_is_served_first() {
    let bench = Bench::with(|settings| settings.limit_per_endpoint = 1);
    let rotation = Rotation::of(bench, |_, _| {}).await;
    let (upstreams, before) = (rotation.bench.upstreams.clone(), rotation.before.clone());
    let held = rotation.bench.acquire(&before).await.expect("a connection");
    let waiter = actix_rt::spawn(async move {
        let mut connection = upstreams.acquire(&before).await.expect("a connection");
        ping(&mut connection).await.expect("an answer");
        connection.release();
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let after = rotation.apply(identity(issued_by(&[&rotation.ca, &rotation.other])));
    held.release();
    waiter.await.expect("served");
    rotation.bench.tls(&after).await;
    assert_eq!(rotation.peer.accepted(), 1);
}

#[actix_rt::test]
async fn the_limit_holds_across_a_change() {
    let bench = Bench::with(|settings| {
        settings.limit_per_endpoint = 1;
        settings.acquire_timeout = Duration::from_millis(50);
    });
    let rotation = Rotation::of(bench, |_, _| {}).await;
    let held = rotation.bench.acquire(&rotation.before).await.expect("a connection");
    let after = rotation.apply(identity(issued_by(&[&rotation.ca, &rotation.other])));
    assert!(rotation.bench.acquire(&after).await.is_err());
    let waiting = rotation.bench.acquire(&after);
    let give_back = async { held.release() };
    let (given, ()) = tokio::join!(waiting, give_back);
    assert!(given.expect("the one that was given back").is_reused());
    assert_eq!(rotation.peer.accepted(), 1);
}

#[actix_rt::test]
async fn sessions_of_the_earlier_trust_are_not_resumed() {
    let rotation = Rotation::new().await;
    let after = rotation.apply(identity(issued_by(&[&rotation.ca, &rotation.other])));
    rotation.bench.upstreams.close_idle(CloseReason::Idle);
    assert!(!rotation.bench.tls(&after).await.resumed);
    assert!(!rotation.peer.handshakes().contains(&HandshakeKind::Resumed));
}

#[actix_rt::test]
async fn a_pool_that_another_backend_still_uses_stays() {
    let ca = authority("a CA").self_signed();
    let other = authority("another CA").self_signed();
    let peer = Peer::tls(presenting(&server().signed_by(&ca))).await;
    let bench = Bench::new();
    let backend = |name, trust| named(name, at(peer.address), originate(identity(trust)));
    let (first, second) = (backend("first", issued_by(&[&ca])), backend("second", issued_by(&[&ca])));
    bench.apply(&[&first, &second], &[]);
    for backend in [&first, &second, &first] {
        bench.tls(backend).await;
    }
    // One of two goes: the connection is the other one's now, and nothing of it is left for the first.
    let refusing = backend("first", issued_by(&[&other]));
    bench.apply(&[&refusing, &second], &[]);
    assert!(bench.exchange(&refusing).await.is_err());
    assert_eq!(bench.seen.count_of(&second, PoolState::Idle), 1);
    bench.tls(&second).await;
    assert_eq!(bench.seen.closed.borrow().len(), 0);
    // The last one goes, and takes it along.
    let wider = backend("second", issued_by(&[&ca, &other]));
    bench.apply(&[&refusing, &wider], &[]);
    bench.tls(&wider).await;
    assert_eq!(peer.handshakes().len(), 1);
}

#[actix_rt::test]
async fn backends_that_share_and_change_together_keep_what_they_share() {
    let rotation = Rotation::new().await;
    let bench = &rotation.bench;
    let backend = |name, trust| named(name, at(rotation.peer.address), originate(identity(trust)));
    let narrow = || issued_by(&[&rotation.ca]);
    let wide = || issued_by(&[&rotation.ca, &rotation.other]);
    bench.apply(&[&backend("a", narrow()), &backend("b", narrow())], &[]);
    let (first, second) = (backend("a", wide()), backend("b", wide()));
    bench.apply(&[&first, &second], &[]);
    for backend in [&first, &second] {
        bench.tls(backend).await;
    }
    assert_eq!(rotation.peer.accepted(), 1);
}

#[actix_rt::test]
async fn an_endpoint_that_goes_at_the_same_moment_is_left() {
    let ca = authority("a CA").self_signed();
    let other = authority("another CA").self_signed();
    let leaf = server().signed_by(&ca);
    let peers = [Peer::tls(presenting(&leaf)).await, Peer::tls(presenting(&leaf)).await];
    let bench = Bench::new();
    let port = service("a");
    let backend = |trust| named("a", EndpointSource::Service(port.clone()), originate(identity(trust)));
    let before = backend(issued_by(&[&ca]));
    let both = peers.each_ref().map(|peer| peer.address);
    bench.apply(&[&before], &[(&port, &both)]);
    let mut held = Vec::<UpstreamConnection>::new();
    while !both.iter().all(|address| held.iter().any(|connection| connection.endpoint() == *address)) {
        let mut connection = bench.acquire(&before).await.expect("a connection");
        ping(&mut connection).await.expect("an answer");
        held.push(connection);
    }
    let count = held.iter().filter(|connection| connection.endpoint() == both[0]).count();
    let gone = held.len() - count;
    held.into_iter().for_each(UpstreamConnection::release);
    let after = backend(issued_by(&[&ca, &other]));
    bench.apply(&[&after], &[(&port, &both[..1])]);
    assert_eq!(*bench.seen.closed.borrow(), vec![CloseReason::PolicyChange; gone]);
    assert_eq!(bench.seen.count(PoolState::Idle), count as i64);
    bench.tls(&after).await;
    assert_eq!(peers[0].accepted(), count);
}

#[actix_rt::test]
async fn connections_of_another_client_certificate_end_one_by_one() {
    const COUNT: usize = 40;
    let rotation = Rotation::new().await;
    let bench = &rotation.bench;
    let mut held = Vec::new();
    for _ in 0..COUNT {
        let mut connection = bench.acquire(&rotation.before).await.expect("a connection");
        ping(&mut connection).await.expect("an answer");
        held.push(connection);
    }
    let in_use = held.pop().expect("some");
    held.into_iter().for_each(UpstreamConnection::release);
    let client = certificate("the gateway").for_clients().self_signed();
    let client_certificate = Some(client.as_client());
    let after = rotation.apply(TlsIdentity { client_certificate, ..identity(issued_by(&[&rotation.ca])) });
    let closed = || bench.seen.closed.borrow().len();
    assert_eq!(closed(), 0, "none at once");
    in_use.release();
    assert_eq!(closed(), 1, "the one that was in use");
    assert!(!bench.acquire(&after).await.expect("a connection").is_reused());
    assert_eq!(closed(), 2, "the new one, which was dropped");
    let mut most = 0;
    for _ in 0..50 {
        let before = closed();
        pass(Duration::from_millis(110)).await;
        tokio::task::yield_now().await;
        most = most.max(closed() - before);
    }
    assert_eq!(closed(), COUNT + 1);
    assert!(most < COUNT / 2, "{most} of {COUNT} at a time");
    let reasons = bench.seen.closed.borrow();
    assert_eq!(reasons.iter().filter(|reason| **reason == CloseReason::PolicyChange).count(), COUNT);
    assert_eq!(bench.seen.count(PoolState::Idle), 0);
}

#[actix_rt::test]
async fn what_is_offered_or_presented_is_never_taken_for_trust() {
    let changes: [fn(&mut TlsIdentity); 5] = [
        |identity| identity.sni = "also.example.com".into(),
        |identity| identity.alpn = Vec::new(),
        |identity| identity.min_version = crate::plan::identity::TlsVersion::Tls13,
        |identity| identity.max_version = crate::plan::identity::TlsVersion::Tls12,
        |identity| identity.resumption = false,
    ];
    for change in changes {
        let rotation = Rotation::new().await;
        let mut identity = identity(issued_by(&[&rotation.ca, &rotation.other]));
        change(&mut identity);
        let after = rotation.apply(identity);
        let connection = rotation.bench.acquire(&after).await.expect("a connection");
        assert!(!connection.is_reused());
    }
}

#[actix_rt::test]
async fn a_drain_does_not_wait_for_the_retired() {
    let rotation = Rotation::new().await;
    rotation.apply(TlsIdentity { alpn: Vec::new(), ..identity(issued_by(&[&rotation.ca])) });
    assert!(rotation.bench.seen.closed.borrow().is_empty());
    rotation.bench.upstreams.close_idle(CloseReason::Drain);
    assert_eq!(*rotation.bench.seen.closed.borrow(), [CloseReason::Drain]);
}

#[actix_rt::test]
async fn a_plaintext_connection_is_never_used_once_a_policy_demands_tls() {
    let leaf = server().self_signed();
    let peer = Peer::plaintext().await;
    let bench = Bench::new();
    let open = plain(peer.address);
    bench.apply(&[&open], &[]);
    let held = bench.acquire(&open).await.expect("a connection");
    bench.exchange(&open).await.expect("an exchange");
    let closed = secured(peer.address, identity(exactly(&[&leaf])));
    bench.apply(&[&closed], &[]);
    let failure = bench.exchange(&closed).await.expect_err("the peer speaks no TLS");
    assert_eq!(bench.seen.last().endpoint, failure.endpoint);
    held.release();
    assert!(bench.exchange(&closed).await.is_err());
    pass(Duration::from_secs(6)).await;
    eventually("all have ended", || bench.seen.count(PoolState::Idle) == 0).await;
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::PolicyChange; 2]);
}

#[actix_rt::test]
async fn a_tls_connection_carries_no_request_for_plaintext() {
    let rotation = Rotation::new().await;
    let open = plain(rotation.peer.address);
    rotation.bench.apply(&[&open], &[]);
    let connection = rotation.bench.acquire(&open).await.expect("a connection");
    assert!(!connection.is_reused() && connection.info().tls.is_none());
}
