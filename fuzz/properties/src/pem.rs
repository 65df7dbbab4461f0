//! What a ConfigMap or a Secret holds for PEM: the trust of a policy, and pairs of certificate and key.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern::resources::files::FileSet;
use postern_actors::plan::{Tls, Trust};
use serde_json::json;

use crate::objects::translated;

/// A route of two Gateways, one of which shows a certificate, to a Service under a policy.
const OBJECTS: &str = include_str!("../../seeds/pem.yaml");

/// Nothing gets plaintext; what is trusted is written in the text; and no text with a private key in it is trusted.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let held = json!({
        "kind": "List", "apiVersion": "v1", "items": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fuzzed"}, "data": {"ca.crt": text}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "fuzzed"}, "type": "kubernetes.io/tls",
             "stringData": {"tls.crt": text, "tls.key": text}},
        ],
    });
    let mut files = FileSet::default();
    files.update(Path::new("objects.yaml"), Ok(OBJECTS.to_owned()));
    files.update(Path::new("held.json"), Ok(held.to_string()));
    let snapshot = files.snapshot();
    assert_eq!((snapshot.config_maps.len(), snapshot.secrets.len()), (1, 1), "{:?}", files.problems());
    let translation = translated(&snapshot);
    assert_eq!(translation.plan.backends.len(), 2, "both Gateways have the backend");
    let dense: String = text.split_whitespace().collect();
    let is_key =
        |line: &str| line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').ends_with("PRIVATE KEY-----");
    for backend in translation.plan.backends.values() {
        match &backend.tls {
            Tls::Plaintext => panic!("{} gets plaintext", backend.id),
            Tls::Poisoned(_) => {}
            Tls::Originate { identity, .. } => {
                let Trust::Bundle(bundle) = &identity.trust else { panic!("{:?}", identity.trust) };
                let trusted: Vec<_> = bundle.issuers.iter().chain(&bundle.leaves).collect();
                assert!(!trusted.is_empty() && trusted.len() <= text.matches("-----BEGIN CERTIFICATE-----").count());
                for certificate in trusted {
                    assert!(dense.contains(&STANDARD.encode(certificate)), "a certificate that is not in the text");
                }
                assert!(!text.lines().any(is_key), "a private key among what is trusted");
            }
        }
    }
}

/// Certificates and keys of several kinds. The keys are nobody's.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        include_str!("../../seeds/pem/ca.pem"),
        include_str!("../../seeds/pem/leaf.pem"),
        include_str!("../../seeds/pem/several.pem"),
        include_str!("../../seeds/pem/v1.pem"),
        include_str!("../../seeds/pem/ec.pem"),
        include_str!("../../seeds/pem/pkcs8.pem"),
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
