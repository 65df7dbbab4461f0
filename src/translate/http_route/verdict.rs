//! The status of a route under each parentRef, and what a user should know of it.

use std::collections::HashSet;
use std::fmt::Write as _;

use postern_actors::plan::Tls;

use super::RouteDraft;
use super::attachment::Parent;
use super::backend_refs::RefDraft;
use crate::resources::{NamespacedName, Object};
use crate::status::condition::{ACCEPTED, PARTIALLY_INVALID, RESOLVED_REFS, joined};
use crate::status::{Condition, ParentVerdict, RouteVerdict, reason};
use crate::translate::backends::{BackendUse, ResolvedBackends};
use crate::translate::findings::{Findings, Problem};
use crate::translate::gateway::{GatewayDraft, Gateways};

/// What the uses of backends came to: those of routes that are attached, and those of routes that are not, which get a
/// status as well and nothing else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolutions<'a> {
    /// Of attached routes.
    pub(crate) attached: &'a ResolvedBackends,
    /// Of the others.
    pub(crate) unattached: &'a ResolvedBackends,
}

/// The status of a route with at least one parent.
pub(crate) fn verdict(
    draft: &RouteDraft<'_>,
    parents: &[Parent<'_>],
    gateways: &Gateways<'_>,
    resolutions: Resolutions<'_>,
    findings: &mut Findings,
) -> RouteVerdict {
    let mut told = HashSet::new();
    let object = draft.route.object_ref();
    let parents_planned = parents.iter().any(|parent| gateways.drafts[parent.gateway].planned);
    let parents = parents.iter().map(|parent| {
        let gateway = &gateways.drafts[parent.gateway];
        let unresolved = unresolved(draft, &gateway.key, resolutions);
        let untold = unresolved.iter().filter(|_| gateway.planned).filter(|unresolved| !unresolved.is_told);
        for Unresolved { problem, .. } in untold {
            if told.insert((problem.field.clone(), problem.message.clone())) {
                findings.error(&object, problem);
            }
        }
        ParentVerdict {
            parent_ref: parent.reference.clone(),
            conditions: conditions(draft, parent, gateway, &unresolved),
        }
    });
    let verdict = RouteVerdict { parents: parents.collect() };
    if parents_planned {
        report_rules(draft, findings);
    }
    verdict
}

fn conditions(
    draft: &RouteDraft<'_>,
    parent: &Parent<'_>,
    gateway: &GatewayDraft<'_>,
    unresolved: &[Unresolved],
) -> Vec<Condition> {
    let generation = draft.route.metadata.generation;
    let accepted = match &parent.outcome {
        Err(problem) => Condition::no(ACCEPTED, problem.code, &problem.message, generation),
        Ok(_) if !draft.has_valid_rule() => {
            Condition::no(ACCEPTED, reason::UNSUPPORTED_VALUE, dropped(draft), generation)
        }
        Ok(listeners) => {
            let names: Vec<_> = listeners.iter().map(|&index| gateway.listeners[index].spec.name.as_str()).collect();
            let message = format!("attached to listeners {} of Gateway {}", names.join(", "), gateway.key);
            Condition::yes(ACCEPTED, reason::ACCEPTED, message, generation)
        }
    };
    let resolved = match unresolved.first() {
        Some(first) => {
            let message = joined(unresolved.iter().map(|unresolved| unresolved.problem.message.as_str()));
            Condition::no(RESOLVED_REFS, first.problem.code, message, generation)
        }
        None => Condition::yes(RESOLVED_REFS, reason::RESOLVED_REFS, "every reference resolves", generation),
    };
    // "This condition MUST NOT be set if a Route is fully valid, fully invalid, or not accepted."
    // (RouteConditionPartiallyInvalid)
    let partial = accepted.status && draft.rules.iter().any(|rule| !rule.problems.is_empty());
    let mut conditions = vec![accepted, resolved];
    if partial {
        conditions.push(Condition::yes(PARTIALLY_INVALID, reason::UNSUPPORTED_VALUE, dropped(draft), generation));
    }
    conditions
}

/// "The message for this condition MUST start with the prefix "Dropped Rule" and include information about which Rules
/// have been dropped." (RouteConditionPartiallyInvalid)
fn dropped(draft: &RouteDraft<'_>) -> String {
    let mut message = String::from("Dropped Rule");
    let invalid = draft.rules.iter().enumerate().filter(|(_, rule)| !rule.problems.is_empty());
    for (number, (index, rule)) in invalid.enumerate() {
        let separator = if number == 0 { "" } else { ";" };
        let problems = joined(rule.problems.iter().map(|problem| problem.message.as_str()));
        // Writing to a String cannot fail.
        let _ = write!(message, "{separator} {index}: {problems}");
    }
    if draft.rules.is_empty() {
        return "the route has no rules".into();
    }
    message.push_str(". Requests that match get 500");
    message
}

/// A backendRef that cannot be used.
struct Unresolved {
    problem: Problem,
    /// The cause is told of a policy or of the Gateway.
    is_told: bool,
}

/// What is wrong with the backendRefs of all rules, as one Gateway sees them.
fn unresolved(draft: &RouteDraft<'_>, gateway: &NamespacedName, resolutions: Resolutions<'_>) -> Vec<Unresolved> {
    let refs = draft.rules.iter().flat_map(|rule| &rule.refs);
    refs.filter_map(|reference| problem_of(reference, gateway, resolutions)).collect()
}

fn problem_of(reference: &RefDraft, gateway: &NamespacedName, resolutions: Resolutions<'_>) -> Option<Unresolved> {
    let target = match &reference.target {
        Ok(target) => target,
        Err(problem) => return Some(Unresolved { problem: problem.clone(), is_told: false }),
    };
    let wanted = BackendUse { gateway: gateway.clone(), target: target.clone() };
    let attached = resolutions.attached.backends.get(&wanted);
    let found = attached.or_else(|| resolutions.unattached.backends.get(&wanted));
    let new = |code, message: &str, hint: &str, is_told| {
        let problem = Problem::new(code, reference.field.as_str(), message, hint);
        Some(Unresolved { problem, is_told })
    };
    match found {
        Some(Ok(backend)) => match &backend.tls {
            // What a policy refers to is known only where the policy has an ancestor, and it has none by such a route.
            Tls::Poisoned(poison) if attached.is_some() => {
                let hint = "mend what cannot be read; until then requests to this backend get 500";
                new(reason::INVALID_BACKEND_TLS, &poison.message, hint, poison.policy.is_some())
            }
            _ => None,
        },
        Some(Err(problem)) => new(problem.route_reason, &problem.message, &problem.hint, false),
        None => new(reason::BACKEND_NOT_FOUND, &format!("{} was not resolved", target.name), "", false),
    }
}

/// Rules that cannot be carried out, and rules that lead nowhere.
fn report_rules(draft: &RouteDraft<'_>, findings: &mut Findings) {
    let object = draft.route.object_ref();
    let partial = draft.has_valid_rule();
    for rule in &draft.rules {
        for problem in &rule.problems {
            if partial {
                findings.warning(&object, problem);
            } else {
                findings.error(&object, problem);
            }
        }
        for problem in rule.unread.iter().chain(&rule.leads_nowhere()) {
            findings.warning(&object, problem);
        }
    }
}
