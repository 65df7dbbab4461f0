//! `Gateway.spec.tls.backend.clientCertificateRef`: what a Gateway presents to every one of its TLS backends.

use std::sync::Arc;

use postern_actors::plan::identity::ClientCertificate;

use super::certificates::tls_pair;
use super::grants::Grants;
use crate::resources::{GATEWAY_GROUP, Gateway, NamespacedName, Snapshot};

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

/// Reads the Gateway's client certificate. Its dates are not looked at.
pub(crate) fn client_certificate(snapshot: &Snapshot, gateway: &Gateway, grants: &Grants) -> ClientCertificateState {
    let tls = gateway.spec.tls.as_ref().and_then(|tls| tls.backend.as_ref());
    let Some(reference) = tls.and_then(|tls| tls.client_certificate_ref.as_ref()) else {
        return ClientCertificateState::Unset;
    };
    let invalid = |cause: String| ClientCertificateState::Unusable {
        reason: "InvalidClientCertificateRef",
        message: format!("spec.tls.backend.clientCertificateRef: {cause}"),
    };
    if !reference.group.is_empty() || reference.kind != "Secret" {
        let group = if reference.group.is_empty() { "the core group" } else { &reference.group };
        return invalid(format!("{} of {group} is not supported: refer to a Secret", reference.kind));
    }
    let own = &gateway.metadata.namespace;
    let namespace = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(own);
    let name = NamespacedName::new(namespace, reference.name.as_str());
    if !grants.permits(GATEWAY_GROUP, "Gateway", own, "", "Secret", &name) {
        return ClientCertificateState::Unusable {
            reason: "RefNotPermitted",
            message: format!(
                "spec.tls.backend.clientCertificateRef: no ReferenceGrant in namespace {namespace} permits Gateways of \
                 namespace {own} to refer to Secret {name}"
            ),
        };
    }
    let Some(secret) = snapshot.secrets.get(&name) else {
        return invalid(format!("Secret {name} does not exist"));
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
