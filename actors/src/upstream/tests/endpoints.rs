//! Where a request goes: endpoints of a Service, addresses of a name, and those that do not answer.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::bench::{Bench, eventually, identity, named, originate, pass, service};
use super::certificates::{exactly, server};
use super::peer::{Peer, nobody, presenting};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::{EndpointSource, Tls};

fn host(name: &str, port: u16) -> EndpointSource {
    EndpointSource::Host { host: name.into(), port }
}

#[actix_rt::test]
async fn a_service_without_endpoints_has_none() {
    let bench = Bench::new();
    let backend = named("a", EndpointSource::Service(service("a")), Tls::Plaintext);
    bench.apply(&[&backend], &[]);
    let failure = bench.exchange(&backend).await.expect_err("has none");
    assert_eq!((failure.reason, failure.endpoint), (Reason::NoEndpoint, None));
    assert!(failure.message.contains("Service/default/a"), "{failure}");
}

#[actix_rt::test]
async fn requests_spread_over_the_endpoints() {
    let peers = [Peer::plaintext().await, Peer::plaintext().await, Peer::plaintext().await];
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), Tls::Plaintext);
    bench.apply(&[&backend], &[(&port, &peers.each_ref().map(|peer| peer.address))]);
    let mut held = Vec::new();
    for _ in 0..30 {
        held.push(bench.acquire(&backend).await.expect("a connection"));
    }
    // Of two random ones the less loaded: with all of them held, the loads differ little.
    eventually("all came", || peers.iter().map(Peer::accepted).sum::<usize>() == 30).await;
    let spread = peers.each_ref().map(Peer::accepted);
    assert!(spread.iter().all(|count| (5..=15).contains(count)), "{spread:?}");
}

#[actix_rt::test]
async fn a_dead_endpoint_costs_no_request_and_is_avoided() {
    let leaf = server().self_signed();
    let alive = Peer::tls(presenting(&leaf)).await;
    let dead = nobody().await;
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), originate(identity(exactly(&[&leaf]))));
    bench.apply(&[&backend], &[(&port, &[dead, alive.address])]);
    for _ in 0..20 {
        drop(bench.acquire(&backend).await.expect("a connection"));
    }
    let refused = bench.seen.handshakes.borrow().iter().filter(|told| told.endpoint == Some(dead)).count();
    assert_eq!(refused, 1, "tried once, then avoided");
    let results = bench.seen.results();
    assert_eq!(results.iter().filter(|result| **result == HandshakeResult::TcpRefused).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == HandshakeResult::Ok).count(), 20);
}

#[actix_rt::test]
async fn if_all_are_dead_they_are_tried_all_the_same() {
    let dead = [nobody().await, nobody().await];
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), Tls::Plaintext);
    bench.apply(&[&backend], &[(&port, &dead)]);
    for attempts in [2, 4] {
        let failure = bench.exchange(&backend).await.expect_err("is refused");
        assert_eq!(failure.reason, Reason::Handshake(HandshakeResult::TcpRefused));
        assert_eq!(bench.seen.plaintext.borrow().len(), attempts);
    }
}

#[actix_rt::test]
async fn a_refused_certificate_is_not_tried_elsewhere() {
    let leaf = server().self_signed();
    let stranger = server().self_signed();
    let (good, bad) = (Peer::tls(presenting(&leaf)).await, Peer::tls(presenting(&stranger)).await);
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), originate(identity(exactly(&[&leaf]))));
    bench.apply(&[&backend], &[(&port, &[good.address, bad.address])]);
    let mut refused = 0;
    for _ in 0..64 {
        match bench.acquire(&backend).await {
            Ok(connection) => assert_eq!(connection.endpoint(), good.address),
            Err(failure) => {
                assert_eq!(failure.endpoint, Some(bad.address));
                assert_eq!(failure.certificate_error, Some("UnknownIssuer"));
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "both are equally likely");
    assert_eq!(bench.seen.results().len(), 64, "one attempt a request");
}

#[actix_rt::test]
async fn localhost_needs_no_dns() {
    let peer = Peer::plaintext().await;
    let bench = Bench::new();
    for name in ["localhost", "LOCALHOST", "a.localhost", "localhost.", "127.0.0.1"] {
        let backend = named(name, host(name, peer.address.port()), Tls::Plaintext);
        bench.exchange(&backend).await.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
    assert!(bench.lookups.borrow().is_empty());
}

#[actix_rt::test]
async fn a_name_is_asked_for_once_while_its_answer_holds() {
    let peer = Peer::plaintext().await;
    let bench = Bench::new();
    bench.names.borrow_mut().insert("a.example".into(), Ok(vec![peer.address.ip()]));
    let backend = named("a", host("a.example", peer.address.port()), Tls::Plaintext);
    let (first, second, third) =
        tokio::join!(bench.exchange(&backend), bench.exchange(&backend), bench.exchange(&backend));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    bench.exchange(&backend).await.expect("an exchange");
    assert_eq!(*bench.lookups.borrow(), ["a.example"]);
}

#[actix_rt::test]
async fn all_addresses_of_a_name_are_tried_and_tell_of_one_attempt() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    // Nobody listens at the others, on that port.
    let addresses = [127, 2, 3].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, if last == 127 { 1 } else { last })));
    for _ in 0..8 {
        let bench = Bench::new();
        bench.names.borrow_mut().insert("a.example".into(), Ok(addresses.to_vec()));
        let source = host("a.example", peer.address.port());
        let backend = named("a", source, originate(identity(exactly(&[&leaf]))));
        bench.tls(&backend).await;
        assert_eq!(bench.seen.results(), [HandshakeResult::Ok]);
        assert!(bench.seen.last().timed[0], "the time for the name is told");
    }
}

#[actix_rt::test]
async fn the_last_good_answer_is_kept_while_the_resolver_fails() {
    tokio::time::pause();
    let bench = Bench::new();
    let name = std::sync::Arc::from("a.example");
    let address = IpAddr::from([192, 0, 2, 1]);
    let resolver = &bench.upstreams.resolver;
    bench.names.borrow_mut().insert("a.example".into(), Ok(vec![address]));
    assert_eq!(*resolver.resolve(&name).await.expect("resolves"), [address]);
    bench.names.borrow_mut().clear();
    for hours in [1, 2, 3] {
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(*resolver.resolve(&name).await.expect("is kept"), [address]);
        assert_eq!(bench.lookups.borrow().len(), 1 + hours, "asked again all the same");
    }
    let other = IpAddr::from([192, 0, 2, 2]);
    bench.names.borrow_mut().insert("a.example".into(), Ok(vec![other]));
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(*resolver.resolve(&name).await.expect("resolves"), [other]);
}

#[actix_rt::test]
async fn a_failure_of_the_resolver_is_not_repeated_at_once() {
    tokio::time::pause();
    let bench = Bench::new();
    let name = std::sync::Arc::from("a.example");
    for _ in 0..5 {
        assert_eq!(bench.upstreams.resolver.resolve(&name).await, Err("NXDOMAIN".into()));
    }
    assert_eq!(bench.lookups.borrow().len(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(bench.upstreams.resolver.resolve(&name).await.is_err());
    assert_eq!(bench.lookups.borrow().len(), 2);
}

#[actix_rt::test]
async fn when_an_answer_has_ended_the_next_request_asks_and_waits_only_if_it_is_long_ago() {
    let bench = Bench::new();
    let peer = Peer::plaintext().await;
    bench.names.borrow_mut().insert("a.example".into(), Ok(vec![peer.address.ip()]));
    let backend = named("a", host("a.example", peer.address.port()), Tls::Plaintext);
    bench.exchange(&backend).await.expect("an exchange");
    pass(Duration::from_secs(59)).await;
    bench.exchange(&backend).await.expect("an exchange");
    assert_eq!(bench.lookups.borrow().len(), 1, "it holds for a minute");
    pass(Duration::from_secs(2)).await;
    // The resolver has nothing to say now: whoever asks gets what was known, at once.
    bench.names.borrow_mut().clear();
    for _ in 0..2 {
        bench.exchange(&backend).await.expect("an exchange");
    }
    eventually("it was asked", || bench.lookups.borrow().len() == 2).await;
    pass(Duration::from_hours(1)).await;
    bench.names.borrow_mut().insert("a.example".into(), Ok(vec![peer.address.ip()]));
    bench.exchange(&backend).await.expect("an exchange");
    assert_eq!(bench.lookups.borrow().len(), 3);
}

#[actix_rt::test]
async fn a_name_that_moves_leaves_no_pools_behind() {
    let bench = Bench::new();
    let port = nobody().await.port();
    let backend = named("a", host("a.example", port), Tls::Plaintext);
    bench.apply(&[&backend], &[]);
    for last in 2..20 {
        let address = IpAddr::from([127, 0, 0, last]);
        bench.names.borrow_mut().insert("a.example".into(), Ok(vec![address]));
        let failure = bench.exchange(&backend).await.expect_err("is refused");
        assert_eq!(failure.endpoint.map(|endpoint| endpoint.ip()), Some(address));
        assert_eq!(bench.upstreams.registry.pool_count(), 1);
        pass(Duration::from_hours(1)).await;
    }
}

#[actix_rt::test]
async fn a_name_that_moves_away_and_back_finds_its_connection() {
    let peer = Peer::plaintext().await;
    let elsewhere = IpAddr::from([127, 0, 0, 2]);
    let bench = Bench::with(|settings| settings.idle_timeout = Duration::from_hours(9));
    let backend = named("a", host("a.example", peer.address.port()), Tls::Plaintext);
    bench.apply(&[&backend], &[]);
    for address in [peer.address.ip(), elsewhere, peer.address.ip()] {
        bench.names.borrow_mut().insert("a.example".into(), Ok(vec![address]));
        assert_eq!(bench.exchange(&backend).await.is_ok(), address != elsewhere);
        pass(Duration::from_mins(2)).await;
    }
    assert_eq!(peer.accepted(), 1);
}

#[actix_rt::test]
async fn a_tls_error_stays_what_it_is_whatever_is_unreachable() {
    let stranger = Peer::tls(presenting(&server().self_signed())).await;
    let demanded = server().self_signed();
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), originate(identity(exactly(&[&demanded]))));
    bench.apply(&[&backend], &[(&port, &[nobody().await, stranger.address, nobody().await])]);
    for _ in 0..20 {
        let failure = bench.exchange(&backend).await.expect_err("is refused");
        assert_eq!(failure.reason, Reason::Handshake(HandshakeResult::UnknownIssuer), "{failure}");
        assert_eq!(failure.endpoint, Some(stranger.address), "it is not avoided");
    }
}

#[actix_rt::test]
async fn many_dead_endpoints_cost_no_request_either() {
    let alive = Peer::plaintext().await;
    let mut addresses = vec![alive.address];
    for _ in 0..7 {
        addresses.push(nobody().await);
    }
    let bench = Bench::new();
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), Tls::Plaintext);
    bench.apply(&[&backend], &[(&port, &addresses)]);
    for _ in 0..20 {
        bench.exchange(&backend).await.expect("an exchange");
    }
}

#[actix_rt::test]
async fn a_silent_endpoint_is_overtaken() {
    // A listener whose backlog is full answers no SYN.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).expect("binds");
    socket.listen(0).expect("listens");
    let silent = socket.local_addr().expect("bound").as_socket().expect("an address");
    let mut queued = Vec::new();
    while let Ok(Ok(connection)) =
        tokio::time::timeout(Duration::from_millis(100), tokio::net::TcpStream::connect(silent)).await
    {
        queued.push(connection);
        assert!(queued.len() < 64, "the backlog fills");
    }
    let alive = Peer::plaintext().await;
    let bench = Bench::with(|settings| settings.attempt_delay = Duration::from_millis(20));
    let port = service("a");
    let backend = named("a", EndpointSource::Service(port.clone()), Tls::Plaintext);
    bench.apply(&[&backend], &[(&port, &[silent, alive.address])]);
    for _ in 0..10 {
        let connection = bench.acquire(&backend).await.expect("a connection");
        assert_eq!(connection.endpoint(), alive.address);
    }
}
