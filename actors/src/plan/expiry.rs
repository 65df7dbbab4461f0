//! When the certificates end that a plan names: what metrics tell of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::backend::Tls;
use super::{AuthorityExpiry, Plan};

/// When the certificates of a configuration end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expiries {
    /// The anchors of policies.
    pub authorities: Vec<AuthorityExpiry>,
    /// What Gateways present to backends.
    pub clients: Vec<CertificateExpiry>,
    /// What listeners present to clients.
    pub listeners: Vec<CertificateExpiry>,
}

/// When a certificate ends that a Gateway presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateExpiry {
    /// `namespace/name` of the Gateway.
    pub gateway: Arc<str>,
    /// `kind/namespace/name` of what holds it.
    pub reference: Arc<str>,
    /// `notAfter` of the leaf, in seconds since the Unix epoch.
    pub not_after: i64,
}

impl Plan {
    /// Each certificate once, in order.
    pub fn expiries(&self) -> Expiries {
        let clients = self.backends.values().filter_map(|backend| {
            let Tls::Originate { identity, .. } = &backend.tls else { return None };
            let client = identity.client_certificate.as_ref()?;
            Some(((backend.id.gateway.clone(), client.reference.clone()), client.not_after))
        });
        let listeners = self.ports.iter().flat_map(|port| {
            let certificates = port.listeners.values().flat_map(|listener| &listener.certificates);
            certificates.map(|certificate| {
                let reference = format!("Secret/{}", certificate.secret).into();
                ((port.gateway.clone(), reference), certificate.not_after)
            })
        });
        Expiries { authorities: self.authorities.clone(), clients: distinct(clients), listeners: distinct(listeners) }
    }
}

fn distinct(certificates: impl Iterator<Item = ((Arc<str>, Arc<str>), i64)>) -> Vec<CertificateExpiry> {
    let distinct: BTreeMap<_, _> = certificates.collect();
    let expiry = |((gateway, reference), not_after)| CertificateExpiry { gateway, reference, not_after };
    distinct.into_iter().map(expiry).collect()
}
