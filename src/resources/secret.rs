//! Secret. Its values are never printed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};

use super::{Metadata, object};

/// `v1` Secret; `stringData` is merged over `data`, as the API server does.
#[derive(Clone, PartialEq)]
pub struct Secret {
    /// `metadata`
    pub metadata: Metadata,
    /// `type`
    pub kind: String,
    /// Decoded values.
    pub data: BTreeMap<String, Vec<u8>>,
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine as _;
        use serde::de::Error as _;

        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Written {
            metadata: Metadata,
            #[serde(rename = "type", default)]
            kind: String,
            #[serde(default)]
            data: BTreeMap<String, String>,
            #[serde(default)]
            string_data: BTreeMap<String, String>,
        }

        let written = Written::deserialize(deserializer)?;
        let mut data = BTreeMap::new();
        for (key, value) in written.data {
            let compact: String = value.split_ascii_whitespace().collect();
            let decoded = base64::engine::general_purpose::STANDARD
                .decode(compact)
                .map_err(|_| D::Error::custom(format!("data.{key}: must be base64")))?;
            data.insert(key, decoded);
        }
        data.extend(written.string_data.into_iter().map(|(key, value)| (key, value.into_bytes())));
        Ok(Self { metadata: written.metadata, kind: written.kind, data })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.metadata.key().to_string())
            .field("type", &self.kind)
            .field("keys", &self.data.keys().collect::<Vec<_>>())
            .finish()
    }
}

object!(Secret, Secret);
