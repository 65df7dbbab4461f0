//! The same as JSON.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{identity, is_wanted};
use crate::certificate::Facts;
use crate::plan::backend::Tls;
use crate::plan::hexadecimal;
use crate::plan::{BackendId, TlsIdentity, Trust};
use crate::telemetry::LastHandshake;
use crate::telemetry::admin::filter::Filter;
use crate::telemetry::admin::survey::Surveyed;

pub(super) fn of(backends: &[Surveyed<'_>], handshakes: &[(BackendId, LastHandshake)], filter: &Filter) -> Value {
    let wanted: Vec<_> = backends.iter().filter(|surveyed| is_wanted(surveyed, filter)).collect();
    let names: HashSet<_> = wanted.iter().map(|surveyed| &surveyed.backend.id).collect();
    let unfiltered = filter.q.is_empty() && filter.result.is_empty();
    let handshakes = handshakes.iter().filter(|(id, _)| unfiltered || names.contains(id));
    json!({
        "handshakes": handshakes.map(|(id, last)| handshake(id, last)).collect::<Vec<_>>(),
        "backends": wanted.into_iter().map(backend).collect::<Vec<_>>(),
    })
}

fn handshake(backend: &BackendId, last: &LastHandshake) -> Value {
    let evidence = &last.evidence;
    json!({
        "gateway": backend.gateway,
        "backend": backend.backend,
        "port": backend.port,
        "policy": last.policy,
        "time": last.time.to_string(),
        "result": last.result,
        "outdated": last.outdated,
        "meaning": last.result.meaning(),
        "consecutiveFailures": last.consecutive_failures,
        "failingSince": last.failing_since.map(|since| since.to_string()),
        "endpoint": last.endpoint.map(|endpoint| endpoint.to_string()),
        "sni": last.sni,
        "detail": evidence.to_string(),
        "evidence": {
            "cause": evidence.cause,
            "demanded": evidence.demanded,
            "trusted": evidence.trusted,
            "remedy": evidence.remedy,
        },
        "chain": evidence.presented.iter().map(certificate).collect::<Vec<_>>(),
        "established": last.tls.as_ref().map(|tls| json!({
            "version": tls.version,
            "cipher": tls.cipher,
            "alpn": tls.alpn,
            "resumed": tls.resumed,
            "peerNotAfter": tls.peer_not_after,
        })),
        "lastFailure": last.last_failure.as_ref().map(|failure| json!({
            "time": failure.time.to_string(),
            "result": failure.result,
            "endpoint": failure.endpoint.map(|endpoint| endpoint.to_string()),
            "cause": failure.evidence.cause,
            "remedy": failure.evidence.remedy,
            "outdated": failure.outdated,
        })),
        "counts": { "full": last.counts.full, "resumed": last.counts.resumed, "failed": last.counts.failed },
    })
}

fn certificate(facts: &Facts) -> Value {
    json!({
        "subject": facts.subject,
        "issuer": facts.issuer,
        "subjectAltNames": facts.names(),
        "notBefore": facts.not_before,
        "notAfter": facts.not_after,
        "ca": facts.is_ca,
        "sha256": hexadecimal(&facts.fingerprint),
    })
}

fn backend(surveyed: &Surveyed<'_>) -> Value {
    let id = &surveyed.backend.id;
    let (tls, identity) = match &surveyed.backend.tls {
        Tls::Plaintext => ("plaintext", Value::Null),
        Tls::Poisoned(_) => ("unusable", Value::Null),
        Tls::Originate { identity, .. } => ("originate", describe(identity)),
    };
    json!({
        "gateway": id.gateway,
        "backend": id.backend,
        "port": id.port,
        "policy": surveyed.policy(),
        "nearMiss": surveyed.backend.near_miss.as_ref().map(|near| json!({ "policy": near.policy, "message": near.message })),
        "tls": tls,
        "result": surveyed.word(),
        "troubles": surveyed.troubles.iter().map(|(_, trouble)| trouble).collect::<Vec<_>>(),
        "remedy": surveyed.remedy(),
        "identity": identity,
    })
}

fn describe(identity: &TlsIdentity) -> Value {
    json!({
        "sni": identity.sni,
        "names": identity.demanded(),
        "anchors": anchors(&identity.trust),
        "clientCertificate": identity.client_certificate.as_ref().map(|client| json!({
            "reference": client.reference,
            "notAfter": client.not_after,
        })),
        "minVersion": identity.min_version.as_str(),
        "maxVersion": identity.max_version.as_str(),
        "alpn": identity.alpn,
        "resumption": identity.resumption,
        "pins": identity::pins(identity),
    })
}

fn anchors(trust: &Trust) -> Value {
    match trust {
        Trust::System(roots) => json!({ "origin": roots.origin, "count": identity::count(roots) }),
        Trust::Bundle(bundle) => {
            let certificates = identity::told(bundle).map(|(issues, facts)| match facts {
                Ok(facts) => json!({ "subject": facts.subject, "issues": issues, "notAfter": facts.not_after }),
                Err(cause) => json!({ "malformed": cause, "issues": issues }),
            });
            json!({
                "origin": "caCertificateRefs",
                "count": bundle.issuers.len() + bundle.leaves.len(),
                "certificates": certificates.collect::<Vec<_>>(),
            })
        }
    }
}
