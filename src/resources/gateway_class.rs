//! GatewayClass (cluster-scoped).

use serde::Deserialize;

use super::{Metadata, object};

/// `gateway.networking.k8s.io/v1` GatewayClass.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GatewayClass {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    pub spec: GatewayClassSpec,
}

/// `spec`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayClassSpec {
    /// Only classes with our controller name are ours.
    pub controller_name: String,
    /// Kind, group and name of a parameters object.
    pub parameters_ref: Option<ParametersRef>,
}

/// `spec.parametersRef`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ParametersRef {
    /// `group`
    pub group: String,
    /// `kind`
    pub kind: String,
    /// `name`
    pub name: String,
    /// `namespace`
    pub namespace: Option<String>,
}

object!(GatewayClass, GatewayClass);
