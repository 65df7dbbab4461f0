//! The roots for which `wellKnownCACertificates: System` stands.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::certificate::Facts;
use crate::plan::identity::{Der, SystemRoots};

/// Reads the machine's roots, or those of `webpki-roots` where the machine has none; a bundle file replaces both.
///
/// Of the machine's store, a certificate that does not parse is left out. A bundle was named by somebody, so one that is
/// missing, empty or malformed is an error, whose text names the file and the cause.
pub fn load(bundle: Option<&Path>) -> Result<Arc<SystemRoots>, String> {
    let roots = match bundle {
        Some(path) => {
            let origin = path.display().to_string();
            let text = std::fs::read(path).map_err(|error| format!("{origin}: {error}"))?;
            parse(origin, &text)?
        }
        None => machine(),
    };
    Ok(Arc::new(roots))
}

/// Reads the bundle that `origin` names: at least one certificate in PEM, and none that does not parse. The error names the
/// origin and the cause.
pub fn parse(origin: String, text: &[u8]) -> Result<SystemRoots, String> {
    let mut certificates = Vec::new();
    for (index, block) in CertificateDer::pem_slice_iter(text).enumerate() {
        let number = index + 1;
        let der = block.map_err(|error| format!("{origin}: certificate {number} is malformed: {error}"))?;
        Facts::read(&der).map_err(|cause| format!("{origin}: certificate {number} does not parse: {cause}"))?;
        certificates.push(der);
    }
    if certificates.is_empty() {
        return Err(format!("{origin}: no certificate in PEM is in it"));
    }
    Ok(SystemRoots { certificates: distinct(&certificates), origin })
}

fn machine() -> SystemRoots {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a certificate of the machine's store was left out");
    }
    let certificates = distinct(found.certs.iter().filter(|der| Facts::read(der).is_ok()));
    if certificates.is_empty() {
        SystemRoots { origin: "webpki-roots".into(), certificates }
    } else {
        SystemRoots { origin: "the machine's store".into(), certificates }
    }
}

/// In order, each once.
fn distinct<'a>(certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Vec<Der> {
    let mut seen = HashSet::new();
    certificates.into_iter().map(|der| Der::from(der.as_ref())).filter(|der| seen.insert(der.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_replaces_the_store() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("roots.pem");
        let key = rcgen::generate_simple_self_signed(["root.example".to_owned()]).expect("a certificate");
        std::fs::write(&path, key.cert.pem().repeat(2)).expect("written");
        let roots = load(Some(&path)).expect("loads");
        assert_eq!(roots.certificates, [Der::from(key.cert.der().as_ref())]);
        assert_eq!(roots.origin, path.display().to_string());
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("roots.pem");
        let name = path.display().to_string();
        let missing = load(Some(&path)).expect_err("is missing");
        assert!(missing.starts_with(&name), "{missing}");
        let good = rcgen::generate_simple_self_signed(["root.example".to_owned()]).expect("a certificate").cert.pem();
        let junk = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
        for (content, cause) in [
            (String::new(), "no certificate"),
            ("no PEM at all".to_owned(), "no certificate"),
            (format!("{good}{junk}"), "certificate 2 does not parse"),
            (good.replace("-----END", "!!!!-END"), "certificate 1 is malformed"),
        ] {
            std::fs::write(&path, content).expect("written");
            let error = load(Some(&path)).expect_err(cause);
            assert!(error.starts_with(&name) && error.contains(cause), "{error}");
        }
    }

    #[test]
    fn the_machine_or_the_compiled_roots_always_serve() {
        let roots = load(None).expect("loads");
        assert_eq!(roots.certificates.is_empty(), roots.origin == "webpki-roots");
    }
}
