//! What rustls says of a handshake that failed, in a few words for people: its own texts are those of a debugger. Made from
//! its errors, never from how it prints them. It must not know our closed words, nor which certificate was presented.

use rustls::{
    AlertDescription, CertificateError, Error, ExtendedKeyPurpose, InvalidMessage, PeerIncompatible, PeerMisbehaved,
};
use rustls_pki_types::UnixTime;
use x509_parser::objects::{oid_registry, oid2sn};
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer as _;

use crate::certificate::day;

/// What happened. An error that has no words here says it in those of rustls.
pub fn cause(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(description) => alert(*description),
        Error::PeerIncompatible(why) => incompatible(why),
        Error::NoApplicationProtocol => "no application protocol in common".into(),
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            "the backend chose an application protocol that was not offered".into()
        }
        Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme) => {
            "the backend signed the handshake by an algorithm that was not offered".into()
        }
        Error::PeerMisbehaved(why) => format!("the backend broke the protocol ({why:?})"),
        Error::InvalidMessage(what) if is_no_record(*what) => "what came is no TLS record".into(),
        Error::InvalidMessage(InvalidMessage::CertificatePayloadTooLarge) => {
            "the certificate chain is too large".into()
        }
        Error::InvalidMessage(what) => format!("a message of the handshake cannot be read ({what:?})"),
        Error::NoCertificatesPresented => "the backend presented no certificate".into(),
        Error::DecryptError => "a message of the backend cannot be decrypted".into(),
        other => other.to_string(),
    }
}

/// Whether it is what a peer that speaks something else sends first: its bytes make no TLS record.
pub(super) fn is_no_record(what: InvalidMessage) -> bool {
    use InvalidMessage::{
        InvalidContentType, InvalidEmptyPayload, MessageTooLarge, MessageTooShort, UnknownProtocolVersion,
    };
    matches!(
        what,
        InvalidContentType | UnknownProtocolVersion | MessageTooLarge | MessageTooShort | InvalidEmptyPayload
    )
}

fn certificate(error: &CertificateError) -> String {
    use CertificateError as Refused;
    let words = match error {
        Refused::BadEncoding => "the certificate cannot be read",
        Refused::Expired => "a certificate ends before it begins",
        Refused::ExpiredContext { time, not_after } => {
            return format!("a certificate ended at {}, and it is {}", moment(*not_after), moment(*time));
        }
        Refused::NotValidYetContext { time, not_before } => {
            return format!("a certificate begins at {}, and it is {}", moment(*not_before), moment(*time));
        }
        Refused::UnknownIssuer => "no anchor vouches for the chain",
        Refused::BadSignature => "a signature does not verify",
        Refused::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
            let algorithm = algorithm(signature_algorithm_id);
            return format!("a signature is of an algorithm that is not supported ({algorithm})");
        }
        Refused::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            public_key_algorithm_id,
        } => {
            let (signature, key) = (algorithm(signature_algorithm_id), algorithm(public_key_algorithm_id));
            return format!("a signature by {signature} is not supported with a key of the kind {key}");
        }
        Refused::NotValidForName => "the certificate carries none of the demanded names",
        Refused::NotValidForNameContext { expected, .. } => {
            return format!("the certificate does not carry the name {}", expected.to_str());
        }
        Refused::InvalidPurpose => "the certificate's extended key usage does not permit a TLS server",
        Refused::InvalidPurposeContext { presented, .. } => {
            let permitted = presented.iter().map(ExtendedKeyPurpose::to_string).collect::<Vec<_>>().join(", ");
            return format!("the certificate's extended key usage does not permit a TLS server, but: {permitted}");
        }
        Refused::ApplicationVerificationFailure => "the certificate's key is not among those that are pinned",
        Refused::UnhandledCriticalExtension => UNSUPPORTED_EXTENSION,
        Refused::Other(other) => match format!("{:?}", other.0).as_str() {
            "CaUsedAsEndEntity" => "a CA certificate was presented as the backend's own",
            "EndEntityUsedAsCa" => "a certificate that is no CA has issued another",
            "UnsupportedCertVersion" => "the certificate is not X.509 v3",
            "NameConstraintViolation" => {
                "the name constraints of a CA in the chain do not permit a name of the certificate"
            }
            "PathLenConstraintViolated" => "more CAs stand below one of the chain than it permits",
            "UnsupportedCriticalExtension" => UNSUPPORTED_EXTENSION,
            "EmptyEkuExtension" => "the certificate's extended key usage is empty",
            "InvalidSerialNumber" => "a serial number of the chain is none",
            "SignatureAlgorithmMismatch" => "a certificate names two different algorithms for its signature",
            "ExtensionValueInvalid" | "MalformedExtensions" => "an extension of a certificate cannot be read",
            "MalformedDnsIdentifier" => "a DNS name in a certificate is none",
            "MaximumSignatureChecksExceeded" | "MaximumPathBuildCallsExceeded" | "MaximumPathDepthExceeded" => {
                "the chain leads to more certificates than are looked at"
            }
            _ => "a certificate was refused",
        },
        other => return other.to_string(),
    };
    words.into()
}

const UNSUPPORTED_EXTENSION: &str = "a certificate has a critical extension that is not supported";

fn incompatible(why: &PeerIncompatible) -> String {
    match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13 => "the backend speaks neither TLS 1.2 nor 1.3".into(),
        PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            "the backend chose a TLS version that was not offered".into()
        }
        PeerIncompatible::NoCipherSuitesInCommon => "no cipher suite in common".into(),
        PeerIncompatible::NoKxGroupsInCommon => "no group for the key exchange in common".into(),
        PeerIncompatible::NoSignatureSchemesInCommon => "no signature algorithm in common".into(),
        other => format!("the backend does not speak TLS in a way that is supported ({other:?})"),
    }
}

/// By the name that RFC 8446 has for it, and its number.
fn alert(description: AlertDescription) -> String {
    let mut name = String::new();
    let mut before = 'A';
    for character in description.as_str().unwrap_or("unknown").chars() {
        if character.is_ascii_uppercase() && !before.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
        before = character;
    }
    format!("the backend sent the alert {name} ({})", u8::from(description))
}

fn moment(time: UnixTime) -> String {
    day(time.as_secs().cast_signed())
}

/// The content of an AlgorithmIdentifier by its usual name, or by its number.
fn algorithm(identifier: &[u8]) -> String {
    let Ok((_, oid)) = Oid::from_der(identifier) else { return "unknown".into() };
    oid2sn(&oid, oid_registry()).map_or_else(|_| oid.to_id_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls_pki_types::ServerName;

    use super::*;

    #[test]
    fn what_people_read_is_words() {
        let time = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let sha224 = vec![0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01];
        let unknown = vec![0x06, 0x03, 0x2a, 0x03, 0x04];
        let name = ServerName::try_from("example.com").expect("a name").to_owned();
        let refused = |error: CertificateError| Error::from(error);
        for (error, words) in [
            (refused(CertificateError::UnknownIssuer), "no anchor vouches for the chain"),
            (
                refused(CertificateError::ExpiredContext { time: time(90), not_after: time(60) }),
                "a certificate ended at 1970-01-01T00:01:00Z, and it is 1970-01-01T00:01:30Z",
            ),
            (
                refused(CertificateError::NotValidYetContext { time: time(0), not_before: time(60) }),
                "a certificate begins at 1970-01-01T00:01:00Z, and it is 1970-01-01T00:00:00Z",
            ),
            (
                refused(CertificateError::UnsupportedSignatureAlgorithmContext {
                    signature_algorithm_id: sha224,
                    supported_algorithms: Vec::new(),
                }),
                "a signature is of an algorithm that is not supported (ecdsa-with-SHA224)",
            ),
            (
                refused(CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                    signature_algorithm_id: unknown,
                    public_key_algorithm_id: Vec::new(),
                }),
                "a signature by 1.2.3.4 is not supported with a key of the kind unknown",
            ),
            (
                refused(CertificateError::NotValidForNameContext {
                    expected: name,
                    presented: vec!["DnsName(\"a.test\")".into()],
                }),
                "the certificate does not carry the name example.com",
            ),
            (
                refused(CertificateError::InvalidPurposeContext {
                    required: ExtendedKeyPurpose::ServerAuth,
                    presented: vec![ExtendedKeyPurpose::ClientAuth],
                }),
                "the certificate's extended key usage does not permit a TLS server, but: client authentication",
            ),
            (
                refused(CertificateError::ApplicationVerificationFailure),
                "the certificate's key is not among those that are pinned",
            ),
            (
                Error::AlertReceived(AlertDescription::HandshakeFailure),
                "the backend sent the alert handshake_failure (40)",
            ),
            (Error::AlertReceived(AlertDescription::UnknownCA), "the backend sent the alert unknown_ca (48)"),
            (Error::AlertReceived(AlertDescription::Unknown(7)), "the backend sent the alert unknown (7)"),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "what came is no TLS record"),
            (
                Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                "the backend speaks neither TLS 1.2 nor 1.3",
            ),
        ] {
            assert_eq!(cause(&error), words);
        }
    }
}
