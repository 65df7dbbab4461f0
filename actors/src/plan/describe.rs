//! The plan for people: one stable JSON rendering, for `/config_dump` and for comparisons. It holds no secret: a private
//! key is not in it, and a certificate is its SHA-256 fingerprint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::backend::{Backend, NearMiss, Poison, Tls};
use super::certificate::ServerCertificate;
use super::endpoint::EndpointSource;
use super::filter::{Filters, HeaderEdits, PathRewrite, Redirect, Rewrite};
use super::identity::{ClientCertificate, Der, PeerNames, SubjectAltName, TlsIdentity, Trust};
use super::listener::{Listener, Port};
use super::matching::{Match, PathMatch, RuleTable, ValueMatch};
use super::rule::{Action, Rule, Target, WeightedBackend};
use super::{HostTable, Plan};

#[cfg(test)]
mod tests;

impl Plan {
    /// Everything that the plan decides, in a fixed order; what is absent or has no effect is left out.
    pub fn describe(&self) -> Value {
        json!({
            "ports": self.ports.iter().map(|listening| port(listening)).collect::<Vec<_>>(),
            "backends": self.backends.values().map(|target| backend(target)).collect::<Vec<_>>(),
            "authorities": self.authorities.iter().map(|authority| json!({
                "policy": authority.policy,
                "reference": authority.reference,
                "notAfter": authority.not_after,
            })).collect::<Vec<_>>(),
        })
    }
}

/// An object without the fields that are null, empty, or false.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let says_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    let fields = fields.into_iter().filter(|(_, value)| says_something(value));
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn list<T>(items: impl IntoIterator<Item = T>, describe: impl FnMut(T) -> Value) -> Value {
    items.into_iter().map(describe).collect()
}

fn port(port: &Port) -> Value {
    object([
        ("gateway", json!(port.gateway)),
        ("port", json!(port.port)),
        ("protocol", json!(port.protocol.scheme())),
        ("listeners", list(port.listeners.values(), |entry| listener(entry))),
    ])
}

fn listener(listener: &Listener) -> Value {
    object([
        ("name", json!(listener.name)),
        ("hostname", json!(listener.hostname)),
        ("certificates", list(&listener.certificates, |entry| server_certificate(entry))),
        ("hosts", hosts(&listener.routes)),
    ])
}

fn hosts(routes: &HostTable<RuleTable>) -> Value {
    list(routes.iter(), |(hostname, table)| {
        object([
            ("hostname", json!(hostname.as_deref().unwrap_or("*"))),
            ("rules", list(table.rules(), |(condition, taken)| rule(condition, taken))),
        ])
    })
}

fn rule(condition: &Match, rule: &Rule) -> Value {
    object([
        ("match", matching(condition)),
        ("route", json!(rule.route)),
        ("rule", json!(rule.index)),
        ("name", json!(rule.name)),
        ("filters", filters(&rule.filters)),
        ("action", action(&rule.action)),
        ("requestTimeoutSeconds", json!(rule.timeouts.request.map(|limit| limit.as_secs_f64()))),
        ("backendRequestTimeoutSeconds", json!(rule.timeouts.backend_request.map(|limit| limit.as_secs_f64()))),
    ])
}

fn matching(condition: &Match) -> Value {
    let path = match &condition.path {
        PathMatch::Exact(path) => json!({ "exact": path }),
        PathMatch::Prefix(prefix) => json!({ "prefix": prefix }),
        PathMatch::Regex(regex) => json!({ "regex": regex.as_str() }),
    };
    let values = |(name, wanted): &(std::sync::Arc<str>, ValueMatch)| match wanted {
        ValueMatch::Exact(value) => json!({ "name": name, "exact": value }),
        ValueMatch::Regex(regex) => json!({ "name": name, "regex": regex.as_str() }),
    };
    object([
        ("path", path),
        ("method", json!(condition.method)),
        ("headers", list(&condition.headers, values)),
        ("query", list(&condition.query, values)),
    ])
}

fn action(action: &Action) -> Value {
    match action {
        Action::Redirect(to) => json!({ "redirect": redirect(to) }),
        Action::Forward(backends) => json!({ "forward": list(backends.iter(), weighted) }),
        Action::Fail(why) => json!({ "fail": poison(why) }),
    }
}

fn weighted(reference: &WeightedBackend) -> Value {
    let (backend, unusable) = match &reference.target {
        Target::Backend(backend) => (json!(backend.id.to_string()), Value::Null),
        Target::Unusable(why) => (Value::Null, poison(why)),
    };
    object([
        ("weight", json!(reference.weight)),
        ("backend", backend),
        ("unusable", unusable),
        ("filters", filters(&reference.filters)),
    ])
}

fn poison(poison: &Poison) -> Value {
    object([
        ("reason", json!(poison.reason.as_str())),
        ("message", json!(poison.message)),
        ("policy", json!(poison.policy)),
    ])
}

fn filters(filters: &Filters) -> Value {
    object([
        ("requestHeaders", header_edits(&filters.request_headers)),
        ("responseHeaders", header_edits(&filters.response_headers)),
        ("rewrite", filters.rewrite.as_ref().map_or(Value::Null, rewrite)),
    ])
}

fn header_edits(edits: &HeaderEdits) -> Value {
    let pair = |(name, value): &(http::HeaderName, http::HeaderValue)| json!({ "name": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes()) });
    object([
        ("set", list(&edits.set, pair)),
        ("add", list(&edits.add, pair)),
        ("remove", list(&edits.remove, |name| json!(name.as_str()))),
    ])
}

fn rewrite(rewrite: &Rewrite) -> Value {
    object([
        ("hostname", json!(rewrite.hostname.as_ref().map(|host| String::from_utf8_lossy(host.as_bytes())))),
        ("path", rewrite.path.as_ref().map_or(Value::Null, path_rewrite)),
    ])
}

fn path_rewrite(rewrite: &PathRewrite) -> Value {
    match rewrite {
        PathRewrite::Full(replacement) => json!({ "full": replacement }),
        PathRewrite::Prefix { matched, replacement } => json!({ "prefix": matched, "replacement": replacement }),
    }
}

fn redirect(redirect: &Redirect) -> Value {
    object([
        ("scheme", json!(redirect.scheme.map(super::Protocol::scheme))),
        ("hostname", json!(redirect.hostname)),
        ("port", json!(redirect.port)),
        ("path", redirect.path.as_ref().map_or(Value::Null, path_rewrite)),
        ("status", json!(redirect.status.as_u16())),
    ])
}

fn backend(backend: &Backend) -> Value {
    let endpoints = match &backend.endpoints {
        EndpointSource::Service(service) => {
            json!({ "service": format!("{}/{}:{}", service.namespace, service.name, service.port) })
        }
        EndpointSource::Host { host, port } => json!({ "host": host, "port": port }),
    };
    let tls = match &backend.tls {
        Tls::Plaintext => json!("plaintext"),
        Tls::Originate { policy, identity } => json!({ "policy": policy, "identity": self::identity(identity) }),
        Tls::Poisoned(why) => json!({ "poisoned": poison(why) }),
    };
    object([
        ("gateway", json!(backend.id.gateway)),
        ("backend", json!(backend.id.backend)),
        ("port", json!(backend.id.port)),
        ("endpoints", endpoints),
        ("tls", tls),
        ("nearMiss", backend.near_miss.as_ref().map_or(Value::Null, near_miss)),
    ])
}

fn near_miss(near_miss: &NearMiss) -> Value {
    json!({ "policy": near_miss.policy, "message": near_miss.message })
}

fn identity(identity: &TlsIdentity) -> Value {
    let names = match &identity.names {
        PeerNames::Sni => Value::Null,
        PeerNames::AnyOf(names) => list(names, |name| match name {
            SubjectAltName::Hostname(hostname) => json!({ "hostname": hostname }),
            SubjectAltName::Uri(uri) => json!({ "uri": uri }),
        }),
    };
    object([
        ("sni", json!(identity.sni)),
        ("subjectAltNames", names),
        ("trust", trust(&identity.trust)),
        ("clientCertificate", identity.client_certificate.as_deref().map_or(Value::Null, client_certificate)),
        ("minVersion", json!(identity.min_version.as_str())),
        ("maxVersion", json!(identity.max_version.as_str())),
        ("alpn", json!(identity.alpn)),
        ("resumption", json!(identity.resumption)),
        ("pins", list(&identity.pins, |pin| json!(STANDARD.encode(pin)))),
    ])
}

fn trust(trust: &Trust) -> Value {
    match trust {
        Trust::System(roots) => {
            json!({ "system": { "origin": roots.origin, "certificates": roots.certificates.len() } })
        }
        Trust::Bundle(bundle) => {
            object([("issuers", fingerprints(&bundle.issuers)), ("leaves", fingerprints(&bundle.leaves))])
        }
    }
}

fn server_certificate(certificate: &ServerCertificate) -> Value {
    object([
        ("secret", json!(certificate.secret)),
        ("chain", fingerprints(&certificate.chain)),
        ("dnsNames", json!(certificate.dns_names)),
        ("notAfter", json!(certificate.not_after)),
    ])
}

fn client_certificate(certificate: &ClientCertificate) -> Value {
    json!({
        "reference": certificate.reference,
        "chain": fingerprints(&certificate.chain),
        "notAfter": certificate.not_after,
    })
}

fn fingerprints(certificates: &[Der]) -> Value {
    list(certificates, |der| json!(fingerprint(der)))
}

/// How a certificate is named: by its SHA-256.
pub fn fingerprint(der: &Der) -> String {
    format!("sha256:{}", hexadecimal(&Sha256::digest(der)))
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
