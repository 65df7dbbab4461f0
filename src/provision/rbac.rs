//! What a proxy may read and write: its ServiceAccount, and Roles that name each Secret and ConfigMap of its Gateway's
//! configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::manifest::Blueprint;
use super::{Desired, names, resource};
use crate::resources::Kind;

/// Names of Secrets and of ConfigMaps.
#[derive(Default)]
struct Named<'a> {
    secrets: BTreeSet<&'a str>,
    config_maps: BTreeSet<&'a str>,
}

/// ServiceAccount, Roles and bindings; the account before what is bound to it. They depend on no parameters: what a slip in
/// those leaves standing is to lose what is revoked, and to get what is granted.
pub(super) fn objects(blueprint: &Blueprint<'_>) -> Vec<Desired> {
    let home = &*blueprint.key.namespace;
    let mut named = named(blueprint);
    let at_home = named.remove(home).unwrap_or_default();
    let mut rules = rules(&at_home);
    rules.push(json!({
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [blueprint.name],
        "verbs": ["get", "patch"],
    }));
    let binding = |role: &str| json!({ "roleRef": role_ref("Role", role), "subjects": [subject(blueprint)] });
    let mut objects = vec![
        blueprint.local(resource::SERVICE_ACCOUNT, json!({ "automountServiceAccountToken": false })),
        blueprint.local(resource::ROLE, json!({ "rules": rules })),
        blueprint.local(resource::ROLE_BINDING, binding(&blueprint.name)),
    ];
    for (namespace, named) in named {
        let name = names::foreign_name(&blueprint.key);
        let rules = self::rules(&named);
        objects.push(blueprint.foreign(resource::ROLE, namespace, &name, json!({ "rules": rules })));
        objects.push(blueprint.foreign(resource::ROLE_BINDING, namespace, &name, binding(&name)));
    }
    if let Some(owner) = &blueprint.settings.owner {
        let name = format!("postern:{home}:{}", blueprint.name);
        let body = json!({ "roleRef": role_ref("ClusterRole", &owner.name), "subjects": [subject(blueprint)] });
        objects.push(blueprint.foreign(resource::CLUSTER_ROLE_BINDING, "", &name, body));
    }
    objects
}

/// By namespace.
fn named<'a>(blueprint: &'a Blueprint<'_>) -> BTreeMap<&'a str, Named<'a>> {
    let mut named: BTreeMap<&str, Named<'_>> = BTreeMap::new();
    for reference in blueprint.request.references {
        let (namespace, name) = (&*reference.name.namespace, &*reference.name.name);
        match reference.kind {
            Kind::Secret => named.entry(namespace).or_default().secrets.insert(name),
            Kind::ConfigMap => named.entry(namespace).or_default().config_maps.insert(name),
            _ => continue,
        };
    }
    named
}

/// A rule without names would be one for all of them, so there is none where nothing is named.
fn rules(named: &Named<'_>) -> Vec<Value> {
    [("configmaps", &named.config_maps), ("secrets", &named.secrets)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(resource, names)| {
            let verbs = ["get", "list", "watch"];
            json!({ "apiGroups": [""], "resources": [resource], "resourceNames": names, "verbs": verbs })
        })
        .collect()
}

fn role_ref(kind: &str, name: &str) -> Value {
    json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name })
}

fn subject(blueprint: &Blueprint<'_>) -> Value {
    json!({ "kind": "ServiceAccount", "namespace": &*blueprint.key.namespace, "name": blueprint.name })
}
