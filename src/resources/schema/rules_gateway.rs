//! Gateway: listeners that can be told apart and whose TLS fits their protocol, addresses that are such.

use std::collections::HashMap;
use std::net::IpAddr;

use super::names::{is_qualified, is_subdomain};
use super::view::View;
use super::{FieldPath, Report};

pub(super) fn check(gateway: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let at = path.field("spec");
    let spec = gateway.get("spec");
    addresses(spec.get("addresses"), &at.field("addresses"), report);
    listeners(spec.get("listeners"), &at.field("listeners"), report);
    let infrastructure = at.field("infrastructure");
    for field in ["labels", "annotations"] {
        let map = infrastructure.field(field);
        for (key, _) in spec.get("infrastructure").get(field).entries() {
            if !is_qualified(&key.to_lowercase()) || key.split('/').next().is_some_and(|prefix| prefix.len() >= 253) {
                report.refuse(
                    &map.key(key),
                    "is no valid key",
                    "a name of at most 63 letters, digits, `-`, `_` and `.`, after an optional DNS subdomain and `/`",
                );
            }
        }
    }
}

fn addresses(addresses: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let mut seen = HashMap::new();
    for (index, address) in addresses.items().enumerate() {
        let kind = address.get("type").str().unwrap_or("IPAddress");
        let Some(value) = address.get("value").str() else { continue };
        let at = path.index(index);
        let fits = match kind {
            // An empty value would ask for any address; the schema wants the field left away instead.
            "IPAddress" => value.parse::<IpAddr>().is_ok(),
            "Hostname" => is_subdomain(value.strip_prefix("*.").unwrap_or(value)),
            _ => true,
        };
        if !fits {
            let what = if kind == "IPAddress" { "an IP address" } else { "a DNS name" };
            report.refuse(&at.field("value"), format!("must be {what}{}", report.shown(value)), "");
        }
        if let ("IPAddress" | "Hostname", Some(first)) = (kind, seen.insert((kind, value), index)) {
            report.refuse(&at, format!("is the same as address {first}"), "remove one of the two");
        }
    }
}

fn listeners(listeners: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let mut seen = HashMap::new();
    for (index, listener) in listeners.items().enumerate() {
        let at = path.index(index);
        let Some(protocol) = listener.get("protocol").str() else { continue };
        tls(protocol, listener.get("tls"), &at.field("tls"), report);
        if matches!(protocol, "TCP" | "UDP") && listener.get("hostname").text().is_some() {
            report.refuse(&at.field("hostname"), format!("must not be specified for protocol {protocol}"), "remove it");
        }
        let Some(port) = listener.get("port").int() else { continue };
        if let Some(first) = seen.insert((port, protocol, listener.get("hostname").str()), index) {
            report.refuse(
                &at,
                format!("has the same port, protocol and hostname as listener {first}"),
                "give it another hostname or port",
            );
        }
    }
}

fn tls(protocol: &str, tls: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    if !tls.exists() {
        if protocol == "TLS" {
            report.refuse(path, "must be specified for protocol TLS, with its mode", "");
        }
        return;
    }
    let mode = tls.get("mode").text().unwrap_or("Terminate");
    if matches!(protocol, "HTTP" | "TCP" | "UDP") {
        let hint = if protocol == "HTTP" { "remove it, or write `protocol: HTTPS`" } else { "remove it" };
        report.refuse(path, format!("must not be specified for protocol {protocol}"), hint);
    } else if protocol == "HTTPS" && mode != "Terminate" {
        report.refuse(&path.field("mode"), "must be Terminate for protocol HTTPS", "use protocol TLS to pass through");
    }
    let has_certificate = tls.get("certificateRefs").items().len() > 0;
    if mode == "Terminate" && !has_certificate && tls.get("options").entries().next().is_none() {
        report.refuse(
            path,
            "certificateRefs or options must be specified when mode is Terminate",
            "refer to a Secret of type kubernetes.io/tls",
        );
    }
}
