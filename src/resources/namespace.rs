//! Namespace (cluster-scoped): its labels decide which routes a listener allows.

use serde::Deserialize;

use super::{Metadata, object};

/// `v1` Namespace.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Namespace {
    /// `metadata`
    pub metadata: Metadata,
}

object!(Namespace, Namespace);
