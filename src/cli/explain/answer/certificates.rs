//! What the certificates of identities say of themselves. Identities name them by fingerprint.

use std::collections::BTreeMap;

use postern_actors::plan::explain::{Explanation, Outcome};
use postern_actors::plan::fingerprint;
use postern_actors::plan::identity::{Der, TlsIdentity};
use postern_actors::plan::rule::Target;
use postern_actors::plan::{Tls, Trust};
use serde::Serialize;

use crate::translate::pem::CertificateFacts;

/// Of one certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli::explain) struct Certificate {
    pub(in crate::cli::explain) subject: String,
    /// RFC 3339
    pub(in crate::cli::explain) not_after: String,
    /// As of now.
    pub(in crate::cli::explain) expired: bool,
}

/// Those of the backends that may be chosen, by fingerprint. The system's roots are left out.
pub(super) fn of(explanations: &[Explanation<'_>]) -> BTreeMap<String, Certificate> {
    let shares = explanations.iter().flat_map(|explanation| match &explanation.outcome {
        Outcome::Forward(shares) => shares.as_slice(),
        _ => &[],
    });
    let identities = shares.filter_map(|share| match share.target {
        Target::Backend(backend) => match &backend.tls {
            Tls::Originate { identity, .. } => Some(identity),
            Tls::Plaintext | Tls::Poisoned(_) => None,
        },
        Target::Unusable(_) => None,
    });
    let certificates = identities.flat_map(|identity| named(identity));
    certificates.filter_map(|der| Some((fingerprint(der), certificate(der)?))).collect()
}

fn named(identity: &TlsIdentity) -> impl Iterator<Item = &Der> {
    let anchors = match &identity.trust {
        Trust::Bundle(bundle) => Some(bundle.issuers.iter().chain(&bundle.leaves)),
        Trust::System(_) => None,
    };
    let client = identity.client_certificate.iter().filter_map(|client| client.chain.first());
    anchors.into_iter().flatten().chain(client)
}

fn certificate(der: &Der) -> Option<Certificate> {
    let (_, facts) = CertificateFacts::read(der).ok()?;
    let not_after = jiff::Timestamp::from_second(facts.not_after).ok()?;
    let expired = not_after < jiff::Timestamp::now();
    Some(Certificate { subject: facts.subject, not_after: not_after.to_string(), expired })
}
