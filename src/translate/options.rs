//! `spec.options` of a BackendTLSPolicy: the keys under our own prefix. It must not know the rest of the policy.
//!
//! | key after `gateway.postern.dev/` | value | default |
//! |---|---|---|
//! | `min-tls-version`, `max-tls-version` | `1.2` or `1.3` | 1.2, 1.3 |
//! | `alpn` | comma-separated; empty offers none | `http/1.1` |
//! | `session-resumption` | `true` or `false` | `true` |
//! | `pinned-sha256` | comma-separated base64 SHA-256 of the leaf's SubjectPublicKeyInfo | none |

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_actors::plan::identity::TlsVersion;

use crate::resources::suggest::closest;

/// The prefix of our keys.
pub(crate) const PREFIX: &str = "gateway.postern.dev";
const KEYS: [&str; 5] = ["min-tls-version", "max-tls-version", "alpn", "session-resumption", "pinned-sha256"];

/// What the options come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Lowest version offered.
    pub(crate) min_version: TlsVersion,
    /// Highest version offered.
    pub(crate) max_version: TlsVersion,
    /// Protocols offered, in order of preference.
    pub(crate) alpn: Vec<String>,
    /// Whether sessions are resumed.
    pub(crate) resumption: bool,
    /// Empty pins nothing.
    pub(crate) pins: BTreeSet<[u8; 32]>,
    /// Keys of others' prefixes: they have no effect here, which a status says.
    pub(crate) foreign: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            alpn: vec!["http/1.1".into()],
            resumption: true,
            pins: BTreeSet::new(),
            foreign: Vec::new(),
        }
    }
}

/// One option that makes its policy invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {cause}")]
pub(crate) struct OptionError {
    /// As the policy writes it.
    pub(crate) key: String,
    /// What is wrong, and what is permitted.
    pub(crate) cause: String,
}

/// Reads every option; all that is wrong is told at once.
pub(crate) fn read(written: &BTreeMap<String, String>) -> Result<Options, Vec<OptionError>> {
    let mut options = Options::default();
    let mut errors = Vec::new();
    for (key, value) in written {
        let outcome = match key.split_once('/') {
            Some((PREFIX, name)) => options.set(name, value.trim()),
            Some(_) => {
                options.foreign.push(key.clone());
                Ok(())
            }
            // "Un-prefixed names are reserved for key names defined by Gateway API." (BackendTLSPolicySpec.options) It
            // defines none, and to ignore one could loosen what its author meant to tighten.
            None => Err(format!("a key needs a prefix; ours are {PREFIX}/ with {}", KEYS.join(", "))),
        };
        if let Err(cause) = outcome {
            errors.push(OptionError { key: key.clone(), cause });
        }
    }
    if errors.is_empty() && options.min_version > options.max_version {
        errors.push(OptionError {
            key: format!("{PREFIX}/min-tls-version"),
            cause: "1.3 is above max-tls-version, which is 1.2: no version is left".into(),
        });
    }
    if errors.is_empty() { Ok(options) } else { Err(errors) }
}

/// The key of ours that was probably meant by one of another prefix.
pub(crate) fn meant(foreign: &str) -> Option<String> {
    let (prefix, name) = foreign.split_once('/')?;
    let is_near = prefix.contains("postern") || closest(prefix, [PREFIX]).is_some();
    let name = closest(name, KEYS)?;
    is_near.then(|| format!("{PREFIX}/{name}"))
}

/// Whether a key is one of ours, or was probably meant to be.
pub(crate) fn is_for_us(key: &str) -> bool {
    key.split_once('/').is_some_and(|(prefix, _)| prefix == PREFIX) || meant(key).is_some()
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "min-tls-version" => self.min_version = version(value)?,
            "max-tls-version" => self.max_version = version(value)?,
            "alpn" => self.alpn = protocols(value)?,
            "session-resumption" => {
                self.resumption = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(format!("{value:?} is neither true nor false")),
                }
            }
            "pinned-sha256" => self.pins = pins(value)?,
            _ => {
                let near = closest(name, KEYS).map(|near| format!(": did you mean {near}?")).unwrap_or_default();
                return Err(format!("there is no such option; there are {}{near}", KEYS.join(", ")));
            }
        }
        Ok(())
    }
}

fn version(value: &str) -> Result<TlsVersion, String> {
    match value {
        "1.2" => Ok(TlsVersion::Tls12),
        "1.3" => Ok(TlsVersion::Tls13),
        _ => Err(format!("{value:?} is neither 1.2 nor 1.3")),
    }
}

fn protocols(value: &str) -> Result<Vec<String>, String> {
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let mut protocols: Vec<String> = Vec::new();
    for protocol in value.split(',').map(str::trim) {
        if matches!(protocol, "h2" | "h2c" | "h3") {
            return Err(format!("{protocol} is not supported to backends yet: offer http/1.1"));
        }
        // RFC 7301: 1 to 255 bytes.
        let printable = protocol.bytes().all(|byte| byte.is_ascii_graphic());
        if protocol.is_empty() || protocol.len() > 255 || !printable {
            return Err(format!("{protocol:?} is no protocol name (1 to 255 visible ASCII characters)"));
        }
        if protocols.iter().any(|known| known == protocol) {
            return Err(format!("{protocol} is listed twice"));
        }
        protocols.push(protocol.to_owned());
    }
    Ok(protocols)
}

fn pins(value: &str) -> Result<BTreeSet<[u8; 32]>, String> {
    value
        .split(',')
        .map(str::trim)
        .map(|pin| {
            STANDARD
                .decode(pin)
                .ok()
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or_else(|| format!("{pin:?} is not the base64 of a SHA-256 (44 characters, the last one is =)"))
        })
        .collect()
}

#[cfg(test)]
mod tests;
