//! The Gateway's client certificate: presented where it is asked for, and what a refusal of it looks like. In TLS 1.3 the
//! refusal comes after our side has called the handshake done.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt as _;

use super::bench::{Bench, DEADLINE, identity, secured};
use super::certificates::{HOUR, Issued, authority, certificate, exactly, now, server};
use super::peer::{Peer, presenting};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::TlsIdentity;
use crate::telemetry::PoolState;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

struct Parties {
    backend: Issued,
    clients: Issued,
}

impl Parties {
    fn new() -> Self {
        Self { backend: server().self_signed(), clients: authority("the CA of clients").self_signed() }
    }

    async fn peer(&self, version: &'static SupportedProtocolVersion) -> Peer {
        Peer::tls(presenting(&self.backend).demanding_clients_of(&self.clients).speaking(version)).await
    }

    fn presenting(&self, client: Option<&Issued>) -> TlsIdentity {
        let client_certificate = client.map(Issued::as_client);
        TlsIdentity { client_certificate, ..identity(exactly(&[&self.backend])) }
    }
}

#[actix_rt::test]
async fn one_that_is_trusted_is_accepted() {
    let parties = Parties::new();
    let client = certificate("the gateway").for_clients().signed_by(&parties.clients);
    for version in VERSIONS {
        let peer = parties.peer(version).await;
        let bench = Bench::new();
        bench.tls(&secured(peer.address, parties.presenting(Some(&client)))).await;
        assert_eq!(bench.seen.results(), [HandshakeResult::Ok]);
    }
}

#[actix_rt::test]
async fn a_refusal_is_the_outcome_of_the_handshake() {
    let parties = Parties::new();
    let stranger = certificate("a stranger").for_clients().self_signed();
    let late = certificate("the gateway").from(now() - 2 * HOUR).until(now() - HOUR).for_clients();
    let expired = late.signed_by(&parties.clients);
    let wrong_purpose = certificate("the gateway").for_servers().signed_by(&parties.clients);
    for version in VERSIONS {
        let peer = parties.peer(version).await;
        for (client, says) in [
            (None, "no client certificate was presented"),
            (Some(&stranger), "Secret/default/client"),
            (Some(&expired), "Secret/default/client"),
            (Some(&wrong_purpose), "Secret/default/client"),
        ] {
            let bench = Bench::new();
            let backend = secured(peer.address, parties.presenting(client));
            let failure = bench.exchange(&backend).await.expect_err("is refused");
            let reason = Reason::Handshake(HandshakeResult::ClientCertRejected);
            assert_eq!(failure.reason, reason, "{failure}, {version:?}");
            assert_eq!(bench.seen.results(), [HandshakeResult::ClientCertRejected], "once, and never ok");
            if version == VERSIONS[1] {
                assert!(failure.message.contains(says), "{failure}");
                let told = bench.seen.last().detail;
                assert_eq!(told.contains("Secret/default/client, issued by `CN="), client.is_some(), "{told}");
            }
            assert_eq!(bench.seen.count(PoolState::Active) + bench.seen.count(PoolState::Idle), 0);
        }
    }
}

#[actix_rt::test]
async fn a_refusal_is_found_by_one_who_only_writes() {
    let parties = Parties::new();
    let stranger = certificate("a stranger").for_clients().self_signed();
    let peer = parties.peer(&TLS13).await;
    let bench = Bench::new();
    let backend = secured(peer.address, parties.presenting(Some(&stranger)));
    let mut connection = bench.acquire(&backend).await.expect("our side is done");
    let upload = async {
        loop {
            if let Err(error) = connection.write_all(&[0; 8192]).await {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(DEADLINE, upload).await.expect("in time");
    let failure = connection.read_failure(&error);
    assert_eq!(failure.reason, Reason::Handshake(HandshakeResult::ClientCertRejected), "{failure}");
    assert_eq!(bench.seen.results(), [HandshakeResult::ClientCertRejected]);
}

#[actix_rt::test]
async fn the_outcome_of_tls_1_3_is_told_with_the_first_byte() {
    let backend = server().self_signed();
    for (version, at_once) in [(VERSIONS[0], 1), (VERSIONS[1], 0)] {
        let peer = Peer::tls(presenting(&backend).speaking(version)).await;
        let bench = Bench::new();
        let destination = secured(peer.address, identity(exactly(&[&backend])));
        let mut connection = bench.acquire(&destination).await.expect("a connection");
        assert_eq!(bench.seen.results().len(), at_once, "{version:?}");
        super::bench::ping(&mut connection).await.expect("an answer");
        assert!(connection.has_received());
        assert_eq!(bench.seen.results(), [HandshakeResult::Ok]);
        drop(connection);
        // One that ends without a byte and without an alert was established all the same.
        bench.acquire(&destination).await.expect("a connection").release();
        assert_eq!(bench.seen.results(), [HandshakeResult::Ok; 2]);
    }
}

#[actix_rt::test]
async fn one_that_nobody_asks_for_is_not_presented() {
    let parties = Parties::new();
    let client = certificate("the gateway").for_clients().signed_by(&parties.clients);
    let peer = Peer::tls(presenting(&parties.backend)).await;
    let bench = Bench::new();
    bench.tls(&secured(peer.address, parties.presenting(Some(&client)))).await;
    assert_eq!(bench.seen.results(), [HandshakeResult::Ok]);
}
