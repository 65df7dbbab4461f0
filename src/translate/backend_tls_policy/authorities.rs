//! `caCertificateRefs`: what they hold, and how it is classified. It must not know dates: they count at each handshake.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use postern_actors::plan::identity::{Bundle, Der};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::Policy;
use crate::resources::backend_tls_policy::CaCertificateRef;
use crate::resources::{Kind, NamespacedName, ObjectRef, Snapshot};
use crate::translate::absence::Absent;
use crate::translate::pem::{self, Certificate};

/// The key of a ConfigMap or Secret that holds the certificates (BackendTLSPolicyValidation.caCertificateRefs).
const KEY: &str = "ca.crt";

/// Where it stands in the object.
const IN_OBJECT: &str = "data[ca.crt]";

/// What the references of one policy come to. Policies of one namespace with the same references share it.
#[derive(Debug)]
pub(super) struct Authorities {
    /// The certificates of the good references; `None` if no reference is good.
    pub(super) bundle: Option<Arc<Bundle>>,
    /// In the order of the references.
    pub(super) references: Vec<Reference>,
}

/// One of `caCertificateRefs`.
#[derive(Debug)]
pub(super) struct Reference {
    /// `Kind namespace/name`, for messages.
    pub(super) name: String,
    /// `kind/namespace/name`, for metrics.
    pub(super) label: Arc<str>,
    pub(super) content: Result<Arc<[Certificate]>, ReferenceProblem>,
}

/// Why a reference cannot be used.
#[derive(Debug, Clone)]
pub(super) struct ReferenceProblem {
    /// `InvalidCACertificateRef` or `InvalidKind`
    pub(super) reason: &'static str,
    /// Names the object and the cause.
    pub(super) cause: String,
    pub(super) hint: String,
    /// The object and the field to be mended, where the reference itself is right.
    pub(super) place: Option<(ObjectRef, &'static str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    ConfigMap,
    Secret,
}

impl Source {
    fn of(reference: &CaCertificateRef) -> Option<Self> {
        match (reference.group.as_str(), reference.kind.as_str()) {
            ("", "ConfigMap") => Some(Self::ConfigMap),
            ("", "Secret") => Some(Self::Secret),
            _ => None,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::ConfigMap => Kind::ConfigMap,
            Self::Secret => Kind::Secret,
        }
    }
}

/// The objects that a policy's `caCertificateRefs` name, whether they exist or not.
pub(super) fn named(policy: Policy<'_>) -> impl Iterator<Item = ObjectRef> {
    let references = match policy {
        Policy::Readable(policy) => &policy.spec.validation.ca_certificate_refs[..],
        Policy::Unreadable(_) => &[],
    };
    let namespace = policy.metadata().namespace.as_str();
    references.iter().filter_map(move |reference| {
        let kind = Source::of(reference)?.kind();
        Some(ObjectRef { kind, name: NamespacedName::new(namespace, reference.name.as_str()) })
    })
}

/// A namespace, then group, kind and name of each reference.
type ReferenceSet = (String, Vec<(String, String, String)>);

type Content = Result<Arc<[Certificate]>, ReferenceProblem>;

/// Parses each object once, and classifies each set of references once.
pub(super) struct AuthorityStore<'a> {
    snapshot: &'a Snapshot,
    objects: HashMap<(Source, NamespacedName), Content>,
    sets: HashMap<ReferenceSet, Arc<Authorities>>,
}

impl<'a> AuthorityStore<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, objects: HashMap::new(), sets: HashMap::new() }
    }

    /// The authorities of a policy of `namespace`.
    pub(super) fn resolve(&mut self, namespace: &str, references: &[CaCertificateRef]) -> Arc<Authorities> {
        let names = references
            .iter()
            .map(|reference| (reference.group.clone(), reference.kind.clone(), reference.name.clone()))
            .collect();
        let key = (namespace.to_owned(), names);
        if let Some(known) = self.sets.get(&key) {
            return Arc::clone(known);
        }
        let references: Vec<Reference> =
            references.iter().map(|reference| self.reference(namespace, reference)).collect();
        let authorities = Arc::new(Authorities { bundle: classify(&references), references });
        self.sets.insert(key, Arc::clone(&authorities));
        authorities
    }

    fn reference(&mut self, namespace: &str, reference: &CaCertificateRef) -> Reference {
        let name = NamespacedName::new(namespace, reference.name.as_str());
        let content = if let Some(source) = Source::of(reference) {
            self.content(source, &name)
        } else {
            let CaCertificateRef { group, kind, .. } = reference;
            let group = if group.is_empty() { "the core group".into() } else { format!("group {group}") };
            Err(ReferenceProblem {
                reason: "InvalidKind",
                cause: format!("{kind} of {group} is not supported"),
                hint: "refer to a ConfigMap or a Secret of the core group (group: \"\")".into(),
                place: None,
            })
        };
        let label = Arc::from(format!("{}/{}/{}", reference.kind, name.namespace, name.name));
        Reference { name: format!("{} {name}", reference.kind), label, content }
    }

    fn content(&mut self, source: Source, name: &NamespacedName) -> Content {
        let snapshot = self.snapshot;
        self.objects.entry((source, name.clone())).or_insert_with(|| read(snapshot, source, name)).clone()
    }
}

fn read(snapshot: &Snapshot, source: Source, name: &NamespacedName) -> Content {
    let kind = source.kind();
    let problem = |cause: String, hint: &str| ReferenceProblem {
        reason: "InvalidCACertificateRef",
        cause: format!("{kind} {name} {cause}"),
        hint: hint.into(),
        place: Some((ObjectRef { kind, name: name.clone() }, IN_OBJECT)),
    };
    let found = match source {
        Source::ConfigMap => snapshot.config_maps.get(name).map(|object| {
            (object.data.get(KEY).map(String::as_bytes), object.data.keys().map(String::as_str).collect::<Vec<_>>())
        }),
        Source::Secret => snapshot.secrets.get(name).map(|object| {
            (object.data.get(KEY).map(Vec::as_slice), object.data.keys().map(String::as_str).collect::<Vec<_>>())
        }),
    };
    let Some((text, keys)) = found else {
        let absent = match source {
            Source::ConfigMap => Absent::of(snapshot, &snapshot.config_maps, kind, name),
            Source::Secret => Absent::of(snapshot, &snapshot.secrets, kind, name),
        };
        let here = format!("namespace {}, where the policy is", name.namespace);
        let hint =
            absent.hint(|_| format!("it has to be in {here}"), &format!("create {kind} {} in {here}", name.name));
        return Err(ReferenceProblem { reason: "InvalidCACertificateRef", cause: absent.cause(), hint, place: None });
    };
    let Some(text) = text else {
        let keys = if keys.is_empty() { "it is empty".into() } else { format!("its keys are {}", keys.join(", ")) };
        return Err(problem(
            format!("has no key {KEY}: {keys}"),
            "put the CA certificates, as PEM, under the key ca.crt",
        ));
    };
    let certificates = pem::certificates(text).map_err(|error| {
        problem(format!("is malformed: {KEY} {error}"), "ca.crt must hold PEM certificates (X.509 v3) and nothing else")
    })?;
    for (index, certificate) in certificates.iter().enumerate() {
        usable(certificate).map_err(|error| {
            let subject = &certificate.facts.subject;
            problem(
                format!("is malformed: {KEY} block {} ({subject}) cannot be used as a CA: {error}", index + 1),
                "issue the CA certificate again, by the rules of RFC 5280",
            )
        })?;
    }
    Ok(certificates.into())
}

/// Whether the verifier would take a certificate that may issue as an anchor: better told now than at each handshake.
fn usable(certificate: &Certificate) -> Result<(), rustls::Error> {
    if !certificate.facts.may_issue {
        return Ok(());
    }
    RootCertStore::empty().add(CertificateDer::from(&*certificate.der))
}

/// Only a v3 certificate with `CA:TRUE`, and `keyCertSign` where it has a keyUsage, issues; every other one vouches for
/// itself alone. (v1 and v2 do not get here.)
fn classify(references: &[Reference]) -> Option<Arc<Bundle>> {
    let mut bundle = Bundle::default();
    let mut seen: HashSet<&Der> = HashSet::new();
    let mut good = false;
    for content in references.iter().filter_map(|reference| reference.content.as_ref().ok()) {
        good = true;
        for certificate in content.iter().filter(|certificate| seen.insert(&certificate.der)) {
            let class = if certificate.facts.may_issue { &mut bundle.issuers } else { &mut bundle.leaves };
            class.push(Arc::clone(&certificate.der));
        }
    }
    good.then(|| Arc::new(bundle))
}
