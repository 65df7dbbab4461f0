//! Which documents are read: kinds with their groups and versions.

use std::fmt::{self, Display};

use serde_json::Value;

use crate::resources::Kind;
use crate::resources::schema::Violation;
use crate::resources::suggest::closest;

/// A document that is of no kind or version that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// It has neither `apiVersion` nor `kind`, so it is no object of Kubernetes, and perhaps no slip: a `kustomization.yaml`, or a
    /// chart's values.
    NoObject,
    /// It has one of them.
    Incomplete {
        /// The other one.
        missing: &'static str,
    },
    /// Nothing of this kind is read.
    UnknownKind {
        /// As written.
        api_version: String,
        /// As written.
        kind: String,
    },
    /// The kind is read, in other versions.
    UnknownVersion {
        /// As written.
        api_version: String,
        /// The kind.
        kind: Kind,
    },
}

impl Skip {
    /// What would mend it, if it should take part.
    pub fn hint(&self) -> String {
        match self {
            Self::NoObject => "write apiVersion and kind, or keep what is no object in another folder".into(),
            Self::Incomplete { missing } => format!("write `{missing}:`"),
            Self::UnknownKind { .. } => "nothing has to be done, unless it was meant to take part".into(),
            Self::UnknownVersion { kind, .. } => format!("write `apiVersion: {}`", read_versions(*kind)[0]),
        }
    }
}

impl Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoObject => f.write_str("is no Kubernetes object: apiVersion and kind are required"),
            Self::Incomplete { missing } => write!(f, "is no Kubernetes object: {missing} is required"),
            Self::UnknownKind { api_version, kind } => write!(f, "{kind} ({api_version}) is not read"),
            Self::UnknownVersion { api_version, kind } => {
                write!(f, "{kind} is not read in {api_version}, only in {}", read_versions(*kind).join(" and "))
            }
        }
    }
}

/// Where a document belongs.
pub(super) enum Recognised {
    Read(Kind),
    /// It must not be passed over, though it cannot be read.
    Refused(Kind, Violation),
    Skipped(Skip),
}

/// The versions of a kind that are read, as `apiVersion` names them.
pub fn read_versions(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::GatewayClass | Kind::Gateway | Kind::HttpRoute | Kind::ReferenceGrant => {
            &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"]
        }
        Kind::BackendTlsPolicy => &["gateway.networking.k8s.io/v1"],
        Kind::AgentgatewayBackend => &["agentgateway.dev/v1alpha1"],
        Kind::EndpointSlice => &["discovery.k8s.io/v1"],
        Kind::Service | Kind::ConfigMap | Kind::Secret | Kind::Namespace => &["v1"],
    }
}

pub(super) fn recognise(document: &Value) -> Recognised {
    let text = |field: &str| document.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(api_version), Some(kind_name)) = (text("apiVersion"), text("kind")) else {
        if text("kind") == Some(Kind::BackendTlsPolicy.as_str()) || looks_like_policy(document) {
            return Recognised::Refused(Kind::BackendTlsPolicy, nameless(text("apiVersion").is_some()));
        }
        return Recognised::Skipped(match (text("apiVersion"), text("kind")) {
            (Some(_), _) => Skip::Incomplete { missing: "kind" },
            (None, Some(_)) => Skip::Incomplete { missing: "apiVersion" },
            (None, None) => Skip::NoObject,
        });
    };
    let group = group_of(api_version);
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == kind_name && group == self::group(*kind))
    else {
        let meant = kind_meant(group, kind_name);
        return match meant.or_else(|| looks_like_policy(document).then_some(Kind::BackendTlsPolicy)) {
            Some(meant) => Recognised::Refused(meant, slip(api_version, kind_name, meant)),
            None => Recognised::Skipped(Skip::UnknownKind { api_version: api_version.into(), kind: kind_name.into() }),
        };
    };
    if read_versions(kind).contains(&api_version) {
        return Recognised::Read(kind);
    }
    let skip = Skip::UnknownVersion { api_version: api_version.into(), kind };
    if kind == Kind::BackendTlsPolicy {
        // Passed over, what it selects would get plaintext.
        let version = read_versions(kind)[0];
        let hint = format!("use v1: write `apiVersion: {version}`");
        return Recognised::Refused(kind, Violation { field: "apiVersion".into(), message: skip.to_string(), hint });
    }
    Recognised::Skipped(skip)
}

/// The group that an `apiVersion` names; empty is core.
fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

fn group(kind: Kind) -> &'static str {
    group_of(read_versions(kind)[0])
}

/// Kinds of the Gateway API that are not read and are called nearly as one that is.
const NOT_MEANT: [&str; 2] = ["BackendLBPolicy", "TCPRoute"];

/// The kind that was probably meant by one that is not read: it differs by a slip of the pen, by case or by a plural.
/// Passed over, such an object would be missed by nobody but its users; and where it is a policy, its targets would get
/// plaintext.
fn kind_meant(written_group: &str, written: &str) -> Option<Kind> {
    let lower = written.to_ascii_lowercase();
    let singular = lower.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let singular = singular.as_deref().or(lower.strip_suffix('s')).unwrap_or(&lower);
    let named = |names: &[Kind]| {
        let names = names.iter().map(|kind| kind.as_str());
        let same = |name: &str| [&lower, singular].contains(&&*name.to_ascii_lowercase());
        let name = names.clone().find(|name| same(name)).or_else(|| closest(written, names))?;
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    };
    let of = |takes: fn(&str, &str) -> bool| -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|kind| takes(written_group, group(*kind))).collect()
    };
    if NOT_MEANT.contains(&written) {
        return None;
    }
    // Nobody else has a kind of this name.
    if written.eq_ignore_ascii_case(Kind::BackendTlsPolicy.as_str()) {
        return Some(Kind::BackendTlsPolicy);
    }
    named(&of(|written, group| written == group)).or_else(|| named(&of(is_slip_of))).or_else(|| {
        let shortened = of(|written, group| written.is_empty() || group.ends_with(&format!(".{written}")));
        shortened.into_iter().find(|kind| kind.as_str() == written && !group(*kind).is_empty())
    })
}

/// Whether a document has what only a BackendTLSPolicy has, whatever it is called: passed over, its targets would get
/// plaintext.
fn looks_like_policy(document: &Value) -> bool {
    let Some(spec) = document.get("spec") else { return false };
    let targets = ["targetRefs", "targetRef"].iter().any(|field| spec.get(field).is_some());
    let has = |field| spec.get("validation").is_some_and(|validation| validation.get(field).is_some());
    targets && ["hostname", "caCertificateRefs", "wellKnownCACertificates"].into_iter().any(has)
}

/// What is wrong with a policy that does not say that it is one.
fn nameless(has_version: bool) -> Violation {
    let version = read_versions(Kind::BackendTlsPolicy)[0];
    let (field, word) = if has_version { ("kind", Kind::BackendTlsPolicy.as_str()) } else { ("apiVersion", version) };
    Violation { field: field.into(), message: "is required".into(), hint: format!("write `{field}: {word}`") }
}

/// Whether a group was probably meant by another one. The core group has no name; one often hears `core`.
fn is_slip_of(written: &str, group: &str) -> bool {
    if group.is_empty() { written == "core" } else { closest(written, [group]).is_some() }
}

/// What is wrong with a kind or group that is near to one that is read.
fn slip(api_version: &str, kind: &str, meant: Kind) -> Violation {
    let of_kind = (kind != meant.as_str()).then(|| format!("`kind: {meant}`"));
    let version = read_versions(meant)[0];
    let of_group = (group_of(api_version) != group(meant)).then(|| format!("`apiVersion: {version}`"));
    let field = if of_kind.is_some() { "kind" } else { "apiVersion" };
    let words: Vec<_> = of_kind.into_iter().chain(of_group).collect();
    Violation {
        field: field.into(),
        message: format!("there is no kind {kind} in {api_version}"),
        hint: format!("did you mean {}?", words.join(" and ")),
    }
}
