//! Strict PEM: certificates and private keys out of ConfigMaps and Secrets, with errors that name the block at fault.
//!
//! It must not know what the certificates are for. Text around the blocks is permitted (RFC 7468, section 5.2); a block
//! that does not parse is not, since nobody could tell which trust it was meant to add.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_actors::plan::certificate::{KeyFormat, PrivateKey};
use postern_actors::plan::identity::Der;

mod x509;

pub(crate) use postern_actors::certificate::not_after;
pub(crate) use x509::CertificateFacts;

/// Why PEM text cannot be used. Blocks count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PemError {
    /// There is no block at all.
    #[error("holds no PEM block{hint}")]
    Empty {
        /// What it looks like instead, or nothing.
        hint: &'static str,
    },
    /// A line that was meant to begin or to end a block, and does not.
    #[error("line {line} is a malformed PEM boundary: expected -----BEGIN ...----- or -----END ...-----")]
    Boundary {
        /// From 1.
        line: usize,
    },
    /// A block whose line breaks are lost.
    #[error(
        "line {line} holds a PEM block without its line breaks: in YAML write `|`, which keeps them, and not `>` or a plain value"
    )]
    OneLine {
        /// From 1.
        line: usize,
    },
    /// BEGIN without END.
    #[error("block {number} ({label}) has no -----END {label}----- line")]
    Unterminated {
        /// The block.
        number: usize,
        /// What it says it is.
        label: String,
    },
    /// A body that is no base64.
    #[error("block {number} ({label}) is not base64")]
    Base64 {
        /// The block.
        number: usize,
        /// What it says it is.
        label: String,
    },
    /// Something else where a certificate must be.
    #[error("block {number} is no certificate: {cause}")]
    NoCertificate {
        /// The block.
        number: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// A secret where everybody may read.
    #[error("block {number} is a private key, and only certificates belong here: take it out, and replace that key")]
    EmbeddedKey {
        /// The block.
        number: usize,
    },
    /// X.509 v1 and v2.
    #[error(
        "block {number} is an X.509 v{version} certificate ({subject}), which is not supported: issue it again as v3"
    )]
    Version {
        /// The block.
        number: usize,
        /// 1 or 2.
        version: u32,
        /// Whose.
        subject: String,
    },
    /// Something else where the one private key must be.
    #[error("{0}")]
    Key(String),
}

/// A certificate with what we know of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Certificate {
    /// Its bytes.
    pub(crate) der: Der,
    /// What they say.
    pub(crate) facts: CertificateFacts,
}

/// One block.
struct Block {
    /// From 1.
    number: usize,
    label: String,
    der: Vec<u8>,
}

impl Block {
    fn is_private_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }
}

/// Every certificate of the text, in its order: at least one, and nothing but X.509 v3 certificates.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<Certificate>, PemError> {
    blocks(text)?.into_iter().map(certificate).collect()
}

fn certificate(block: Block) -> Result<Certificate, PemError> {
    let number = block.number;
    if block.is_private_key() {
        return Err(PemError::EmbeddedKey { number });
    }
    if block.label != "CERTIFICATE" {
        return Err(PemError::NoCertificate { number, cause: format!("it is labelled {}", block.label) });
    }
    let (version, facts) =
        CertificateFacts::read(&block.der).map_err(|cause| PemError::NoCertificate { number, cause })?;
    if version != 3 {
        return Err(PemError::Version { number, version, subject: facts.subject });
    }
    Ok(Certificate { der: Arc::from(block.der), facts })
}

/// The one private key of the text: PKCS#8, PKCS#1 or SEC1, not encrypted. The curve's parameters, which
/// `openssl ecparam` writes before the key, are passed over.
pub(crate) fn private_key(text: &[u8]) -> Result<PrivateKey, PemError> {
    let mut keys = Vec::new();
    for block in blocks(text)? {
        let format = match block.label.as_str() {
            "PRIVATE KEY" => KeyFormat::Pkcs8,
            "RSA PRIVATE KEY" => KeyFormat::Pkcs1,
            "EC PRIVATE KEY" => KeyFormat::Sec1,
            "EC PARAMETERS" => continue,
            "ENCRYPTED PRIVATE KEY" => return Err(encrypted(block.number)),
            other => {
                let number = block.number;
                return Err(PemError::Key(format!("block {number} is no private key: it is labelled {other}")));
            }
        };
        keys.push(PrivateKey { format, der: Arc::from(block.der) });
    }
    match keys.len() {
        1 => Ok(keys.remove(0)),
        0 => Err(PemError::Key("holds no private key".into())),
        count => Err(PemError::Key(format!("holds {count} private keys, and must hold one"))),
    }
}

fn encrypted(number: usize) -> PemError {
    PemError::Key(format!("block {number} is an encrypted private key: store it without a passphrase"))
}

fn blocks(text: &[u8]) -> Result<Vec<Block>, PemError> {
    let lossy = String::from_utf8_lossy(text);
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<(String, String)> = None;
    for (index, line) in lossy.lines().enumerate() {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let number = found.len() + 1;
        if let Some((label, body)) = open.as_mut() {
            if boundary(line, "END") == Some(label.as_str()) {
                let Ok(der) = STANDARD.decode(body.as_bytes()) else {
                    return Err(PemError::Base64 { number, label: label.clone() });
                };
                found.push(Block { number, label: label.clone(), der });
                open = None;
            } else if line.starts_with('-') {
                return Err(PemError::Unterminated { number, label: label.clone() });
            } else if line.starts_with("Proc-Type:") && line.contains("ENCRYPTED") {
                return Err(encrypted(number));
            } else {
                body.extend(line.chars().filter(|c| !c.is_whitespace()));
            }
        } else if let Some(label) = boundary(line, "BEGIN") {
            open = Some((label.to_owned(), String::new()));
        } else if line.starts_with("-----BEGIN ") && line.contains("-----END ") {
            return Err(PemError::OneLine { line: index + 1 });
        } else if line.starts_with("--") && (line.contains("BEGIN") || line.contains("END")) {
            return Err(PemError::Boundary { line: index + 1 });
        }
    }
    if let Some((label, _)) = open {
        return Err(PemError::Unterminated { number: found.len() + 1, label });
    }
    if found.is_empty() {
        let hint = match text {
            [0x30, 0x80..=0x84, ..] => " (it looks like DER: convert it with openssl x509 -inform der)",
            [] => " (it is empty)",
            _ => "",
        };
        return Err(PemError::Empty { hint });
    }
    Ok(found)
}

/// The label of a whole boundary line: capitals, digits and spaces, as all that are in use (RFC 7468, appendix B). Nothing else may
/// pass for one, since errors quote labels, and beside them may stand a key.
fn boundary<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let label = line.strip_prefix("-----")?.strip_prefix(word)?.strip_prefix(' ')?.strip_suffix("-----")?;
    let is_one = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == ' ';
    (label.len() <= LONGEST && label.chars().all(is_one)).then_some(label)
}

#[cfg(test)]
pub(in crate::translate) mod tests;
