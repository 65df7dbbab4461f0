//! The YAML of the demo, as a cluster would hold it.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// The port in the demo's Gateway.
pub(crate) const LISTENER_PORT: u16 = 80;
/// The namespace of the demo's objects.
pub(crate) const NAMESPACE: &str = "demo";

/// One host of the demo with its backend.
pub(crate) struct Manifest<'a> {
    /// Name of the Service, the policy and the route; the host is `<name>.demo`.
    pub name: &'a str,
    /// What it shows, as a comment.
    pub about: &'a str,
    /// The ConfigMap that its policy trusts.
    pub authority: &'a str,
    /// Where the backend listens.
    pub address: SocketAddr,
}

impl Manifest<'_> {
    /// The host that clients ask for.
    pub(crate) fn host(&self) -> String {
        format!("{}.demo", self.name)
    }
}

/// The name that the policy demands of a backend's certificate.
pub(crate) fn backend_name(name: &str) -> String {
    format!("{name}.backend.demo")
}

/// Writes everything into a folder.
pub(crate) fn write(folder: &Path, authorities: &[(&str, &str)], manifests: &[Manifest<'_>]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("gateway.yaml"), gateway())?;
    for (name, pem) in authorities {
        fs::write(folder.join(format!("{name}.yaml")), config_map(name, pem))?;
    }
    for manifest in manifests {
        fs::write(folder.join(format!("{}.yaml", manifest.name)), host(manifest))?;
    }
    Ok(())
}

fn gateway() -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: demo
  namespace: {NAMESPACE}
spec:
  gatewayClassName: postern
  listeners:
  - name: http
    protocol: HTTP
    port: {LISTENER_PORT}
"
    )
}

fn config_map(name: &str, pem: &str) -> String {
    let mut text = format!(
        "apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {NAMESPACE}
data:
  ca.crt: |
"
    );
    for line in pem.lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}

fn host(manifest: &Manifest<'_>) -> String {
    let Manifest { name, about, authority, address } = manifest;
    format!(
        "# {about}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {name}
  namespace: {NAMESPACE}
spec:
  parentRefs:
  - name: demo
  hostnames:
  - {host}
  rules:
  - backendRefs:
    - name: {name}
      port: 443
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata:
  name: {name}
  namespace: {NAMESPACE}
spec:
  targetRefs:
  - group: \"\"
    kind: Service
    name: {name}
  validation:
    hostname: {backend}
    caCertificateRefs:
    - group: \"\"
      kind: ConfigMap
      name: {authority}
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {NAMESPACE}
spec:
  ports:
  - name: https
    port: 443
    targetPort: {port}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}-1
  namespace: {NAMESPACE}
  labels:
    kubernetes.io/service-name: {name}
addressType: IPv4
ports:
- name: https
  port: {port}
endpoints:
- addresses:
  - {ip}
",
        host = manifest.host(),
        backend = backend_name(name),
        port = address.port(),
        ip = address.ip(),
    )
}
