//! Verdicts as the `status` of Kubernetes objects, in JSON. Times are not in it: they belong to whoever writes a status.

use serde_json::{Value, json};

use super::{Condition, GatewayAddress, GatewayClassVerdict, GatewayVerdict, PolicyVerdict, RouteVerdict};
use crate::resources::GATEWAY_GROUP;

/// Of a GatewayClass.
pub fn gateway_class(verdict: &GatewayClassVerdict) -> Value {
    let features = verdict.supported_features.iter().map(|name| json!({ "name": name }));
    json!({
        "conditions": conditions(&verdict.conditions),
        "supportedFeatures": features.collect::<Vec<_>>(),
    })
}

/// Of a Gateway.
pub fn gateway(verdict: &GatewayVerdict) -> Value {
    let listeners = verdict.listeners.iter().map(|listener| {
        let kinds = listener.supported_kinds.iter().map(|(group, kind)| json!({ "group": group, "kind": kind }));
        json!({
            "name": listener.name,
            "attachedRoutes": listener.attached_routes,
            "supportedKinds": kinds.collect::<Vec<_>>(),
            "conditions": conditions(&listener.conditions),
        })
    });
    let mut status =
        json!({ "conditions": conditions(&verdict.conditions), "listeners": listeners.collect::<Vec<_>>() });
    if !verdict.addresses.is_empty() {
        let address = |address: &GatewayAddress| json!({ "type": address.kind, "value": address.value });
        status["addresses"] = verdict.addresses.iter().map(address).collect();
    }
    status
}

/// Of an HTTPRoute, as the controller of that name writes it.
pub fn route(verdict: &RouteVerdict, controller: &str) -> Value {
    let parents = verdict.parents.iter().map(|parent| {
        json!({
            "parentRef": parent.parent_ref,
            "controllerName": controller,
            "conditions": conditions(&parent.conditions),
        })
    });
    json!({ "parents": parents.collect::<Vec<_>>() })
}

/// Of a BackendTLSPolicy, as the controller of that name writes it.
pub fn policy(verdict: &PolicyVerdict, controller: &str) -> Value {
    let ancestors = verdict.ancestors.iter().map(|ancestor| {
        let (namespace, name) = (&*ancestor.gateway.namespace, &*ancestor.gateway.name);
        json!({
            "ancestorRef": { "group": GATEWAY_GROUP, "kind": "Gateway", "namespace": namespace, "name": name },
            "controllerName": controller,
            "conditions": conditions(&ancestor.conditions),
        })
    });
    json!({ "ancestors": ancestors.collect::<Vec<_>>() })
}

fn conditions(conditions: &[Condition]) -> Vec<Value> {
    let condition = |condition: &Condition| {
        json!({
            "type": condition.kind,
            "status": if condition.status { "True" } else { "False" },
            "reason": condition.reason,
            "message": condition.message,
            "observedGeneration": condition.observed_generation,
        })
    };
    conditions.iter().map(condition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::NamespacedName;
    use crate::status::AncestorVerdict;

    #[test]
    fn features_of_a_class_are_objects_with_names() {
        let conditions = vec![Condition::yes("Accepted", "Accepted", "ours", 2)];
        let verdict = GatewayClassVerdict { conditions, supported_features: &["Gateway", "HTTPRoute"] };
        let status = gateway_class(&verdict);
        assert_eq!(status["supportedFeatures"], json!([{"name": "Gateway"}, {"name": "HTTPRoute"}]));
        assert_eq!(status["conditions"][0]["observedGeneration"], 2);
    }

    #[test]
    fn an_ancestor_is_a_reference_with_the_name_of_its_controller() {
        let conditions = vec![Condition::no("Accepted", "Conflicted", "the older one", 3)];
        let ancestor = AncestorVerdict { gateway: NamespacedName::new("infra", "web"), conditions };
        let expected = json!({"ancestors": [{
            "ancestorRef": {"group": GATEWAY_GROUP, "kind": "Gateway", "namespace": "infra", "name": "web"},
            "controllerName": "example.com/us",
            "conditions": [{"type": "Accepted", "status": "False", "reason": "Conflicted", "message": "the older one",
                "observedGeneration": 3}],
        }]});
        assert_eq!(policy(&PolicyVerdict { ancestors: vec![ancestor] }, "example.com/us"), expected);
    }
}
