//! Every handshake result, provoked: the client's status and body, the metric and the log say the same word.

use std::net::SocketAddr;

use rustls::SupportedProtocolVersion;
use rustls::version::TLS12;

use super::backend::{Backend, Tls};
use super::certificates::{Authority, Identity, Validity, as_authority, for_clients_only};
use super::client::get;
use super::gateway::Gateway;
use super::objects::{GATEWAY, Target};

/// The OID of ecdsa-with-SHA256, and one of the same length that nobody knows.
const ECDSA_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const UNKNOWN_ALGORITHM: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x7f];
/// A fatal alert: internal_error.
const ALERT: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50];

/// What a server that speaks plaintext says to a ClientHello.
const PLAINTEXT: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const ONLY_TLS12: &[&SupportedProtocolVersion] = &[&TLS12];

struct Case {
    result: &'static str,
    status: u16,
    body: &'static str,
    target: Target,
    /// Lives as long as the case.
    backend: Option<Backend>,
}

struct Cases {
    authority: Authority,
    cases: Vec<Case>,
}

impl Cases {
    /// A case whose backend presents `identity`, under a policy that trusts the authority.
    fn presents(&mut self, result: &'static str, body: &'static str, identity: Identity) {
        self.speaks(result, body, &Tls::new(identity), "");
    }

    fn speaks(&mut self, result: &'static str, body: &'static str, tls: &Tls, options: &str) {
        self.backend(result, 502, body, Backend::tls(tls), options);
    }

    fn backend(&mut self, result: &'static str, status: u16, body: &'static str, backend: Backend, options: &str) {
        let address = backend.address;
        self.address(result, status, body, address, options);
        self.cases.last_mut().unwrap().backend = Some(backend);
    }

    fn address(&mut self, result: &'static str, status: u16, body: &'static str, address: SocketAddr, options: &str) {
        let target = Target::new(&result.replace('_', "-"), address).policy(&self.authority.pem(), "", options);
        self.cases.push(Case { result, status, body, target, backend: None });
    }

    fn target(&mut self, result: &'static str, status: u16, body: &'static str, target: Target) {
        self.cases.push(Case { result, status, body, target, backend: None });
    }
}

fn provoke(authority: Authority) -> Cases {
    let good = authority.issue("backend.test");
    let issue =
        |validity, change: fn(&mut rcgen::CertificateParams)| authority.issue_with("backend.test", validity, change);
    let (expired, future) = (issue(Validity::Past, |_| {}), issue(Validity::Future, |_| {}));
    let (clients_only, ca) = (issue(Validity::Now, for_clients_only), issue(Validity::Now, as_authority));
    let other_name = authority.issue("other.test");
    let constrained = Authority::constrained("constrained", "allowed.test");
    let pem = authority.pem();
    let mut cases = Cases { authority, cases: Vec::new() };

    cases.speaks("ok", "GET /ok HTTP/1.1", &Tls::new(good.clone()), "");
    cases.cases[0].status = 200;
    let stranger = Authority::new("a stranger").issue("backend.test");
    cases.presents("unknown_issuer", "invalid peer certificate: UnknownIssuer (unknown_issuer)", stranger);
    cases.presents("name_mismatch", "invalid peer certificate: NotValidForName (name_mismatch)", other_name);
    cases.presents("expired", "invalid peer certificate: Expired (expired)", expired);
    cases.presents("not_yet_valid", "invalid peer certificate: NotValidYet (not_yet_valid)", future);
    let forged = good.clone().with_bad_signature();
    cases.presents("bad_signature", "invalid peer certificate: BadSignature (bad_signature)", forged);
    cases.presents("bad_purpose", "invalid peer certificate: InvalidPurpose (bad_purpose)", clients_only);
    let body = "invalid peer certificate: CaUsedAsEndEntity (ca_used_as_end_entity)";
    cases.presents("ca_used_as_end_entity", body, ca);
    let wrong_pin = "gateway.postern.dev/pinned-sha256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    cases.speaks("pin_mismatch", "(pin_mismatch)", &Tls::new(good.clone()), wrong_pin);
    let garbage = good.clone().with_bad_encoding();
    cases.presents("bad_encoding", "invalid peer certificate: BadEncoding (bad_encoding)", garbage);
    let unknown = good.clone().patched(ECDSA_SHA256, UNKNOWN_ALGORITHM);
    cases.presents("unsupported_algorithm", "(unsupported_algorithm)", unknown);
    cases.backend("alert_received", 502, "(alert_received)", Backend::says(ALERT), "");
    let old = Tls { versions: ONLY_TLS12, ..Tls::new(good.clone()) };
    cases.speaks(
        "version_or_cipher_mismatch",
        "(version_or_cipher_mismatch)",
        &old,
        "gateway.postern.dev/min-tls-version: \"1.3\"",
    );
    let h2 = Tls { alpn: &["h2"], ..Tls::new(good.clone()) };
    cases.speaks("alpn_mismatch", "(alpn_mismatch)", &h2, "");
    cases.backend("not_tls", 502, "(not_tls)", Backend::says(PLAINTEXT), "");
    cases.address("tcp_refused", 502, "(tcp_refused)", Backend::nobody(), "");
    // The broadcast address of the loopback network: connecting to it fails at once, without a packet.
    cases.address("tcp_unreachable", 502, "(tcp_unreachable)", "127.255.255.255:9".parse().unwrap(), "");
    let nowhere = Target::external("dns-failure", "nowhere.invalid", 443).policy(&pem, "", "");
    cases.target("dns_failure", 502, "(dns_failure)", nowhere);
    cases.backend("timeout", 504, "(timeout)", Backend::silent(), "");
    cases.backend("peer_closed", 502, "(peer_closed)", Backend::says(b""), "");
    let body = "invalid peer certificate: UnknownIssuer (ca_unavailable)";
    let without_ca = Target::new("ca-unavailable", Backend::nobody()).policy("not a certificate", "", "");
    cases.target("ca_unavailable", 500, body, without_ca);
    let invalid = Target::new("policy-invalid", Backend::nobody()).policy(&pem, "", "gateway.postern.dev/nonsense: x");
    cases.target("policy_invalid", 500, "(policy_invalid)", invalid);
    let unavailable = Target::new("client-cert-unavailable", Backend::nobody()).policy(&pem, "", "");
    cases.target("client_cert_unavailable", 500, "(client_cert_unavailable)", unavailable.on_gateway("nameless"));
    let picky = Tls { clients: Some(Authority::new("of clients").der()), ..Tls::new(good) };
    cases.speaks("client_cert_rejected", "(client_cert_rejected)", &picky, "");
    let outside = Backend::tls(&Tls::new(constrained.issue("backend.test")));
    let target = Target::new("other", outside.address).policy(&constrained.pem(), "", "");
    cases.target("other", 502, "(other)", target);
    cases.cases.last_mut().unwrap().backend = Some(outside);
    cases
}

/// A Gateway on another port whose client certificate does not exist.
const NAMELESS: &str = "
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: nameless}
spec:
  gatewayClassName: postern
  listeners: [{name: http, port: 81, protocol: HTTP}]
  tls: {backend: {clientCertificateRef: {name: missing}}}
";

#[test]
fn every_result_is_told_in_the_same_word_to_client_metric_and_log() {
    let Cases { cases, .. } = provoke(Authority::new("ours"));
    let provoked: Vec<_> = cases.iter().map(|case| case.result).collect();
    for result in postern_actors::outcome::HandshakeResult::ALL {
        assert!(provoked.contains(&result.as_str()), "{result} is not provoked");
    }
    let objects: String = cases.iter().map(|case| case.target.yaml()).collect();
    let gateway = Gateway::start(&format!("{GATEWAY}{NAMELESS}{objects}"));
    for case in &cases {
        let host = format!("{}.test", case.result.replace('_', "-"));
        let port = if case.result == "client_cert_unavailable" { 81 } else { 80 };
        let response = get(gateway.address(port), &host, &format!("/{}", case.result));
        assert_eq!(response.status, case.status, "{}: {response:?}", case.result);
        assert!(response.body.contains(case.body), "{}: {response:?}", case.result);
        let secret = response.body.contains("127.") || response.body.contains("other.test");
        assert!(case.status == 200 || !secret, "{}: {response:?}", case.result);
    }
    let metrics = gateway.metrics();
    for case in &cases {
        let name = case.result.replace('_', "-");
        let unusable = case.status == 500;
        let counted = metrics.lines().any(|line| {
            let metric = if unusable { "postern_requests_total{" } else { "postern_upstream_tls_handshakes_total{" };
            let word = if unusable { "reason" } else { "result" };
            line.starts_with(metric)
                && line.contains(&format!("/default/{name}\""))
                && line.contains(&format!("{word}=\"{}\"", case.result))
                && !line.ends_with(" 0")
        });
        assert!(counted, "{} is not counted:\n{metrics}", case.result);
    }
    for case in cases.iter().filter(|case| case.result != "ok") {
        let host = format!("{}.test", case.result.replace('_', "-"));
        gateway.wait_for_log(|line| line.contains(&host) && line.contains(case.result));
    }
}
