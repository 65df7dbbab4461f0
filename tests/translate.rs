//! Goldens of the translation: each YAML file of `tests/translate/` with the status and the plan that it comes to.
//!
//! A file's comments may hold `shared-address` (all Gateways listen on one machine), `cluster: VERSION CHANNEL` (as in a
//! cluster with those CRDs) and `gateway: NAMESPACE/NAME` (the plan of this one alone), and `$crt(name, date)` and
//! `$key(name, date)` stand for a certificate of `name.example.com` that ends at midnight of the date, and its key. The time
//! is the first of January 2026.

use std::sync::Arc;

use postern::provision::parameters::Parameters;
use postern::resources::{GatewayApi, NamespacedName};
use postern::translate::{Settings, translate};
use postern_actors::plan::identity::SystemRoots;

#[path = "translate/objects.rs"]
mod objects;
#[path = "translate/render.rs"]
mod render;

#[test]
fn goldens() {
    insta::glob!("translate/*.yaml", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut snapshot = objects::read(&text);
        let directive = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("# {name}: ")));
        let cluster = directive("cluster").map(|words| words.split_once(' ').unwrap());
        snapshot.gateway_api = cluster
            .map(|(version, channel)| GatewayApi { bundle_version: version.to_owned(), channel: channel.to_owned() });
        let roots = Ok(Arc::new(SystemRoots { origin: "test".into(), certificates: Vec::new() }));
        let of_files = Settings::of_files("postern.dev/gateway-controller", ["postern", "agentgateway"], roots);
        let settings = Settings {
            shared_address: text.contains("# shared-address"),
            external_name_services: cluster.is_none(),
            experimental: cluster.is_none_or(|(_, channel)| channel == "experimental"),
            parameters: cluster.map(|_| Parameters::default()),
            gateway: directive("gateway")
                .map(|name| name.split_once('/').unwrap())
                .map(|(namespace, name)| NamespacedName::new(namespace, name)),
            ..of_files
        };
        let translation = translate(&snapshot, &settings, "2026-01-01T00:00:00Z".parse().unwrap());
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(render::translation(&translation, cluster.is_some()));
        });
    });
}
