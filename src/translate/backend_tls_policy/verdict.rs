//! Conditions of a policy under each of its ancestors, and findings. It must not decide anything: what the status says and
//! what the plan does come from the same judgements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::ancestors::{Places, homeless_message};
use super::attachment::{Attachments, Outcome, target};
use super::authorities::Reference;
use super::foresight;
use super::near_miss::Miss;
use super::validation::{Compiled, reference_problems, system_message};
use super::{Policy, UsedBy};
use crate::resources::{Kind, NamespacedName, ObjectRef, Severity, Snapshot};
use crate::status::{AncestorVerdict, Condition, Finding, PolicyVerdict};
use crate::translate::client_certificate::ClientCertificateState;

/// A CA certificate that ends within this time is warned about.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whom a verdict is about.
pub(super) struct Subject<'s, 'a> {
    pub(super) policy: Policy<'a>,
    /// Its number in the attachments.
    pub(super) number: usize,
    pub(super) compiled: &'s Compiled,
    /// Its targetRefs that select nothing.
    pub(super) misses: &'s [Miss],
    pub(super) places: &'s Places,
    pub(super) now: Timestamp,
    pub(super) clients: &'s BTreeMap<NamespacedName, ClientCertificateState>,
    /// Where the policy wants the system's roots: why those of a Gateway cannot be used.
    pub(super) rootless: &'s BTreeMap<NamespacedName, Arc<str>>,
    /// Whether what the policy refers to was read at all.
    pub(super) read: bool,
}

impl Subject<'_, '_> {
    /// Why no certificate authority is left for a Gateway, if that is so.
    fn trust_message(&self, gateway: &NamespacedName) -> Option<String> {
        let rootless = self.rootless.get(gateway).map(|cause| system_message(cause));
        rootless.or_else(|| self.compiled.trust_message())
    }
}

/// One of the policy's targetRefs that some Gateway uses.
struct Judgement<'u> {
    index: usize,
    name: String,
    gateways: &'u BTreeSet<NamespacedName>,
    outcome: Outcome,
}

/// Status and findings of a policy.
pub(super) fn of(
    attachments: &Attachments<'_>,
    snapshot: &Snapshot,
    used_by: &UsedBy,
    subject: &Subject<'_, '_>,
) -> (PolicyVerdict, Vec<Finding>) {
    let judgements = judgements(attachments, snapshot, used_by, subject);
    let rival = |number: usize| attachments.policies[number].metadata().key().to_string();
    let ancestors = subject
        .places
        .seated
        .iter()
        .map(|gateway| {
            let mut conditions = vec![accepted(subject, gateway, &judgements, &rival)];
            conditions.extend(resolved_refs(subject));
            AncestorVerdict { gateway: gateway.clone(), conditions }
        })
        .collect();
    (PolicyVerdict { ancestors }, findings(subject, &judgements, &rival))
}

fn judgements<'u>(
    attachments: &Attachments<'_>,
    snapshot: &Snapshot,
    used_by: &'u UsedBy,
    subject: &Subject<'_, '_>,
) -> Vec<Judgement<'u>> {
    let policy = subject.policy;
    let references = policy.target_refs().iter().enumerate();
    references
        .filter_map(|(index, reference)| {
            let target = target(&policy.metadata().namespace, reference)?;
            let gateways = used_by.get(&target)?;
            let outcome = attachments.outcome(snapshot, subject.number, reference)?;
            Some(Judgement { index, name: target.to_string(), gateways, outcome })
        })
        .collect()
}

fn condition(subject: &Subject<'_, '_>, kind: &'static str, reason: &'static str, message: String) -> Condition {
    let status = reason == kind;
    Condition { kind, status, reason, message, observed_generation: subject.policy.metadata().generation }
}

fn accepted(
    subject: &Subject<'_, '_>,
    gateway: &NamespacedName,
    judgements: &[Judgement<'_>],
    rival: &impl Fn(usize) -> String,
) -> Condition {
    let relevant: Vec<_> = judgements.iter().filter(|judgement| judgement.gateways.contains(gateway)).collect();
    let mut troubles = Vec::new();
    let mut caveats = Vec::new();
    let mut won = Vec::new();
    for Judgement { index, name, outcome, .. } in &relevant {
        match outcome {
            Outcome::Won { caveat } => {
                won.push(name.as_str());
                caveats.extend(caveat.clone());
            }
            Outcome::Lost { winner } => troubles.push(format!(
                "spec.targetRefs[{index}]: {name} obeys BackendTLSPolicy {}, which takes precedence",
                rival(*winner)
            )),
            Outcome::NotFound { .. } => {
                let missed = subject.misses.iter().filter(|miss| miss.index == *index);
                troubles.extend(missed.map(|miss| format!("spec.targetRefs[{index}]: {}", miss.message())));
            }
            Outcome::NotTcp { cause } => troubles.push(format!("spec.targetRefs[{index}]: {cause}")),
        }
    }
    let has = |wanted: fn(&Outcome) -> bool| relevant.iter().any(|judgement| wanted(&judgement.outcome));
    let all_lost = relevant.iter().all(|judgement| matches!(judgement.outcome, Outcome::Lost { .. }));
    let compiled = subject.compiled;
    let (reason, mut parts) = if all_lost && !relevant.is_empty() {
        ("Conflicted", std::mem::take(&mut troubles))
    } else if !compiled.faults.is_empty() {
        ("Invalid", vec![compiled.fault_message()])
    } else if won.is_empty() && has(|outcome| matches!(outcome, Outcome::NotFound { .. })) {
        ("TargetNotFound", std::mem::take(&mut troubles))
    } else if won.is_empty() && has(|outcome| matches!(outcome, Outcome::NotTcp { .. })) {
        ("Invalid", std::mem::take(&mut troubles))
    } else if let Some(message) = subject.trust_message(gateway) {
        ("NoValidCACertificate", vec![message])
    } else {
        ("Accepted", vec![format!("applies to {}", won.join(", "))])
    };
    parts.extend(troubles);
    parts.extend(caveats);
    if reason == "Accepted" && matches!(subject.clients.get(gateway), Some(ClientCertificateState::Unusable { .. })) {
        parts.push(format!(
            "requests fail all the same, since the client certificate of Gateway {gateway} cannot be used"
        ));
    }
    if !compiled.foreign_options.is_empty() {
        parts.push(format!("options of others have no effect here: {}", compiled.foreign_options.join(", ")));
    }
    condition(subject, "Accepted", reason, parts.join("; "))
}

/// `None` for a policy whose references could not be read.
fn resolved_refs(subject: &Subject<'_, '_>) -> Option<Condition> {
    if matches!(subject.policy, Policy::Unreadable(_)) {
        return None;
    }
    let Some(authorities) = &subject.compiled.authorities else {
        return Some(condition(subject, "ResolvedRefs", "ResolvedRefs", "the policy refers to no object".into()));
    };
    let first = authorities.references.iter().find_map(|reference| reference.content.as_ref().err());
    let (reason, message) = if let Some(problem) = first {
        (problem.reason, reference_problems(authorities).collect::<Vec<_>>().join("; "))
    } else {
        let names: Vec<_> = authorities.references.iter().map(|reference| reference.name.as_str()).collect();
        ("ResolvedRefs", format!("read {}", names.join(", ")))
    };
    Some(condition(subject, "ResolvedRefs", reason, message))
}

fn findings(subject: &Subject<'_, '_>, judgements: &[Judgement<'_>], rival: &impl Fn(usize) -> String) -> Vec<Finding> {
    let object = ObjectRef { kind: Kind::BackendTlsPolicy, name: subject.policy.metadata().key() };
    let finding = |severity, code, field: String, message: String, hint: String| Finding {
        severity,
        code,
        object: object.clone(),
        field,
        message,
        hint,
    };
    let compiled = subject.compiled;
    let faults = compiled.faults.iter().map(|fault| {
        finding(Severity::Error, "Invalid", fault.field.clone(), fault.cause.clone(), fault.hint.to_owned())
    });
    if !subject.places.is_used() {
        // What a policy selects that could not be read is not known for certain, so that is told in any case.
        let unreadable = matches!(subject.policy, Policy::Unreadable(_));
        return if unreadable { faults.collect() } else { unused(subject, &finding) };
    }
    let mut found = Vec::new();
    for Judgement { index, name, outcome, .. } in judgements {
        let field = format!("spec.targetRefs[{index}]");
        found.extend(match outcome {
            // The misses are told below, those that no Gateway uses among them.
            Outcome::Won { .. } | Outcome::NotFound { .. } => None,
            Outcome::Lost { winner } => Some(finding(
                Severity::Error,
                "Conflicted",
                field,
                format!("{name} obeys BackendTLSPolicy {}, which takes precedence", rival(*winner)),
                "remove one of the two policies, or give one a sectionName: the older one wins, then the first by \
                 namespace/name"
                    .into(),
            )),
            Outcome::NotTcp { cause } => {
                let hint = "select a TCP port: TLS cannot be spoken over another protocol".into();
                Some(finding(Severity::Error, "Invalid", field, cause.clone(), hint))
            }
        });
    }
    for miss in subject.misses {
        let is_used = judgements.iter().any(|judgement| judgement.index == miss.index);
        found.push(missed(miss, is_used, &finding));
    }
    found.extend(faults);
    for cause in subject.rootless.values().collect::<BTreeSet<_>>() {
        found.push(finding(
            Severity::Error,
            "NoValidCACertificate",
            "spec.validation.wellKnownCACertificates".into(),
            format!("the system's CA certificates cannot be used: {cause}"),
            "mend what stands for them, or use caCertificateRefs".into(),
        ));
    }
    if let Some(authorities) = &compiled.authorities {
        for (index, reference) in authorities.references.iter().enumerate() {
            let field = format!("spec.validation.caCertificateRefs[{index}]");
            match &reference.content {
                Ok(_) => found.extend(expiries(reference, subject.now, |severity, code, message, hint| {
                    finding(severity, code, field.clone(), message, hint)
                })),
                Err(problem) => found.push(finding(
                    Severity::Error,
                    problem.reason,
                    field,
                    problem.cause.clone(),
                    problem.hint.clone(),
                )),
            }
        }
        if authorities.bundle.is_none() {
            found.push(finding(
                Severity::Error,
                "NoValidCACertificate",
                "spec.validation.caCertificateRefs".into(),
                "none of the references can be used, so every request to the policy's targets fails".into(),
                "mend one of the references".into(),
            ));
        }
    }
    found.extend(
        foresight::doomed(compiled)
            .into_iter()
            .map(|doom| finding(Severity::Warning, doom.code, doom.field.into(), doom.message, doom.hint.into())),
    );
    for gateway in &subject.places.homeless {
        found.push(finding(
            Severity::Error,
            "AncestorsFull",
            "status.ancestors".into(),
            homeless_message(&object.name.to_string(), gateway),
            "write a policy of its own for the Service that this Gateway uses, or detach a Gateway".into(),
        ));
    }
    found
}

/// A targetRef that selects nothing. It may be for something that is yet to come, unless a Gateway leads to it now or it can
/// only be a slip.
fn missed(
    miss: &Miss,
    is_used: bool,
    finding: &impl Fn(Severity, &'static str, String, String, String) -> Finding,
) -> Finding {
    let severity = if is_used || miss.is_slip { Severity::Error } else { Severity::Warning };
    finding(severity, miss.code, format!("spec.targetRefs[{}]", miss.index), miss.message(), miss.hint.clone())
}

/// Of a policy to whose targets no Gateway leads.
fn unused(
    subject: &Subject<'_, '_>,
    finding: &impl Fn(Severity, &'static str, String, String, String) -> Finding,
) -> Vec<Finding> {
    let compiled = subject.compiled;
    let mut found: Vec<_> = subject.misses.iter().map(|miss| missed(miss, false, finding)).collect();
    if found.len() < subject.policy.target_refs().len() || found.is_empty() {
        let message = "no route that is attached to a Gateway of ours leads to a target of the policy".to_owned();
        let hint = "check the targetRefs, and that an attached HTTPRoute has them among its backendRefs".into();
        found.push(finding(Severity::Warning, "PolicyNotUsed", "spec.targetRefs".into(), message, hint));
    }
    let troubles = [
        (!compiled.faults.is_empty()).then(|| compiled.fault_message()),
        compiled.authorities.as_ref().filter(|_| subject.read).and_then(|authorities| {
            let problems: Vec<_> = reference_problems(authorities).collect();
            (!problems.is_empty()).then(|| problems.join("; "))
        }),
    ];
    if let Some(last) = found.last_mut() {
        for trouble in troubles.into_iter().flatten() {
            last.message.push_str("; besides, ");
            last.message.push_str(&trouble);
        }
    }
    found
}

fn expiries(
    reference: &Reference,
    now: Timestamp,
    finding: impl Fn(Severity, &'static str, String, String) -> Finding,
) -> Vec<Finding> {
    let Ok(certificates) = &reference.content else { return Vec::new() };
    let now = now.as_second();
    let expired = certificates.iter().filter(|certificate| certificate.facts.not_after < now).count();
    let all = expired == certificates.len();
    certificates
        .iter()
        .filter_map(|certificate| {
            let (subject, end) = (&certificate.facts.subject, certificate.facts.not_after);
            let named = format!("the certificate {subject} of {}", reference.name);
            if end < now {
                let rest = match (all, expired) {
                    (true, 1) => ", and the reference holds no other one",
                    (true, _) => ", as have all certificates of the reference",
                    (false, _) => "",
                };
                Some(finding(
                    Severity::Error,
                    "CertificateExpired",
                    format!("{named} expired on {}{rest}", date(end)),
                    "replace the certificate by one that is valid, or remove it".into(),
                ))
            } else if end - now <= SOON.as_secs() {
                Some(finding(
                    Severity::Warning,
                    "CertificateExpiresSoon",
                    format!("{named} expires on {}", date(end)),
                    "add the next certificate beside it before that day".into(),
                ))
            } else {
                None
            }
        })
        .collect()
}

/// RFC 3339, in UTC; the bare number where a date is beyond every calendar.
fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
