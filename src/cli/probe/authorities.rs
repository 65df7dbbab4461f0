//! What vouches for a backend, called by its name: the references of its policy, and what else of the given objects it could
//! refer to.

use std::fmt::Write as _;
use std::sync::Arc;

use postern_actors::certificate::Facts;
use postern_actors::plan::identity::Bundle;
use postern_actors::upstream::probe::Report;

use super::Subject;
use crate::resources::backend_tls_policy::CaCertificateRef;
use crate::resources::{BackendTlsPolicy, NamespacedName, Snapshot};
use crate::translate::backend_tls_policy::bundle_of;

const FIELD: &str = "caCertificateRefs";

/// An object that a policy could refer to, and does not.
pub(super) struct AtHand {
    pub(super) reference: CaCertificateRef,
    /// `ConfigMap namespace/name`
    pub(super) object: String,
    pub(super) bundle: Arc<Bundle>,
}

/// Those of the policy's namespace that hold certificates, ConfigMaps first.
pub(super) fn at_hand(policy: &BackendTlsPolicy, snapshot: &Snapshot) -> Vec<AtHand> {
    let namespace = &*policy.metadata.namespace;
    let own = |name: &&NamespacedName| *name.namespace == *namespace;
    let config_maps = snapshot.config_maps.keys().filter(own).map(|name| ("ConfigMap", name));
    let secrets = snapshot.secrets.keys().filter(own).map(|name| ("Secret", name));
    let reference = |(kind, name): (&str, &NamespacedName)| {
        let name = name.name.to_string();
        let reference = CaCertificateRef { group: String::new(), kind: kind.to_owned(), name };
        let known = policy.spec.validation.ca_certificate_refs.contains(&reference);
        let bundle = (!known).then(|| bundle_of(snapshot, namespace, &reference))??;
        Some(AtHand { object: object(namespace, &reference), reference, bundle })
    };
    config_maps.chain(secrets).filter_map(reference).collect()
}

/// Has a report name objects where it speaks of fields.
pub(super) fn name(subject: &Subject, report: &mut Report) {
    let Some(policy) = &subject.policy else { return };
    let references = &policy.spec.validation.ca_certificate_refs;
    let named: Vec<_> = references.iter().map(|reference| object(&policy.metadata.namespace, reference)).collect();
    let field = if named.is_empty() {
        format!("{FIELD}, in place of wellKnownCACertificates")
    } else {
        format!("{FIELD} ({})", named.join(", "))
    };
    if let Some(anchors) = report.anchors.as_mut().filter(|anchors| anchors.origin == FIELD) {
        anchors.origin.clone_from(&field);
    }
    let remedy = &mut report.verdict.remedy;
    if let Some(lacking) = report.lacking {
        let _ = write!(remedy, " {} has it.", subject.at_hand[lacking].object);
    } else if let Some((index, der)) = report.mended.as_ref().and_then(|mended| mended.at_hand.first())
        && let Ok(facts) = Facts::read(der)
    {
        let (what, object) = (if facts.is_ca { "CA" } else { "certificate" }, &subject.at_hand[*index].object);
        *remedy = format!("Add the {what} `{}` to {FIELD}: {object} has it.", facts.subject);
    } else {
        *remedy = remedy.replacen(FIELD, &field, 1);
    }
}

fn object(namespace: &str, reference: &CaCertificateRef) -> String {
    format!("{} {namespace}/{}", reference.kind, reference.name)
}
