//! Handshakes that can only fail. Where no certificate of a policy may issue, the backend must present one of them byte for
//! byte, so it is known before any handshake which names and keys it can have. It must not decide anything: the handshake
//! does.

use postern_actors::plan::identity::{PeerNames, SubjectAltName};

use super::validation::{Compiled, Template};
use crate::translate::pem::CertificateFacts;

/// Why every handshake under a policy will fail.
pub(super) struct Doom {
    pub(super) code: &'static str,
    pub(super) field: &'static str,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// What is known to fail under a policy that can be used.
pub(super) fn doomed(compiled: &Compiled) -> Vec<Doom> {
    let (Some(template), Some(authorities)) = (&compiled.template, &compiled.authorities) else { return Vec::new() };
    if !template.bundle.as_ref().is_some_and(|bundle| bundle.issuers.is_empty()) {
        return Vec::new();
    }
    let good = authorities.references.iter().filter_map(|reference| reference.content.as_ref().ok());
    let leaves: Vec<&CertificateFacts> = good.flat_map(|content| content.iter()).map(|leaf| &leaf.facts).collect();
    [unnamed(template, &leaves), unpinned(template, &leaves)].into_iter().flatten().collect()
}

fn unnamed(template: &Template, leaves: &[&CertificateFacts]) -> Option<Doom> {
    let (field, carried) = match &template.names {
        PeerNames::Sni => {
            ("spec.validation.hostname", leaves.iter().any(|leaf| carries_host(&leaf.dns_names, &template.sni)))
        }
        PeerNames::AnyOf(names) => {
            let carried = names.iter().any(|name| leaves.iter().any(|leaf| carries(leaf, name)));
            ("spec.validation.subjectAltNames", carried)
        }
    };
    if carried {
        return None;
    }
    let mut present: Vec<&str> =
        leaves.iter().flat_map(|leaf| leaf.dns_names.iter().chain(&leaf.uris)).map(String::as_str).collect();
    present.sort_unstable();
    present.dedup();
    let present = if present.is_empty() {
        "they carry no such name at all".into()
    } else {
        format!("they carry {}", present.join(", "))
    };
    Some(Doom {
        code: "NameNotInCertificates",
        field,
        message: format!(
            "no certificate of caCertificateRefs is a CA, so the backend must present one of them, and none carries the name \
             that is demanded: {present} among their subject alternative names"
        ),
        hint: "demand a DNS or URI SAN of the certificate (its common name never counts), or issue it again with a SAN",
    })
}

fn unpinned(template: &Template, leaves: &[&CertificateFacts]) -> Option<Doom> {
    let pinned =
        template.options.pins.is_empty() || leaves.iter().any(|leaf| template.options.pins.contains(&leaf.spki_sha256));
    (!pinned).then(|| Doom {
        code: "PinMatchesNoCertificate",
        field: "spec.options[gateway.postern.dev/pinned-sha256]",
        message:
            "no certificate of caCertificateRefs is a CA, so the backend must present one of them, and none has a key \
                  that is pinned"
                .into(),
        hint: "pin the base64 SHA-256 of the SubjectPublicKeyInfo of the backend's own certificate",
    })
}

fn carries(leaf: &CertificateFacts, name: &SubjectAltName) -> bool {
    match name {
        SubjectAltName::Hostname(host) => carries_host(&leaf.dns_names, host),
        SubjectAltName::Uri(uri) => leaf.uris.contains(uri),
    }
}

/// A wildcard, on either side, stands for exactly one label.
fn carries_host(presented: &[String], wanted: &str) -> bool {
    let below = |name: &str, wildcard: &str| {
        let parent = name.split_once('.').map(|(_, parent)| parent);
        wildcard.strip_prefix("*.").is_some_and(|domain| parent == Some(domain))
    };
    presented.iter().any(|name| name == wanted || below(name, wanted) || below(wanted, name))
}
