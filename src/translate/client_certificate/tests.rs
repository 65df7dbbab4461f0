//! The Gateway's client certificate: found, permitted, usable.

use serde_json::{Value, json};

use super::*;
use crate::resources::GATEWAY_GROUP;
use crate::resources::{ReferenceGrant, Secret};

fn gateway(reference: &Value) -> Gateway {
    serde_json::from_value(json!({
        "metadata": {"name": "gw", "namespace": "default"},
        "spec": {
            "gatewayClassName": "postern",
            "listeners": [],
            "tls": {"backend": {"clientCertificateRef": reference}},
        },
    }))
    .unwrap()
}

fn snapshot() -> Snapshot {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let mut snapshot = Snapshot::default();
    for (namespace, name, pem) in [
        ("default", "client", certificate.pem()),
        ("other", "client", certificate.pem()),
        ("default", "bad", String::new()),
    ] {
        let secret: Secret = serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": namespace},
            "stringData": {"tls.crt": pem, "tls.key": key.serialize_pem()},
        }))
        .unwrap();
        snapshot.secrets.insert(secret.metadata.key(), Arc::new(secret));
    }
    snapshot
}

fn state(snapshot: &Snapshot, reference: &Value) -> ClientCertificateState {
    client_certificate(snapshot, &gateway(reference), &Grants::index(snapshot))
}

#[test]
fn a_gateway_that_names_none_presents_none() {
    assert_eq!(state(&snapshot(), &Value::Null), ClientCertificateState::Unset);
}

#[test]
fn a_secret_of_the_gateways_namespace_is_presented() {
    let ClientCertificateState::Usable(certificate) = state(&snapshot(), &json!({"name": "client"})) else {
        panic!("it is usable");
    };
    assert_eq!(&*certificate.reference, "Secret/default/client");
    assert_eq!(Some(certificate.not_after), crate::translate::pem::not_after(&certificate.chain[0]));
}

#[test]
fn a_reference_that_cannot_be_used_says_why() {
    let cases = [
        (json!({"name": "nobody"}), "InvalidClientCertificateRef", "Secret default/nobody does not exist"),
        (json!({"name": "bad"}), "InvalidClientCertificateRef", "tls.crt: holds no PEM block"),
        (json!({"name": "client", "kind": "ConfigMap"}), "InvalidClientCertificateRef", "ConfigMap of the core group"),
        (json!({"name": "client", "group": "example.com"}), "InvalidClientCertificateRef", "Secret of example.com"),
        (json!({"name": "client", "namespace": "other"}), "RefNotPermitted", "no ReferenceGrant in namespace other"),
        (json!({"name": "nobody", "namespace": "other"}), "RefNotPermitted", "no ReferenceGrant in namespace other"),
    ];
    let snapshot = snapshot();
    for (reference, expected, cause) in cases {
        let ClientCertificateState::Unusable { reason, message } = state(&snapshot, &reference) else {
            panic!("{reference} is unusable");
        };
        assert_eq!(reason, expected, "{reference}");
        assert!(message.starts_with("spec.tls.backend.clientCertificateRef: "), "{message}");
        assert!(message.contains(cause), "{message} should contain {cause}");
    }
}

#[test]
fn a_grant_permits_a_secret_of_another_namespace() {
    let mut snapshot = snapshot();
    let grant: ReferenceGrant = serde_json::from_value(json!({
        "metadata": {"name": "grant", "namespace": "other"},
        "spec": {
            "from": [{"group": GATEWAY_GROUP, "kind": "Gateway", "namespace": "default"}],
            "to": [{"group": "", "kind": "Secret"}],
        },
    }))
    .unwrap();
    snapshot.reference_grants.insert(grant.metadata.key(), Arc::new(grant));
    let reference = json!({"name": "client", "namespace": "other"});
    assert!(matches!(state(&snapshot, &reference), ClientCertificateState::Usable(_)));
}
