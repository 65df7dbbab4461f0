//! What the live objects of a Gateway say of it, and what that makes of the verdict on its configuration: a Gateway is
//! programmed when a proxy has applied it and it can be reached.

use std::net::IpAddr;

use postern_actors::supervisor::kubernetes::applied::{self, Applied};
use serde_json::Value;

use super::service::asked_addresses;
use crate::resources::{Gateway, Object as _};
use crate::status::condition::PROGRAMMED;
use crate::status::{Condition, GatewayAddress, GatewayVerdict, reason};

#[cfg(test)]
mod tests;

/// "MaxItems=16" (GatewayStatus.addresses)
const ADDRESSES: usize = 16;

/// What the live objects of a Gateway say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// What at least one proxy has applied.
    pub applied: Option<Applied>,
    /// Its Service, once it is there.
    pub service: Option<ObservedService>,
    /// Why an object of it could not be applied.
    pub refused: Option<String>,
    /// Why its pods do not come up.
    pub stalled: Option<String>,
}

/// What a Service says.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedService {
    /// `spec.type`
    pub kind: String,
    /// Where it can be reached: what the load balancer gave, or the cluster's addresses for a Service of another type (those
    /// of its nodes are not ours to read).
    pub addresses: Vec<GatewayAddress>,
}

impl Observed {
    /// Reads the live objects, as far as they are there and ours. `refused` is why one of them could not be applied.
    pub fn read(
        lease: Option<&Value>,
        service: Option<&Value>,
        deployment: Option<&Value>,
        refused: Option<String>,
    ) -> Self {
        let annotation =
            lease.and_then(|lease| lease.pointer("/metadata/annotations")?.get(applied::ANNOTATION)?.as_str());
        Self {
            applied: annotation.and_then(|text| text.parse().ok()),
            service: service.map(ObservedService::read),
            refused,
            stalled: deployment.and_then(stalled),
        }
    }

    fn has_applied(&self, gateway: &Gateway) -> bool {
        let metadata = gateway.metadata();
        self.applied
            .as_ref()
            .is_some_and(|applied| applied.uid == metadata.uid && applied.generation >= metadata.generation)
    }
}

impl ObservedService {
    fn read(service: &Value) -> Self {
        let kind = service.pointer("/spec/type").and_then(Value::as_str).unwrap_or("ClusterIP").to_owned();
        let mut addresses: Vec<GatewayAddress> = Vec::new();
        let given = if kind == "LoadBalancer" { load_balancer_addresses(service) } else { cluster_addresses(service) };
        for address in given {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.truncate(ADDRESSES);
        Self { kind, addresses }
    }

    fn has(&self, asked: IpAddr) -> bool {
        self.addresses.iter().any(|address| address.value.parse() == Ok(asked))
    }
}

fn load_balancer_addresses(service: &Value) -> Vec<GatewayAddress> {
    let ingress = list(service, "/status/loadBalancer/ingress");
    // An address is one at least; a load balancer that has both calls the same thing by two names.
    ingress
        .iter()
        .filter_map(|entry| {
            let text = |field| entry.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
            match (text("ip"), text("hostname")) {
                (Some(ip), _) => Some(GatewayAddress { kind: "IPAddress", value: ip.to_owned() }),
                // "Hostname value must only contain valid characters": lower case. (GatewayStatusAddress)
                (None, Some(host)) => Some(GatewayAddress { kind: "Hostname", value: host.to_ascii_lowercase() }),
                (None, None) => None,
            }
        })
        .collect()
}

fn cluster_addresses(service: &Value) -> Vec<GatewayAddress> {
    let addresses = list(service, "/spec/clusterIPs").iter().filter_map(Value::as_str);
    let addresses = addresses.filter(|address| address.parse::<IpAddr>().is_ok());
    addresses.map(|address| GatewayAddress { kind: "IPAddress", value: address.to_owned() }).collect()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What a Deployment's conditions say of its present generation, if they say that it does not come about.
fn stalled(deployment: &Value) -> Option<String> {
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return None;
    }
    list(deployment, "/status/conditions").iter().find_map(|condition| {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
        let is_bad = match text("type") {
            "ReplicaFailure" => text("status") == "True",
            "Progressing" => text("status") == "False" && text("reason") == "ProgressDeadlineExceeded",
            _ => false,
        };
        is_bad.then(|| format!("{}: {}", text("reason"), text("message")))
    })
}

/// Lays what is observed over the verdict on the configuration. What that found wrong stays as it is.
pub fn overlay(verdict: &mut GatewayVerdict, gateway: &Gateway, observed: &Observed) {
    let generation = gateway.metadata.generation;
    if let Some(service) = &observed.service {
        verdict.addresses.clone_from(&service.addresses);
    }
    if let Some((reason, message)) = obstacle(gateway, observed) {
        withhold(&mut verdict.conditions, reason, &message, generation);
    }
    // A listener is programmed where a proxy has its configuration; addresses are the Gateway's.
    if let Some(delay) = delay(gateway, observed) {
        let (reason, message) = refusal(observed).or_else(|| stall(gateway, observed)).unwrap_or(delay);
        for listener in &mut verdict.listeners {
            withhold(&mut listener.conditions, reason, &message, generation);
        }
    }
}

fn withhold(conditions: &mut [Condition], reason: &'static str, message: &str, generation: i64) {
    if let Some(programmed) = holding(conditions, PROGRAMMED) {
        *programmed = Condition::no(PROGRAMMED, reason, message, generation);
    }
}

/// A condition, if it holds.
fn holding<'a>(conditions: &'a mut [Condition], kind: &str) -> Option<&'a mut Condition> {
    conditions.iter_mut().find(|condition| condition.kind == kind && condition.status)
}

type Obstacle = (&'static str, String);

/// Why a Gateway is not programmed, what a user has to mend first.
fn obstacle(gateway: &Gateway, observed: &Observed) -> Option<Obstacle> {
    refusal(observed)
        .or_else(|| unusable_address(gateway, observed))
        .or_else(|| stall(gateway, observed))
        .or_else(|| missing_address(gateway, observed))
        .or_else(|| delay(gateway, observed))
}

fn refusal(observed: &Observed) -> Option<Obstacle> {
    let refused = observed.refused.as_ref()?;
    Some((reason::NO_RESOURCES, format!("what serves the Gateway cannot be deployed: {refused}")))
}

/// "a provided static address can't be used" (GatewayReasonAddressNotUsable)
fn unusable_address(gateway: &Gateway, observed: &Observed) -> Option<Obstacle> {
    let service = observed.service.as_ref()?;
    let missing: Vec<String> =
        asked_addresses(gateway).filter(|asked| !service.has(*asked)).map(|asked| asked.to_string()).collect();
    if missing.is_empty() {
        return None;
    }
    let given: Vec<&str> = service.addresses.iter().map(|address| address.value.as_str()).collect();
    let given = if given.is_empty() { "no address".to_owned() } else { given.join(", ") };
    let remedy = match service.kind.as_str() {
        "LoadBalancer" => {
            "ask for one address that the load balancer can give and nobody has, or leave spec.addresses away"
        }
        _ => {
            "only a Service of type LoadBalancer can be asked for an address: set service.type, or leave spec.addresses away"
        }
    };
    let message = format!(
        "spec.addresses asks for {}, and Service {} of type {} has {given}: {remedy}",
        missing.join(", "),
        object(gateway),
        service.kind
    );
    Some((reason::ADDRESS_NOT_USABLE, message))
}

/// "Address not yet allocated" (GatewayReasonAddressNotAssigned)
fn missing_address(gateway: &Gateway, observed: &Observed) -> Option<Obstacle> {
    let service = observed.service.as_ref().filter(|service| service.addresses.is_empty())?;
    let message = format!(
        "Service {} of type {} has no address yet; if none comes, see whether the cluster has a load balancer with a free \
         address",
        object(gateway),
        service.kind
    );
    Some((reason::ADDRESS_NOT_ASSIGNED, message))
}

/// Pods that do not come up are no obstacle where others serve this generation.
fn stall(gateway: &Gateway, observed: &Observed) -> Option<Obstacle> {
    let stalled = observed.stalled.as_ref().filter(|_| !observed.has_applied(gateway))?;
    Some((reason::NO_RESOURCES, format!("Deployment {} does not come up: {stalled}", object(gateway))))
}

/// "either not yet reconciled or not yet not online and ready to accept client traffic" (ListenerReasonPending)
fn delay(gateway: &Gateway, observed: &Observed) -> Option<Obstacle> {
    let message = if observed.service.is_none() {
        format!("Service {} is not there yet", object(gateway))
    } else if observed.has_applied(gateway) {
        return None;
    } else {
        format!(
            "no proxy of Deployment {} has applied generation {} of the Gateway yet",
            object(gateway),
            gateway.metadata.generation
        )
    };
    Some((reason::PENDING, message))
}

/// Namespace and name of its objects.
fn object(gateway: &Gateway) -> String {
    format!("{}/{}", gateway.metadata.namespace, super::names::object_name(&gateway.metadata.name))
}
