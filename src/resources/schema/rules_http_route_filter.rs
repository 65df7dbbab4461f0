//! HTTPRoute: filters of rules and of backendRefs.

use super::view::View;
use super::{FieldPath, Report};

/// A filter's type, and the field that goes with it.
const FIELDS: [(&str, &str); 8] = [
    ("CORS", "cors"),
    ("RequestHeaderModifier", "requestHeaderModifier"),
    ("ResponseHeaderModifier", "responseHeaderModifier"),
    ("RequestMirror", "requestMirror"),
    ("RequestRedirect", "requestRedirect"),
    ("URLRewrite", "urlRewrite"),
    ("ExtensionRef", "extensionRef"),
    ("ExternalAuth", "externalAuth"),
];

/// Types that must not occur twice in one list.
const ONCE: [&str; 5] = ["CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"];

/// `one_prefix`: whether the rule has exactly one match, and that of a prefix.
pub(super) fn check(filters: View<'_>, one_prefix: bool, path: &FieldPath<'_>, report: &mut Report) {
    let types: Vec<_> = filters.items().map(|filter| filter.get("type").str().unwrap_or_default()).collect();
    for (index, filter) in filters.items().enumerate() {
        let at = path.index(index);
        let kind = types[index];
        if ONCE.contains(&kind) && types[..index].contains(&kind) {
            report.refuse(&at, format!("a {kind} filter must not be repeated"), "join the two filters");
        }
        fields(filter, kind, &at, report);
        mirror(filter.get("requestMirror"), &at.field("requestMirror"), report);
        external_auth(filter.get("externalAuth"), &at.field("externalAuth"), report);
        let cors = at.field("cors");
        for field in ["allowOrigins", "allowMethods", "allowHeaders"] {
            let values = filter.get("cors").get(field);
            if values.items().len() > 1 && values.items().any(|value| value.str() == Some("*")) {
                report.refuse(&cors.field(field), "must not contain `*` beside other values", "keep `*` alone");
            }
        }
        for field in ["requestRedirect", "urlRewrite"] {
            let modifier = filter.get(field).get("path");
            let parent = at.field(field);
            let at = parent.field("path");
            path_modifier(modifier, &at, report);
            let replaces =
                modifier.get("type").str() == Some("ReplacePrefixMatch") && modifier.get("replacePrefixMatch").exists();
            if replaces && !one_prefix {
                report.refuse(
                    &at,
                    "replacePrefixMatch needs exactly one match in the rule, of type PathPrefix",
                    "split the rule, one match each",
                );
            }
        }
    }
    if types.contains(&"RequestRedirect") && types.contains(&"URLRewrite") {
        report.refuse(path, "must not contain both a RequestRedirect and a URLRewrite filter", "remove one of the two");
    }
}

fn fields(filter: View<'_>, kind: &str, path: &FieldPath<'_>, report: &mut Report) {
    for (own, field) in FIELDS {
        let given = filter.get(field).exists();
        if kind == own && !given {
            report.refuse(path, format!("must contain {field} when type is {own}"), "");
        } else if !kind.is_empty() && kind != own && given {
            report.refuse(
                path,
                format!("must not contain {field} when type is not {own}"),
                format!("write `type: {own}`, or remove {field}"),
            );
        }
    }
}

/// A Service is referred to with a port.
pub(super) fn backend_port(backend: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let is_service = backend.get("group").str().unwrap_or_default().is_empty()
        && backend.get("kind").str().unwrap_or("Service") == "Service";
    if backend.exists() && is_service && !backend.get("port").exists() {
        report.refuse(path, "must have port for a Service reference", "name one of the Service's ports by its number");
    }
}

fn path_modifier(modifier: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let Some(kind) = modifier.get("type").str() else { return };
    for (own, field) in [("ReplaceFullPath", "replaceFullPath"), ("ReplacePrefixMatch", "replacePrefixMatch")] {
        let given = modifier.get(field).exists();
        if kind == own && !given {
            report.refuse(path, format!("must contain {field} when type is {own}"), "");
        } else if kind != own && given {
            report.refuse(path, format!("type must be {own} when {field} is set"), "");
        }
    }
}

fn mirror(mirror: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    backend_port(mirror.get("backendRef"), &path.field("backendRef"), report);
    let fraction = mirror.get("fraction");
    if mirror.get("percent").exists() && fraction.exists() {
        report.refuse(path, "must not contain both percent and fraction", "remove one of the two");
    }
    let denominator = fraction.get("denominator").int().unwrap_or(100);
    if fraction.get("numerator").int().is_some_and(|numerator| numerator > denominator) {
        report.refuse(&path.field("fraction"), "numerator must not be greater than denominator", "");
    }
}

fn external_auth(auth: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    backend_port(auth.get("backendRef"), &path.field("backendRef"), report);
    let Some(protocol) = auth.get("protocol").str() else { return };
    for (own, field) in [("GRPC", "grpc"), ("HTTP", "http")] {
        let given = auth.get(field).exists();
        if protocol == own && !given {
            report.refuse(path, format!("must contain {field} when protocol is {own}"), "");
        } else if protocol != own && given {
            report.refuse(path, format!("protocol must be {own} when {field} is set"), "");
        }
    }
}
