//! How a handshake and a request ended: closed sets of words, the same in metric, access log, response body, admin page
//! and `probe`. Nothing here does IO.

use std::fmt;

use serde::{Serialize, Serializer};

/// How one attempt to reach a backend by TLS ended. `result` in metrics and log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HandshakeResult {
    /// The handshake completed and the peer is who it must be.
    Ok,
    /// No anchor vouches for the presented chain.
    UnknownIssuer,
    /// The certificate carries none of the demanded names.
    NameMismatch,
    /// The certificate (or one of its chain) is past its `notAfter`.
    Expired,
    /// The certificate is before its `notBefore`.
    NotYetValid,
    /// A signature does not verify.
    BadSignature,
    /// An extended key usage that does not permit a TLS server.
    BadPurpose,
    /// A CA certificate was presented as the peer's own.
    CaUsedAsEndEntity,
    /// The key is not one of those pinned.
    PinMismatch,
    /// The certificate does not parse.
    BadEncoding,
    /// An algorithm that is not supported.
    UnsupportedAlgorithm,
    /// The peer ended the handshake with an alert.
    AlertReceived,
    /// No common version, cipher suite or group.
    VersionOrCipherMismatch,
    /// No common application protocol.
    AlpnMismatch,
    /// What answered does not speak TLS.
    NotTls,
    /// TCP: connection refused.
    TcpRefused,
    /// TCP: no route, or unreachable.
    TcpUnreachable,
    /// The name did not resolve.
    DnsFailure,
    /// Connect or handshake took too long.
    Timeout,
    /// The peer closed the connection during the handshake.
    PeerClosed,
    /// No CA certificate could be used.
    CaUnavailable,
    /// The policy is invalid.
    PolicyInvalid,
    /// The Gateway's client certificate could not be used.
    ClientCertUnavailable,
    /// The peer refused our client certificate.
    ClientCertRejected,
    /// None of the above; the log says what.
    Other,
}

impl HandshakeResult {
    /// Every value, in the order of the documentation.
    pub const ALL: [Self; 25] = [
        Self::Ok,
        Self::UnknownIssuer,
        Self::NameMismatch,
        Self::Expired,
        Self::NotYetValid,
        Self::BadSignature,
        Self::BadPurpose,
        Self::CaUsedAsEndEntity,
        Self::PinMismatch,
        Self::BadEncoding,
        Self::UnsupportedAlgorithm,
        Self::AlertReceived,
        Self::VersionOrCipherMismatch,
        Self::AlpnMismatch,
        Self::NotTls,
        Self::TcpRefused,
        Self::TcpUnreachable,
        Self::DnsFailure,
        Self::Timeout,
        Self::PeerClosed,
        Self::CaUnavailable,
        Self::PolicyInvalid,
        Self::ClientCertUnavailable,
        Self::ClientCertRejected,
        Self::Other,
    ];

    /// The word, as metrics and log have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::UnknownIssuer => "unknown_issuer",
            Self::NameMismatch => "name_mismatch",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::BadSignature => "bad_signature",
            Self::BadPurpose => "bad_purpose",
            Self::CaUsedAsEndEntity => "ca_used_as_end_entity",
            Self::PinMismatch => "pin_mismatch",
            Self::BadEncoding => "bad_encoding",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::AlertReceived => "alert_received",
            Self::VersionOrCipherMismatch => "version_or_cipher_mismatch",
            Self::AlpnMismatch => "alpn_mismatch",
            Self::NotTls => "not_tls",
            Self::TcpRefused => "tcp_refused",
            Self::TcpUnreachable => "tcp_unreachable",
            Self::DnsFailure => "dns_failure",
            Self::Timeout => "timeout",
            Self::PeerClosed => "peer_closed",
            Self::CaUnavailable => "ca_unavailable",
            Self::PolicyInvalid => "policy_invalid",
            Self::ClientCertUnavailable => "client_cert_unavailable",
            Self::ClientCertRejected => "client_cert_rejected",
            Self::Other => "other",
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "The handshake completed, and the peer is who it must be.",
            Self::UnknownIssuer => "No anchor of the policy vouches for the certificate that the backend presents.",
            Self::NameMismatch => "The backend's certificate carries none of the demanded names.",
            Self::Expired => "The backend's certificate, or one of its chain, is past its notAfter.",
            Self::NotYetValid => "The backend's certificate, or one of its chain, is before its notBefore.",
            Self::BadSignature => "A signature, in the chain or of the handshake, does not verify.",
            Self::BadPurpose => "The certificate's extended key usage does not permit a TLS server.",
            Self::CaUsedAsEndEntity => "The backend presents a CA certificate as its own.",
            Self::PinMismatch => "The certificate's key is not among those that the policy pins.",
            Self::BadEncoding => "The certificate does not parse.",
            Self::UnsupportedAlgorithm => "The certificate or the handshake uses an algorithm that is not supported.",
            Self::AlertReceived => "The backend ended the handshake with an alert.",
            Self::VersionOrCipherMismatch => "Both sides have no TLS version, cipher suite or group in common.",
            Self::AlpnMismatch => "Both sides have no application protocol in common.",
            Self::NotTls => "What answers does not speak TLS.",
            Self::TcpRefused => "Nothing listens at the endpoint: connection refused.",
            Self::TcpUnreachable => "There is no route to the endpoint, or its address may not be used.",
            Self::DnsFailure => "The backend's name does not resolve.",
            Self::Timeout => "TCP or the handshake took longer than the limit.",
            Self::PeerClosed => "The backend closed the connection during the handshake.",
            Self::CaUnavailable => "No CA certificate of the policy can be used.",
            Self::PolicyInvalid => "The policy cannot be used.",
            Self::ClientCertUnavailable => "The Gateway's client certificate cannot be used.",
            Self::ClientCertRejected => "The backend refused the client certificate, or demands one.",
            Self::Other => "None of the other words.",
        }
    }

    /// What mends it, in a sentence, as far as the word alone decides it; empty if it succeeded.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Ok => "",
            Self::UnknownIssuer => {
                "Put the CA that issued the backend's certificate into the policy's caCertificateRefs, and have the backend send its intermediates."
            }
            Self::NameMismatch => {
                "Set validation.hostname or subjectAltNames to a name that the certificate carries (its CN does not count), or issue one that carries the name."
            }
            Self::Expired => "Renew the backend's certificate, and have the backend load it.",
            Self::NotYetValid => "Check the clocks of both sides, or issue a certificate whose notBefore has passed.",
            Self::BadSignature => {
                "Look whether the CA was replaced by one of the same name, and put the one that signed into caCertificateRefs; else issue the certificate anew."
            }
            Self::BadPurpose => "Issue the certificate with the extended key usage serverAuth.",
            Self::CaUsedAsEndEntity => {
                "Issue the backend a certificate with CA:FALSE, or add exactly this certificate to caCertificateRefs."
            }
            Self::PinMismatch => {
                "If the key was changed on purpose, add its pin to the option gateway.postern.dev/pinned-sha256."
            }
            Self::BadEncoding => "Issue an X.509 v3 certificate in DER; v1 is not supported.",
            Self::UnsupportedAlgorithm => {
                "Issue the certificate with an ECDSA (P-256, P-384), Ed25519 or RSA (2048 bits or more) key and SHA-256 or better."
            }
            Self::AlertReceived => "Read the backend's log: it refused for a reason of its own.",
            Self::VersionOrCipherMismatch => {
                "Have the backend speak TLS 1.2 with ECDHE, or 1.3; look whether the policy's options narrow the versions."
            }
            Self::AlpnMismatch => {
                "Have the backend accept http/1.1 by ALPN, or say in the option gateway.postern.dev/alpn what it accepts."
            }
            Self::NotTls => {
                "Point route and policy at the port on which the backend speaks TLS, or remove the policy if plaintext is meant."
            }
            Self::TcpRefused => "Check that the backend runs and listens on the Service's targetPort.",
            Self::TcpUnreachable => "Check NetworkPolicies and routes between gateway and endpoint.",
            Self::DnsFailure => {
                "Check the host of the AgentgatewayBackend or the externalName, and the DNS that the gateway asks."
            }
            Self::Timeout => {
                "Look for what drops packets on the way (NetworkPolicy, firewall), and whether the backend is overloaded."
            }
            Self::PeerClosed => {
                "Read the backend's log; it may speak no TLS on this port, know no certificate for the SNI, or expect the PROXY protocol."
            }
            Self::CaUnavailable => {
                "Mend the field that the cause names (log, admin page, or the policy's condition ResolvedRefs); a reference needs PEM certificates under the key ca.crt."
            }
            Self::PolicyInvalid => "Mend what the cause names (log, admin page, or the policy's condition Accepted).",
            Self::ClientCertUnavailable => {
                "Mend the Gateway's spec.tls.backend.clientCertificateRef, or the Secret that it names, as the cause says (log, admin page, or the Gateway's condition ResolvedRefs)."
            }
            Self::ClientCertRejected => {
                "Set the Gateway's spec.tls.backend.clientCertificateRef to a certificate that the backend's CA for clients issued."
            }
            Self::Other => "The cause is in the gateway's log, and on its admin page.",
        }
    }
}

impl fmt::Display for HandshakeResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request was answered as it was, where the answer is ours. `reason` in metrics and log; a response that came from
/// a backend has [`Reason::None`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The backend answered, or a filter did as configured.
    None,
    /// No listener takes the host.
    NoListener,
    /// No route matches: 404.
    NoRoute,
    /// The SNI belongs to another listener than the host: 421.
    Misdirected,
    /// A rule uses something that is not supported: 500.
    RouteUnsupported,
    /// A backendRef that cannot be resolved, or no backendRef with a weight: 500.
    BackendInvalid,
    /// No ready endpoint: 503.
    NoEndpoint,
    /// Every connection that the limit permits is in use: 503.
    Overloaded,
    /// The TLS identity is unusable (500), or the handshake failed (502, 504): the same word.
    Handshake(HandshakeResult),
    /// The rule's `timeouts.request` ran out: 504.
    RequestTimeout,
    /// The rule's `timeouts.backendRequest` ran out: 504.
    BackendRequestTimeout,
    /// The backend closed or reset the connection before a whole response: 502, or a cut body.
    UpstreamClosed,
    /// The backend sent what is no HTTP: 502.
    UpstreamProtocol,
    /// No response head came from the backend within the gateway's own limit: 504.
    ResponseTimeout,
    /// The body of the backend's response stalled: 504, or a cut body.
    UpstreamTimeout,
    /// The client sent what is no HTTP: 400.
    BadRequest,
    /// The client sent what two readers would frame in two ways (RFC 9112 sections 2.2, 5.2, 6.3 and 11.2): Content-Length
    /// with Transfer-Encoding, several or malformed lengths, folded lines, a bare CR or LF, NUL, a field name that is none:
    /// 400. It is told apart from [`Reason::BadRequest`] so that attempts to smuggle requests can be counted.
    AmbiguousFraming,
    /// The client's head is too large: 431.
    HeadTooLarge,
    /// The client took too long: 408.
    DownstreamTimeout,
    /// The client's body stalled: 408.
    BodyTimeout,
    /// The client went away.
    DownstreamClosed,
    /// More clients are connected than the limit permits: 503.
    ConnectionLimit,
    /// A fault of ours: 500.
    Internal,
    /// A fault of ours that ended the connection: 500, if anything could still be sent.
    Panic,
}

impl Reason {
    /// The word, as metrics and log have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NoListener => "no_listener",
            Self::NoRoute => "no_route",
            Self::Misdirected => "misdirected",
            Self::RouteUnsupported => "route_unsupported",
            Self::BackendInvalid => "backend_invalid",
            Self::NoEndpoint => "no_endpoint",
            Self::Overloaded => "overloaded",
            Self::Handshake(result) => result.as_str(),
            Self::RequestTimeout => "request_timeout",
            Self::BackendRequestTimeout => "backend_request_timeout",
            Self::UpstreamClosed => "upstream_closed",
            Self::UpstreamProtocol => "upstream_protocol",
            Self::ResponseTimeout => "response_timeout",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::BadRequest => "bad_request",
            Self::AmbiguousFraming => "ambiguous_framing",
            Self::HeadTooLarge => "head_too_large",
            Self::DownstreamTimeout => "downstream_timeout",
            Self::BodyTimeout => "body_timeout",
            Self::DownstreamClosed => "downstream_closed",
            Self::ConnectionLimit => "connection_limit",
            Self::Internal => "internal",
            Self::Panic => "panic",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{HandshakeResult, Reason};

    /// The words are an interface: dashboards, alerts and `probe` name them.
    #[test]
    fn the_words_of_a_handshake() {
        let words: Vec<_> = HandshakeResult::ALL.iter().map(|result| result.as_str()).collect();
        let expected = "ok unknown_issuer name_mismatch expired not_yet_valid bad_signature bad_purpose \
                        ca_used_as_end_entity pin_mismatch bad_encoding unsupported_algorithm alert_received \
                        version_or_cipher_mismatch alpn_mismatch not_tls tcp_refused tcp_unreachable dns_failure \
                        timeout peer_closed ca_unavailable policy_invalid client_cert_unavailable \
                        client_cert_rejected other";
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn a_word_is_the_same_wherever_it_is_written() {
        for result in HandshakeResult::ALL {
            let json = serde_json::to_string(&result).expect("a unit variant");
            assert_eq!(json, format!("\"{}\"", result.as_str()));
            assert_eq!(result.to_string(), result.as_str());
            assert_eq!(Reason::Handshake(result).as_str(), result.as_str());
        }
    }

    #[test]
    fn every_word_is_explained_and_every_failure_has_a_remedy() {
        for result in HandshakeResult::ALL {
            assert!(result.meaning().ends_with('.'), "{result}");
            assert_eq!(result.remedy().is_empty(), result == HandshakeResult::Ok, "{result}");
            assert!(result.remedy().is_empty() || result.remedy().ends_with('.'), "{result}");
        }
    }

    const OF_REQUESTS: [Reason; 23] = [
        Reason::None,
        Reason::NoListener,
        Reason::NoRoute,
        Reason::Misdirected,
        Reason::RouteUnsupported,
        Reason::BackendInvalid,
        Reason::NoEndpoint,
        Reason::Overloaded,
        Reason::RequestTimeout,
        Reason::BackendRequestTimeout,
        Reason::UpstreamClosed,
        Reason::UpstreamProtocol,
        Reason::ResponseTimeout,
        Reason::UpstreamTimeout,
        Reason::BadRequest,
        Reason::AmbiguousFraming,
        Reason::HeadTooLarge,
        Reason::DownstreamTimeout,
        Reason::BodyTimeout,
        Reason::DownstreamClosed,
        Reason::ConnectionLimit,
        Reason::Internal,
        Reason::Panic,
    ];

    #[test]
    fn the_words_of_a_request() {
        let words: Vec<_> = OF_REQUESTS.iter().map(|reason| reason.as_str()).collect();
        let expected = "none no_listener no_route misdirected route_unsupported backend_invalid no_endpoint overloaded \
                        request_timeout backend_request_timeout upstream_closed upstream_protocol response_timeout \
                        upstream_timeout bad_request ambiguous_framing head_too_large downstream_timeout body_timeout \
                        downstream_closed connection_limit internal panic";
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn no_word_stands_for_two_outcomes() {
        let handshakes = HandshakeResult::ALL.into_iter().map(Reason::Handshake);
        let words: BTreeSet<_> = handshakes.chain(OF_REQUESTS).map(Reason::as_str).collect();
        assert_eq!(words.len(), HandshakeResult::ALL.len() + OF_REQUESTS.len());
    }
}
