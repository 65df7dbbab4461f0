//! Certificates with private keys that have expired, or soon will: said of the Gateway that presents them.

use jiff::Timestamp;
use postern_actors::certificate::SOON;

use super::findings::{Findings, Problem};
use crate::resources::ObjectRef;

/// Looks at the end (seconds since the Unix epoch) of the certificate of a Secret, `namespace/name`. One beyond every
/// calendar is none.
pub(crate) fn look_at(
    not_after: i64,
    secret: &str,
    now: Timestamp,
    (gateway, field): (&ObjectRef, &str),
    findings: &mut Findings,
) {
    let Ok(not_after) = Timestamp::from_second(not_after) else { return };
    let hint = format!("renew it and put it into Secret {secret}");
    if not_after < now {
        let message = format!("the certificate of Secret {secret} expired at {not_after}");
        findings.error(gateway, &Problem::new("CertificateExpired", field, message, hint));
    } else if not_after.duration_since(now) <= SOON {
        let message = format!("the certificate of Secret {secret} expires at {not_after}");
        findings.warning(gateway, &Problem::new("CertificateExpiresSoon", field, message, hint));
    }
}
