//! The rule above all others: no port that any policy selects ever gets plaintext.

use proptest::collection::vec;
use proptest::option::of as maybe;
use proptest::prelude::*;

use super::*;

/// Port names, and one that no Service has.
const SECTIONS: [&str; 4] = ["a", "b", "c", "nowhere"];
const SERVICES: [&str; 3] = ["one", "two", "nobody"];

/// How a policy is, or is not.
#[derive(Debug, Clone, Copy)]
enum Health {
    Valid,
    BadHostname,
    BadOption,
    MissingAuthority,
    WrongKind,
    UnknownRoots,
    SystemRoots,
    BadName,
    NoTrust,
    Full,
    Unreadable,
}

#[derive(Debug, Clone)]
struct Written {
    health: Health,
    second: Option<u8>,
    targets: Vec<(usize, Option<usize>)>,
}

fn written() -> impl Strategy<Value = Written> {
    use Health::*;
    let health = prop::sample::select(vec![
        Valid,
        Valid,
        Valid,
        BadHostname,
        BadOption,
        MissingAuthority,
        WrongKind,
        UnknownRoots,
        SystemRoots,
        BadName,
        NoTrust,
        Full,
        Unreadable,
    ]);
    let target = (0..SERVICES.len(), maybe(0..SECTIONS.len()));
    (health, maybe(0..3_u8), vec(target, 1..4)).prop_map(|(health, second, targets)| Written {
        health,
        second,
        targets,
    })
}

fn document(number: usize, written: &Written) -> Value {
    let targets: Vec<_> = written
        .targets
        .iter()
        .map(|(service, section)| {
            json!({"kind": "Service", "name": SERVICES[*service], "sectionName": section.map(|it| SECTIONS[it])})
        })
        .collect();
    let mut document = policy(&format!("p{number}"), &json!(targets));
    if let Some(second) = written.second {
        document["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:00:0{second}Z"));
    }
    let spec = &mut document["spec"];
    match written.health {
        Health::Valid | Health::Unreadable => {}
        Health::BadHostname => spec["validation"]["hostname"] = json!("10.0.0.1"),
        Health::BadOption => spec["options"] = json!({"gateway.postern.dev/alpn": "h2"}),
        Health::MissingAuthority => spec["validation"]["caCertificateRefs"][0]["name"] = json!("nobody"),
        Health::WrongKind => spec["validation"]["caCertificateRefs"][0]["kind"] = json!("Pod"),
        Health::UnknownRoots => {
            spec["validation"] = json!({"hostname": "a.b", "wellKnownCACertificates": "example.com/x"});
        }
        Health::SystemRoots => spec["validation"] = json!({"hostname": "a.b", "wellKnownCACertificates": "System"}),
        Health::BadName => spec["validation"]["subjectAltNames"] = json!([{"type": "Nothing"}]),
        Health::NoTrust => spec["validation"] = json!({"hostname": "a.b"}),
        Health::Full => {
            let entry = json!({"controllerName": "theirs.example.com/c", "ancestorRef": {"name": "theirs"}});
            document["status"] = json!({"ancestors": vec![entry; 16]});
        }
    }
    document
}

fn add(mut world: World, number: usize, written: &Written) -> World {
    let document = document(number, written);
    if !matches!(written.health, Health::Unreadable) {
        return world.add(document);
    }
    let unreadable = UnreadablePolicy {
        metadata: serde_json::from_value(document["metadata"].clone()).unwrap(),
        target_refs: serde_json::from_value(document["spec"]["targetRefs"].clone()).unwrap(),
        error: "it cannot be read".into(),
    };
    let metadata = Metadata { namespace: "default".into(), ..unreadable.metadata };
    let unreadable = UnreadablePolicy { metadata, ..unreadable };
    world.snapshot.unreadable_policies.insert(unreadable.metadata.key(), unreadable.into());
    world
}

/// The rule's own words: a policy selects a port if it names the whole Service or that port.
fn selects(written: &Written, service: usize, port_name: &str) -> bool {
    written
        .targets
        .iter()
        .any(|(target, section)| *target == service && section.is_none_or(|section| SECTIONS[section] == port_name))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_port_that_any_policy_selects_never_gets_plaintext(
        policies in vec(written(), 0..6),
        ports in vec((prop::sample::select(vec!["TCP", "TCP", "UDP"]), 1..4_u16), 3),
        roots in any::<bool>(),
        bundle in any::<bool>(),
        client in any::<bool>(),
        external in maybe(any::<bool>()),
    ) {
        let mut named: Vec<(&str, u16, &str)> = Vec::new();
        for (index, (protocol, number)) in ports.iter().enumerate() {
            if !named.iter().any(|(_, port, other)| port == number && other == protocol) {
                named.push((SECTIONS[index], *number, protocol));
            }
        }
        let mut two = service("two", &named);
        if external.is_some() {
            two["spec"]["type"] = json!("ExternalName");
            two["spec"]["externalName"] = json!("two.example.com");
        }
        let mut world = World::new().add(authority("ca")).add(service("one", &named)).add(two);
        world.settings.external_name_services = external == Some(true);
        if !roots {
            world.settings.system_roots = Err("none".into());
        }
        let gx = NamespacedName::new("default", "gx");
        if bundle {
            let missing = SystemBundle { config_map: NamespacedName::new("default", "nobody"), key: "ca.crt".into() };
            world.bundles.insert(gx.clone(), Ok(missing));
        }
        if client {
            let state = ClientCertificateState::Unusable { reason: "InvalidClientCertificateRef", message: "no".into() };
            world.clients.insert(NamespacedName::new("default", "gw"), state);
        }
        for (number, written) in policies.iter().enumerate() {
            world = add(world, number, written);
        }
        for gateway in ["gw", "gx"] {
            for (service, port) in SERVICES.iter().flat_map(|service| (1..4).map(move |port| (service, port))) {
                world = world.uses(gateway, service, port);
            }
        }
        let resolved = world.resolve();
        for (usage, outcome) in &resolved.0.backends {
            let service = SERVICES.iter().position(|name| **name == *usage.target.name.name).unwrap();
            let declared = named.iter().find(|(_, port, protocol)| Some(*port) == usage.target.port && *protocol == "TCP");
            let forbidden = SERVICES[service] == "two" && external == Some(false);
            let Some((port_name, ..)) = declared.filter(|_| SERVICES[service] != "nobody" && !forbidden) else {
                prop_assert!(outcome.is_err(), "a port that is not there, or may not be, is no backend");
                continue;
            };
            let selected = policies.iter().any(|written| selects(written, service, port_name));
            let backend = outcome.as_ref().unwrap();
            prop_assert_eq!(backend.tls != Tls::Plaintext, selected, "{:?} of {:?}", backend, policies);
            if bundle && usage.gateway == gx && let Tls::Originate { identity, .. } = &backend.tls {
                prop_assert!(matches!(identity.trust, Trust::Bundle(_)), "nothing stands in for a bundle that is not there");
            }
            if client && *usage.gateway.name == *"gw" {
                let originates = matches!(backend.tls, Tls::Originate { .. });
                prop_assert!(!originates, "without its client certificate the Gateway reaches nobody");
            }
        }
        let conditions = resolved.0.policies.values().flat_map(|verdict| &verdict.ancestors).flat_map(|it| &it.conditions);
        for condition in conditions {
            prop_assert_eq!(condition.status, condition.reason == condition.kind);
            prop_assert!(!condition.message.is_empty());
        }
    }

    /// The word of a policy's status and what its ports get are one.
    #[test]
    fn traffic_flows_only_under_an_accepted_policy(policies in vec(written(), 1..5)) {
        let mut world = World::new().add(authority("ca")).add(service("one", &[("a", 1, "TCP"), ("b", 2, "TCP")]));
        for (number, written) in policies.iter().enumerate() {
            world = add(world, number, written);
        }
        let resolved = world.uses("gw", "one", 1).uses("gw", "one", 2).resolve();
        for port in [1, 2] {
            let backend = resolved.backend("gw", "one", port);
            let name = obeys(backend).trim_start_matches("default/");
            if let Tls::Originate { .. } = backend.tls {
                prop_assert_eq!(resolved.accepted(name).0, "Accepted");
            } else if backend.tls != Tls::Plaintext {
                let verdict = resolved.0.policies.get(&NamespacedName::new("default", name));
                prop_assert!(verdict.is_none() || resolved.accepted(name).0 != "Accepted");
            }
        }
    }
}
