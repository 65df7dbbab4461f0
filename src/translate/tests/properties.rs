//! What holds for every Snapshot.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::odd_objects::snapshot;
use super::*;
use crate::resources::GATEWAY_GROUP;
use crate::status::condition::{ACCEPTED, MESSAGE_LIMIT, PARTIALLY_INVALID, PROGRAMMED};
use crate::status::{Condition, RouteVerdict};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Translation never panics, says the same twice, and its parts agree with each other.
    #[test]
    fn any_snapshot_translates(snapshot in snapshot(), shared_address: bool) {
        let settings = settings(shared_address);
        let translation = translate(&snapshot, &settings, now());
        let again = translate(&snapshot, &settings, now());
        prop_assert_eq!(&translation.plan, &again.plan);
        prop_assert_eq!(&translation.verdicts, &again.verdicts);
        prop_assert_eq!(&translation.endpoints, &again.endpoints);
        gateways_are_told(&snapshot, &translation)?;
        routes_are_told(&snapshot, &translation)?;
        no_rule_vanishes(&snapshot, &translation)?;
        if shared_address {
            let mut ports: Vec<_> = translation.plan.ports.iter().map(|port| port.port).collect();
            ports.sort_unstable();
            let claimed = ports.len();
            ports.dedup();
            prop_assert_eq!(claimed, ports.len(), "a port of the machine has one owner");
        }
    }
}

/// The properties would hold as well if nothing were ever programmed, attached or refused.
#[test]
fn arbitrary_snapshots_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..400 {
        let snapshot = snapshot().new_tree(&mut runner).unwrap().current();
        let Translation { plan, verdicts, .. } = translate(&snapshot, &settings(false), now());
        let mut codes: Vec<_> = verdicts.findings.iter().map(|finding| finding.code).collect();
        if !places(&plan).is_empty() {
            codes.push("rules in the plan");
        }
        if !plan.backends.is_empty() {
            codes.push("backends in the plan");
        }
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            *seen.entry(code).or_default() += 1;
        }
    }
    for kind in [
        "rules in the plan",
        "backends in the plan",
        "UnsupportedValue",
        "RefNotPermitted",
        "HostnameConflict",
        "NoMatchingParent",
        "NotAllowedByListeners",
        "NoMatchingListenerHostname",
        "BackendNotFound",
    ] {
        assert!(seen.get(kind).is_some_and(|&times| times >= 4), "{kind} is too rare: {seen:?}");
    }
}

fn holds(conditions: &[Condition], kind: &str) -> Option<bool> {
    conditions.iter().find(|condition| condition.kind == kind).map(|condition| condition.status)
}

fn well_formed(conditions: &[Condition], generation: i64) -> Result<(), TestCaseError> {
    for condition in conditions {
        prop_assert_eq!(condition.observed_generation, generation);
        prop_assert!(!condition.reason.is_empty() && !condition.message.is_empty());
        prop_assert!(condition.message.len() <= MESSAGE_LIMIT);
        prop_assert_eq!(conditions.iter().filter(|other| other.kind == condition.kind).count(), 1);
    }
    Ok(())
}

/// A listener serves if, and only if, its status says that it is programmed.
fn gateways_are_told(snapshot: &Snapshot, translation: &Translation) -> Result<(), TestCaseError> {
    for (name, verdict) in &translation.verdicts.gateways {
        let gateway = &snapshot.gateways[name];
        well_formed(&verdict.conditions, gateway.metadata.generation)?;
        let mut programmed: Vec<&str> = Vec::new();
        for listener in &verdict.listeners {
            well_formed(&listener.conditions, gateway.metadata.generation)?;
            if holds(&listener.conditions, PROGRAMMED) == Some(true) {
                prop_assert_eq!(holds(&listener.conditions, ACCEPTED), Some(true));
                programmed.push(&listener.name);
            }
        }
        let ports = translation.plan.ports.iter().filter(|port| *port.gateway == *name.to_string());
        let planned: Vec<_> = ports.flat_map(|port| port.listeners.values()).collect();
        prop_assert!(programmed.iter().all(|name| planned.iter().any(|listener| *listener.name == **name)));
        for listener in planned.into_iter().filter(|listener| !programmed.contains(&&*listener.name)) {
            prop_assert!(listener.certificates.is_empty() && listener.routes.is_empty() && listener.hostname.is_some());
        }
        prop_assert_eq!(holds(&verdict.conditions, PROGRAMMED), Some(!programmed.is_empty()));
    }
    Ok(())
}

/// Each parentRef to a Gateway of ours has one entry; the routes that say they are accepted are those that are counted.
fn routes_are_told(snapshot: &Snapshot, translation: &Translation) -> Result<(), TestCaseError> {
    let verdicts = &translation.verdicts;
    for (name, verdict) in &verdicts.http_routes {
        let route = &snapshot.http_routes[name];
        for parent in &verdict.parents {
            well_formed(&parent.conditions, route.metadata.generation)?;
            prop_assert!(route.spec.parent_refs.contains(&parent.parent_ref));
            prop_assert_eq!(verdict.parents.iter().filter(|other| other.parent_ref == parent.parent_ref).count(), 1);
            let partial = holds(&parent.conditions, PARTIALLY_INVALID);
            prop_assert!(
                partial.is_none() || holds(&parent.conditions, ACCEPTED) == Some(true) && partial == Some(true)
            );
        }
    }
    let accepted = |verdict: &&RouteVerdict| {
        verdict.parents.iter().any(|parent| holds(&parent.conditions, ACCEPTED) == Some(true))
    };
    let accepted = verdicts.http_routes.values().filter(accepted).count();
    for listener in verdicts.gateways.values().flat_map(|gateway| &gateway.listeners) {
        prop_assert!(usize::try_from(listener.attached_routes).unwrap() <= accepted);
    }
    Ok(())
}

/// A rule that is anywhere in a table is there with all of its matches, and so is every other rule of its route: what cannot
/// be read or carried out never leaves its requests to a broader route.
fn no_rule_vanishes(snapshot: &Snapshot, translation: &Translation) -> Result<(), TestCaseError> {
    let places = places(&translation.plan);
    for (name, route) in &snapshot.http_routes {
        let Some(rules) = &route.spec.rules else { continue };
        let tables =
            places.range((name.to_string(), 0)..=(name.to_string(), usize::MAX)).map(|(_, here)| here.len()).max();
        for (index, rule) in rules.iter().enumerate().filter(|_| tables.is_some()) {
            let here = places.get(&(name.to_string(), index)).cloned().unwrap_or_default();
            prop_assert_eq!(Some(here.len()), tables, "{} rule {}", name, index);
            prop_assert!(here.iter().all(|&times| times == rule.matches.len().max(1)), "{} rule {}", name, index);
        }
        let attached = translation.verdicts.http_routes.get(name);
        prop_assert!(tables.is_none() || attached.is_some(), "what is in the plan has a status");
    }
    for parent in translation.verdicts.http_routes.values().flat_map(|verdict| &verdict.parents) {
        prop_assert_eq!(parent.parent_ref.group.as_str(), GATEWAY_GROUP);
    }
    Ok(())
}
