//! Reads a golden's objects into a Snapshot. It is no validation: what the schema would refuse gets through, since an API
//! server with older CRDs lets it through as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern::resources::document;
use postern::resources::snapshot::Store;
use postern::resources::{NamespacedName, Object, Snapshot};
use serde_json::{Value, json};

pub(crate) fn read(text: &str) -> Snapshot {
    let text = with_certificates(text);
    let mut snapshot = Snapshot::default();
    for document in document::read(&text).unwrap() {
        let mut object = document.value;
        let kind = object["kind"].as_str().unwrap().to_owned();
        let metadata = object["metadata"].as_object_mut().unwrap();
        if !matches!(kind.as_str(), "GatewayClass" | "Namespace") {
            metadata.entry("namespace").or_insert(json!("default"));
        }
        metadata.entry("generation").or_insert(json!(1));
        match kind.as_str() {
            "GatewayClass" => put(&mut snapshot.gateway_classes, object),
            "Gateway" => put(&mut snapshot.gateways, object),
            "HTTPRoute" => put(&mut snapshot.http_routes, object),
            "BackendTLSPolicy" => put(&mut snapshot.backend_tls_policies, object),
            "ReferenceGrant" => put(&mut snapshot.reference_grants, object),
            "AgentgatewayBackend" => put(&mut snapshot.agentgateway_backends, object),
            "Service" => put(&mut snapshot.services, object),
            "EndpointSlice" => put(&mut snapshot.endpoint_slices, object),
            "ConfigMap" => put(&mut snapshot.config_maps, object),
            "Secret" => put(&mut snapshot.secrets, object),
            "Namespace" => put(&mut snapshot.namespaces, object),
            other => panic!("unknown kind {other}"),
        }
    }
    snapshot
}

fn put<T: Object>(store: &mut Store<T>, object: Value) {
    let object: T = serde_json::from_value(object).unwrap();
    let key: NamespacedName = object.metadata().key();
    assert!(store.insert(key.clone(), Arc::new(object)).is_none(), "{key} is given twice");
}

/// Replaces `$crt(name, date)` and `$key(name, date)`; equal arguments are of one pair.
fn with_certificates(text: &str) -> String {
    let mut pairs: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("$crt(").into_iter().chain(rest.find("$key(")).min() {
        let end = start + rest[start..].find(')').unwrap();
        let arguments = &rest[start + "$crt(".len()..end];
        let (certificate, key) = pairs.entry(arguments.to_owned()).or_insert_with(|| pair(arguments));
        let pem = if rest[start..].starts_with("$crt(") { certificate } else { key };
        result.push_str(&rest[..start]);
        result.push_str(&serde_json::to_string(pem).unwrap());
        rest = &rest[end + 1..];
    }
    result.push_str(rest);
    result
}

fn pair(arguments: &str) -> (String, String) {
    let (name, date) = arguments.split_once(", ").unwrap();
    let mut date = date.split('-').map(|part| part.parse::<u32>().unwrap());
    let (year, month, day) = (date.next().unwrap(), date.next().unwrap(), date.next().unwrap());
    let mut parameters = rcgen::CertificateParams::new(vec![format!("{name}.example.com")]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2024, 1, 1);
    parameters.not_after =
        rcgen::date_time_ymd(i32::try_from(year).unwrap(), u8::try_from(month).unwrap(), u8::try_from(day).unwrap());
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}
