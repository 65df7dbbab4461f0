//! What would mend a policy, as objects to paste: the policy that the probe has tried, and the certificates it would trust.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_actors::certificate::{Facts, day};
use postern_actors::outcome::{HandshakeResult, Reason};
use postern_actors::plan::Tls;
use postern_actors::plan::identity::{PeerNames, SubjectAltName as Name, TlsIdentity};
use postern_actors::upstream::probe::{Mended, Report};

use super::{Subject, manifest};
use crate::resources::backend_tls_policy::{CaCertificateRef, SubjectAltName};
use crate::resources::{BackendTlsPolicy, NamespacedName};
use crate::translate::options::PREFIX;

/// As many as `caCertificateRefs` takes.
const REFERENCES: usize = 8;
/// In the names of ConfigMaps that hold what a peer has presented.
const FROM_PEER: &str = "-from-peer";
/// Of a URL whose options name one.
const CLIENT_CERTIFICATE: &str = "\
# The client certificate is none of these objects: make a Secret of type kubernetes.io/tls of it,
# and name that in spec.tls.backend.clientCertificateRef of the Gateway.
";
const UNTRIED: &str = "\
# The backend asks for a client certificate, and this was tried without: it is shown to nobody who
# is not trusted yet. Probe again once this is applied.
";

/// Objects to paste.
pub(super) struct Proposal {
    pub(super) yaml: String,
    /// How the handshake ends with them.
    pub(super) result: HandshakeResult,
    /// What would mend that.
    pub(super) remedy: String,
    /// The client certificate, which the backend asks for, was not tried with them.
    pub(super) client_certificate_untried: bool,
}

/// The objects that would mend a failure, or stand for a URL that needs no mending.
pub(super) fn proposal(subject: &Subject, report: &Report) -> Option<Proposal> {
    let (policy, Tls::Originate { identity, .. }) = (subject.policy.as_deref()?, &subject.backend.tls) else {
        return None;
    };
    let mut documents = subject.url.as_ref().map(|url| url.documents.clone()).unwrap_or_default();
    if subject.url.as_ref().is_some_and(|url| url.client_certificate.is_some()) {
        documents[0].insert_str(0, CLIENT_CERTIFICATE);
    }
    match &report.mended {
        Some(mended) => {
            documents.extend(objects(policy, identity, mended, subject)?);
            Some(Proposal {
                yaml: manifest::documents(&documents),
                result: mended.result,
                remedy: mended.remedy.clone(),
                client_certificate_untried: mended.client_certificate_untried,
            })
        }
        None if subject.url.is_some() && report.verdict.result == Reason::Handshake(HandshakeResult::Ok) => {
            documents.push(manifest::policy(policy));
            Some(Proposal {
                yaml: manifest::documents(&documents),
                result: HandshakeResult::Ok,
                remedy: String::new(),
                client_certificate_untried: false,
            })
        }
        None => None,
    }
}

/// The policy with what the identity that was tried has in other ways than its own, and a ConfigMap of the anchors that were
/// added from what the peer presents, if any were.
fn objects(
    policy: &BackendTlsPolicy,
    identity: &TlsIdentity,
    mended: &Mended,
    subject: &Subject,
) -> Option<Vec<String>> {
    let (mut policy, tried) = (policy.clone(), &mended.identity);
    let mut documents = Vec::new();
    let mut comment = subject.place.as_deref().map(|place| in_place(&policy, place)).unwrap_or_default();
    let spec = &mut policy.spec;
    let references = &mut spec.validation.ca_certificate_refs;
    for at_hand in mended.at_hand.iter().map(|(index, _)| &subject.at_hand[*index]) {
        references.push(at_hand.reference.clone());
        let _ =
            writeln!(comment, "# {} is among the given objects, and vouches for the backend.", ascii(&at_hand.object));
        spec.validation.well_known_ca_certificates = None;
    }
    if !mended.anchors.is_empty() {
        let number = references.iter().filter(|reference| reference.name.contains(FROM_PEER)).count() + 1;
        let name = format!("{}{FROM_PEER}-{number}", policy.metadata.name);
        let object = NamespacedName::new(&*policy.metadata.namespace, name.as_str());
        documents.push(manifest::config_map(&object, &warning(mended), &mended.anchors));
        references.push(CaCertificateRef { group: String::new(), kind: "ConfigMap".into(), name });
        spec.validation.well_known_ca_certificates = None;
    }
    if references.len() > REFERENCES {
        return None;
    }
    if tried.names != identity.names
        && let PeerNames::AnyOf(names) = &tried.names
    {
        spec.validation.subject_alt_names = names.iter().map(written).collect();
        let system = spec.validation.well_known_ca_certificates.is_some();
        comment.push_str(&warning_of_names(identity, names, system));
    }
    if mended.client_certificate_untried {
        comment.push_str(UNTRIED);
    }
    let mut option = |name: &str, value: Option<String>| {
        let key = format!("{PREFIX}/{name}");
        match value {
            Some(value) => drop(spec.options.insert(key, value)),
            None => drop(spec.options.remove(&key)),
        }
    };
    if tried.pins != identity.pins {
        comment.push_str("# Look whether the backend's key was changed on purpose before you permit it.\n");
        let pins: Vec<_> = tried.pins.iter().map(|pin| STANDARD.encode(pin)).collect();
        option("pinned-sha256", Some(pins.join(",")));
    }
    if tried.min_version != identity.min_version {
        comment.push_str("# This permits TLS 1.2, which min-tls-version forbade: look whether that was meant.\n");
        option("min-tls-version", None);
    }
    if tried.max_version != identity.max_version {
        comment.push_str("# This permits TLS 1.3, which max-tls-version forbade: look whether that was meant.\n");
        option("max-tls-version", None);
    }
    if tried.alpn != identity.alpn {
        if tried.alpn.is_empty() {
            comment.push_str(
                "# Without ALPN the handshake succeeds. The backend must then speak HTTP/1.1: look with --request.\n",
            );
        }
        option("alpn", Some(tried.alpn.join(",")));
    }
    documents.push(comment + &manifest::policy(&policy));
    Some(documents)
}

/// Of two files that hold an object, one is in effect, and pasting into the other would change nothing.
fn in_place(policy: &BackendTlsPolicy, place: &str) -> String {
    let (name, place) = (ascii(&policy.metadata.key().to_string()), ascii(place));
    format!(
        "# Put this in the place of BackendTLSPolicy {name} at\n# {place}\n# In two files, the one in the file that is last \
         by name would count.\n"
    )
}

fn written(name: &Name) -> SubjectAltName {
    match name {
        Name::Hostname(name) => SubjectAltName { kind: "Hostname".into(), hostname: Some(name.clone()), uri: None },
        Name::Uri(uri) => SubjectAltName { kind: "URI".into(), hostname: None, uri: Some(uri.clone()) },
    }
}

/// Nobody but the peer has said that it may be called so.
fn warning_of_names(identity: &TlsIdentity, names: &[Name], system: bool) -> String {
    let own = Name::Hostname(identity.sni.to_string());
    let before = match &identity.names {
        PeerNames::Sni => std::slice::from_ref(&own),
        PeerNames::AnyOf(names) => names,
    };
    let mut text = String::from(
        "# WARNING: these names are taken from what the peer presents. Make sure that it is who it should\n\
         # be before you apply them: whoever has a certificate with one of them passes.\n",
    );
    if system {
        text.push_str(
            "# The system's CAs give one to whoever owns the name, so a stranger passes by a name of his own.\n",
        );
    }
    for name in names.iter().filter(|name| !before.contains(name)) {
        let _ = writeln!(text, "# {name}");
    }
    text
}

/// Nobody but the peer has said that these are to be trusted.
fn warning(mended: &Mended) -> String {
    let mut text = String::from(
        "WARNING: this comes from the peer itself, and whoever answers there could present anything.\n\
         Compare its fingerprint with what its owner says, by another way, before you apply it.\n",
    );
    for facts in mended.anchors.iter().filter_map(|der| Facts::read(der).ok()) {
        let (subject, from, to) = (ascii(&facts.subject), day(facts.not_before), day(facts.not_after));
        let _ = writeln!(text, "{subject}, valid {from} to {to}");
        let fingerprint: Vec<_> = facts.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        let _ = writeln!(text, "SHA-256 {}", fingerprint.join(":"));
        if facts.is_ca {
            text.push_str("It is a CA: whatever its key signs is trusted as well.\n");
        }
    }
    text
}

/// What the peer wrote must not end the line of a comment, for which YAML 1.1 takes more characters than others do.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::ascii;

    #[test]
    fn no_subject_ends_a_comment() {
        assert_eq!(ascii("CN=a b\u{2028}kind: Secret\u{85}\r\n\u{e9}"), "CN=a b?kind: Secret????");
    }
}
