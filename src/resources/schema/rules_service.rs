//! Service: ports that can be told apart, and a target for an ExternalName.

use std::collections::HashMap;
use std::net::IpAddr;

use super::names::{is_label, is_port_name, is_qualified, is_subdomain};
use super::view::View;
use super::{FieldPath, Report};

pub(super) fn check(service: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let at = path.field("spec");
    let spec = service.get("spec");
    let kind = spec.get("type").text().unwrap_or("ClusterIP");
    let cluster_ip = spec.get("clusterIP").text();
    let ports = spec.get("ports");
    if kind == "ExternalName" {
        let name = spec.get("externalName").text();
        let field = at.field("externalName");
        match name.map(|name| name.strip_suffix('.').unwrap_or(name)) {
            None => report.refuse(&field, "is required when type is ExternalName", ""),
            Some(name) if !is_subdomain(name) => {
                report.refuse(&field, format!("must be a DNS name{}", report.shown(name)), "");
            }
            Some(_) => {}
        }
        if cluster_ip.is_some() {
            report.refuse(&at.field("clusterIP"), "must not be specified when type is ExternalName", "remove it");
        }
    } else {
        if ports.items().len() == 0 && cluster_ip != Some("None") {
            report.refuse(&at.field("ports"), "is required", "a Service without ports must be headless");
        }
        if let Some(ip) = cluster_ip.filter(|ip| *ip != "None" && ip.parse::<IpAddr>().is_err()) {
            report.refuse(&at.field("clusterIP"), format!("must be an IP address or None{}", report.shown(ip)), "");
        }
        if cluster_ip == Some("None") && kind != "ClusterIP" {
            report.refuse(&at.field("clusterIP"), format!("must not be None when type is {kind}"), "");
        }
    }
    check_ports(ports, &at.field("ports"), report);
}

fn check_ports(ports: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let several = ports.items().len() > 1;
    let (mut names, mut numbers) = (HashMap::new(), HashMap::new());
    for (index, port) in ports.items().enumerate() {
        let at = path.index(index);
        let field = at.field("name");
        match port.get("name").text() {
            None if several => report.refuse(&field, "is required when there is more than one port", "name every port"),
            None => {}
            Some(name) => {
                if !is_label(name) {
                    report.refuse(&field, format!("must be a DNS label{}", report.shown(name)), "");
                }
                if let Some(first) = names.insert(name, index) {
                    report.refuse(&field, format!("is the same as that of port {first}"), "names must be unique");
                }
            }
        }
        let protocol = port.get("protocol").text().unwrap_or("TCP");
        if let Some(first) = port.get("port").int().and_then(|number| numbers.insert((protocol, number), index)) {
            report.refuse(&at, format!("has the same port and protocol as port {first}"), "remove one of the two");
        }
        let target = port.get("targetPort");
        let fits = match (target.int(), target.text()) {
            (Some(number), _) => (1..=65535).contains(&number),
            (None, Some(name)) => is_port_name(name),
            (None, None) => true,
        };
        if !fits {
            report.refuse(
                &at.field("targetPort"),
                "must be a port from 1 to 65535 or the name of a container's port",
                "",
            );
        }
        app_protocol(port, &at, report);
    }
}

/// `appProtocol` of a Service's or an EndpointSlice's port.
pub(super) fn app_protocol(port: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    if let Some(protocol) = port.get("appProtocol").text().filter(|protocol| !is_qualified(protocol)) {
        report.refuse(
            &path.field("appProtocol"),
            format!("must be a qualified name{}", report.shown(protocol)),
            "for example `http`, `https` or `kubernetes.io/h2c`",
        );
    }
}
