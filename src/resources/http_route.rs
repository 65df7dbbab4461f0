//! HTTPRoute.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{GATEWAY_GROUP, Metadata, object};

/// `gateway.networking.k8s.io/v1` and `v1beta1` HTTPRoute.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HttpRoute {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    #[serde(default)]
    pub spec: HttpRouteSpec,
}

/// `spec`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRouteSpec {
    /// `parentRefs`
    pub parent_refs: Vec<ParentRef>,
    /// `hostnames`
    pub hostnames: Vec<String>,
    /// `rules`; not given is one rule that matches everything and leads nowhere.
    pub rules: Option<Vec<HttpRouteRule>>,
}

/// `spec.parentRefs[]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// `group`
    #[serde(default = "gateway_group")]
    pub group: String,
    /// `kind`
    #[serde(default = "gateway_kind")]
    pub kind: String,
    /// The route's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `name`
    pub name: String,
    /// A listener's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
    /// A listener's port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// `spec.rules[]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRouteRule {
    /// `name`
    pub name: Option<String>,
    /// `matches`; empty is the prefix `/`.
    pub matches: Vec<HttpRouteMatch>,
    /// `filters`
    pub filters: Vec<HttpRouteFilter>,
    /// `backendRefs`
    pub backend_refs: Vec<HttpBackendRef>,
    /// `timeouts`
    pub timeouts: Option<HttpRouteTimeouts>,
    /// Not supported yet.
    pub retry: Option<Value>,
    /// Not supported yet.
    pub session_persistence: Option<Value>,
}

/// `matches[]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRouteMatch {
    /// `path`
    pub path: HttpPathMatch,
    /// `headers`
    pub headers: Vec<HttpValueMatch>,
    /// `queryParams`
    pub query_params: Vec<HttpValueMatch>,
    /// `method`
    pub method: Option<String>,
}

/// `matches[].path`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct HttpPathMatch {
    /// `Exact`, `PathPrefix` (the default) or `RegularExpression`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `/` where it is not given.
    pub value: String,
}

impl Default for HttpPathMatch {
    fn default() -> Self {
        Self { kind: "PathPrefix".into(), value: "/".into() }
    }
}

/// `matches[].headers[]` and `matches[].queryParams[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HttpValueMatch {
    /// `Exact` (the default) or `RegularExpression`.
    #[serde(rename = "type", default = "exact")]
    pub kind: String,
    /// `name`
    pub name: String,
    /// `value`
    pub value: String,
}

/// A filter of a rule or of a backendRef.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteFilter {
    /// `RequestHeaderModifier`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// With `type: RequestHeaderModifier`.
    pub request_header_modifier: Option<HeaderModifier>,
    /// With `type: ResponseHeaderModifier`.
    pub response_header_modifier: Option<HeaderModifier>,
    /// With `type: RequestRedirect`.
    pub request_redirect: Option<RequestRedirect>,
    /// With `type: URLRewrite`.
    pub url_rewrite: Option<UrlRewrite>,
}

/// `requestHeaderModifier` and `responseHeaderModifier`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HeaderModifier {
    /// `set`
    pub set: Vec<Header>,
    /// `add`
    pub add: Vec<Header>,
    /// `remove`
    pub remove: Vec<String>,
}

/// A header with its value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Header {
    /// `name`
    pub name: String,
    /// `value`
    pub value: String,
}

/// `requestRedirect`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestRedirect {
    /// `http` or `https`
    pub scheme: Option<String>,
    /// `hostname`
    pub hostname: Option<String>,
    /// `path`
    pub path: Option<HttpPathModifier>,
    /// `port`
    pub port: Option<u16>,
    /// 302 where it is not given.
    pub status_code: Option<u16>,
}

/// `urlRewrite`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct UrlRewrite {
    /// `hostname`
    pub hostname: Option<String>,
    /// `path`
    pub path: Option<HttpPathModifier>,
}

/// `path` of a redirect or a rewrite.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpPathModifier {
    /// `ReplaceFullPath` or `ReplacePrefixMatch`
    #[serde(rename = "type")]
    pub kind: String,
    /// With `ReplaceFullPath`.
    pub replace_full_path: Option<String>,
    /// With `ReplacePrefixMatch`.
    pub replace_prefix_match: Option<String>,
}

/// `backendRefs[]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HttpBackendRef {
    /// Empty is core.
    #[serde(default)]
    pub group: String,
    /// `Service` where it is not given.
    #[serde(default = "service")]
    pub kind: String,
    /// `name`
    pub name: String,
    /// The route's where it is not given.
    pub namespace: Option<String>,
    /// Required for a Service.
    pub port: Option<u16>,
    /// 1 where it is not given.
    #[serde(default = "one")]
    pub weight: i32,
    /// `filters`
    #[serde(default)]
    pub filters: Vec<HttpRouteFilter>,
}

/// `timeouts`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRouteTimeouts {
    /// A GEP-2257 duration.
    pub request: Option<String>,
    /// A GEP-2257 duration.
    pub backend_request: Option<String>,
}

fn gateway_group() -> String {
    GATEWAY_GROUP.into()
}

fn gateway_kind() -> String {
    "Gateway".into()
}

fn service() -> String {
    "Service".into()
}

fn exact() -> String {
    "Exact".into()
}

fn one() -> i32 {
    1
}

object!(HttpRoute, HttpRoute);
