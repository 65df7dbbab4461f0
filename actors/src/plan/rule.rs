//! Rules: what is done with a request that matched.

use std::sync::Arc;
use std::time::Duration;

use super::backend::{Backend, Poison};
use super::filter::{Filters, Redirect};

/// The name of a route, as the metric label `route` and the log have it.
pub type RouteName = Arc<str>;

/// One rule of one route.
#[derive(Debug, PartialEq)]
pub struct Rule {
    /// `namespace/name` of the HTTPRoute.
    pub route: RouteName,
    /// The rule's place in its route, from 0.
    pub index: usize,
    /// The rule's `name`.
    pub name: Option<Arc<str>>,
    /// Filters of the rule.
    pub filters: Filters,
    /// What answers.
    pub action: Action,
    /// `timeouts` of the rule.
    pub timeouts: Timeouts,
}

/// What answers a request.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// RequestRedirect.
    Redirect(Redirect),
    /// One of the backends, by weight.
    Forward(WeightedBackends),
    /// The rule cannot be carried out (a filter that is not supported, no backendRefs): 500.
    Fail(Poison),
}

/// `timeouts` of a rule. `None` is not given; zero is no limit at all, also not the gateway's own for a response's head
/// ("Setting a timeout to the zero duration (e.g. "0s") SHOULD disable the timeout completely", HTTPRouteTimeouts).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the end of the request's head to the end of the response.
    pub request: Option<Duration>,
    /// For one exchange with a backend.
    pub backend_request: Option<Duration>,
}

/// backendRefs with their weights. References of weight 0 are not in it.
#[derive(Debug, Default, PartialEq)]
pub struct WeightedBackends {
    backends: Vec<WeightedBackend>,
    total: u64,
}

/// One backendRef.
#[derive(Debug, PartialEq)]
pub struct WeightedBackend {
    /// More than 0.
    pub weight: u32,
    /// Filters of the backendRef, applied after the rule's.
    pub filters: Filters,
    /// Where it leads.
    pub target: Target,
}

/// Where a backendRef leads.
#[derive(Debug, PartialEq)]
pub enum Target {
    /// A backend that exists (its TLS may still be poisoned).
    Backend(Arc<Backend>),
    /// An invalid reference: its share of the requests gets 500.
    Unusable(Poison),
}

impl WeightedBackends {
    /// Takes references in their order, leaving out those of weight 0.
    pub fn new(backends: impl IntoIterator<Item = WeightedBackend>) -> Self {
        let backends: Vec<_> = backends.into_iter().filter(|backend| backend.weight > 0).collect();
        let total = backends.iter().map(|backend| u64::from(backend.weight)).sum();
        Self { backends, total }
    }

    /// The references with a weight.
    pub fn iter(&self) -> impl Iterator<Item = &WeightedBackend> {
        self.backends.iter()
    }

    /// Picks by a random number: each reference gets `weight / sum of weights` of all `u64`s. `None` if no reference
    /// has a weight, which is answered with 500 (HTTPRouteRule.backendRefs).
    pub fn pick(&self, random: u64) -> Option<&WeightedBackend> {
        if self.backends.len() <= 1 {
            return self.backends.first();
        }
        let mut point = random % self.total;
        self.backends.iter().find(|backend| {
            let weight = u64::from(backend.weight);
            let here = point < weight;
            point = point.saturating_sub(weight);
            here
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Poison, Target, WeightedBackend, WeightedBackends};
    use crate::outcome::Reason;
    use crate::plan::filter::Filters;

    fn weighted(weights: &[u32]) -> WeightedBackends {
        WeightedBackends::new(weights.iter().enumerate().map(|(at, weight)| WeightedBackend {
            weight: *weight,
            filters: Filters::default(),
            target: Target::Unusable(Poison {
                reason: Reason::BackendInvalid,
                message: at.to_string().into(),
                policy: None,
            }),
        }))
    }

    fn name(backend: &WeightedBackend) -> usize {
        match &backend.target {
            Target::Unusable(poison) => poison.message.parse().expect("a number"),
            Target::Backend(_) => unreachable!(),
        }
    }

    #[test]
    fn no_weight_picks_nothing() {
        assert!(weighted(&[]).pick(7).is_none());
        assert!(weighted(&[0, 0]).pick(7).is_none());
        assert_eq!(weighted(&[0, 3, 0]).pick(u64::MAX).map(name), Some(1));
    }

    #[test]
    fn the_largest_weights_do_not_overflow() {
        let backends = weighted(&[u32::MAX; 16]);
        assert_eq!(backends.pick(u64::from(u32::MAX) * 16 - 1).map(name), Some(15));
        assert_eq!(backends.pick(u64::from(u32::MAX) * 16).map(name), Some(0));
    }

    proptest! {
        /// Over one round of numbers each reference is picked exactly as often as it weighs.
        #[test]
        fn each_reference_gets_its_share(weights in proptest::collection::vec(0..20_u32, 0..8), offset in 0..1000_u64) {
            let backends = weighted(&weights);
            let total: u32 = weights.iter().sum();
            let mut picked = vec![0_u32; weights.len()];
            for random in offset * u64::from(total)..(offset + 1) * u64::from(total) {
                picked[name(backends.pick(random).expect("a weight"))] += 1;
            }
            prop_assert_eq!(picked, weights);
        }
    }
}
