//! What the client gets when the answer is ours: one function maps each reason to a status and a body. No body names an
//! address, an object or what a certificate carries; those go to the log.

use crate::http1::HeadError;
use crate::outcome::{HandshakeResult, Reason};

/// The status that goes with a reason.
pub fn status(reason: Reason) -> u16 {
    use HandshakeResult as H;
    match reason {
        Reason::None => 200,
        Reason::BadRequest | Reason::AmbiguousFraming => 400,
        Reason::NoListener | Reason::NoRoute => 404,
        Reason::DownstreamTimeout | Reason::BodyTimeout => 408,
        Reason::Misdirected => 421,
        Reason::HeadTooLarge => 431,
        Reason::DownstreamClosed => 499,
        Reason::RouteUnsupported
        | Reason::BackendInvalid
        | Reason::Internal
        | Reason::Panic
        | Reason::Handshake(H::CaUnavailable | H::PolicyInvalid | H::ClientCertUnavailable) => 500,
        Reason::NoEndpoint | Reason::Overloaded | Reason::ConnectionLimit => 503,
        Reason::Handshake(H::Timeout)
        | Reason::RequestTimeout
        | Reason::BackendRequestTimeout
        | Reason::ResponseTimeout
        | Reason::UpstreamTimeout => 504,
        Reason::Handshake(_) | Reason::UpstreamClosed | Reason::UpstreamProtocol => 502,
    }
}

/// The reason and the status of a head that is refused.
pub fn refusal(error: HeadError) -> (Reason, u16) {
    match error {
        HeadError::Malformed(_) => (Reason::BadRequest, 400),
        HeadError::Ambiguous(_) => (Reason::AmbiguousFraming, 400),
        HeadError::Expectation => (Reason::BadRequest, 417),
        HeadError::TooLarge => (Reason::HeadTooLarge, 431),
        HeadError::TargetTooLong => (Reason::HeadTooLarge, 414),
        HeadError::TransferCoding => (Reason::BadRequest, 501),
        HeadError::Version => (Reason::BadRequest, 505),
    }
}

/// The text that goes with a reason. `certificate_error` is the bare name of rustls's `CertificateError` variant, where a
/// certificate was refused.
pub fn body(reason: Reason, certificate_error: Option<&str>) -> String {
    match (reason, certificate_error) {
        (Reason::Handshake(HandshakeResult::CaUnavailable), _) => {
            format!("invalid peer certificate: UnknownIssuer ({reason})\n")
        }
        (Reason::Handshake(_), Some(variant)) => format!("invalid peer certificate: {variant} ({reason})\n"),
        (Reason::Handshake(HandshakeResult::PolicyInvalid), None) => {
            format!("the TLS policy of the backend is invalid ({reason})\n")
        }
        (Reason::Handshake(HandshakeResult::ClientCertUnavailable), None) => {
            format!("the client certificate of the gateway cannot be used ({reason})\n")
        }
        (Reason::Handshake(_), None) => format!("the backend cannot be reached ({reason})\n"),
        (Reason::NoListener | Reason::NoRoute, _) => format!("no route matches ({reason})\n"),
        (Reason::Misdirected, _) => format!("this host is not served on this connection ({reason})\n"),
        (Reason::RouteUnsupported, _) => format!("the route asks for what is not supported ({reason})\n"),
        (Reason::BackendInvalid, _) => format!("the route leads to no valid backend ({reason})\n"),
        (Reason::NoEndpoint, _) => format!("the backend has no ready endpoint ({reason})\n"),
        (Reason::Overloaded, _) => format!("the backend's connections are all in use ({reason})\n"),
        (Reason::RequestTimeout | Reason::BackendRequestTimeout, _) => format!("out of time ({reason})\n"),
        (Reason::UpstreamClosed | Reason::UpstreamProtocol, _) => {
            format!("the backend gave no valid response ({reason})\n")
        }
        (Reason::BadRequest | Reason::AmbiguousFraming | Reason::HeadTooLarge, _) => {
            format!("the request is invalid ({reason})\n")
        }
        _ => format!("{reason}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handshake_result_has_its_status() {
        use HandshakeResult as H;
        for result in H::ALL {
            let expected = match result {
                H::Ok => continue,
                H::CaUnavailable | H::PolicyInvalid | H::ClientCertUnavailable => 500,
                H::Timeout => 504,
                _ => 502,
            };
            let reason = Reason::Handshake(result);
            assert_eq!(status(reason), expected, "{result}");
            assert!(body(reason, None).contains(&format!("({result})")), "{result}");
        }
    }

    #[test]
    fn a_refused_certificate_is_named_by_its_class() {
        let reason = Reason::Handshake(HandshakeResult::UnknownIssuer);
        assert_eq!(body(reason, Some("UnknownIssuer")), "invalid peer certificate: UnknownIssuer (unknown_issuer)\n");
        let reason = Reason::Handshake(HandshakeResult::CaUnavailable);
        assert_eq!(body(reason, None), "invalid peer certificate: UnknownIssuer (ca_unavailable)\n");
    }
}
