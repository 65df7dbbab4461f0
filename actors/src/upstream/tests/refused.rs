//! Names that lead where no backend may be. Peers listen on loopback, so they stand for what is refused in a cluster; where
//! a test needs a peer that is not, nothing is refused but 127.0.0.2.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::bench::{Bench, identity, named, originate, pass, service};
use super::certificates::{exactly, server};
use super::peer::{Peer, presenting};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::{Backend, EndpointSource, Tls};
use crate::upstream::{RefusedAddresses, UpstreamFailure};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const REFUSED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn in_cluster() -> Bench {
    Bench::with(|settings| settings.refused = RefusedAddresses::in_cluster([]))
}

fn refusing_one() -> Bench {
    Bench::with(|settings| settings.refused = RefusedAddresses::only([REFUSED]))
}

fn host(name: &str, peer: &Peer, tls: Tls) -> Arc<Backend> {
    named("a", EndpointSource::Host { host: name.into(), port: peer.address.port() }, tls)
}

fn answer(bench: &Bench, addresses: &[IpAddr]) {
    bench.names.borrow_mut().insert("a.example".into(), Ok(addresses.to_vec()));
}

#[track_caller]
fn assert_refused(failure: &UpstreamFailure, details: &[&str]) {
    assert_eq!(failure.reason, Reason::Handshake(HandshakeResult::TcpUnreachable), "{failure}");
    assert_eq!((failure.endpoint, failure.certificate_error), (None, None), "nothing for the body");
    for detail in details {
        assert!(failure.message.contains(detail), "{detail} in {failure}");
    }
}

#[actix_rt::test]
async fn a_host_that_leads_back_is_refused_however_it_is_written() {
    let peer = Peer::plaintext().await;
    let bench = in_cluster();
    answer(&bench, &[PEER]);
    let hosts = ["a.example", "localhost", "b.localhost.", "127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"];
    for name in hosts {
        let backend = host(name, &peer, Tls::Plaintext);
        for _ in 0..2 {
            let failure = bench.exchange(&backend).await.expect_err("is refused");
            assert_refused(&failure, &[name, "loopback"]);
        }
    }
    assert_eq!(peer.accepted(), 0);
    let told = [Reason::Handshake(HandshakeResult::TcpUnreachable)].repeat(hosts.len() * 2);
    assert_eq!(*bench.seen.plaintext.borrow(), told, "one attempt a request");
}

#[actix_rt::test]
async fn a_refused_address_is_told_as_a_failed_attempt_of_tls() {
    let leaf = server().self_signed();
    let peer = Peer::tls(presenting(&leaf)).await;
    let bench = in_cluster();
    answer(&bench, &[IpAddr::from([169, 254, 169, 254]), PEER]);
    let backend = host("a.example", &peer, originate(identity(exactly(&[&leaf]))));
    let failure = bench.exchange(&backend).await.expect_err("is refused");
    assert_refused(&failure, &["a.example", "127.0.0.1 (loopback)", "169.254.169.254 (link-local)"]);
    let told = bench.seen.last();
    assert_eq!((told.result, told.endpoint), (HandshakeResult::TcpUnreachable, None));
    assert_eq!((told.detail, told.timed), (failure.message, [true, false, false]));
    assert_eq!(peer.accepted(), 0);
}

#[actix_rt::test]
async fn a_name_that_is_bound_anew_is_judged_anew() {
    let peer = Peer::plaintext().await;
    let bench = refusing_one();
    let backend = host("a.example", &peer, Tls::Plaintext);
    bench.apply(&[&backend], &[]);
    for (round, address) in [PEER, REFUSED, PEER, REFUSED].into_iter().enumerate() {
        answer(&bench, &[address]);
        for _ in 0..2 {
            match bench.exchange(&backend).await {
                Ok(_) => assert_eq!(address, PEER),
                Err(failure) => {
                    assert_eq!(address, REFUSED);
                    assert_refused(&failure, &["a.example", "127.0.0.2"]);
                }
            }
        }
        assert_eq!(bench.lookups.borrow().len(), round + 1);
        pass(Duration::from_hours(1)).await;
    }
}

#[actix_rt::test]
async fn of_several_addresses_only_the_refused_ones_are_left_out() {
    let peer = Peer::plaintext().await;
    for addresses in [[REFUSED, PEER], [PEER, REFUSED]] {
        let bench = refusing_one();
        answer(&bench, &addresses);
        let backend = host("a.example", &peer, Tls::Plaintext);
        let mut held = Vec::new();
        for _ in 0..10 {
            held.push(bench.acquire(&backend).await.expect("a connection"));
        }
        assert!(held.iter().all(|connection| connection.endpoint() == peer.address));
        assert_eq!(bench.upstreams.registry.pool_count(), 1, "the other one was never tried");
    }
}

#[actix_rt::test]
async fn a_new_plan_permits_nothing() {
    let peer = Peer::plaintext().await;
    let bench = in_cluster();
    answer(&bench, &[PEER]);
    for _ in 0..3 {
        let backend = host("a.example", &peer, Tls::Plaintext);
        bench.apply(&[&backend], &[]);
        let failure = bench.exchange(&backend).await.expect_err("is refused");
        assert_refused(&failure, &["a.example leads to 127.0.0.1 (loopback)"]);
    }
    assert_eq!(bench.lookups.borrow().len(), 1);
}

#[actix_rt::test]
async fn endpoints_of_services_are_not_judged_and_lend_no_connection() {
    let peer = Peer::plaintext().await;
    let bench = in_cluster();
    let port = service("b");
    let service = named("b", EndpointSource::Service(port.clone()), Tls::Plaintext);
    let literal = host("127.0.0.1", &peer, Tls::Plaintext);
    bench.apply(&[&service, &literal], &[(&port, &[peer.address])]);
    bench.exchange(&service).await.expect("an exchange");
    let failure = bench.exchange(&literal).await.expect_err("is refused");
    assert_refused(&failure, &["127.0.0.1 leads to 127.0.0.1 (loopback)"]);
    assert_eq!(peer.accepted(), 1);
}
