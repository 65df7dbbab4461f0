//! Kinds of Kubernetes itself, and `metadata`.

use super::*;

#[test]
fn service() {
    let service =
        "metadata: {name: s}\nspec:\n  ports:\n  - {name: a, port: 80, targetPort: http}\n  - {name: b, port: 81}\n";
    let broken = |from: &str, to: &str, expected: &[&str]| breaks(Kind::Service, service, from, to, expected);
    broken("name: s}", "name: 1s}", &["metadata.name: must be a DNS label that begins with a letter (\"1s\")"]);
    broken("name: b, ", "", &["spec.ports[1].name: is required when there is more than one port"]);
    broken("name: b", "name: a", &["spec.ports[1].name: is the same as that of port 0"]);
    broken("name: b", "name: B", &["spec.ports[1].name: must be a DNS label (\"B\")"]);
    broken("port: 81", "port: 80", &["spec.ports[1]: has the same port and protocol as port 0"]);
    broken("port: 81", "port: 0", &["spec.ports[1].port: must be between 1 and 65535 (0)"]);
    broken(
        "port: 81",
        "protocol: QUIC, port: 81",
        &["spec.ports[1].protocol: must be one of TCP, UDP, SCTP (\"QUIC\")"],
    );
    broken(
        "targetPort: http",
        "targetPort: 70000",
        &["spec.ports[0].targetPort: must be a port from 1 to 65535 or the name of a container's port"],
    );
    broken(
        "port: 81",
        "port: 81, appProtocol: a/b/c",
        &["spec.ports[1].appProtocol: must be a qualified name (\"a/b/c\")"],
    );
    broken("  ports:", "  type: ExternalName\n  ports:", &["spec.externalName: is required when type is ExternalName"]);
    broken(
        "  ports:",
        "  clusterIP: nowhere\n  ports:",
        &["spec.clusterIP: must be an IP address or None (\"nowhere\")"],
    );
    broken(
        "  ports:",
        "  type: Headless\n  ports:",
        &["spec.type: must be one of ClusterIP, NodePort, LoadBalancer, ExternalName (\"Headless\")"],
    );
    assert_eq!(violations(Kind::Service, "metadata: {name: s}\nspec: {}\n"), ["spec.ports: is required"]);
    for valid in [
        "metadata: {name: s}\nspec: {clusterIP: None}\n",
        "metadata: {name: s}\nspec: {type: ExternalName, externalName: a.example.com.}\n",
        "metadata: {name: s}\nspec: {ports: [{port: 53, name: a, protocol: UDP}, {port: 53, name: b}]}\n",
    ] {
        assert_eq!(violations(Kind::Service, valid), [] as [String; 0]);
    }
}

#[test]
fn endpoint_slice() {
    let slice =
        "metadata: {name: s}\naddressType: IPv4\nendpoints:\n- addresses: [127.0.0.1]\nports:\n- {name: a, port: 80}\n";
    let broken = |from: &str, to: &str, expected: &[&str]| breaks(Kind::EndpointSlice, slice, from, to, expected);
    broken("127.0.0.1", "'::1'", &["endpoints[0].addresses[0]: must be an IPv4 address (\"::1\")"]);
    broken(
        "127.0.0.1",
        "0.0.0.0",
        &["endpoints[0].addresses[0]: must not be an unspecified, multicast or link-local address (\"0.0.0.0\")"],
    );
    broken("[127.0.0.1]", "[]", &["endpoints[0].addresses: must not be empty"]);
    broken("IPv4", "IPv5", &["addressType: must be one of IPv4, IPv6, FQDN (\"IPv5\")"]);
    broken("addressType: IPv4\n", "", &["addressType: is required"]);
    broken(
        "- {name: a, port: 80}",
        "- {name: a, port: 80}\n- {name: a, port: 81}",
        &["ports[1].name: is the same as that of port 0"],
    );
    broken("port: 80", "port: 65536", &["ports[0].port: must be between 1 and 65535 (65536)"]);
    let v6 = slice.replace("IPv4", "IPv6").replace("127.0.0.1", "'::1'");
    assert_eq!(violations(Kind::EndpointSlice, &v6), [] as [String; 0]);
}

#[test]
fn config_map_and_secret() {
    let map = "metadata: {name: m}\ndata: {ca.crt: x}\n";
    breaks(Kind::ConfigMap, map, "ca.crt: x", "a/b: x", &["data[a/b]: is no valid key"]);
    breaks(Kind::ConfigMap, map, "ca.crt: x", "ca.crt: ~", &["data[ca.crt]: must be a string, not null"]);
    breaks(
        Kind::ConfigMap,
        map,
        "\ndata:",
        "\nbinaryData: {ca.crt: eA==}\ndata:",
        &["binaryData[ca.crt]: is also a key of data"],
    );
    breaks(
        Kind::ConfigMap,
        map,
        "ca.crt: x",
        &format!("ca.crt: {}", "x".repeat((1 << 20) + 1)),
        &["must have at most 1048576 bytes of data, has 1048577"],
    );
    let secret =
        "metadata: {name: s}\ntype: kubernetes.io/tls\ndata: {tls.crt: eA==}\nstringData: {tls.key: secret-value}\n";
    breaks(Kind::Secret, secret, "tls.crt: eA==", "tls.crt: secret value", &["data[tls.crt]: must be base64"]);
    breaks(
        Kind::Secret,
        secret,
        "tls.key: secret-value",
        "a: b",
        &["data[tls.key]: is required when type is kubernetes.io/tls"],
    );
}

#[test]
fn values_of_secrets_are_never_told() {
    let secret = "metadata: {name: s}\ntype: 90210\ndata: {a: 90210, b: '90210-'}\nstringData: {c: 90210, d: on}\n";
    let report = report(Kind::Secret, secret);
    assert_eq!(report.violations.len(), 5, "{report:?}");
    let told = format!("{report:?}");
    assert!(!told.contains("90210") && !told.contains("true)"), "{told}");
}

#[test]
fn metadata() {
    let object = "metadata: {name: a.b, namespace: x, labels: {app: v1}, annotations: {Example.com/A: x}}\n";
    let broken = |from: &str, to: &str, expected: &[&str]| breaks(Kind::ConfigMap, object, from, to, expected);
    broken("name: a.b, ", "", &["metadata.name: is required"]);
    broken("name: a.b", "generateName: a-", &["metadata.name: is required"]);
    broken("name: a.b", "name: 5", &["metadata.name: must be a string, not a number (5)"]);
    broken("name: a.b", "name: A", &["metadata.name: must be a DNS subdomain (\"A\")"]);
    broken("namespace: x", "namespace: a.b", &["metadata.namespace: must be a DNS label (\"a.b\")"]);
    broken("app: v1", "app: a b", &["metadata.labels[app]: must be a label value (\"a b\")"]);
    broken("app: v1", "app: 1", &["metadata.labels[app]: must be a string, not a number (1)"]);
    broken("app: v1", "-app: v1", &["metadata.labels[-app]: is no valid key"]);
    broken("Example.com/A: x", "'a b': x", &["metadata.annotations[a b]: is no valid key"]);
    broken(
        "labels:",
        "creationTimestamp: '2025-07-07', labels:",
        &["metadata.creationTimestamp: must be a time as RFC 3339 writes it (\"2025-07-07\")"],
    );
    assert_eq!(
        violations(Kind::ConfigMap, "metadata: x\n"),
        ["metadata: must be a map, not a string (\"x\")", NO_NAME]
    );
    assert_eq!(
        violations(Kind::Namespace, "metadata: {name: a.b}\n"),
        ["metadata.name: must be a DNS label (\"a.b\")"]
    );
}

const NO_NAME: &str = "metadata.name: is required";
