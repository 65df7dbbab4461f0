//! The guide's objects are in `examples/guide`, valid as they stand.

use std::path::Path;

use super::*;

fn guide() -> FileSet {
    let mut files = FileSet::default();
    for name in ["nginx.yaml", "httpbin.yaml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/guide").join(name);
        files.update(&path, std::fs::read_to_string(&path));
    }
    files
}

#[test]
fn every_object_of_the_guide_is_accepted_without_a_word() {
    let files = guide();
    assert_eq!(files.problems(), []);
    let snapshot = files.snapshot();
    let names: Vec<String> = [
        snapshot.gateways.keys().map(ToString::to_string).collect::<Vec<_>>(),
        snapshot.http_routes.keys().map(ToString::to_string).collect(),
        snapshot.backend_tls_policies.keys().map(ToString::to_string).collect(),
        snapshot.agentgateway_backends.keys().map(ToString::to_string).collect(),
        snapshot.services.keys().map(ToString::to_string).collect(),
        snapshot.endpoint_slices.keys().map(ToString::to_string).collect(),
        snapshot.config_maps.keys().map(ToString::to_string).collect(),
    ]
    .concat();
    assert_eq!(
        names.iter().filter_map(|name| name.strip_prefix("agentgateway-system/")).collect::<Vec<_>>(),
        [
            "agentgateway-proxy",
            "httpbin-org",
            "nginx-route",
            "httpbin-org",
            "tls-policy",
            "httpbin-org",
            "nginx",
            "nginx-local",
            "ca",
        ]
    );
}

#[test]
fn its_fields_are_found_in_their_files() {
    let files = guide();
    let object = ObjectRef {
        kind: crate::resources::Kind::BackendTlsPolicy,
        name: crate::resources::NamespacedName::new("agentgateway-system", "tls-policy"),
    };
    let origin = files.origin(&object, "spec.validation.caCertificateRefs[0]").expect("it is written");
    assert!(origin.file.ends_with("examples/guide/nginx.yaml"));
    let text = std::fs::read_to_string(&origin.file).expect("the example is there");
    let line = text.lines().nth(origin.line - 1).expect("the line is there");
    assert_eq!(line.trim(), "- group: \"\"");
}
