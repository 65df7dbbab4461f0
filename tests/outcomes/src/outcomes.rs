//! All backends at once: one for each result of a handshake, and some more that do well in other ways, so that everything
//! that is counted has something to count.

mod results;
mod varieties;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use postern_actors::outcome::HandshakeResult;
use serde::Serialize;

use crate::backend::Backend;
use crate::certificates::{Authority, Identity};
use crate::objects::{LABEL, Target, on_gateway, secret, within};

/// The Secret that the HTTPS listener serves, and the one that the Gateway shows to its backends.
const LISTENER_CERTIFICATE: &str = "outcomes-listener";
const CLIENT_CERTIFICATE: &str = "outcomes-client";
/// The only name of the HTTPS listener's certificate, which is a host of [`varieties`].
const LISTENER_HOST: &str = "https-listener.test";

/// Where the backends are, and what their objects are to be called.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address of this machine that they listen on.
    pub bind: IpAddr,
    /// The namespace of all objects.
    pub namespace: String,
    /// The class of the Gateways.
    pub gateway_class: String,
    /// The name of the Gateway; the second one is called so with `-nameless` after it.
    pub gateway_name: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            namespace: "default".into(),
            gateway_class: "postern".into(),
            gateway_name: "outcomes".into(),
        }
    }
}

/// A listener: one of the Gateway, or that of the Gateway whose client certificate does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
    /// That of the second Gateway, without TLS.
    Nameless,
}

impl Listener {
    /// Its port.
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Nameless => 81,
        }
    }

    fn scheme(self) -> &'static str {
        if self == Self::Https { "https" } else { "http" }
    }
}

/// A host, its backend, and what comes of a request to it. The backend serves until the case is dropped.
pub struct Case {
    /// How the handshake ends; none where there is none.
    pub result: Option<HandshakeResult>,
    /// The status that the client gets.
    pub status: u16,
    /// What the body that the client gets contains.
    pub body: String,
    /// Where the host is asked for.
    pub listener: Listener,
    target: Target,
    backend: Option<Backend>,
}

impl Case {
    fn new(target: Target, result: Option<HandshakeResult>, status: u16, body: impl Into<String>) -> Self {
        Self { result, status, body: body.into(), listener: Listener::Http, target, backend: None }
    }

    fn served_by(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    fn at(mut self, listener: Listener) -> Self {
        self.listener = listener;
        self
    }

    /// What its objects are called.
    pub fn name(&self) -> &str {
        self.target.name()
    }

    /// The host that leads to it.
    pub fn host(&self) -> String {
        format!("{}.test", self.name())
    }
}

/// What all cases have in common.
struct Stage {
    bind: IpAddr,
    /// Whom policies trust.
    authority: Authority,
    /// Who issued the certificate that the Gateway shows to backends.
    clients: Authority,
}

/// Everything, serving until it is dropped.
pub struct Outcomes {
    settings: Settings,
    results: Vec<Case>,
    varieties: Vec<Case>,
    /// Who issued the certificate of the HTTPS listener.
    listeners: Authority,
    listener: Identity,
    client: Identity,
}

impl Outcomes {
    /// Starts every backend.
    pub fn start(settings: Settings) -> Self {
        let (clients, listeners) = (Authority::new("of clients"), Authority::new("of listeners"));
        let (client, listener) = (clients.issue("gateway.test"), listeners.issue(LISTENER_HOST));
        let stage = Stage { bind: settings.bind, authority: Authority::new("ours"), clients };
        let (results, varieties) = (results::provoke(&stage), varieties::all(&stage));
        Self { settings, results, varieties, listeners, listener, client }
    }

    /// One for each result, in the order of [`HandshakeResult::ALL`].
    pub fn results(&self) -> &[Case] {
        &self.results
    }

    /// Those beside: they all do well, each in another way.
    pub fn varieties(&self) -> &[Case] {
        &self.varieties
    }

    /// The files of objects: a name without its extension, and YAML.
    pub fn files(&self) -> Vec<(String, String)> {
        let namespace = &self.settings.namespace;
        let mut files = vec![("gateways".to_owned(), within(namespace, &self.gateways()))];
        files.extend(self.results.iter().chain(&self.varieties).map(|case| {
            let objects = on_gateway(&self.gateway(case.listener), case.target.yaml());
            (case.name().to_owned(), within(namespace, &objects))
        }));
        files
    }

    /// What there is, for a program that sends requests.
    pub fn inventory(&self) -> impl Serialize {
        Inventory {
            gateways: [Listener::Http, Listener::Nameless]
                .map(|listener| format!("{}/{}", self.settings.namespace, self.gateway(listener)))
                .into(),
            results: self.results.iter().map(|case| self.entry(case)).collect(),
            varieties: self.varieties.iter().map(|case| self.entry(case)).collect(),
            listener_ca: self.listeners.pem(),
        }
    }

    fn entry(&self, case: &Case) -> Entry {
        let namespace = &self.settings.namespace;
        Entry {
            name: case.name().to_owned(),
            result: case.result,
            gateway: format!("{namespace}/{}", self.gateway(case.listener)),
            scheme: case.listener.scheme(),
            host: case.host(),
            listener_port: case.listener.port(),
            status: case.status,
            backend: format!("{}/{namespace}/{}", case.target.kind(), case.name()),
            port: 443,
        }
    }

    fn gateway(&self, listener: Listener) -> String {
        let name = &self.settings.gateway_name;
        if listener == Listener::Nameless { format!("{name}-nameless") } else { name.clone() }
    }

    fn gateways(&self) -> String {
        let (class, name, nameless) =
            (&self.settings.gateway_class, self.gateway(Listener::Http), self.gateway(Listener::Nameless));
        let mut yaml = format!(
            "
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, labels: {{{LABEL}}}}}
spec:
  gatewayClassName: {class}
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - {{name: https, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: {LISTENER_CERTIFICATE}}}]}}}}
  tls: {{backend: {{clientCertificateRef: {{name: {CLIENT_CERTIFICATE}}}}}}}
"
        );
        let _ = write!(
            yaml,
            "
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {nameless}, labels: {{{LABEL}}}}}
spec:
  gatewayClassName: {class}
  listeners: [{{name: http, port: 81, protocol: HTTP}}]
  tls: {{backend: {{clientCertificateRef: {{name: missing}}}}}}
"
        );
        yaml.push_str(&secret(LISTENER_CERTIFICATE, &self.listener));
        yaml.push_str(&secret(CLIENT_CERTIFICATE, &self.client));
        yaml
    }
}

#[derive(Serialize)]
struct Inventory {
    gateways: Vec<String>,
    results: Vec<Entry>,
    varieties: Vec<Entry>,
    listener_ca: String,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    result: Option<HandshakeResult>,
    gateway: String,
    scheme: &'static str,
    host: String,
    listener_port: u16,
    status: u16,
    backend: String,
    port: u16,
}

#[cfg(test)]
mod tests {
    use postern_actors::outcome::HandshakeResult;

    use super::{Outcomes, Settings};

    #[test]
    fn no_result_is_left_out() {
        let outcomes = Outcomes::start(Settings::default());
        let provoked: Vec<_> = outcomes.results().iter().filter_map(|case| case.result).collect();
        assert_eq!(provoked, HandshakeResult::ALL);
    }

    #[test]
    fn every_object_is_in_the_namespace_and_has_the_label() {
        let settings = Settings { namespace: "elsewhere".into(), ..Settings::default() };
        for (name, yaml) in Outcomes::start(settings).files() {
            let objects = yaml.matches("\nkind: ").count();
            assert!(objects > 0, "{name}");
            assert_eq!(yaml.matches("metadata: {namespace: elsewhere, name: ").count(), objects, "{name}");
            assert_eq!(yaml.matches("labels: {app: postern-outcomes").count(), objects, "{name}");
        }
    }
}
