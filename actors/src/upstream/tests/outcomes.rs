//! The words for what is not about a certificate: who answers at all, and in what language.

use std::sync::Arc;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::bench::{Bench, at, identity, named, originate, plain, secured};
use super::certificates::{Issued, authority, exactly, issued_by, server};
use super::peer::{Peer, nobody, presenting};
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::identity::TlsVersion;
use crate::plan::{Backend, EndpointSource, Poison, Tls, TlsIdentity};

/// The word for one failed exchange, which metrics and the request path agree on.
async fn word(bench: &Bench, backend: &Arc<Backend>) -> HandshakeResult {
    let failure = bench.exchange(backend).await.expect_err("fails");
    assert_eq!(bench.seen.results().len(), 1, "{:?}", bench.seen.results());
    let told = bench.seen.last();
    assert_eq!(failure.reason, Reason::Handshake(told.result));
    assert_eq!(failure.certificate_error, None);
    assert!(!told.detail.is_empty());
    assert_eq!(told.backend, backend.id);
    told.result
}

fn trusting() -> (Issued, TlsIdentity) {
    let leaf = server().self_signed();
    let identity = identity(exactly(&[&leaf]));
    (leaf, identity)
}

#[actix_rt::test]
async fn both_versions_are_spoken() {
    let (leaf, identity) = trusting();
    for (speaks, version, cipher) in
        [(&TLS12, "1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), (&TLS13, "1.3", "TLS_AES_128_GCM_SHA256")]
    {
        let peer = Peer::tls(presenting(&leaf).speaking(speaks).alpn("http/1.1")).await;
        let tls = Bench::new().tls(&secured(peer.address, identity.clone())).await;
        assert_eq!((tls.version, tls.cipher, &*tls.alpn, tls.resumed), (version, cipher, "http/1.1", false));
        assert_eq!(&*tls.sni, "example.com");
        assert!(tls.peer_not_after.is_some());
    }
}

#[actix_rt::test]
async fn the_versions_offered_are_those_of_the_identity() {
    let (leaf, identity) = trusting();
    let newer = TlsIdentity { min_version: TlsVersion::Tls13, ..identity.clone() };
    let older = TlsIdentity { max_version: TlsVersion::Tls12, ..identity };
    let old = Peer::tls(presenting(&leaf).speaking(&TLS12)).await;
    let new = Peer::tls(presenting(&leaf).speaking(&TLS13)).await;
    assert_eq!(Bench::new().tls(&secured(new.address, newer.clone())).await.version, "1.3");
    assert_eq!(Bench::new().tls(&secured(old.address, older.clone())).await.version, "1.2");
    for (peer, identity) in [(&old, newer), (&new, older)] {
        let word = word(&Bench::new(), &secured(peer.address, identity)).await;
        assert_eq!(word, HandshakeResult::VersionOrCipherMismatch);
    }
}

#[actix_rt::test]
async fn a_backend_that_speaks_only_another_protocol_shares_none() {
    let (leaf, identity) = trusting();
    let peer = Peer::tls(presenting(&leaf).alpn("h2")).await;
    let mismatch = word(&Bench::new(), &secured(peer.address, identity.clone())).await;
    assert_eq!(mismatch, HandshakeResult::AlpnMismatch);
    let without_alpn = TlsIdentity { alpn: Vec::new(), ..identity.clone() };
    assert_eq!(Bench::new().tls(&secured(peer.address, without_alpn)).await.alpn, "");
    let indifferent = Peer::tls(presenting(&leaf)).await;
    assert_eq!(Bench::new().tls(&secured(indifferent.address, identity)).await.alpn, "");
}

#[actix_rt::test]
async fn a_backend_that_speaks_no_tls_is_said_to() {
    let (_, identity) = trusting();
    let http = Peer::raw(|mut socket| async move {
        let _ = socket.read(&mut [0; 4096]).await;
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    });
    let ssh = Peer::raw(|mut socket| async move {
        let _ = socket.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        let _ = socket.read(&mut [0; 4096]).await;
    });
    for peer in [http.await, ssh.await] {
        let word = word(&Bench::new(), &secured(peer.address, identity.clone())).await;
        assert_eq!(word, HandshakeResult::NotTls);
    }
}

#[actix_rt::test]
async fn a_backend_that_hangs_up_in_the_handshake_is_said_to() {
    let (_, identity) = trusting();
    let polite = Peer::raw(|mut socket| async move {
        let _ = socket.read(&mut [0; 4096]).await;
    });
    let rude = Peer::raw(|socket| async move { drop(socket) });
    for peer in [polite.await, rude.await] {
        let word = word(&Bench::new(), &secured(peer.address, identity.clone())).await;
        assert_eq!(word, HandshakeResult::PeerClosed);
    }
}

#[actix_rt::test]
async fn a_silent_backend_runs_into_the_handshakes_time() {
    let (_, identity) = trusting();
    let peer = Peer::raw(|mut socket| async move { while socket.read(&mut [0; 4096]).await.is_ok_and(|n| n > 0) {} });
    let bench = Bench::with(|settings| settings.handshake_timeout = Duration::from_millis(50));
    let peer = peer.await;
    assert_eq!(word(&bench, &secured(peer.address, identity)).await, HandshakeResult::Timeout);
    assert_eq!(bench.seen.last().timed, [false, true, true]);
}

#[actix_rt::test]
async fn an_alert_is_said_to_be_one() {
    let (leaf, identity) = trusting();
    let peer = Peer::tls(presenting(&leaf).with_empty_hands()).await;
    assert_eq!(word(&Bench::new(), &secured(peer.address, identity)).await, HandshakeResult::AlertReceived);
}

#[actix_rt::test]
async fn tcp_says_why_it_failed() {
    let (_, identity) = trusting();
    let refused = word(&Bench::new(), &secured(nobody().await, identity.clone())).await;
    assert_eq!(refused, HandshakeResult::TcpRefused);
    // TCP reaches no multicast group, with a network or without one.
    let group = "224.0.0.1:443".parse().expect("an address");
    assert_eq!(word(&Bench::new(), &secured(group, identity)).await, HandshakeResult::TcpUnreachable);
}

#[actix_rt::test]
async fn a_name_that_does_not_resolve_is_said_not_to() {
    let (_, identity) = trusting();
    let source = EndpointSource::Host { host: "nowhere.example".into(), port: 443 };
    let bench = Bench::new();
    let backend = named("a", source, originate(identity));
    assert_eq!(word(&bench, &backend).await, HandshakeResult::DnsFailure);
    assert_eq!(bench.seen.last().endpoint, None);
    assert_eq!(bench.seen.last().timed, [true, false, false]);
}

#[actix_rt::test]
async fn plaintext_has_the_same_words() {
    let bench = Bench::new();
    let failure = bench.exchange(&plain(nobody().await)).await.expect_err("is refused");
    assert_eq!(failure.reason, Reason::Handshake(HandshakeResult::TcpRefused));
    let source = EndpointSource::Host { host: "nowhere.example".into(), port: 80 };
    let failure = bench.exchange(&named("b", source, Tls::Plaintext)).await.expect_err("does not resolve");
    assert_eq!(failure.reason, Reason::Handshake(HandshakeResult::DnsFailure));
    let peer = Peer::plaintext().await;
    assert_eq!(bench.exchange(&plain(peer.address)).await.expect("an exchange"), None);
    let words = [HandshakeResult::TcpRefused, HandshakeResult::DnsFailure].map(Reason::Handshake);
    assert_eq!(*bench.seen.plaintext.borrow(), [words[0], words[1], Reason::None]);
    assert!(bench.seen.handshakes.borrow().is_empty(), "no handshake is told of where there is no policy");
}

#[actix_rt::test]
async fn a_poisoned_backend_is_never_dialled() {
    let peer = Peer::plaintext().await;
    for result in
        [HandshakeResult::CaUnavailable, HandshakeResult::PolicyInvalid, HandshakeResult::ClientCertUnavailable]
    {
        let bench = Bench::new();
        let poison = Poison {
            reason: Reason::Handshake(result),
            message: "the reference does not resolve".into(),
            policy: Some("default/policy".into()),
        };
        assert_eq!(word(&bench, &named("a", at(peer.address), Tls::Poisoned(poison))).await, result);
        assert_eq!(bench.seen.last().endpoint, None);
    }
    assert_eq!(peer.accepted(), 0);
}

#[actix_rt::test]
async fn an_identity_that_cannot_be_built_fails_closed() {
    let ca = authority("a CA").self_signed();
    let peer = Peer::plaintext().await;
    let client = server().self_signed().presenting(ca.der.to_vec()).as_client();
    let mismatched = TlsIdentity { client_certificate: Some(client), ..identity(issued_by(&[&ca])) };
    let address = TlsIdentity { sni: "192.0.2.1".into(), ..identity(issued_by(&[&ca])) };
    let versions =
        TlsIdentity { min_version: TlsVersion::Tls13, max_version: TlsVersion::Tls12, ..identity(issued_by(&[&ca])) };
    for (identity, result) in [
        (mismatched, HandshakeResult::ClientCertUnavailable),
        (address, HandshakeResult::PolicyInvalid),
        (versions, HandshakeResult::PolicyInvalid),
    ] {
        assert_eq!(word(&Bench::new(), &secured(peer.address, identity)).await, result);
    }
    assert_eq!(peer.accepted(), 0);
}
