//! What a certificate says of itself. It must not know whether that is to be believed.

use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// What the translation wants to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    /// The subject, as RFC 4514 writes it more or less; for messages.
    pub(crate) subject: String,
    /// Seconds since the Unix epoch.
    pub(crate) not_after: i64,
    /// `CA:TRUE`, and `keyCertSign` where there is a keyUsage (RFC 5280, section 4.2.1.9).
    pub(crate) may_issue: bool,
    /// DNS SANs in lower case, wildcards included.
    pub(crate) dns_names: Vec<String>,
    /// URI SANs.
    pub(crate) uris: Vec<String>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub(crate) spki_sha256: [u8; 32],
}

impl CertificateFacts {
    /// Reads a certificate in DER and says its X.509 version, or why it does not parse.
    pub(crate) fn read(der: &[u8]) -> Result<(u32, Self), String> {
        let (rest, certificate) =
            x509_parser::parse_x509_certificate(der).map_err(|error| format!("it does not parse ({error})"))?;
        if !rest.is_empty() {
            return Err(format!("{} bytes follow the certificate", rest.len()));
        }
        let facts = Self {
            subject: subject(&certificate),
            not_after: certificate.validity().not_after.timestamp(),
            may_issue: may_issue(&certificate),
            dns_names: names(&certificate, |name| match name {
                GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                _ => None,
            }),
            uris: names(&certificate, |name| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            }),
            spki_sha256: Sha256::digest(certificate.public_key().raw).into(),
        };
        Ok((certificate.version().0.saturating_add(1), facts))
    }
}

fn subject(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    if subject.is_empty() { format!("serial {}", certificate.raw_serial_as_string()) } else { subject }
}

/// An extension that occurs twice or does not parse gives no right to issue.
fn may_issue(certificate: &X509Certificate<'_>) -> bool {
    let key_usage = match certificate.key_usage() {
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    certificate.is_ca() && key_usage
}

fn names(certificate: &X509Certificate<'_>, pick: fn(&GeneralName<'_>) -> Option<String>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    names.value.general_names.iter().filter_map(pick).collect()
}
