//! Goldens of the translation: each YAML file of `tests/translate/` with the status and the plan that it comes to.
//!
//! A file's comments may hold `shared-address` (all Gateways listen on one machine), and `$crt(name, date)` and
//! `$key(name, date)` stand for a certificate of `name.example.com` that ends at midnight of the date, and its key. The time
//! is the first of January 2026.

use std::sync::Arc;

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
        let settings = Settings {
            controller_name: "postern.dev/gateway-controller".into(),
            class_names: vec!["postern".into(), "agentgateway".into()],
            system_roots: Ok(Arc::new(SystemRoots { origin: "test".into(), certificates: Vec::new() })),
            shared_address: text.contains("# shared-address"),
        };
        let snapshot = objects::read(&text);
        let translation = translate(&snapshot, &settings, "2026-01-01T00:00:00Z".parse().unwrap());
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(render::translation(&translation));
        });
    });
}
