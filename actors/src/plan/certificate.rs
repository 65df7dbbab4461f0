//! The certificates that listeners present.

use std::fmt;
use std::sync::Arc;

use super::identity::Der;

/// A certificate with its private key, as a listener's `certificateRefs` name it. Both are known to parse and to belong
/// together.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    /// `namespace/name` of the Secret.
    pub secret: Arc<str>,
    /// Leaf first.
    pub chain: Vec<Der>,
    /// The private key.
    pub key: PrivateKey,
    /// The DNS names of the leaf, in lower case, wildcards included: they choose between several certificates.
    pub dns_names: Vec<String>,
    /// `notAfter` of the leaf, in seconds since the Unix epoch.
    pub not_after: i64,
}

/// A private key in DER. Its bytes are never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PrivateKey {
    /// The encoding.
    pub format: KeyFormat,
    /// The secret.
    pub der: Der,
}

/// How a private key is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyFormat {
    /// RFC 5208
    Pkcs8,
    /// RFC 8017
    Pkcs1,
    /// RFC 5915
    Sec1,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?}, redacted)", self.format)
    }
}
