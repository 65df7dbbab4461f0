//! Objects that lead a gateway to a backend, as YAML. All of them are of the default namespace, until [`within`] puts them
//! elsewhere.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::certificates::Identity;

/// The label of all that belongs to a [`Target`].
pub const LABEL: &str = "app: postern-outcomes";

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
    /// The API group and the kind of the backend.
    backend: (&'static str, &'static str),
    yaml: String,
}

impl Target {
    /// Everything is called `name`.
    pub fn new(name: &str, address: SocketAddr) -> Self {
        let yaml = format!("{}{}", service(name), slice(name, name, address));
        Self { name: name.into(), backend: ("", "Service"), yaml }
            .route("web", &format!("{{kind: Service, name: {name}, port: 443}}"))
    }

    /// Gives the Service one more endpoint.
    #[must_use]
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
metadata: {{name: {name}, labels: {{{LABEL}}}}}
spec: {{static: {{host: {host}, port: {port}}}}}
"
        );
        let reference = format!("{{group: agentgateway.dev, kind: AgentgatewayBackend, name: {name}}}");
        Self { name: name.into(), backend: ("agentgateway.dev", "AgentgatewayBackend"), yaml }.route("web", &reference)
    }

    fn route(mut self, gateway: &str, reference: &str) -> Self {
        let name = &self.name;
        let _ = write!(
            self.yaml,
            "
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, labels: {{{LABEL}}}}}
spec:
  parentRefs: [{{name: {gateway}}}]
  hostnames: [{name}.test]
  rules: [{{backendRefs: [{reference}]}}]
"
        );
        self
    }

    /// A BackendTLSPolicy that trusts `ca` (PEM) and expects the name `backend.test`; `more` are further lines of
    /// `validation`, and `options` of `options`.
    #[must_use]
    pub fn policy(mut self, ca: &str, more: &str, options: &str) -> Self {
        let (name, ca) = (&self.name, ca.replace('\n', "\n    "));
        let (group, kind) = self.backend;
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
metadata: {{name: {name}, labels: {{{LABEL}}}}}
data:
  ca.crt: |
    {ca}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: {name}, labels: {{{LABEL}}}}}
spec:
  targetRefs: [{{group: \"{group}\", kind: {kind}, name: {name}}}]
  validation:
    caCertificateRefs: [{{group: \"\", kind: ConfigMap, name: {name}}}]
    hostname: backend.test{more}{options}
"
        );
        self
    }

    /// With a slip in the name that its policy targets.
    #[must_use]
    pub fn misspelt(mut self) -> Self {
        let (name, kind) = (&self.name, self.backend.1);
        let target = |name: &str| format!("kind: {kind}, name: {name}}}]\n  validation:");
        self.yaml = self.yaml.replace(&target(name), &target(&format!("{name}y")));
        self
    }

    /// All of its objects.
    pub fn yaml(&self) -> &str {
        &self.yaml
    }

    /// What everything is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of its backend.
    pub fn kind(&self) -> &'static str {
        self.backend.1
    }
}

/// Leads routes that lead from the Gateway `web` from this one.
pub fn on_gateway(gateway: &str, objects: &str) -> String {
    objects.replace("parentRefs: [{name: web}]", &format!("parentRefs: [{{name: {gateway}}}]"))
}

/// Puts objects that name no namespace into this one.
pub fn within(namespace: &str, objects: &str) -> String {
    objects.replace("metadata: {", &format!("metadata: {{namespace: {namespace}, "))
}

/// A Service with the port 443.
pub fn service(name: &str) -> String {
    format!(
        "
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, labels: {{{LABEL}}}}}
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
metadata: {{name: {name}, labels: {{{LABEL}, kubernetes.io/service-name: {service}}}}}
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
metadata: {{name: {name}, labels: {{{LABEL}}}}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    {certificate}
  tls.key: |
    {key}
"
    )
}
