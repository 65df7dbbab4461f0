//! `Gateway.spec.tls.backend.clientCertificateRef`: what a Gateway presents to every one of its TLS backends.

use std::sync::Arc;

use postern_actors::plan::identity::ClientCertificate;

use super::absence::Absent;
use super::certificates::tls_pair;
use super::grants::Grants;
use super::secret_ref::{self, Refused};
use crate::resources::gateway::SecretRef;
use crate::resources::{Gateway, Kind, NamespacedName, Snapshot};

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

fn reference(gateway: &Gateway) -> Option<&SecretRef> {
    gateway.spec.tls.as_ref()?.backend.as_ref()?.client_certificate_ref.as_ref()
}

/// The Secret that the Gateway names and may name, whether it exists or not.
pub(crate) fn secret(gateway: &Gateway, grants: &Grants) -> Option<NamespacedName> {
    secret_ref::permitted(reference(gateway)?, &gateway.metadata.namespace, grants).ok()
}

/// Reads the Gateway's client certificate. Its dates are not looked at.
pub(crate) fn client_certificate(snapshot: &Snapshot, gateway: &Gateway, grants: &Grants) -> ClientCertificateState {
    let Some(reference) = reference(gateway) else {
        return ClientCertificateState::Unset;
    };
    let invalid = |cause: String| ClientCertificateState::Unusable {
        reason: "InvalidClientCertificateRef",
        message: format!("spec.tls.backend.clientCertificateRef: {cause}"),
    };
    let own = &gateway.metadata.namespace;
    let name = match secret_ref::permitted(reference, own, grants) {
        Ok(name) => name,
        Err(Refused::Kind) => {
            let group = if reference.group.is_empty() { "the core group" } else { &reference.group };
            return invalid(format!("{} of {group} is not supported: refer to a Secret", reference.kind));
        }
        Err(Refused::Grant(name)) => {
            return ClientCertificateState::Unusable {
                reason: "RefNotPermitted",
                message: format!(
                    "spec.tls.backend.clientCertificateRef: no ReferenceGrant in namespace {} permits Gateways of \
                     namespace {own} to refer to Secret {name}",
                    name.namespace
                ),
            };
        }
    };
    let Some(secret) = snapshot.secrets.get(&name) else {
        return invalid(Absent::of(snapshot, &snapshot.secrets, Kind::Secret, &name).cause());
    };
    match tls_pair(secret) {
        Ok(pair) => ClientCertificateState::Usable(Arc::new(ClientCertificate {
            reference: Arc::from(format!("Secret/{}/{}", name.namespace, name.name)),
            chain: pair.chain,
            key: pair.key,
            not_after: pair.leaf.not_after,
        })),
        Err(cause) => invalid(cause),
    }
}

#[cfg(test)]
mod tests;
