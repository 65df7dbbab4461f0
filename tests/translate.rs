//! Goldens of the translation: each YAML file of `tests/translate/` with the status and the plan that it comes to.
//!
//! A file's comments may hold `shared-address` (all Gateways listen on one machine), `cluster: VERSION CHANNEL` (as in a
//! cluster with those CRDs) and `gateway: NAMESPACE/NAME` (the plan of this one alone), and `$crt(name, date)` and
//! `$key(name, date)` stand for a certificate of `name.example.com` that ends at midnight of the date, and its key. The time
//! is the first of January 2026.

use std::sync::Arc;

use postern::provision::parameters::Parameters;
use postern::resources::{GatewayApi, NamespacedName};
use postern::translate::{Settings, Translation, translate};
use postern_actors::plan::Plan;
use postern_actors::plan::identity::SystemRoots;
use serde_json::Value;

#[path = "translate/objects.rs"]
mod objects;
#[path = "translate/render.rs"]
mod render;

fn each(check: fn(&Translation, bool)) {
    insta::glob!("translate/*.yaml", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut snapshot = objects::read(&text);
        let directive = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("# {name}: ")));
        let cluster = directive("cluster").map(|words| words.split_once(' ').unwrap());
        snapshot.gateway_api = cluster
            .map(|(version, channel)| GatewayApi { bundle_version: version.to_owned(), channel: channel.to_owned() });
        let roots = Ok(Arc::new(SystemRoots { origin: "test".into(), certificates: Vec::new() }));
        let mut settings = Settings::of_files("postern.dev/gateway-controller", ["postern", "agentgateway"], roots);
        settings.shared_address = text.contains("# shared-address");
        settings.external_name_services = cluster.is_none();
        settings.experimental = cluster.is_none_or(|(_, channel)| channel == "experimental");
        settings.parameters = cluster.map(|_| Parameters::default());
        settings.gateway = directive("gateway")
            .map(|name| name.split_once('/').unwrap())
            .map(|(namespace, name)| NamespacedName::new(namespace, name));
        check(&translate(&snapshot, &settings, "2026-01-01T00:00:00Z".parse().unwrap()), cluster.is_some());
    });
}

#[test]
fn goldens() {
    each(|translation, of_cluster| {
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(render::translation(translation, of_cluster));
        });
    });
}

/// What a description holds comes back out of it: all but certificates, keys, and how many roots the system has.
#[test]
fn every_plan_comes_back_out_of_its_description() {
    each(|translation, _| {
        let mut described = translation.plan.describe();
        let mut again = Plan::from_description(&described).unwrap().describe();
        forget_certificates(&mut described);
        forget_certificates(&mut again);
        assert_eq!(again, described);
    });
}

fn forget_certificates(description: &mut Value) {
    match description {
        Value::Object(fields) => {
            fields.retain(|name, value| !matches!(name.as_str(), "chain" | "trust") || value["system"].is_object());
            if let Some(roots) = fields.get_mut("system").and_then(Value::as_object_mut) {
                roots.remove("certificates");
            }
            fields.values_mut().for_each(forget_certificates);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_certificates),
        _ => {}
    }
}
