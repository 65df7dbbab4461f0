//! What a user should know, for the log: each thing once.

use std::collections::BTreeSet;

use crate::resources::Severity;
use crate::status::Finding;

/// Logs what is new, and remembers all of it.
pub(super) fn tell_news(before: &mut Vec<Finding>, now: &[Finding]) {
    if before == now {
        return;
    }
    let known: BTreeSet<_> = before.iter().map(|finding| (&finding.object, finding.code, &finding.message)).collect();
    for finding in now {
        let Finding { severity, code, object, field, message, hint } = finding;
        if known.contains(&(object, *code, message)) {
            continue;
        }
        if *severity == Severity::Error {
            tracing::warn!(code, %object, field, hint, "{message}");
        } else {
            tracing::info!(code, %object, field, hint, "{message}");
        }
    }
    *before = now.to_vec();
}
