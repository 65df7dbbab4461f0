//! `/config_dump`: the plan that is served, as JSON, with the endpoints of its Service ports and what the certificates that
//! it names by their fingerprints say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Map, Value, json};

use super::pretty;
use crate::certificate::Facts;
use crate::plan::identity::Der;
use crate::plan::{Backend, Tls, fingerprint};
use crate::telemetry::Status;

pub(super) async fn get(status: Data<Status>) -> HttpResponse {
    let mut dump = status.plan().describe();
    let endpoints = status.endpoints();
    let endpoints: BTreeMap<String, Vec<String>> = endpoints
        .iter()
        .map(|(service, endpoints)| {
            let addresses = endpoints.iter().map(|endpoint| endpoint.address.to_string()).collect();
            (format!("{}/{}:{}", service.namespace, service.name, service.port), addresses)
        })
        .collect();
    dump["endpoints"] = json!(endpoints);
    dump["certificates"] = certificates(status.plan().backends.values().map(|backend| &**backend));
    pretty(&dump)
}

/// Subject and end of the anchors and client certificates of backends. The system's roots are not named.
fn certificates<'p>(backends: impl Iterator<Item = &'p Backend>) -> Value {
    let named = backends.filter_map(|backend| match &backend.tls {
        Tls::Originate { identity, .. } => Some(identity.named()),
        Tls::Plaintext | Tls::Poisoned(_) => None,
    });
    let named: BTreeSet<&Der> = named.flatten().collect();
    let told = named.into_iter().filter_map(|der| {
        let Facts { subject, not_after, .. } = Facts::read(der).ok()?;
        Some((fingerprint(der), json!({ "subject": subject, "notAfter": not_after })))
    });
    told.collect::<Map<_, _>>().into()
}
