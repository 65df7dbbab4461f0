//! What one certificate says of itself, as far as verification, log and pages need it. It must not know who trusts it.

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

use crate::printable::printable;

/// So long before its end a certificate is to be looked at: that is when the first alert on it begins.
pub const SOON: SignedDuration = SignedDuration::from_hours(21 * 24);

/// How many subjectAltNames are named.
const NAMED: usize = 16;

/// The fields of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// RFC 4514, for the log.
    pub subject: String,
    /// RFC 4514, for the log.
    pub issuer: String,
    /// Inclusive, in seconds since the Unix epoch.
    pub not_before: i64,
    /// Inclusive, in seconds since the Unix epoch.
    pub not_after: i64,
    /// DNS names of the subjectAltName extension, as they are written there.
    pub dns_names: Vec<String>,
    /// URIs of the subjectAltName extension, as they are written there.
    pub uris: Vec<String>,
    /// IP addresses of the subjectAltName extension.
    pub addresses: Vec<IpAddr>,
    /// `CA:TRUE` in basicConstraints.
    pub is_ca: bool,
    /// Whether the extended key usage permits `serverAuth`; `None`: there is no such extension.
    pub server_auth: Option<bool>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_hash: [u8; 32],
    /// SHA-256 of the whole certificate.
    pub fingerprint: [u8; 32],
}

impl Facts {
    /// Reads a certificate in DER; says what is wrong with it where that fails.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| "it is no X.509 certificate in DER")?;
        if !rest.is_empty() {
            return Err("bytes follow the certificate".into());
        }
        let mut dns_names = Vec::new();
        let mut uris = Vec::new();
        let mut addresses = Vec::new();
        let names = certificate.subject_alternative_name().map_err(|_| "its subjectAltName cannot be read")?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => dns_names.push((*name).to_owned()),
                GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
                _ => {}
            }
        }
        let usage = certificate.extended_key_usage().map_err(|_| "its extended key usage cannot be read")?;
        Ok(Self {
            subject: shown(&certificate.subject().to_string()),
            issuer: shown(&certificate.issuer().to_string()),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            dns_names,
            uris,
            addresses,
            is_ca: certificate.is_ca(),
            server_auth: usage.map(|usage| usage.value.server_auth),
            key_hash: Sha256::digest(certificate.public_key().raw).into(),
            fingerprint: Sha256::digest(der).into(),
        })
    }

    /// The subjectAltNames as OpenSSL writes them, `DNS:example.com`; the first sixteen.
    pub fn names(&self) -> Vec<String> {
        let dns = self.dns_names.iter().map(|name| format!("DNS:{}", word(name)));
        let uris = self.uris.iter().map(|uri| format!("URI:{}", word(uri)));
        let addresses = self.addresses.iter().map(|address| format!("IP:{address}"));
        dns.chain(uris).chain(addresses).take(NAMED).collect()
    }

    /// How many there are beyond these.
    pub fn more_names(&self) -> usize {
        (self.dns_names.len() + self.uris.len() + self.addresses.len()).saturating_sub(NAMED)
    }

    /// Both in a line; empty if there are none.
    pub fn listed_names(&self, separator: &str) -> String {
        listed(&self.names(), separator, self.more_names())
    }

    /// For the log: who it is, who issued it, from when to when.
    pub fn describe(&self) -> String {
        let mut text = format!("subject {}, SANs ", quoted(&self.subject));
        let names = self.listed_names(" ");
        text.push_str(if names.is_empty() { "none" } else { &names });
        let _ = write!(
            text,
            ", issuer {}, valid {} to {}",
            quoted(&self.issuer),
            day(self.not_before),
            day(self.not_after)
        );
        text
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    four.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

/// The name of somebody in DER, RFC 4514.
pub fn distinguished_name(der: &[u8]) -> Option<String> {
    let (_, name) = X509Name::from_der(der).ok()?;
    Some(shown(&name.to_string()))
}

/// `notAfter` of a certificate in DER, in seconds since the Unix epoch.
pub fn not_after(der: &[u8]) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// A moment for people, in UTC.
pub fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |moment| moment.to_string())
}

/// Names in a line, and how many more there are.
pub fn listed(names: &[String], separator: &str, more: usize) -> String {
    match more {
        0 => names.join(separator),
        more => format!("{} and {more} more", names.join(separator)),
    }
}

fn quoted(name: &str) -> &str {
    if name.is_empty() { "(empty)" } else { name }
}

/// What a peer wrote, for one line.
fn shown(text: &str) -> String {
    const LIMIT: usize = 256;
    printable(text).chars().take(LIMIT).collect()
}

/// The same in one word: a name that holds spaces must not read as several.
fn word(text: &str) -> String {
    shown(text).replace(char::is_whitespace, "\u{fffd}")
}
