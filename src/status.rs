//! Conditions and verdicts, as the Gateway API has them. Times and patches belong to whoever writes them.

use std::collections::BTreeMap;

use crate::resources::http_route::ParentRef;
use crate::resources::{NamespacedName, ObjectRef, Severity};

pub mod condition;
pub mod features;
pub mod kubernetes;
pub mod patch;
pub mod reason;

/// What the status of every object of ours would be, and what a user should know beyond it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdicts {
    /// GatewayClasses with our controller name.
    pub gateway_classes: BTreeMap<NamespacedName, GatewayClassVerdict>,
    /// Gateways of our classes.
    pub gateways: BTreeMap<NamespacedName, GatewayVerdict>,
    /// Routes that refer to a Gateway of ours.
    pub http_routes: BTreeMap<NamespacedName, RouteVerdict>,
    /// Policies with at least one ancestor that is ours.
    pub backend_tls_policies: BTreeMap<NamespacedName, PolicyVerdict>,
    /// What a user should know: the cause of every condition that is not as hoped, and what no condition says (a certificate
    /// that is about to expire). In a fixed order.
    pub findings: Vec<Finding>,
}

/// A `metav1.Condition` without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// For example `Accepted`.
    pub kind: &'static str,
    /// `True` or `False`
    pub status: bool,
    /// For example `InvalidCACertificateRef`.
    pub reason: &'static str,
    /// For people: names objects, fields and remedy.
    pub message: String,
    /// The object's `metadata.generation`.
    pub observed_generation: i64,
}

/// Status of a GatewayClass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GatewayClassVerdict {
    /// `Accepted`, and in a cluster `SupportedVersion`.
    pub conditions: Vec<Condition>,
    /// `supportedFeatures`, sorted.
    pub supported_features: &'static [&'static str],
}

/// Status of a Gateway.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GatewayVerdict {
    /// Of the Gateway itself.
    pub conditions: Vec<Condition>,
    /// In the order of `spec.listeners`.
    pub listeners: Vec<ListenerVerdict>,
    /// Where it can be reached; a translation knows none.
    pub addresses: Vec<GatewayAddress>,
}

/// An address at which a Gateway can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayAddress {
    /// `IPAddress` or `Hostname`
    pub kind: &'static str,
    /// `value`
    pub value: String,
}

/// Status of a listener.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerVerdict {
    /// `name`
    pub name: String,
    /// Routes that are attached.
    pub attached_routes: i32,
    /// Kinds of routes: (group, kind).
    pub supported_kinds: Vec<(String, String)>,
    /// `Accepted`, `Programmed`, `ResolvedRefs`, `Conflicted`.
    pub conditions: Vec<Condition>,
}

/// Status of a route.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RouteVerdict {
    /// One entry for each parentRef that is ours.
    pub parents: Vec<ParentVerdict>,
}

/// Status of a route under one parentRef.
#[derive(Debug, Clone, PartialEq)]
pub struct ParentVerdict {
    /// As the route writes it.
    pub parent_ref: ParentRef,
    /// `Accepted`, `ResolvedRefs`, `PartiallyInvalid`.
    pub conditions: Vec<Condition>,
}

/// Status of a BackendTLSPolicy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyVerdict {
    /// One entry for each Gateway, at most 16 with those of other controllers.
    pub ancestors: Vec<AncestorVerdict>,
}

/// Status of a policy under one Gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct AncestorVerdict {
    /// The Gateway.
    pub gateway: NamespacedName,
    /// `Accepted`, `ResolvedRefs`.
    pub conditions: Vec<Condition>,
}

/// Something that a user should know about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How grave.
    pub severity: Severity,
    /// A stable word, for example the condition's reason, or `CertificateExpired`.
    pub code: &'static str,
    /// Whom it concerns.
    pub object: ObjectRef,
    /// The field at fault, for example `spec.validation.caCertificateRefs[0]`; empty for the whole object.
    pub field: String,
    /// What is wrong, with names and times.
    pub message: String,
    /// What would mend it.
    pub hint: String,
}
