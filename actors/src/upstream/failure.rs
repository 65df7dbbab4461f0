//! Why no connection to a backend could be had, or why an exchange on it failed.

use std::net::SocketAddr;

use crate::outcome::Reason;

/// One failed attempt on a backend.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct UpstreamFailure {
    /// The closed word.
    pub reason: Reason,
    /// The bare name of rustls's `CertificateError` variant, for the body: `UnknownIssuer`, `NotValidForName`, ...
    pub certificate_error: Option<&'static str>,
    /// For the log only: names, addresses, dates.
    pub message: String,
    /// The endpoint that was tried, where one was chosen.
    pub endpoint: Option<SocketAddr>,
}
