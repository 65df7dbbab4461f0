//! AgentgatewayBackend: the host is something that can be connected to.

use std::net::IpAddr;

use super::names::is_subdomain;
use super::view::View;
use super::{FieldPath, Report};

pub(super) fn check(backend: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let spec = path.field("spec");
    let fixed = spec.field("static");
    let Some(host) = backend.get("spec").get("static").get("host").text() else { return };
    if host.parse::<IpAddr>().is_ok() || is_subdomain(&host.to_ascii_lowercase()) && !looks_like_address(host) {
        return;
    }
    let hint = if host.contains("://") {
        "leave the scheme away: a BackendTLSPolicy asks for TLS"
    } else if host.contains('[') {
        "write an IPv6 address without brackets"
    } else if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        "put the port into `port`"
    } else {
        ""
    };
    report.refuse(&fixed.field("host"), format!("must be a DNS name or an IP address{}", report.shown(host)), hint);
}

/// Digits and dots alone are a mistyped address, never a name: no top-level domain is a number.
fn looks_like_address(host: &str) -> bool {
    host.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()))
}
