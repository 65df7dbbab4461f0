//! ConfigMap.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Metadata, object};

/// `v1` ConfigMap.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ConfigMap {
    /// `metadata`
    pub metadata: Metadata,
    /// `data`
    #[serde(default)]
    pub data: BTreeMap<String, String>,
}

object!(ConfigMap, ConfigMap);
