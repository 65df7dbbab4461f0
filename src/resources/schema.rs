//! The rules of the objects' schemas, applied as an API server would: an object that breaks one is refused as a whole, and
//! every breach is told at once, with the path of its field.
//!
//! Structure comes from JSON schemas (those of the Gateway API are generated from its CRDs, see `generate.py`; the others
//! are ours); rules across fields, which CRDs write in CEL and the API server in Go, are in `rules_*.rs`, one file a kind.
//! Rules that compare an object with its former self are left out: a file has none. This module must not know files, and
//! does not care whether what an object refers to exists.

use std::sync::LazyLock;

use serde_json::Value;

use super::Kind;
use super::field::FieldPath;

pub use report::{Report, Violation};

use structure::Schema;
use view::View;

mod names;
mod pattern;
mod report;
mod rules_agentgateway_backend;
mod rules_backend_tls_policy;
mod rules_data;
mod rules_endpoint_slice;
mod rules_gateway;
mod rules_http_route;
mod rules_http_route_filter;
mod rules_metadata;
mod rules_service;
mod structure;
mod view;
mod written;

#[cfg(test)]
mod tests;

/// Fields that every object has besides those of its schema.
const COMMON_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// A kind's schema, and its rules across fields.
struct Definition {
    schema: LazyLock<Schema>,
    rules: fn(View<'_>, &FieldPath<'_>, &mut Report),
}

macro_rules! definition {
    ($file:literal, $rules:expr) => {{
        static DEFINITION: Definition =
            Definition { schema: LazyLock::new(|| Schema::embedded(include_str!($file))), rules: $rules };
        &DEFINITION
    }};
}

fn definition(kind: Kind) -> &'static Definition {
    match kind {
        Kind::GatewayClass => definition!("schema/gateway_class.json", no_rules),
        Kind::Gateway => definition!("schema/gateway.json", rules_gateway::check),
        Kind::HttpRoute => definition!("schema/http_route.json", rules_http_route::check),
        Kind::BackendTlsPolicy => definition!("schema/backend_tls_policy.json", rules_backend_tls_policy::check),
        Kind::ReferenceGrant => definition!("schema/reference_grant.json", no_rules),
        Kind::AgentgatewayBackend => {
            definition!("schema/agentgateway_backend.json", rules_agentgateway_backend::check)
        }
        Kind::Service => definition!("schema/service.json", rules_service::check),
        Kind::EndpointSlice => definition!("schema/endpoint_slice.json", rules_endpoint_slice::check),
        Kind::ConfigMap => definition!("schema/config_map.json", rules_data::check_config_map),
        Kind::Secret => definition!("schema/secret.json", rules_data::check_secret),
        Kind::Namespace => definition!("schema/namespace.json", no_rules),
    }
}

fn no_rules(_: View<'_>, _: &FieldPath<'_>, _: &mut Report) {}

/// What an API server would say of an object of this kind. Values of Secrets never appear in it.
pub fn validate(kind: Kind, object: &Value) -> Report {
    let definition = definition(kind);
    let mut report = if kind == Kind::Secret { Report::without_values() } else { Report::default() };
    let root = FieldPath::root();
    let view = View::of(object);
    definition.schema.check(object, &root, &COMMON_FIELDS, &mut report);
    rules_metadata::check(kind, view.get("metadata"), &root.field("metadata"), &mut report);
    report.rules_follow();
    (definition.rules)(view, &root, &mut report);
    report
}
