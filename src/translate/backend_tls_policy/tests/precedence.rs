//! Which of several policies a port obeys.

use super::*;

/// A policy on Service `web`, or on one of its ports, made at that second.
fn made(name: &str, second: Option<u8>, section: Option<&str>) -> Value {
    let mut written = policy(name, &json!([{"kind": "Service", "name": "web", "sectionName": section}]));
    if let Some(second) = second {
        written["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:00:{second:02}Z"));
    }
    written
}

#[test]
fn the_older_policy_wins_then_the_first_by_name_and_one_without_a_time_is_last() {
    let cases = [
        ((Some(2), Some(1)), "default/b"),
        ((Some(1), Some(2)), "default/a"),
        ((Some(1), Some(1)), "default/a"),
        ((None, Some(9)), "default/b"),
        ((None, None), "default/a"),
    ];
    for ((a, b), winner) in cases {
        let resolved = with(made("a", a, None)).add(made("b", b, None)).resolve();
        assert_eq!(obeys(resolved.only()), winner);
        let (loser, winner_name) = if winner == "default/a" { ("b", "a") } else { ("a", "b") };
        assert_eq!(resolved.accepted(winner_name).0, "Accepted");
        let (reason, message) = resolved.accepted(loser);
        assert_eq!(reason, "Conflicted");
        assert!(message.contains(winner), "{message} should name {winner}");
        assert_eq!(resolved.resolved_refs(loser).0, "ResolvedRefs");
        assert_eq!(resolved.findings(), [(Severity::Error, "Conflicted", "spec.targetRefs[0]")]);
    }
}

#[test]
fn validity_plays_no_part() {
    let mut older = made("older", Some(1), None);
    older["spec"]["validation"]["hostname"] = json!("10.0.0.1");
    let resolved = with(older).add(made("younger", Some(2), None)).resolve();
    assert_eq!(poison(resolved.only()), HandshakeResult::PolicyInvalid);
    assert_eq!(resolved.accepted("older").0, "Invalid");
    assert_eq!(resolved.accepted("younger").0, "Conflicted");
}

#[test]
fn an_invalid_policy_that_lost_is_conflicted() {
    let mut younger = made("younger", Some(2), None);
    younger["spec"]["validation"]["hostname"] = json!("10.0.0.1");
    let resolved = with(made("older", Some(1), None)).add(younger).resolve();
    assert_eq!(obeys(resolved.only()), "default/older");
    assert_eq!(resolved.accepted("younger").0, "Conflicted");
}

#[test]
fn the_specific_policy_wins_on_its_port_and_they_do_not_conflict() {
    let world = World::new()
        .add(service("web", &[("one", 443, "TCP"), ("two", 8443, "TCP")]))
        .add(authority("ca"))
        .uses("gw", "web", 443)
        .uses("gw", "web", 8443)
        .add(made("whole", Some(1), None))
        .add(made("specific", Some(2), Some("two")));
    let resolved = world.resolve();
    assert_eq!(obeys(resolved.backend("gw", "web", 443)), "default/whole");
    assert_eq!(obeys(resolved.backend("gw", "web", 8443)), "default/specific");
    assert_eq!(resolved.accepted("whole").0, "Accepted");
    assert_eq!(resolved.accepted("specific").0, "Accepted");
}

#[test]
fn an_invalid_policy_for_the_port_stands_over_a_valid_one_for_the_service() {
    let mut specific = made("specific", Some(2), Some("https"));
    specific["spec"]["validation"]["caCertificateRefs"][0]["name"] = json!("nobody");
    let resolved = with(made("whole", Some(1), None)).add(specific).resolve();
    assert_eq!(poison(resolved.only()), HandshakeResult::CaUnavailable);
    assert_eq!(obeys(resolved.only()), "default/specific");
}

#[test]
fn two_policies_for_one_port_conflict() {
    let resolved = with(made("a", None, Some("https"))).add(made("b", None, Some("https"))).resolve();
    assert_eq!((resolved.accepted("a").0, resolved.accepted("b").0), ("Accepted", "Conflicted"));
}

#[test]
fn a_policy_that_lost_some_of_its_targets_is_accepted_and_names_them() {
    let both = policy("z", &json!([{"kind": "Service", "name": "web"}, {"kind": "Service", "name": "db"}]));
    let world = with(made("a", None, None)).add(both).add(service("db", &[("", 5432, "TCP")])).uses("gw", "db", 5432);
    let resolved = world.clone().uses("only-web", "web", 443).resolve();
    assert_eq!(obeys(resolved.backend("gw", "web", 443)), "default/a");
    assert_eq!(obeys(resolved.backend("gw", "db", 5432)), "default/z");
    let (reason, message) = resolved.accepted("z");
    assert_eq!(reason, "Accepted");
    assert!(
        message.contains("applies to Service default/db; spec.targetRefs[0]: Service default/web obeys"),
        "{message}"
    );
    let under_other = resolved.condition("z", "only-web", "Accepted");
    assert_eq!(under_other.reason, "Conflicted", "under this Gateway it lost all it has");
}
