//! `/config_dump`: the plan that is served, as JSON, with the endpoints of its Service ports.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::pretty;
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
    pretty(&dump)
}
