//! ConfigMap and Secret: keys that can be file names, values that decode, a size that etcd takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::names::is_data_key;
use super::view::View;
use super::{FieldPath, Report};

/// What all values of one object may take together, in bytes.
const MAX_SIZE: usize = 1 << 20;

pub(super) fn check_config_map(map: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let (data, binary) = (path.field("data"), path.field("binaryData"));
    let size = keys(map.get("data"), &data, report) + keys(map.get("binaryData"), &binary, report);
    decodes(map.get("binaryData"), &binary, "write plain text into `data`", report);
    for (key, _) in map.get("binaryData").entries().filter(|(key, _)| map.get("data").get(key).exists()) {
        report.refuse(&binary.key(key), "is also a key of data", "remove one of the two");
    }
    if size > MAX_SIZE {
        report.refuse(path, format!("must have at most {MAX_SIZE} bytes of data, has {size}"), "");
    }
}

pub(super) fn check_secret(secret: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let (data, string_data) = (path.field("data"), path.field("stringData"));
    let size = decodes(secret.get("data"), &data, "write plain text into `stringData`", report);
    keys(secret.get("data"), &data, report);
    let size = size + keys(secret.get("stringData"), &string_data, report);
    if size > MAX_SIZE {
        report.refuse(path, format!("must have at most {MAX_SIZE} bytes of data, has {size}"), "");
    }
    if secret.get("type").str() == Some("kubernetes.io/tls") {
        for key in ["tls.crt", "tls.key"] {
            if !secret.get("data").get(key).exists() && !secret.get("stringData").get(key).exists() {
                let hint = "put the certificate chain in PEM under tls.crt, and its private key under tls.key; in a Secret of CA \
                            certificates alone write `type: Opaque`";
                report.refuse(&data.key(key), "is required when type is kubernetes.io/tls", hint);
            }
        }
    }
}

/// Checks the keys, and gives the size of the values as they are written.
fn keys(map: View<'_>, path: &FieldPath<'_>, report: &mut Report) -> usize {
    let mut size = 0;
    for (key, value) in map.entries() {
        if !is_data_key(key) {
            report.refuse(&path.key(key), "is no valid key", "at most 253 letters, digits, `-`, `_` and `.`");
        }
        size += value.str().map_or(0, str::len);
    }
    size
}

/// Checks that the values are base64, and gives their size when they are decoded.
fn decodes(map: View<'_>, path: &FieldPath<'_>, hint: &str, report: &mut Report) -> usize {
    let mut size = 0;
    for (key, value) in map.entries() {
        let Some(text) = value.str() else { continue };
        // Line breaks are skipped by Go's decoder, nothing else is.
        let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        match STANDARD.decode(compact) {
            Ok(bytes) => size += bytes.len(),
            Err(_) => report.refuse(&path.key(key), "must be base64", hint),
        }
    }
    size
}
