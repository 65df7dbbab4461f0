//! Pairs of certificate and key, as Secrets hold them.

use std::collections::BTreeMap;

use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

use super::*;
use crate::resources::Metadata;

fn secret(data: &[(&str, &str)]) -> Secret {
    let data: BTreeMap<_, _> = data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
    let metadata = Metadata { name: "cert".into(), namespace: "default".into(), ..Metadata::default() };
    Secret { metadata, kind: "kubernetes.io/tls".into(), data }
}

fn issue(algorithm: &'static SignatureAlgorithm) -> (String, KeyPair) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::new(vec!["Www.Example.com".to_owned(), "*.example.org".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key)
}

#[test]
fn ecdsa_rsa_and_ed25519_are_taken() {
    for algorithm in
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_RSA_SHA256, &rcgen::PKCS_ED25519]
    {
        let (certificate, key) = issue(algorithm);
        let taken = server_certificate(&secret(&[("tls.crt", &certificate), ("tls.key", &key.serialize_pem())]))
            .unwrap_or_else(|error| panic!("{algorithm:?}: {error}"));
        assert_eq!(&*taken.secret, "default/cert");
        assert_eq!(taken.dns_names, ["www.example.com", "*.example.org"]);
        assert_eq!(&*taken.key.der, key.serialized_der());
    }
}

#[test]
fn the_key_must_belong_to_the_first_certificate_of_the_chain() {
    let (leaf, key) = issue(&rcgen::PKCS_ECDSA_P256_SHA256);
    let (other, _) = issue(&rcgen::PKCS_ECDSA_P256_SHA256);
    let key = key.serialize_pem();
    let chain = server_certificate(&secret(&[("tls.crt", &format!("{leaf}{other}")), ("tls.key", &key)])).unwrap();
    assert_eq!(chain.chain.len(), 2);
    let error = server_certificate(&secret(&[("tls.crt", &format!("{other}{leaf}")), ("tls.key", &key)])).unwrap_err();
    assert!(error.contains("does not belong to the first certificate"), "{error}");
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    let (certificate, key) = issue(&rcgen::PKCS_ECDSA_P256_SHA256);
    let key = key.serialize_pem();
    let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    let both = format!("{certificate}{key}");
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "Secret default/cert has no key tls.crt: it is empty"),
        (&[("tls.crt", &certificate), ("key", &key)], "has no key tls.key: its keys are key, tls.crt"),
        (&[("tls.crt", "x"), ("tls.key", &key)], "Secret default/cert, tls.crt: holds no PEM block"),
        (&[("tls.crt", &both), ("tls.key", &key)], "tls.crt: block 2 is a private key"),
        (&[("tls.crt", &certificate), ("tls.key", &certificate)], "tls.key: block 1 is no private key"),
        (&[("tls.crt", &certificate), ("tls.key", garbage)], "tls.crt and tls.key cannot be used"),
    ];
    for (data, expected) in cases {
        let error = server_certificate(&secret(data)).unwrap_err();
        assert!(error.contains(expected), "{error} should contain {expected}");
        assert!(!error.contains("AAAA"), "no secret is printed");
    }
}
