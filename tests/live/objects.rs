//! The objects of a test, as YAML.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::certificates::Identity;

/// A Gateway `web` with one HTTP listener on port 80.
pub const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: postern
  listeners: [{name: http, port: 80, protocol: HTTP}]
";

/// A Service with one endpoint, and a route to it from the host `NAME.test`.
pub struct Target {
    name: String,
    yaml: String,
}

impl Target {
    /// Everything is called `name`.
    pub fn new(name: &str, address: SocketAddr) -> Self {
        let yaml = format!("{}{}", service(name), slice(name, name, address));
        Self { name: name.into(), yaml }.route("web", &format!("{{kind: Service, name: {name}, port: 443}}"))
    }

    /// Gives the Service one more endpoint.
    pub fn endpoint(mut self, address: SocketAddr) -> Self {
        self.yaml.push_str(&slice(&format!("{}-{}", self.name, address.port()), &self.name, address));
        self
    }

    /// A host outside, by name.
    pub fn external(name: &str, host: &str, port: u16) -> Self {
        let yaml = format!(
            "
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {{name: {name}}}
spec: {{static: {{host: {host}, port: {port}}}}}
"
        );
        let reference = format!("{{group: agentgateway.dev, kind: AgentgatewayBackend, name: {name}}}");
        Self { name: name.into(), yaml }.route("web", &reference)
    }

    fn route(mut self, gateway: &str, reference: &str) -> Self {
        let name = &self.name;
        let _ = write!(
            self.yaml,
            "
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: {gateway}}}]
  hostnames: [{name}.test]
  rules: [{{backendRefs: [{reference}]}}]
"
        );
        self
    }

    /// Moves the route to another Gateway.
    pub fn on_gateway(mut self, gateway: &str) -> Self {
        self.yaml = self.yaml.replace("parentRefs: [{name: web}]", &format!("parentRefs: [{{name: {gateway}}}]"));
        self
    }

    /// A BackendTLSPolicy that trusts `ca` (PEM) and expects the name `backend.test`; `more` are further lines of
    /// `validation`, and `options` of `options`.
    pub fn policy(mut self, ca: &str, more: &str, options: &str) -> Self {
        let (name, ca) = (&self.name, ca.replace('\n', "\n    "));
        let (group, kind) = if self.yaml.contains("kind: AgentgatewayBackend") {
            ("agentgateway.dev", "AgentgatewayBackend")
        } else {
            ("\"\"", "Service")
        };
        let indented = |text: &str| {
            if text.is_empty() { String::new() } else { format!("\n    {}", text.replace('\n', "\n    ")) }
        };
        let more = indented(more);
        let options = if options.is_empty() { String::new() } else { format!("\n  options:{}", indented(options)) };
        let _ = write!(
            self.yaml,
            "
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data:
  ca.crt: |
    {ca}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: {group}, kind: {kind}, name: {name}}}]
  validation:
    caCertificateRefs: [{{group: \"\", kind: ConfigMap, name: {name}}}]
    hostname: backend.test{more}{options}
"
        );
        self
    }

    pub fn yaml(&self) -> &str {
        &self.yaml
    }
}

/// A Service with the port 443.
pub fn service(name: &str) -> String {
    format!(
        "
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{name: https, port: 443}}]}}
"
    )
}

/// An EndpointSlice of a Service with one endpoint.
pub fn slice(name: &str, service: &str, address: SocketAddr) -> String {
    let (family, ip, port) = (if address.is_ipv4() { "IPv4" } else { "IPv6" }, address.ip(), address.port());
    format!(
        "
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {service}}}}}
addressType: {family}
ports: [{{name: https, port: {port}}}]
endpoints: [{{addresses: [\"{ip}\"]}}]
"
    )
}

/// A Secret of type `kubernetes.io/tls`.
pub fn secret(name: &str, identity: &Identity) -> String {
    let indented = |pem: &str| pem.trim_end().replace('\n', "\n    ");
    let (certificate, key) = (indented(&identity.certificate_pem), indented(&identity.key_pem));
    format!(
        "
---
apiVersion: v1
kind: Secret
metadata: {{name: {name}}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    {certificate}
  tls.key: |
    {key}
"
    )
}
