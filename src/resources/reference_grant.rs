//! ReferenceGrant.

use serde::Deserialize;

use super::{Metadata, object};

/// `gateway.networking.k8s.io/v1` and `v1beta1` ReferenceGrant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReferenceGrant {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    pub spec: ReferenceGrantSpec,
}

/// `spec`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReferenceGrantSpec {
    /// Who may refer.
    pub from: Vec<GrantFrom>,
    /// To what, in the grant's namespace.
    pub to: Vec<GrantTo>,
}

/// `spec.from[]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GrantFrom {
    /// `group`
    pub group: String,
    /// `kind`
    pub kind: String,
    /// `namespace`
    pub namespace: String,
}

/// `spec.to[]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GrantTo {
    /// `group`
    pub group: String,
    /// `kind`
    pub kind: String,
    /// Every object of the kind where it is not given.
    pub name: Option<String>,
}

object!(ReferenceGrant, ReferenceGrant);
