//! What `postern check` blames, and with which hint: one fault is one problem, at its cause.

use std::fs;
use std::process::Command;

use serde_json::Value;

/// A Gateway by HTTP and HTTPS, and a route to a Service under a policy: all is well.
const GOOD: &str = include_str!("check/good.yaml");

/// What is told of the good objects with some text in them replaced: `severity code object: message (hint) at file:line`.
#[track_caller]
fn problems(changes: &[(&str, &str)]) -> Vec<String> {
    let mut objects = GOOD.to_owned();
    for (from, to) in changes {
        assert!(objects.contains(from), "{from:?} is not among the objects");
        objects = objects.replace(from, to);
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.yaml"), &objects).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["check", "-o", "json"])
        .arg(folder.path())
        .output()
        .expect("the binary runs");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let problems = told["problems"].as_array().expect("a list").iter();
    let text = |problem: &Value, field: &str| problem[field].as_str().unwrap_or_default().to_owned();
    let line = |problem: &Value| {
        let line = problem["line"].as_u64().and_then(|line| objects.lines().nth(line as usize - 1));
        line.unwrap_or_default().trim().to_owned()
    };
    let told = problems.map(|problem| {
        let [severity, code, object, message, hint] =
            ["severity", "code", "object", "message", "hint"].map(|field| text(problem, field));
        format!("{severity} {code} {object}: {message} ({hint}) at {}", line(problem))
    });
    told.collect()
}

#[track_caller]
fn assert_told(changes: &[(&str, &str)], expected: &[&[&str]]) {
    let told = problems(changes);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, parts) in told.iter().zip(expected) {
        for part in *parts {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
    }
}

#[test]
fn nothing_is_told_of_good_objects() {
    assert_told(&[], &[]);
}

#[test]
fn a_protocol_that_is_not_known_is_told_of_the_listener_alone() {
    assert_told(
        &[("protocol: HTTP,", "protocol: HTPP,")],
        &[&["error UnsupportedProtocol Gateway default/web", "did you mean `protocol: HTTP`?"], &["PolicyNotUsed"]],
    );
}

#[test]
fn a_reference_to_what_is_refused_says_so() {
    assert_told(
        &[(
            "{name: http, protocol: HTTP, port: 80}",
            "{name: http, protocol: HTTP, port: 80}\n  - {name: again, protocol: HTTP, port: 80}",
        )],
        &[
            &["error InvalidObject Gateway default/web"],
            &[
                "ParentNotFound HTTPRoute default/shop",
                "Gateway default/web is refused",
                "mend Gateway default/web first",
            ],
            &["PolicyNotUsed"],
        ],
    );
    assert_told(
        &[("ca.crt: |", "ca.crt: 1\n  other: |")],
        &[
            &["error InvalidObject ConfigMap default/ca"],
            &["InvalidCACertificateRef", "ConfigMap default/ca is refused", "mend ConfigMap default/ca first"],
        ],
    );
}

#[test]
fn a_secret_that_is_refused_is_not_said_to_be_missing() {
    let listener = "{name: http, protocol: HTTP, port: 80}";
    let https = format!(
        "{listener}\n  - {{name: https, protocol: HTTPS, port: 443, tls: {{certificateRefs: [{{name: web}}]}}}}"
    );
    let map = "---\napiVersion: v1\nkind: ConfigMap";
    for (data, message, hint) in [
        ("{tls.crt: '***', tls.key: eA==}", "must be base64", "write plain text into `stringData`"),
        ("{tls.crt: eA==}", "is required when type is kubernetes.io/tls", "its private key under tls.key"),
    ] {
        let secret = format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\ntype: kubernetes.io/tls\ndata: {data}\n"
        );
        assert_told(
            &[(listener, &https), (map, &format!("{secret}{map}"))],
            &[
                &["error InvalidObject Secret default/web", message, hint],
                &["error InvalidCertificateRef Gateway default/web", "Secret default/web is refused"],
            ],
        );
    }
}

#[test]
fn a_name_that_is_nearly_there_is_told() {
    assert_told(
        &[("parentRefs: [{name: web}]", "parentRefs: [{name: wbe}]")],
        &[
            &["ParentNotFound HTTPRoute default/shop", "Gateway default/wbe does not exist", "did you mean `web`?"],
            &["PolicyNotUsed"],
        ],
    );
    assert_told(
        &[("backendRefs: [{name: shop,", "backendRefs: [{name: sohp,")],
        &[
            &[
                "error BackendNotFound HTTPRoute default/shop",
                "Service default/sohp does not exist",
                "did you mean `shop`?",
            ],
            &["PolicyNotUsed"],
        ],
    );
}

#[test]
fn an_endpoint_slice_that_misses_its_service_is_told() {
    assert_told(
        &[("service-name: shop", "service-name: shopp")],
        &[&["warning ServiceNotFound EndpointSlice default/shop-1", "did you mean `shop`?", "at labels:"]],
    );
    assert_told(
        &[("ports: [{name: https, port: 8443}]", "ports: [{name: http, port: 8443}]")],
        &[&["warning NoEndpointPort Service default/shop", "did you mean `name: https` in place of http?"]],
    );
}

#[test]
fn a_config_map_of_another_namespace_is_told() {
    assert_told(
        &[("metadata: {name: ca}", "metadata: {name: ca, namespace: other}")],
        &[&[
            "there is a ConfigMap other/ca: it has to be in namespace default, where the policy is",
            "at - group: \"\"",
        ]],
    );
}

#[test]
fn what_is_not_served_is_an_error() {
    let kind = "kind: ConfigMap\nmetadata: {name: ca}";
    for (from, to, code, hint) in [
        (
            "gatewayClassName: postern",
            "gatewayClassName: posten",
            "GatewayClassNotFound",
            "`gatewayClassName: postern`?",
        ),
        ("parentRefs: [{name: web}]", "parentRefs: [{name: nobody}]", "ParentNotFound", "create it"),
        (kind, "metadata: {name: ca}", "InvalidObject", "write `kind:`"),
        (
            "gateway.networking.k8s.io/v1\nkind: HTTPRoute",
            "gateway.networking.k8s.io/v1alpha2\nkind: HTTPRoute",
            "UnknownVersion",
            "",
        ),
    ] {
        let told = problems(&[(from, to)]);
        let start = format!("error {code} ");
        assert!(told.iter().any(|told| told.starts_with(&start) && told.contains(hint)), "{told:#?}");
    }
}

#[test]
fn an_option_that_has_no_effect_is_told() {
    let with = |key: &str| format!("spec:\n  options: {{{key}: \"1.3\"}}\n  targetRefs:");
    assert_told(
        &[("spec:\n  targetRefs:", &with("postern.dev/min-tls-version"))],
        &[&[
            "warning OptionIgnored BackendTLSPolicy default/shop",
            "did you mean `gateway.postern.dev/min-tls-version`?",
        ]],
    );
    let annotated = "metadata:\n  name: shop\n  annotations: {gateway.postern.dev/min-tls-version: \"1.3\", example.com/a: b}\nspec:\n  targetRefs";
    assert_told(
        &[("metadata: {name: shop}\nspec:\n  targetRefs", annotated)],
        &[&[
            "warning OptionIgnored BackendTLSPolicy",
            "write `gateway.postern.dev/min-tls-version` under spec.options",
        ]],
    );
    assert_told(
        &[("spec:\n  targetRefs:", &with("example.com/ciphers"))],
        &[&["notice OptionIgnored BackendTLSPolicy default/shop"]],
    );
}

/// Route, reference and policy are not told of apart, and the place is that of what has to be edited.
#[test]
fn one_fault_is_one_problem_at_its_cause() {
    assert_told(
        &[("ca.crt: |", "ca.pem: |")],
        &[&[
            "error InvalidCACertificateRef ConfigMap default/ca: ConfigMap default/ca has no key ca.crt: its keys are ca.pem; \
             BackendTLSPolicy default/shop has no CA certificate left: requests under it get 500",
            "at data:",
        ]],
    );
    assert_told(
        &[("ca.crt: |", "ca.crt: |\n    -----BEGIN CERTIFICATE-----")],
        &[&["error InvalidCACertificateRef ConfigMap default/ca", "is malformed", "at ca.crt: |"]],
    );
    assert_told(
        &[("kind: BackendTLSPolicy", "kind: BackendTLSPolcy")],
        &[&["error InvalidObject BackendTLSPolicy default/shop", "what it targets gets no request (500)"]],
    );
    assert_told(&[("hostname: shop.test", "hostname: 10.0.0.1")], &[&["error Invalid BackendTLSPolicy default/shop"]]);
}
