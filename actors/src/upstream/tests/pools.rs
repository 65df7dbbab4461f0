//! Which connection an exchange gets, how many there are, and when they close.

use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::bench::{
    Bench, DEADLINE, addresses, at, eventually, identity, named, originate, ping, plain, secured, service,
};
use super::certificates::{HOUR, authority, exactly, issued_by, now, server};
use super::peer::{Peer, presenting};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::{EndpointSource, Tls, TlsIdentity};
use crate::telemetry::{Acquisition, CloseReason, PoolState};

#[actix_rt::test]
async fn an_exchange_after_another_uses_the_same_connection() {
    let leaf = server().self_signed();
    let secure = Peer::tls(presenting(&leaf)).await;
    let plaintext = Peer::plaintext().await;
    let bench = Bench::new();
    for (peer, backend) in [
        (&secure, secured(secure.address, identity(exactly(&[&leaf])))),
        (&plaintext, named("b", at(plaintext.address), Tls::Plaintext)),
    ] {
        for _ in 0..3 {
            bench.exchange(&backend).await.expect("an exchange");
        }
        assert_eq!(peer.accepted(), 1);
        assert_eq!(bench.seen.count_of(&backend, PoolState::Idle), 1);
    }
    let kinds = [Acquisition::New, Acquisition::Reused, Acquisition::Reused];
    assert_eq!(*bench.seen.acquired.borrow(), [kinds, kinds].concat());
    assert_eq!(*bench.seen.bytes.borrow(), (30, 30));
    assert_eq!(bench.seen.count(PoolState::Connecting) + bench.seen.count(PoolState::Active), 0);
}

#[actix_rt::test]
async fn the_connection_used_last_is_used_first() {
    let peer = Peer::plaintext().await;
    let bench = Bench::with(|settings| settings.max_idle_per_endpoint = 2);
    let backend = plain(peer.address);
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut connection = bench.acquire(&backend).await.expect("a connection");
        ping(&mut connection).await.expect("an answer");
        connections.push(connection);
    }
    let last = connections.pop().expect("three");
    for connection in connections {
        connection.release();
    }
    // The last one released becomes recognisable by what its peer has yet to say.
    let mut last = last;
    last.write_all(b"pi").await.expect("written");
    last.flush().await.expect("flushed");
    last.release();
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::Idle], "the oldest one gave way");
    let mut next = bench.acquire(&backend).await.expect("a connection");
    assert!(next.is_reused());
    next.write_all(b"ng!").await.expect("written");
    let mut answer = [0; 5];
    tokio::time::timeout(DEADLINE, next.read_exact(&mut answer)).await.expect("in time").expect("an answer");
    assert_eq!(&answer, b"pong!");
    assert_eq!(peer.accepted(), 3);
}

#[actix_rt::test]
async fn a_connection_that_the_peer_closed_or_spoke_on_is_not_used_again() {
    let leaf = server().self_signed();
    let secure = Peer::tls(presenting(&leaf)).await;
    let plaintext = Peer::plaintext().await;
    for (peer, backend) in
        [(&secure, secured(secure.address, identity(exactly(&[&leaf])))), (&plaintext, plain(plaintext.address))]
    {
        let bench = Bench::new();
        bench.exchange(&backend).await.expect("an exchange");
        peer.hang_up();
        // The peer's FIN may still be on its way.
        let fresh = async {
            loop {
                let mut connection = bench.acquire(&backend).await.expect("a connection");
                if !connection.is_reused() {
                    return connection;
                }
                if ping(&mut connection).await.is_err() {
                    connection.discard(CloseReason::Peer);
                } else {
                    connection.release();
                }
            }
        };
        let mut fresh = tokio::time::timeout(DEADLINE, fresh).await.expect("in time");
        ping(&mut fresh).await.expect("an answer");
        assert_eq!(*bench.seen.closed.borrow(), [CloseReason::Peer]);
    }
    let talkative = Peer::raw(|mut socket| async move {
        let _ = socket.read_exact(&mut [0; 5]).await;
        let _ = socket.write_all(b"pong!and more").await;
        let _ = socket.read(&mut [0; 1]).await;
    });
    let talkative = talkative.await;
    let bench = Bench::new();
    bench.exchange(&plain(talkative.address)).await.expect("an exchange");
    assert!(!bench.acquire(&plain(talkative.address)).await.expect("a connection").is_reused());
}

#[actix_rt::test]
async fn idle_connections_close_in_time() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    let backend = secured(peer.address, identity(exactly(&[&leaf])));
    for (idle, age, why) in [(40, 10_000, CloseReason::Idle), (10_000, 40, CloseReason::MaxAge)] {
        let bench = Bench::with(|settings| {
            settings.idle_timeout = Duration::from_millis(idle);
            settings.max_age = Duration::from_millis(age);
        });
        // Twice: the task that looks after them ends when there are none, and begins anew.
        for rounds in [1, 2] {
            bench.tls(&backend).await;
            eventually("the connection closes", || *bench.seen.closed.borrow() == vec![why; rounds]).await;
            assert_eq!(bench.seen.count(PoolState::Idle), 0);
        }
    }
}

#[actix_rt::test]
async fn a_close_notify_comes_before_the_end() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Bench::new();
    let backend = secured(peer.address, identity(exactly(&[&leaf])));
    bench.tls(&backend).await;
    bench.upstreams.close_idle(CloseReason::Idle);
    eventually("a clean end", || peer.goodbyes() == 1).await;
}

#[actix_rt::test]
async fn a_connection_closes_when_it_is_discarded_dropped_or_too_old() {
    let peer = Peer::plaintext().await;
    let bench = Bench::with(|settings| settings.max_age = Duration::ZERO);
    let backend = plain(peer.address);
    bench.acquire(&backend).await.expect("a connection").discard(CloseReason::Peer);
    drop(bench.acquire(&backend).await.expect("a connection"));
    bench.acquire(&backend).await.expect("a connection").release();
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::Peer, CloseReason::Error, CloseReason::MaxAge]);
    assert_eq!(bench.seen.count(PoolState::Active) + bench.seen.count(PoolState::Idle), 0);
}

#[actix_rt::test]
async fn a_pooled_connection_does_not_outlive_its_chain() {
    let ca = authority("a CA").until(now() + HOUR).self_signed();
    let spare = authority("a CA that issued nothing").until(now() + HOUR / 2).self_signed();
    let leaf = server().signed_by(&ca);
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Bench::new();
    let backend = secured(peer.address, identity(issued_by(&[&ca, &spare])));
    bench.tls(&backend).await;
    // An anchor ends that the chain does not need: it is verified again, and holds.
    bench.later(HOUR / 2 + 60).await;
    bench.tls(&backend).await;
    assert_eq!(peer.accepted(), 1);
    bench.later(HOUR).await;
    let failure = bench.exchange(&backend).await.expect_err("the CA has expired");
    assert_eq!(failure.reason, Reason::Handshake(HandshakeResult::UnknownIssuer));
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::MaxAge]);
}

#[actix_rt::test]
async fn different_trust_never_shares_a_connection() {
    let ca = authority("a CA").self_signed();
    let other = authority("another CA").self_signed();
    let leaf = server().signed_by(&ca);
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Bench::new();
    let trusting = named("trusting", at(peer.address), originate(identity(issued_by(&[&ca]))));
    let both = named("both", at(peer.address), originate(identity(issued_by(&[&ca, &other]))));
    let wary = named("wary", at(peer.address), originate(identity(issued_by(&[&other]))));
    let open = named("open", at(peer.address), Tls::Plaintext);
    bench.apply(&[&trusting, &both, &wary, &open], &[]);
    bench.tls(&trusting).await;
    // There is an idle connection to that very address, and nobody else gets it.
    let failure = bench.exchange(&wary).await.expect_err("is refused");
    assert_eq!(failure.certificate_error, Some("UnknownIssuer"));
    assert!(!bench.acquire(&both).await.expect("a connection").is_reused());
    assert!(!bench.acquire(&open).await.expect("a connection").is_reused());
    assert!(bench.acquire(&trusting).await.expect("a connection").is_reused());
}

#[actix_rt::test]
async fn backends_that_are_equal_in_everything_share_and_count_apart() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Bench::new();
    let backend = |name| named(name, at(peer.address), originate(identity(exactly(&[&leaf]))));
    let (first, second) = (backend("first"), backend("second"));
    bench.apply(&[&first, &second], &[]);
    bench.tls(&first).await;
    assert_eq!(bench.seen.count_of(&first, PoolState::Idle), 1);
    bench.tls(&second).await;
    assert_eq!(peer.accepted(), 1);
    assert_eq!(bench.seen.count_of(&first, PoolState::Idle), 0);
    assert_eq!(bench.seen.count_of(&second, PoolState::Idle), 1);
    // When one goes, the other keeps the connection.
    bench.apply(&[&first], &[]);
    assert_eq!(bench.seen.count_of(&second, PoolState::Idle), 0);
    assert_eq!(bench.seen.count_of(&first, PoolState::Idle), 1);
    bench.tls(&first).await;
    assert_eq!(peer.accepted(), 1);
}

#[actix_rt::test]
async fn a_plan_that_changes_nothing_keeps_the_connections() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Bench::new();
    let port = service("a");
    for _ in 0..3 {
        let source = EndpointSource::Service(port.clone());
        let backend = named("a", source, originate(identity(exactly(&[&leaf]))));
        bench.apply(&[&backend], &[(&port, &[peer.address])]);
        bench.tls(&backend).await;
    }
    assert_eq!(peer.accepted(), 1);
    assert!(bench.seen.closed.borrow().is_empty());
}

#[actix_rt::test]
async fn a_changed_identity_retires_the_connections() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Bench::with(|settings| settings.retire_over = Duration::ZERO);
    let before = secured(peer.address, identity(exactly(&[&leaf])));
    let after = secured(peer.address, TlsIdentity { alpn: Vec::new(), ..identity(exactly(&[&leaf])) });
    bench.apply(&[&before], &[]);
    let mut in_flight = bench.acquire(&before).await.expect("a connection");
    bench.tls(&before).await;
    assert_eq!(bench.seen.count(PoolState::Idle), 1);
    bench.apply(&[&after], &[]);
    eventually("the idle one closes", || *bench.seen.closed.borrow() == [CloseReason::PolicyChange]).await;
    // The exchange that had begun ends undisturbed, and its connection is not kept.
    ping(&mut in_flight).await.expect("an answer");
    in_flight.release();
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::PolicyChange; 2]);
    assert!(!bench.acquire(&after).await.expect("a connection").is_reused());
    // A request that began on the earlier plan is served by it, and leaves nothing behind.
    bench.tls(&before).await;
    assert_eq!(bench.seen.closed.borrow().last(), Some(&CloseReason::PolicyChange));
    assert_eq!(bench.seen.count(PoolState::Idle), 0);
}

#[actix_rt::test]
async fn a_backend_or_endpoint_that_vanishes_retires_its_connections() {
    let peer = Peer::plaintext().await;
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), Tls::Plaintext);
    bench.apply(&[&backend], &[(&port, &[peer.address])]);
    bench.exchange(&backend).await.expect("an exchange");
    bench.upstreams.endpoints_changed(&port, &addresses(&[]));
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::PolicyChange]);
    assert_eq!(bench.exchange(&backend).await.expect_err("has no endpoint").reason, Reason::NoEndpoint);
    bench.upstreams.endpoints_changed(&port, &addresses(&[peer.address]));
    bench.exchange(&backend).await.expect("an exchange");
    bench.apply(&[], &[]);
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::PolicyChange; 2]);
}

#[actix_rt::test]
async fn the_limit_is_a_cap_on_open_connections() {
    let peer = Peer::plaintext().await;
    let bench = Bench::with(|settings| {
        settings.limit_per_endpoint = 2;
        settings.acquire_timeout = Duration::from_millis(50);
    });
    let backend = plain(peer.address);
    let first = bench.acquire(&backend).await.expect("a connection");
    let second = bench.acquire(&backend).await.expect("a connection");
    let failure = bench.acquire(&backend).await.expect_err("is one too many");
    assert_eq!(failure.reason, Reason::Overloaded);
    assert_eq!(bench.seen.acquired.borrow().last(), Some(&Acquisition::Rejected));
    // An idle one counts, and is what the next one gets.
    first.release();
    assert!(bench.acquire(&backend).await.expect("a connection").is_reused());
    second.discard(CloseReason::Error);
    eventually("all three attempts came", || peer.accepted() == 2).await;
    assert!(!bench.acquire(&backend).await.expect("a connection").is_reused());
}

#[actix_rt::test]
async fn who_waits_gets_what_is_given_back_in_order() {
    let peer = Peer::plaintext().await;
    let bench = Rc::new(Bench::with(|settings| settings.limit_per_endpoint = 1));
    let backend = plain(peer.address);
    let held = bench.acquire(&backend).await.expect("a connection");
    let served = Rc::new(std::cell::RefCell::new(Vec::new()));
    let waiting = (0..3).map(|number| {
        let (bench, backend, served) = (bench.clone(), backend.clone(), served.clone());
        actix_rt::spawn(async move {
            let mut connection = bench.acquire(&backend).await.expect("a connection");
            assert!(connection.is_reused());
            ping(&mut connection).await.expect("an answer");
            served.borrow_mut().push(number);
            connection.release();
        })
    });
    let waiting = waiting.collect::<Vec<_>>();
    // One that gives up waiting loses nothing for the others.
    let impatient = actix_rt::spawn({
        let (bench, backend) = (bench.clone(), backend.clone());
        async move { bench.acquire(&backend).await.map(|_| ()) }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    impatient.abort();
    held.release();
    for waiter in waiting {
        waiter.await.expect("served");
    }
    assert_eq!(*served.borrow(), [0, 1, 2]);
    assert_eq!(peer.accepted(), 1);
    assert_eq!(bench.seen.count(PoolState::Idle), 1);
    assert_eq!(bench.seen.count(PoolState::Active) + bench.seen.count(PoolState::Connecting), 0);
}

#[actix_rt::test]
async fn draining_keeps_no_connection() {
    let peer = Peer::plaintext().await;
    let bench = Bench::new();
    let backend = plain(peer.address);
    let mut in_flight = bench.acquire(&backend).await.expect("a connection");
    bench.exchange(&backend).await.expect("an exchange");
    bench.upstreams.close_idle(CloseReason::Drain);
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::Drain]);
    ping(&mut in_flight).await.expect("an answer");
    in_flight.release();
    assert_eq!(*bench.seen.closed.borrow(), [CloseReason::Drain; 2]);
}

#[actix_rt::test]
async fn a_chain_that_has_ended_is_not_handed_to_one_who_waits() {
    let root = authority("a CA").self_signed();
    let leaf = server().until(now() + HOUR).signed_by(&root);
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = Rc::new(Bench::with(|settings| settings.limit_per_endpoint = 1));
    let backend = secured(peer.address, identity(issued_by(&[&root])));
    let mut held = bench.acquire(&backend).await.expect("a connection");
    ping(&mut held).await.expect("an answer");
    let waiter = actix_rt::spawn({
        let (bench, backend) = (bench.clone(), backend.clone());
        async move { bench.acquire(&backend).await.map(|connection| connection.is_reused()) }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    bench.clock.advance(2 * HOUR);
    held.release();
    let got = waiter.await.expect("ran");
    assert!(got.is_err(), "an expired certificate was accepted: reused = {got:?}");
}

#[actix_rt::test]
async fn a_retired_pool_keeps_nothing_that_a_waiter_left() {
    let peer = Peer::plaintext().await;
    let bench = Rc::new(Bench::with(|settings| settings.limit_per_endpoint = 1));
    let backend = plain(peer.address);
    bench.apply(&[&backend], &[]);
    let held = bench.acquire(&backend).await.expect("a connection");
    let waiter = actix_rt::spawn({
        let (bench, backend) = (bench.clone(), backend.clone());
        async move { bench.acquire(&backend).await.map(|_| ()) }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    held.release();
    bench.apply(&[], &[]);
    bench.upstreams.close_idle(CloseReason::Drain);
    waiter.abort();
    let _ = waiter.await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.seen.count(PoolState::Idle), 0, "closed: {:?}", bench.seen.closed.borrow());
}
