//! The exit code of a probe: one for each class of results.

use postern_actors::outcome::{HandshakeResult, Reason};

/// | code | what failed |
/// |---|---|
/// | 0 | nothing |
/// | 2 | the command line, or there is nothing to probe (told elsewhere) |
/// | 10 | DNS |
/// | 11 | TCP |
/// | 12 | no TLS, or none that both sides speak; the peer ended the handshake |
/// | 13 | the backend's certificate |
/// | 14 | the client certificate was refused |
/// | 15 | the policy, or what it names, cannot be used |
/// | 16 | it took too long |
/// | 1 | anything else |
pub(super) fn code(result: Reason) -> u8 {
    let Reason::Handshake(result) = result else { return 1 };
    match result {
        HandshakeResult::Ok => 0,
        HandshakeResult::DnsFailure => 10,
        HandshakeResult::TcpRefused | HandshakeResult::TcpUnreachable => 11,
        HandshakeResult::NotTls
        | HandshakeResult::VersionOrCipherMismatch
        | HandshakeResult::AlpnMismatch
        | HandshakeResult::AlertReceived
        | HandshakeResult::PeerClosed => 12,
        HandshakeResult::UnknownIssuer
        | HandshakeResult::NameMismatch
        | HandshakeResult::Expired
        | HandshakeResult::NotYetValid
        | HandshakeResult::BadSignature
        | HandshakeResult::BadPurpose
        | HandshakeResult::CaUsedAsEndEntity
        | HandshakeResult::PinMismatch
        | HandshakeResult::BadEncoding
        | HandshakeResult::UnsupportedAlgorithm => 13,
        HandshakeResult::ClientCertRejected => 14,
        HandshakeResult::CaUnavailable | HandshakeResult::PolicyInvalid | HandshakeResult::ClientCertUnavailable => 15,
        HandshakeResult::Timeout => 16,
        HandshakeResult::Other => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_has_the_code_of_its_class() {
        let codes: Vec<_> = HandshakeResult::ALL.iter().map(|result| code(Reason::Handshake(*result))).collect();
        let expected =
            [0, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 12, 12, 12, 12, 11, 11, 10, 16, 12, 15, 15, 15, 14, 1];
        assert_eq!(codes, expected);
        assert_eq!(code(Reason::NoEndpoint), 1);
    }
}
