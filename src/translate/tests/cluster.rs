//! What the controller and the proxies of a cluster rely on, each of which knows its part of the Secrets and ConfigMaps only.

use postern_actors::plan::{Tls, Trust};
use proptest::prelude::*;

use super::odd_objects::lively_snapshot as snapshot;
use super::*;
use crate::resources::{GATEWAY_GROUP, Kind};

fn cluster(external_name_services: bool, experimental: bool) -> Settings {
    Settings { external_name_services, experimental, parameters: Some(Parameters::default()), ..settings(false) }
}

/// As much of a Snapshot as is known to whoever reads what `references` names.
fn known(snapshot: &Snapshot, references: &BTreeSet<ObjectRef>) -> Snapshot {
    let names = |kind: Kind, name: &NamespacedName| references.contains(&ObjectRef { kind, name: name.clone() });
    let mut known = snapshot.clone();
    known.config_maps.retain(|name, _| names(Kind::ConfigMap, name));
    known.secrets.retain(|name, _| names(Kind::Secret, name));
    known
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// A proxy serves what the controller says that its Gateway serves.
    #[test]
    fn the_plan_of_one_gateway_is_its_part_of_the_whole(snapshot in snapshot(), external: bool, experimental: bool) {
        let settings = cluster(external, experimental);
        let whole = translate(&snapshot, &settings, now());
        let everything: BTreeSet<ObjectRef> = whole.references.values().flatten().cloned().collect();
        let controller = translate(&known(&snapshot, &everything), &settings, now());
        prop_assert_eq!(&controller.verdicts.gateways, &whole.verdicts.gateways);
        prop_assert_eq!(&controller.verdicts.http_routes, &whole.verdicts.http_routes);
        prop_assert_eq!(&controller.verdicts.backend_tls_policies, &whole.verdicts.backend_tls_policies);
        prop_assert_eq!(&controller.plan, &whole.plan);
        prop_assert_eq!(&controller.gateways, &whole.gateways);
        prop_assert_eq!(&controller.references, &whole.references);

        for (gateway, references) in &whole.references {
            let label = gateway.to_string();
            let settings = Settings { gateway: Some(gateway.clone()), ..settings.clone() };
            let proxy = translate(&known(&snapshot, references), &settings, now());
            let ports: Vec<_> = whole.plan.ports.iter().filter(|port| *port.gateway == *label).cloned().collect();
            prop_assert_eq!(&proxy.plan.ports, &ports);
            let backends: BTreeMap<_, _> = whole.plan.backends.clone().into_iter()
                .filter(|(id, _)| *id.gateway == *label).collect();
            prop_assert_eq!(&proxy.plan.backends, &backends);
            prop_assert!(proxy.plan.authorities.iter().all(|authority| whole.plan.authorities.contains(authority)));
            prop_assert!(proxy.endpoints.iter().all(|(port, endpoints)| whole.endpoints.get(port) == Some(endpoints)));
            // Of the parameters a proxy reads what stands for the system's roots alone.
            prop_assert_eq!(&proxy.verdicts.gateways[gateway].listeners, &whole.verdicts.gateways[gateway].listeners);
            let (one, other) = (&proxy.gateways[gateway], &whole.gateways[gateway]);
            prop_assert_eq!(&one.ports, &other.ports);
            prop_assert_eq!(&one.parameters.system_ca_bundle, &other.parameters.system_ca_bundle);
            prop_assert_eq!(&proxy.references[gateway], references);
        }
    }

    /// Nobody makes a proxy read what its Gateway may not name.
    #[test]
    fn references_to_other_namespaces_are_granted_or_of_a_policy_there(snapshot in snapshot()) {
        let translation = translate(&snapshot, &cluster(false, false), now());
        let grants = Grants::index(&snapshot);
        for (gateway, reference) in translation.references.iter().flat_map(|(gateway, all)| all.iter().map(move |it| (gateway, it))) {
            let name = &reference.name;
            let granted = reference.kind == Kind::Secret
                && grants.permits(GATEWAY_GROUP, "Gateway", &gateway.namespace, "", "Secret", name);
            let of_a_policy = snapshot.backend_tls_policies.iter().any(|(key, policy)| {
                let references = &policy.spec.validation.ca_certificate_refs;
                key.namespace == name.namespace && references.iter().any(|reference| *reference.name == *name.name)
            });
            prop_assert!(granted || of_a_policy || name.namespace == gateway.namespace, "{gateway} names {reference}");
        }
    }

    /// The rule above all others holds for the whole as well, and a bundle that cannot be used leads to no other roots.
    #[test]
    fn a_selected_port_gets_no_plaintext_and_a_bundle_no_substitute(snapshot in snapshot(), external: bool) {
        let translation = translate(&snapshot, &cluster(external, true), now());
        for backend in translation.plan.backends.values() {
            let selected = snapshot.backend_tls_policies.iter().any(|(key, policy)| {
                policy.spec.target_refs.iter().any(|target| {
                    let whole = target.section_name.as_deref().is_none_or(str::is_empty);
                    whole && backend.id.backend.split('/').eq([target.kind.as_str(), &key.namespace, target.name.as_str()])
                        && target.group == if target.kind == "Service" { "" } else { "agentgateway.dev" }
                })
            });
            prop_assert!(!selected || backend.tls != Tls::Plaintext, "{} is spoken to in plaintext", backend.id);
            let gateway = translation.gateways.iter().find(|(key, _)| *key.to_string() == *backend.id.gateway).unwrap();
            let bundle = &gateway.1.parameters.system_ca_bundle.config_map;
            if let Tls::Originate { identity, .. } = &backend.tls
                && let Trust::System(roots) = &identity.trust
            {
                prop_assert_eq!(roots.origin == "test", bundle.is_empty(), "{} is trusted by {:?}", backend.id, roots);
            }
        }
    }
}

/// The properties would hold as well if no bundle, no parameters and no references ever occurred.
#[test]
fn arbitrary_snapshots_meet_in_a_cluster() {
    use proptest::strategy::ValueTree as _;

    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..600 {
        let snapshot = snapshot().new_tree(&mut runner).unwrap().current();
        let translation = translate(&snapshot, &cluster(false, true), now());
        let mut see = |what, is: bool| *seen.entry(what).or_default() += usize::from(is);
        see("references", translation.references.values().any(|references| references.len() > 2));
        see(
            "parameters",
            translation.gateways.values().any(|gateway| gateway.accepted && gateway.parameters.replicas == 2),
        );
        let identities: Vec<_> = translation
            .plan
            .backends
            .values()
            .filter_map(|backend| match &backend.tls {
                Tls::Originate { identity, .. } => Some(identity),
                _ => None,
            })
            .collect();
        see("TLS", !identities.is_empty());
        see(
            "a bundle",
            identities.iter().any(|it| matches!(&it.trust, Trust::System(roots) if roots.origin != "test")),
        );
        let codes: Vec<_> = translation.verdicts.findings.iter().map(|finding| finding.code).collect();
        see("bad parameters", codes.contains(&"InvalidParameters"));
    }
    for what in ["references", "parameters", "TLS", "a bundle", "bad parameters"] {
        assert!(seen[what] >= 3, "{what} is too rare: {seen:?}");
    }
}
