//! BackendTLSPolicy.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Metadata, object};

/// `gateway.networking.k8s.io/v1` BackendTLSPolicy.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BackendTlsPolicy {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    pub spec: BackendTlsPolicySpec,
    /// `status`, as it was written: other controllers' ancestors take places of the 16.
    #[serde(default)]
    pub status: PolicyStatus,
}

/// `spec`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsPolicySpec {
    /// 1 to 16, of the policy's namespace.
    pub target_refs: Vec<TargetRef>,
    /// `validation`
    pub validation: Validation,
    /// Domain-prefixed keys.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// `spec.targetRefs[]`: a LocalPolicyTargetReferenceWithSectionName.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// Empty is core.
    #[serde(default)]
    pub group: String,
    /// `Service` or `AgentgatewayBackend`
    pub kind: String,
    /// `name`
    pub name: String,
    /// A port's name.
    pub section_name: Option<String>,
}

/// `spec.validation`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// `caCertificateRefs`
    #[serde(default)]
    pub ca_certificate_refs: Vec<CaCertificateRef>,
    /// `System`, or a `domain/name`.
    #[serde(rename = "wellKnownCACertificates")]
    pub well_known_ca_certificates: Option<String>,
    /// The SNI.
    pub hostname: String,
    /// At most 5.
    #[serde(default)]
    pub subject_alt_names: Vec<SubjectAltName>,
}

/// `caCertificateRefs[]`: a LocalObjectReference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CaCertificateRef {
    /// Empty is core.
    #[serde(default)]
    pub group: String,
    /// `ConfigMap` is core; `Secret` is ours.
    pub kind: String,
    /// `name`
    pub name: String,
}

/// `subjectAltNames[]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubjectAltName {
    /// `Hostname` or `URI`
    #[serde(rename = "type")]
    pub kind: String,
    /// With `type: Hostname`.
    pub hostname: Option<String>,
    /// With `type: URI`.
    pub uri: Option<String>,
}

/// `status`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PolicyStatus {
    /// `ancestors`
    pub ancestors: Vec<WrittenAncestor>,
}

/// `status.ancestors[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenAncestor {
    /// `ancestorRef`
    pub ancestor_ref: super::http_route::ParentRef,
    /// Whose entry it is.
    pub controller_name: String,
}

/// A policy that could not be read. Its targets are still known, as far as they could be made out, so that none of them is
/// ever spoken to in plaintext.
#[derive(Debug, Clone, PartialEq)]
pub struct UnreadablePolicy {
    /// `metadata`, as far as it could be read.
    pub metadata: Metadata,
    /// The targets that could be made out.
    pub target_refs: Vec<TargetRef>,
    /// Why it could not be read: field and cause.
    pub error: String,
}

impl UnreadablePolicy {
    /// What stands beside the last good version of a policy that was edited into one that cannot be read: the targets that
    /// only the edited one names. Its name is one that no object can have.
    pub fn beside(&self, good: &BackendTlsPolicy) -> Option<Self> {
        let named_before = |target: &TargetRef| good.spec.target_refs.contains(target);
        let target_refs: Vec<_> = self.target_refs.iter().filter(|target| !named_before(target)).cloned().collect();
        let metadata = Metadata { name: Self::name_beside(&self.metadata.name), ..self.metadata.clone() };
        (!target_refs.is_empty()).then(|| Self { metadata, target_refs, error: self.error.clone() })
    }

    /// The name of [`Self::beside`] a policy.
    pub fn name_beside(policy: &str) -> String {
        format!("{policy} (as edited)")
    }
}

object!(BackendTlsPolicy, BackendTlsPolicy);
