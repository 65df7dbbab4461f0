//! The Service in front of the proxies of a Gateway.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::manifest::Blueprint;
use super::{Desired, resource};
use crate::resources::Gateway;

/// The Service. Ports are as the listeners name them, inside and outside.
pub(super) fn service(blueprint: &Blueprint<'_>) -> Desired {
    let parameters = &blueprint.request.parameters.service;
    let ports: Vec<Value> = blueprint
        .request
        .ports
        .iter()
        .map(|port| json!({ "name": format!("port-{port}"), "port": port, "targetPort": port, "protocol": "TCP" }))
        .collect();
    let mut spec = json!({ "type": parameters.kind, "selector": blueprint.selector(), "ports": ports });
    if parameters.kind != "ClusterIP" && !parameters.external_traffic_policy.is_empty() {
        spec["externalTrafficPolicy"] = parameters.external_traffic_policy.as_str().into();
    }
    if parameters.kind == "LoadBalancer" {
        if !parameters.load_balancer_class.is_empty() {
            spec["loadBalancerClass"] = parameters.load_balancer_class.as_str().into();
        }
        if !parameters.load_balancer_source_ranges.is_empty() {
            spec["loadBalancerSourceRanges"] = json!(parameters.load_balancer_source_ranges);
        }
        if let Some(address) = asked_addresses(blueprint.request.gateway).next() {
            spec["loadBalancerIP"] = address.to_string().into();
        }
    }
    let extra = (parameters.labels.clone(), parameters.annotations.clone());
    blueprint.local_with(resource::SERVICE, extra, json!({ "spec": spec }))
}

/// The addresses that `spec.addresses` asks for by their value. A load balancer is asked for the first. A Service of another
/// type is asked for none: `externalIPs` would let whoever may write a Gateway take the traffic of any address
/// (CVE-2020-8554), and a cluster IP cannot be changed.
pub(super) fn asked_addresses(gateway: &Gateway) -> impl Iterator<Item = IpAddr> {
    gateway
        .spec
        .addresses
        .iter()
        .filter(|address| address.kind == "IPAddress")
        .filter_map(|address| address.value.as_deref()?.parse().ok())
}
