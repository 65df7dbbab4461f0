//! Each rule: a valid object, less or more one thing, and exactly what is said of it.

use std::fmt::Write as _;

use serde_json::json;

use super::*;
use crate::resources::document;
use http_route::ROUTE;

mod core;
mod http_route;

/// `field: message` of every violation; the objects are written as YAML.
fn violations(kind: Kind, yaml: &str) -> Vec<String> {
    report(kind, yaml).violations.iter().map(ToString::to_string).collect()
}

fn report(kind: Kind, yaml: &str) -> Report {
    let documents = document::read(yaml).expect("the test's YAML is well-formed");
    assert_eq!(documents.len(), 1, "{yaml}");
    validate(kind, &documents[0].value)
}

/// Takes a valid object, replaces one piece of its text, and expects these violations and no other.
#[track_caller]
fn breaks(kind: Kind, valid: &str, from: &str, to: &str, expected: &[&str]) {
    assert_eq!(violations(kind, valid), [] as [String; 0], "the object is valid before");
    let broken = valid.replacen(from, to, 1);
    assert_ne!(broken, valid, "{from:?} is a piece of it");
    assert_eq!(violations(kind, &broken), expected, "{broken}");
}

#[test]
fn every_schema_is_well_formed_and_every_pattern_of_a_specification_has_words() {
    for kind in Kind::ALL {
        assert!(!validate(kind, &json!({})).violations.is_empty(), "{kind} needs a name at least");
    }
}

#[test]
fn a_message_never_speaks_in_regular_expressions() {
    let long = "é*".repeat(200);
    for (kind, yaml) in [
        (
            Kind::BackendTlsPolicy,
            POLICY.replace("example.com", &long).replace("nginx", &long).replace("Service", &long),
        ),
        (Kind::HttpRoute, ROUTE.replace("example.com", &long).replace("10s", &long).replace("gw", &long)),
        (Kind::Gateway, GATEWAY.replace("HTTPS", &long).replace("example.com", &long).replace("cert", &long)),
    ] {
        let violations = report(kind, &yaml).violations;
        assert!(!violations.is_empty());
        for violation in violations {
            let message = violation.message;
            assert!(!message.contains("[a-z0-9]") && !message.contains(&long), "{message}");
        }
    }
}

const POLICY: &str = "
metadata: {name: p}
spec:
  targetRefs:
  - {group: '', kind: Service, name: nginx}
  validation:
    hostname: example.com
    caCertificateRefs:
    - {group: '', kind: ConfigMap, name: ca}
    subjectAltNames:
    - {type: Hostname, hostname: '*.example.com'}
    - {type: URI, uri: 'spiffe://example.com/x'}
  options: {example.com/a: b}
";

#[test]
fn backend_tls_policy() {
    let policy = |from: &str, to: &str, expected: &[&str]| breaks(Kind::BackendTlsPolicy, POLICY, from, to, expected);
    policy(
        "hostname: example.com",
        "hostname: '*.example.com'",
        &[
            "spec.validation.hostname: must be a DNS name of lower-case letters, digits, `-` and `.`, without a wildcard \
         (\"*.example.com\")",
        ],
    );
    policy("hostname: example.com", "hostname: ''", &["spec.validation.hostname: must not be empty"]);
    policy("hostname: example.com", "x: y", &["spec.validation.hostname: is required"]);
    policy("hostname: example.com", "hostname: ~", &["spec.validation.hostname: is required"]);
    policy("hostname: example.com", "hostname: 7", &["spec.validation.hostname: must be a string, not a number (7)"]);
    policy(
        "hostname: example.com",
        "hostname: example.com\n    wellKnownCACertificates: System",
        &["spec.validation: must not contain both caCertificateRefs and wellKnownCACertificates"],
    );
    policy(
        "caCertificateRefs:\n    - {group: '', kind: ConfigMap, name: ca}",
        "caCertificateRefs: []",
        &["spec.validation: must specify either caCertificateRefs or wellKnownCACertificates"],
    );
    policy(
        "caCertificateRefs:\n    - {group: '', kind: ConfigMap, name: ca}",
        "wellKnownCACertificates: Mozilla",
        &["spec.validation.wellKnownCACertificates: must be `System` or a `domain/name` (\"Mozilla\")"],
    );
    policy(
        "caCertificateRefs:\n    - {group: '', kind: ConfigMap, name: ca}",
        "caCertificateRefs: ca",
        &["spec.validation.caCertificateRefs: must be a list, not a string (\"ca\")"],
    );
    policy(
        "group: '', kind: ConfigMap",
        "kind: ConfigMap",
        &["spec.validation.caCertificateRefs[0].group: is required"],
    );
    policy(
        "type: Hostname, hostname: '*.example.com'",
        "type: Hostname",
        &["spec.validation.subjectAltNames[0]: must contain hostname when type is Hostname"],
    );
    policy(
        "type: URI, uri",
        "type: URI, hostname: a, uri",
        &["spec.validation.subjectAltNames[1]: must not contain hostname when type is not Hostname"],
    );
    policy(
        "type: URI, uri: 'spiffe://example.com/x'",
        "type: URI",
        &["spec.validation.subjectAltNames[1]: must contain uri when type is URI"],
    );
    policy(
        "type: Hostname, ",
        "type: Hostname, uri: 'a://b', ",
        &["spec.validation.subjectAltNames[0]: must not contain uri when type is not URI"],
    );
    policy(
        "type: URI",
        "type: IP",
        &[
            "spec.validation.subjectAltNames[1].type: must be one of Hostname, URI (\"IP\")",
            "spec.validation.subjectAltNames[1]: must not contain uri when type is not URI",
        ],
    );
    policy(
        "uri: 'spiffe://example.com/x'",
        "uri: example.com",
        &["spec.validation.subjectAltNames[1].uri: must be an absolute URI with an authority, such as \
         `spiffe://example.com/name` (\"example.com\")"],
    );
    policy("\n  - {group: '', kind: Service, name: nginx}", " []", &["spec.targetRefs: must not be empty"]);
    policy("spec:", "spec: ~\nspecs:", &["spec: is required"]);
    policy(
        "example.com/a: b",
        "example.com/a: on",
        &["spec.options[example.com/a]: must be a string, not a boolean (true)"],
    );
}

#[test]
fn targets_of_a_policy_are_told_apart_by_their_sections() {
    let target = "- {group: '', kind: Service, name: nginx}";
    let with = |targets: &str, expected: &[&str]| breaks(Kind::BackendTlsPolicy, POLICY, target, targets, expected);
    with(
        "- {group: '', kind: Service, name: nginx}\n  - {group: '', kind: Service, name: nginx}",
        &["spec.targetRefs[1]: sectionName must be unique when a target is referenced more than once"],
    );
    with(
        "- {group: '', kind: Service, name: nginx}\n  - {group: '', kind: Service, name: nginx, sectionName: a}",
        &["spec.targetRefs[1]: sectionName must be specified when a target is referenced more than once"],
    );
    let same = "- {group: '', kind: Service, name: nginx, sectionName: a}\n  ";
    with(
        &same.repeat(2),
        &["spec.targetRefs[1]: sectionName must be unique when a target is referenced more than once"],
    );
    let mut many = String::new();
    for index in 0..17 {
        write!(many, "- {{group: '', kind: Service, name: s{index}}}\n  ").expect("a string takes everything");
    }
    with(&many, &["spec.targetRefs: must have at most 16 items, has 17"]);
    let distinct = POLICY.replace(target, &same.replace("sectionName: a", "sectionName: b")).replace(
        "  validation:",
        "  - {group: '', kind: Service, name: nginx, sectionName: c}\n  - {group: x.y, kind: Service, name: nginx}\n  validation:",
    );
    assert_eq!(violations(Kind::BackendTlsPolicy, &distinct), [] as [String; 0]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let broken = POLICY
        .replace("hostname: example.com", "hostname: '*'\n    wellKnownCACertificates: System")
        .replace("kind: Service", "kind: 5")
        .replace("name: p", "name: P_");
    assert_eq!(
        violations(Kind::BackendTlsPolicy, &broken),
        [
            "spec.targetRefs[0].kind: must be a string, not a number (5)",
            "spec.validation.hostname: must be a DNS name of lower-case letters, digits, `-` and `.`, without a wildcard (\"*\")",
            "metadata.name: must be a DNS subdomain (\"P_\")",
            "spec.validation: must not contain both caCertificateRefs and wellKnownCACertificates",
        ]
    );
}

#[test]
fn hints_say_what_would_mend_it() {
    for (from, to, field, hint) in [
        ("hostname: example.com", "hostname: Example.Com", "spec.validation.hostname", "write `example.com`"),
        ("hostname: example.com", "hostname: '*.a.b'", "spec.validation.hostname", "name one host, for example `a.b`"),
        ("type: URI", "type: Uri", "spec.validation.subjectAltNames[1].type", "did you mean `URI`?"),
        ("type: Hostname", "type: DNS", "spec.validation.subjectAltNames[0].type", "write `Hostname` or `URI`"),
        ("type: Hostname, ", "", "spec.validation.subjectAltNames[0].type", "write `Hostname` or `URI`"),
        ("group: ''", "group: on", "spec.targetRefs[0].group", "quote it"),
        ("group: '', ", "", "spec.targetRefs[0].group", "write `group: \"\"`"),
        (
            "hostname: example.com",
            "hostname: example.com\n    wellKnownCACertificates: system",
            "spec.validation.wellKnownCACertificates",
            "did you mean `System`?",
        ),
        (
            "hostname: example.com",
            "hostname: example.com\n    wellKnownCACertificates: the machine's",
            "spec.validation.wellKnownCACertificates",
            "write for example `System`",
        ),
    ] {
        let report = report(Kind::BackendTlsPolicy, &POLICY.replacen(from, to, 1));
        let violation = report.violations.iter().find(|it| it.field == field).expect(field);
        assert!(violation.hint.contains(hint), "{violation:?}");
    }
}

#[test]
fn unknown_fields_are_warned_of_and_no_more() {
    let report = report(
        Kind::BackendTlsPolicy,
        &POLICY.replace(
            "spec:",
            "apiVersion: a/v1\nkind: B\nfoo: 1\nspec:\n  bar: 1\n  targetRef: []\n  subjectAltNames: []",
        ),
    );
    assert_eq!(report.violations, []);
    let told: Vec<_> =
        report.warnings.iter().map(|it| (it.field.as_str(), it.message.as_str(), it.hint.as_str())).collect();
    assert_eq!(
        told,
        [
            ("foo", "unknown field \"foo\"", "remove it, or move it to where it belongs: here it has no effect"),
            (
                "spec.bar",
                "unknown field \"spec.bar\"",
                "remove it, or move it to where it belongs: here it has no effect"
            ),
            (
                "spec.subjectAltNames",
                "unknown field \"spec.subjectAltNames\"",
                "it belongs into `validation`: here it has no effect"
            ),
            ("spec.targetRef", "unknown field \"spec.targetRef\"", "did you mean `targetRefs`?"),
        ]
    );
    breaks(
        Kind::BackendTlsPolicy,
        POLICY,
        "  validation:\n",
        "  validation:\n    options: {gateway.postern.dev/min-tls-version: \"1.3\"}\n",
        &["spec.validation.options: is no field of validation"],
    );
}

const GATEWAY: &str = "
metadata: {name: gw}
spec:
  gatewayClassName: postern
  addresses:
  - {value: 10.0.0.1}
  - {type: Hostname, value: a.example.com}
  infrastructure:
    labels: {example.com/a: b}
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: example.com}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}
  - {name: tls, port: 8443, protocol: TLS, tls: {mode: Passthrough}}
  - {name: tcp, port: 90, protocol: TCP}
";

#[test]
fn gateway() {
    let gateway = |from: &str, to: &str, expected: &[&str]| breaks(Kind::Gateway, GATEWAY, from, to, expected);
    gateway("port: 80,", "port: 0,", &["spec.listeners[0].port: must be between 1 and 65535 (0)"]);
    gateway("port: 80,", "port: '80',", &["spec.listeners[0].port: must be an integer, not a string (\"80\")"]);
    gateway(
        "port: 80,",
        "port: 99999999999999999999,",
        &["spec.listeners[0].port: must be an integer, not a number (1e+20)"],
    );
    gateway("name: https", "name: http", &["spec.listeners[1]: has the same name as item 0 (\"http\")"]);
    gateway(
        "name: http,",
        "name: Http,",
        &[
            "spec.listeners[0].name: must be a DNS name of lower-case letters, digits, `-` and `.`, without a wildcard (\"Http\")",
        ],
    );
    gateway(
        "hostname: example.com}",
        "hostname: example.com, tls: {mode: Passthrough}}",
        &["spec.listeners[0].tls: must not be specified for protocol HTTP"],
    );
    gateway(
        "tls: {certificateRefs: [{name: cert}]}",
        "tls: {mode: Passthrough}",
        &["spec.listeners[1].tls.mode: must be Terminate for protocol HTTPS"],
    );
    gateway(
        "tls: {certificateRefs: [{name: cert}]}",
        "tls: {certificateRefs: []}",
        &["spec.listeners[1].tls: certificateRefs or options must be specified when mode is Terminate"],
    );
    gateway(
        "mode: Passthrough",
        "mode: Both",
        &["spec.listeners[2].tls.mode: must be one of Terminate, Passthrough (\"Both\")"],
    );
    gateway(
        ", tls: {mode: Passthrough}",
        "",
        &["spec.listeners[2].tls: must be specified for protocol TLS, with its mode"],
    );
    gateway(
        "protocol: TCP",
        "protocol: TCP, hostname: a.b",
        &["spec.listeners[3].hostname: must not be specified for protocol TCP"],
    );
    gateway(
        "port: 90, protocol: TCP",
        "port: 80, protocol: HTTP, hostname: example.com",
        &["spec.listeners[3]: has the same port, protocol and hostname as listener 0"],
    );
    gateway(
        "{value: 10.0.0.1}",
        "{value: 10.0.0.256}",
        &["spec.addresses[0].value: must be an IP address (\"10.0.0.256\")"],
    );
    gateway("value: a.example.com", "value: a_b", &["spec.addresses[1].value: must be a DNS name (\"a_b\")"]);
    gateway(
        "{value: 10.0.0.1}",
        "{value: '::1'}\n  - {type: IPAddress, value: '::1'}",
        &["spec.addresses[1]: is the same as address 0"],
    );
    gateway("example.com/a: b", "a/b/c: b", &["spec.infrastructure.labels[a/b/c]: is no valid key"]);
    gateway("gatewayClassName: postern", "gatewayClassName: ''", &["spec.gatewayClassName: must not be empty"]);
    gateway("metadata: {name: gw}", "metadata: {name: gw}\nstatus: 5", &[]);
}

#[test]
fn gateway_tls() {
    let tls = "  tls:\n    backend: {clientCertificateRef: {name: client}}\n    frontend:\n      default: {}\n      perPort:\n      \
               - {port: 443, tls: {}}\n";
    let valid = format!("{GATEWAY}{tls}");
    breaks(
        Kind::Gateway,
        &valid,
        "perPort:\n",
        "perPort:\n      - {port: 443, tls: {}}\n",
        &["spec.tls.frontend.perPort[1]: has the same port as item 0 (443)"],
    );
    breaks(Kind::Gateway, &valid, "default: {}", "x: {}", &["spec.tls.frontend.default: is required"]);
    breaks(
        Kind::Gateway,
        &valid,
        "name: client",
        "kind: Secret",
        &["spec.tls.backend.clientCertificateRef.name: is required"],
    );
}

#[test]
fn gateway_class_and_reference_grant() {
    let class = "metadata: {name: c}\nspec: {controllerName: example.com/postern, description: x}\n";
    breaks(
        Kind::GatewayClass,
        class,
        "example.com/postern",
        "postern",
        &["spec.controllerName: must be a domain-prefixed path such as `example.com/controller` (\"postern\")"],
    );
    breaks(
        Kind::GatewayClass,
        class,
        "description: x",
        "parametersRef: {name: a}",
        &["spec.parametersRef.group: is required", "spec.parametersRef.kind: is required"],
    );
    let grant = "metadata: {name: g}\nspec:\n  from: [{group: '', kind: Service, namespace: a}]\n  to: [{group: '', kind: A}]\n";
    breaks(Kind::ReferenceGrant, grant, ", namespace: a", "", &["spec.from[0].namespace: is required"]);
    breaks(
        Kind::ReferenceGrant,
        grant,
        "namespace: a",
        "namespace: '*'",
        &["spec.from[0].namespace: must be a DNS label of lower-case letters, digits and `-` (\"*\")"],
    );
    breaks(Kind::ReferenceGrant, grant, "to: [{group: '', kind: A}]", "to: []", &["spec.to: must not be empty"]);
}

#[test]
fn agentgateway_backend() {
    let backend = "metadata: {name: b}\nspec: {static: {host: httpbin.org, port: 443}}\n";
    let broken =
        |from: &str, to: &str, expected: &[&str]| breaks(Kind::AgentgatewayBackend, backend, from, to, expected);
    broken("static", "ai", &["spec.static: is required"]);
    broken("port: 443", "port: 65536", &["spec.static.port: must be between 1 and 65535 (65536)"]);
    broken(", port: 443", "", &["spec.static.port: is required"]);
    for host in ["https://a.b", "'[::1]'", "a.b:443", "1.2.3", "a_b", "-a"] {
        let expected =
            format!("spec.static.host: must be a DNS name or an IP address (\"{}\")", host.trim_matches('\''));
        broken("host: httpbin.org", &format!("host: {host}"), &[&expected]);
    }
    for host in ["10.0.0.1", "'::1'", "Example.COM", "localhost"] {
        assert_eq!(violations(Kind::AgentgatewayBackend, &backend.replace("httpbin.org", host)), [] as [String; 0]);
    }
}
