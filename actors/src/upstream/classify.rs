//! How rustls and the system say that an attempt failed, in our closed words. Pure.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerMisbehaved};

use super::cause::{cause, is_no_record};
use crate::outcome::HandshakeResult;

/// A failure in closed words, with the cause for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The closed word.
    pub result: HandshakeResult,
    /// The bare name of the `CertificateError` variant, for the body.
    pub certificate_error: Option<&'static str>,
    /// What happened, in a few words.
    pub cause: String,
    /// The `notAfter` or `notBefore` for which a certificate was refused, in seconds since the Unix epoch. It need not be
    /// the leaf's.
    pub bound: Option<i64>,
}

impl Classified {
    /// A failure that is about no certificate.
    pub fn new(result: HandshakeResult, cause: impl Into<String>) -> Self {
        Self { result, certificate_error: None, cause: cause.into(), bound: None }
    }
}

/// The rustls error inside what tokio-rustls returns.
pub fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// Why TCP did not reach an endpoint.
pub fn connect(error: &io::Error) -> Classified {
    let result = match error.kind() {
        ErrorKind::ConnectionRefused => HandshakeResult::TcpRefused,
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::PermissionDenied => HandshakeResult::TcpUnreachable,
        ErrorKind::TimedOut => HandshakeResult::Timeout,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => HandshakeResult::PeerClosed,
        _ => HandshakeResult::Other,
    };
    Classified::new(result, error.to_string())
}

/// Why a handshake failed. `asked` says whether the peer had asked for a client certificate.
pub fn handshake(error: &io::Error, asked: bool) -> Classified {
    if let Some(error) = tls_error(error) {
        return tls(error, asked);
    }
    let result = match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::WriteZero => HandshakeResult::PeerClosed,
        ErrorKind::TimedOut => HandshakeResult::Timeout,
        _ => HandshakeResult::Other,
    };
    let cause = match error.kind() {
        ErrorKind::UnexpectedEof => "the connection ended in the middle of the handshake".to_owned(),
        _ => error.to_string(),
    };
    Classified::new(result, cause)
}

/// What an error of reading or writing says of a handshake that our side has called done, before the peer's first byte:
/// its refusal, if it is one.
pub fn late(error: &io::Error, asked: bool) -> Option<Classified> {
    let error = tls_error(error)?;
    matches!(error, Error::AlertReceived(_)).then(|| tls(error, asked))
}

/// An error of rustls.
pub fn tls(error: &Error, asked: bool) -> Classified {
    let cause = cause(error);
    let result = match error {
        Error::InvalidCertificate(error) => {
            let ((result, name), bound) = (certificate(error), bound(error));
            return Classified { result, certificate_error: Some(name), cause, bound };
        }
        Error::AlertReceived(description) => alert(*description, asked),
        Error::PeerIncompatible(_) => HandshakeResult::VersionOrCipherMismatch,
        Error::NoApplicationProtocol | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            HandshakeResult::AlpnMismatch
        }
        Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme) => {
            HandshakeResult::UnsupportedAlgorithm
        }
        Error::InvalidMessage(what) if is_no_record(*what) => HandshakeResult::NotTls,
        Error::InvalidMessage(InvalidMessage::CertificatePayloadTooLarge) => HandshakeResult::BadEncoding,
        _ => HandshakeResult::Other,
    };
    Classified::new(result, cause)
}

/// What a peer means by an alert that ends a handshake (RFC 8446, section 6.2).
pub fn alert(description: AlertDescription, asked: bool) -> HandshakeResult {
    use AlertDescription as Alert;
    match description {
        Alert::CertificateRequired => HandshakeResult::ClientCertRejected,
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::NoCertificate
        | Alert::DecryptError
        | Alert::HandshakeFailure
            if asked =>
        {
            HandshakeResult::ClientCertRejected
        }
        Alert::ProtocolVersion | Alert::InsufficientSecurity | Alert::HandshakeFailure => {
            HandshakeResult::VersionOrCipherMismatch
        }
        Alert::NoApplicationProtocol => HandshakeResult::AlpnMismatch,
        _ => HandshakeResult::AlertReceived,
    }
}

/// A refused certificate: our word, and the bare name of rustls's variant. The `...Context` forms print names and dates,
/// which are for the log only.
fn certificate(error: &CertificateError) -> (HandshakeResult, &'static str) {
    use CertificateError as Refused;
    #[expect(deprecated, reason = "rustls still has the plain form beside its successor")]
    match error {
        Refused::BadEncoding => (HandshakeResult::BadEncoding, "BadEncoding"),
        Refused::Expired | Refused::ExpiredContext { .. } => (HandshakeResult::Expired, "Expired"),
        Refused::NotValidYet | Refused::NotValidYetContext { .. } => (HandshakeResult::NotYetValid, "NotValidYet"),
        Refused::UnknownIssuer => (HandshakeResult::UnknownIssuer, "UnknownIssuer"),
        Refused::BadSignature => (HandshakeResult::BadSignature, "BadSignature"),
        Refused::UnsupportedSignatureAlgorithm
        | Refused::UnsupportedSignatureAlgorithmContext { .. }
        | Refused::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            (HandshakeResult::UnsupportedAlgorithm, "UnsupportedSignatureAlgorithm")
        }
        Refused::NotValidForName | Refused::NotValidForNameContext { .. } => {
            (HandshakeResult::NameMismatch, "NotValidForName")
        }
        Refused::InvalidPurpose | Refused::InvalidPurposeContext { .. } => {
            (HandshakeResult::BadPurpose, "InvalidPurpose")
        }
        // Our verifier returns it for a key that is not pinned, and for nothing else.
        Refused::ApplicationVerificationFailure => (HandshakeResult::PinMismatch, "ApplicationVerificationFailure"),
        Refused::UnhandledCriticalExtension => (HandshakeResult::Other, "UnhandledCriticalExtension"),
        Refused::Revoked => (HandshakeResult::Other, "Revoked"),
        Refused::UnknownRevocationStatus => (HandshakeResult::Other, "UnknownRevocationStatus"),
        Refused::ExpiredRevocationList | Refused::ExpiredRevocationListContext { .. } => {
            (HandshakeResult::Other, "ExpiredRevocationList")
        }
        Refused::InvalidOcspResponse => (HandshakeResult::Other, "InvalidOcspResponse"),
        Refused::Other(other) => webpki(&format!("{:?}", other.0)),
        _ => (HandshakeResult::Other, "Other"),
    }
}

/// The date for which a certificate was refused.
fn bound(error: &CertificateError) -> Option<i64> {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => Some(not_after.as_secs().cast_signed()),
        CertificateError::NotValidYetContext { not_before, .. } => Some(not_before.as_secs().cast_signed()),
        _ => None,
    }
}

/// webpki's errors for which rustls has no variant; they arrive as a boxed error, whose `Debug` is the variant's name.
fn webpki(debug: &str) -> (HandshakeResult, &'static str) {
    const KNOWN: [(&str, HandshakeResult); 12] = [
        ("CaUsedAsEndEntity", HandshakeResult::CaUsedAsEndEntity),
        ("EndEntityUsedAsCa", HandshakeResult::UnknownIssuer),
        ("UnsupportedCertVersion", HandshakeResult::BadEncoding),
        ("ExtensionValueInvalid", HandshakeResult::BadEncoding),
        ("MalformedDnsIdentifier", HandshakeResult::BadEncoding),
        ("MalformedExtensions", HandshakeResult::BadEncoding),
        ("InvalidSerialNumber", HandshakeResult::BadEncoding),
        ("SignatureAlgorithmMismatch", HandshakeResult::BadEncoding),
        ("EmptyEkuExtension", HandshakeResult::BadPurpose),
        ("UnsupportedCriticalExtension", HandshakeResult::Other),
        ("NameConstraintViolation", HandshakeResult::Other),
        ("PathLenConstraintViolated", HandshakeResult::Other),
    ];
    KNOWN
        .iter()
        .find(|(name, _)| *name == debug)
        .map_or((HandshakeResult::Other, "Other"), |(name, result)| (*result, *name))
}
