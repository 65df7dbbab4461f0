//! What the certificates of identities say of themselves. Identities name them by fingerprint.

use std::collections::BTreeMap;

use postern_actors::plan::Tls;
use postern_actors::plan::explain::{Explanation, Outcome};
use postern_actors::plan::fingerprint;
use postern_actors::plan::identity::Der;
use postern_actors::plan::rule::Target;
use serde::Serialize;
use serde_json::Value;

use super::{Answer, Told};
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
    let certificates = identities.flat_map(|identity| identity.named());
    let read = |der: &Der| {
        let (_, facts) = CertificateFacts::read(der).ok()?;
        Some((fingerprint(der), Certificate::new(facts.subject, facts.not_after)?))
    };
    certificates.filter_map(read).collect()
}

/// Those of the answers, as a dump of the configuration has them beside the plan, which has lost them.
pub(super) fn of_dump(dump: &Value, answers: &[Answer]) -> BTreeMap<String, Certificate> {
    let backends = answers.iter().flat_map(|answer| match &answer.outcome {
        Told::Forward { backends } => backends.as_slice(),
        Told::NoHandshake | Told::Answer(_) | Told::Redirect { .. } => &[],
    });
    let lists = ["/identity/trust/issuers", "/identity/trust/leaves", "/identity/clientCertificate/chain"];
    let named = backends.flat_map(|backend| lists.iter().filter_map(|list| backend.tls.pointer(list)?.as_array()));
    let read = |fingerprint: &Value| {
        let fingerprint = fingerprint.as_str()?;
        let told = &dump["certificates"][fingerprint];
        let certificate = Certificate::new(told["subject"].as_str()?.to_owned(), told["notAfter"].as_i64()?)?;
        Some((fingerprint.to_owned(), certificate))
    };
    named.flatten().filter_map(read).collect()
}

impl Certificate {
    /// `not_after` in seconds since the Unix epoch; `None` beyond every calendar.
    fn new(subject: String, not_after: i64) -> Option<Self> {
        let not_after = jiff::Timestamp::from_second(not_after).ok()?;
        let expired = not_after < jiff::Timestamp::now();
        Some(Self { subject, not_after: not_after.to_string(), expired })
    }
}
