//! The status of a Gateway, once it and its listeners are judged.

use super::GatewayDraft;
use crate::status::condition::{ACCEPTED, PROGRAMMED, RESOLVED_REFS};
use crate::status::{Condition, GatewayVerdict, reason};
use crate::translate::client_certificate::ClientCertificateState;
use crate::translate::listener::ListenerDraft;

impl<'a> GatewayDraft<'a> {
    pub(super) fn verdict(&self, client: &ClientCertificateState) -> GatewayVerdict {
        let generation = self.gateway.metadata.generation;
        GatewayVerdict {
            conditions: vec![
                self.accepted(generation),
                self.programmed(generation),
                self.resolved_refs(client, generation),
            ],
            listeners: self.listeners.iter().map(|listener| listener.verdict(generation)).collect(),
            addresses: Vec::new(),
        }
    }

    /// "This can be the reason when "Accepted" is "True" or "False", depending on whether the listener being invalid causes
    /// the entire Gateway to not be accepted." (GatewayReasonListenersNotValid)
    pub(super) fn accepted(&self, generation: i64) -> Condition {
        if let Some(problem) = &self.rejected {
            return Condition::no(ACCEPTED, problem.code, &problem.message, generation);
        }
        let (good, bad) = self.partition(ListenerDraft::accepted);
        if good.is_empty() {
            let message = if bad.is_empty() {
                "it has no listeners".into()
            } else {
                format!("none of its listeners is accepted: {}", bad.join(", "))
            };
            Condition::no(ACCEPTED, reason::LISTENERS_NOT_VALID, message, generation)
        } else if bad.is_empty() {
            Condition::yes(ACCEPTED, reason::ACCEPTED, "the Gateway is valid", generation)
        } else {
            let message = format!("listeners accepted: {}; not accepted: {}", good.join(", "), bad.join(", "));
            Condition::yes(ACCEPTED, reason::LISTENERS_NOT_VALID, message, generation)
        }
    }

    fn programmed(&self, generation: i64) -> Condition {
        if let Some(problem) = &self.rejected {
            return Condition::no(
                PROGRAMMED,
                reason::INVALID,
                format!("not accepted: {}", problem.message),
                generation,
            );
        }
        if let Some(problem) = &self.unusable {
            return Condition::no(PROGRAMMED, problem.code, &problem.message, generation);
        }
        let (good, bad) = self.partition(ListenerDraft::programmed);
        if good.is_empty() {
            Condition::no(PROGRAMMED, reason::INVALID, "none of its listeners is programmed", generation)
        } else {
            let good = good.join(", ");
            let message = match &bad[..] {
                [] => format!("listeners programmed: {good}"),
                bad => format!("listeners programmed: {good}; not programmed: {}", bad.join(", ")),
            };
            Condition::yes(PROGRAMMED, reason::PROGRAMMED, message, generation)
        }
    }

    /// "whether the controller was able to resolve all the object references for the Gateway that are not part of a
    /// specific Listener configuration, and also provides a positive-polarity summary of Listener's "ResolvedRefs"
    /// condition" (GatewayConditionResolvedRefs)
    fn resolved_refs(&self, client: &ClientCertificateState, generation: i64) -> Condition {
        if let ClientCertificateState::Unusable { reason, message } = client {
            return Condition::no(RESOLVED_REFS, reason, message, generation);
        }
        let (_, bad) = self.partition(|listener| listener.unresolved.is_empty());
        if bad.is_empty() {
            Condition::yes(RESOLVED_REFS, reason::RESOLVED_REFS, "every reference resolves", generation)
        } else {
            let message = format!("listeners with references that do not resolve: {}", bad.join(", "));
            Condition::no(RESOLVED_REFS, reason::LISTENERS_NOT_RESOLVED, message, generation)
        }
    }

    /// Names of the listeners of which something is true, and of the others.
    fn partition(&self, holds: impl Fn(&ListenerDraft<'a>) -> bool) -> (Vec<&str>, Vec<&str>) {
        let (yes, no): (Vec<_>, Vec<_>) = self.listeners.iter().partition(|listener| holds(listener));
        let names = |listeners: Vec<&ListenerDraft<'a>>| {
            listeners.into_iter().map(|listener| listener.spec.name.as_str()).collect()
        };
        (names(yes), names(no))
    }
}
