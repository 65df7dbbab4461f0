//! `Gateway.spec.tls.backend.clientCertificateRef`.

use std::sync::Arc;

use postern_actors::plan::identity::ClientCertificate;

use super::grants::Grants;
use crate::resources::{Gateway, Snapshot};

/// What a Gateway presents to its TLS backends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ClientCertificateState {
    /// It names none.
    Unset,
    /// It is presented to every TLS backend of the Gateway.
    Usable(Arc<ClientCertificate>),
    /// It names one that cannot be used: every TLS backend of the Gateway is poisoned.
    Unusable {
        /// `InvalidClientCertificateRef` or `RefNotPermitted`, for the Gateway's `ResolvedRefs`.
        reason: &'static str,
        /// Names the reference, the cause and the remedy.
        message: String,
    },
}

/// Reads the Gateway's client certificate.
pub(crate) fn client_certificate(_snapshot: &Snapshot, _gateway: &Gateway, _grants: &Grants) -> ClientCertificateState {
    ClientCertificateState::Unset
}
