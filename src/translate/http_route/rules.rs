//! A rule of a route: read once, and made for each Gateway that carries it.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_actors::outcome::Reason;
use postern_actors::plan::filter::{Filters, Redirect, Rewrite};
use postern_actors::plan::matching::Match;
use postern_actors::plan::rule::{Action, Target, Timeouts, WeightedBackend, WeightedBackends};
use postern_actors::plan::{Backend, BackendId, Poison, Rule};

use super::backend_refs::{self, RefDraft};
use super::filters::{self, Place};
use super::{Reader, matches, timeouts};
use crate::resources::NamespacedName;
use crate::resources::http_route::HttpRouteRule;
use crate::status::condition::joined;
use crate::status::reason;
use crate::translate::backends::{BackendUse, ResolvedBackends};
use crate::translate::findings::Problem;

/// A rule on the way to the plan.
#[derive(Debug)]
pub(crate) struct RuleDraft {
    index: usize,
    name: Option<Arc<str>>,
    /// At least one.
    pub(crate) matches: Vec<Match>,
    /// In their order, also where the rule redirects or cannot be carried out: what they name is told all the same.
    pub(crate) refs: Vec<RefDraft>,
    /// Why the rule cannot be carried out, field by field; it then answers 500.
    pub(crate) problems: Vec<Problem>,
    /// Fields of the experimental channel that are not read.
    pub(crate) unread: Vec<Problem>,
    filters: Filters,
    redirect: Option<Redirect>,
    timeouts: Timeouts,
}

impl RuleDraft {
    /// Reads the rule at `index` of a route of `namespace`.
    pub(super) fn read(index: usize, written: &HttpRouteRule, namespace: &str, reader: &mut Reader<'_>) -> Self {
        let Reader { grants, experimental, patterns } = reader;
        let field = format!("spec.rules[{index}]");
        let mut problems = Vec::new();
        let mut unread = Vec::new();
        let matches = matches::build(&written.matches, &field, patterns, &mut problems);
        let prefix = matches::only_prefix(&written.matches);
        let built = filters::build(&written.filters, Place::Rule, prefix.as_deref(), &field, &mut problems);
        let refs = written.backend_refs.iter().enumerate();
        let refs = refs.map(|(number, reference)| {
            let field = format!("{field}.backendRefs[{number}]");
            backend_refs::read(reference, namespace, prefix.as_deref(), field, grants, &mut problems)
        });
        let mut refs: Vec<_> = refs.collect();
        let mut filters = built.filters;
        hand_down_rewrite(&mut filters, &mut refs);
        let timeouts = timeouts::build(written.timeouts.as_ref(), &field, &mut problems);
        for (name, given) in [("retry", &written.retry), ("sessionPersistence", &written.session_persistence)] {
            if given.as_ref().is_none_or(serde_json::Value::is_null) {
                continue;
            }
            let (field, hint) = (format!("{field}.{name}"), format!("remove {name}"));
            if *experimental {
                problems.push(Problem::new(reason::UNSUPPORTED_VALUE, field, format!("{name} is not supported"), hint));
            } else {
                let message =
                    format!("{name} is a field of the experimental channel, which is not read: it has no effect");
                unread.push(Problem::new("ExperimentalField", field, message, hint));
            }
        }
        if built.redirect.is_some() && !refs.is_empty() {
            problems.push(Problem::new(
                reason::UNSUPPORTED_VALUE,
                format!("{field}.backendRefs"),
                "filter RequestRedirect and backendRefs exclude each other",
                "remove one of them",
            ));
        }
        let name = written.name.as_deref().map(Into::into);
        Self { index, name, matches, refs, problems, unread, filters, redirect: built.redirect, timeouts }
    }

    /// What is wrong with a rule that could be carried out and leads nowhere: "*all* traffic which matches this rule MUST
    /// receive a 500 status code" (HTTPRouteRule.backendRefs).
    pub(crate) fn leads_nowhere(&self) -> Option<Problem> {
        if !self.problems.is_empty()
            || self.redirect.is_some()
            || self.refs.iter().any(|reference| reference.weight > 0)
        {
            return None;
        }
        let message =
            if self.refs.is_empty() { "the rule has no backendRefs" } else { "every backendRef has weight 0" };
        Some(Problem::new(
            "NoBackends",
            format!("spec.rules[{}].backendRefs", self.index),
            format!("{message}: its requests get 500"),
            "name a backend with a weight, or redirect",
        ))
    }

    /// Makes the rule for one Gateway. Backends that it can choose are added to `chosen`.
    pub(crate) fn make(
        &self,
        route: &Arc<str>,
        gateway: &NamespacedName,
        resolved: &ResolvedBackends,
        chosen: &mut BTreeMap<BackendId, Arc<Backend>>,
    ) -> Rule {
        let action = if let Some(problem) = self.failure() {
            Action::Fail(problem)
        } else if let Some(redirect) = &self.redirect {
            Action::Redirect(redirect.clone())
        } else {
            Action::Forward(WeightedBackends::new(self.refs.iter().map(|reference| WeightedBackend {
                weight: reference.weight,
                filters: reference.filters.clone(),
                target: target(reference, gateway, resolved, chosen),
            })))
        };
        Rule {
            route: Arc::clone(route),
            index: self.index,
            name: self.name.clone(),
            filters: self.filters.clone(),
            action,
            timeouts: self.timeouts,
        }
    }

    fn failure(&self) -> Option<Poison> {
        let (reason, message) = if self.problems.is_empty() {
            (Reason::BackendInvalid, self.leads_nowhere()?.message)
        } else {
            (Reason::RouteUnsupported, joined(self.problems.iter().map(|problem| problem.message.as_str())))
        };
        Some(Poison { reason, message: message.into(), policy: None })
    }
}

/// What a reference of a rule leads to.
fn target(
    reference: &RefDraft,
    gateway: &NamespacedName,
    resolved: &ResolvedBackends,
    chosen: &mut BTreeMap<BackendId, Arc<Backend>>,
) -> Target {
    let unusable = |message: &str| {
        Target::Unusable(Poison { reason: Reason::BackendInvalid, message: message.into(), policy: None })
    };
    let wanted = match &reference.target {
        Ok(target) => BackendUse { gateway: gateway.clone(), target: target.clone() },
        Err(problem) => return unusable(&problem.message),
    };
    match resolved.backends.get(&wanted) {
        Some(Ok(backend)) => {
            if reference.weight > 0 && !chosen.contains_key(&backend.id) {
                chosen.insert(backend.id.clone(), Arc::clone(backend));
            }
            Target::Backend(Arc::clone(backend))
        }
        Some(Err(problem)) => Target::Unusable(problem.poison.clone()),
        None => unusable(&format!("{} was not resolved", wanted.target.name)),
    }
}

/// Where a backendRef rewrites as well, the rule's rewrite goes down to every backendRef: a reference's own hostname and
/// path count before the rule's, and a prefix is replaced in the path that was matched, once.
fn hand_down_rewrite(rule: &mut Filters, refs: &mut [RefDraft]) {
    if refs.iter().all(|reference| reference.filters.rewrite.is_none()) {
        return;
    }
    let Some(of_rule) = rule.rewrite.take() else { return };
    for reference in refs {
        let own = reference.filters.rewrite.take().unwrap_or(Rewrite { hostname: None, path: None });
        reference.filters.rewrite = Some(Rewrite {
            hostname: own.hostname.or_else(|| of_rule.hostname.clone()),
            path: own.path.or_else(|| of_rule.path.clone()),
        });
    }
}

#[cfg(test)]
mod tests;
