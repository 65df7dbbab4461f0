//! EndpointSlice: addresses of the family that it names, ports that can be told apart.
//!
//! Kubernetes refuses loopback addresses here; they are permitted, since files describe backends on the same machine.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names::{is_label, is_subdomain};
use super::rules_service::app_protocol;
use super::view::View;
use super::{FieldPath, Report};

pub(super) fn check(slice: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let family = slice.get("addressType").str().unwrap_or_default();
    let endpoints = path.field("endpoints");
    for (index, endpoint) in slice.get("endpoints").items().enumerate() {
        let at = endpoints.index(index);
        let addresses = at.field("addresses");
        for (index, address) in endpoint.get("addresses").items().enumerate() {
            if let Some((text, fault)) = address.str().and_then(|text| Some((text, fault(family, text)?))) {
                report.refuse(&addresses.index(index), format!("{fault}{}", report.shown(text)), "");
            }
        }
    }
    let ports = path.field("ports");
    let mut names = HashMap::new();
    for (index, port) in slice.get("ports").items().enumerate() {
        let at = ports.index(index);
        let name = port.get("name").str().unwrap_or_default();
        if !name.is_empty() && !is_label(name) {
            report.refuse(&at.field("name"), format!("must be a DNS label{}", report.shown(name)), "");
        }
        if let Some(first) = names.insert(name, index) {
            report.refuse(&at.field("name"), format!("is the same as that of port {first}"), "names must be unique");
        }
        app_protocol(port, &at, report);
    }
}

fn fault(family: &str, address: &str) -> Option<&'static str> {
    let ip = match family {
        "IPv4" => match address.parse::<Ipv4Addr>() {
            Ok(ip) => IpAddr::V4(ip),
            Err(_) => return Some("must be an IPv4 address"),
        },
        "IPv6" => match address.parse::<Ipv6Addr>() {
            Ok(ip) => IpAddr::V6(ip),
            Err(_) => return Some("must be an IPv6 address"),
        },
        "FQDN" => return (!is_subdomain(address)).then_some("must be a DNS name"),
        _ => return None,
    };
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    (ip.is_unspecified() || ip.is_multicast() || link_local)
        .then_some("must not be an unspecified, multicast or link-local address")
}
