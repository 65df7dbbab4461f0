//! ReferenceGrants as an index: who may refer to what in another namespace. It must not know what a reference is for.

use std::collections::{HashMap, HashSet};

use crate::resources::{NamespacedName, Snapshot};

/// Group, kind and namespace of the objects that may refer.
type Referrer = (String, String, String);
/// Namespace of the grant, then group and kind of what it permits to refer to.
type Permitted = (String, String, String);

/// Every ReferenceGrant of a Snapshot, looked up by hash.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    by_referrer: HashMap<Referrer, HashMap<Permitted, Names>>,
}

/// The names that grants permit.
#[derive(Debug, Default)]
struct Names {
    all: bool,
    named: HashSet<String>,
}

impl Grants {
    /// Reads every grant of the Snapshot once.
    pub(crate) fn index(snapshot: &Snapshot) -> Self {
        let mut by_referrer: HashMap<Referrer, HashMap<Permitted, Names>> = HashMap::new();
        for grant in snapshot.reference_grants.values() {
            for from in &grant.spec.from {
                let referrer = (from.group.clone(), from.kind.clone(), from.namespace.clone());
                let permitted = by_referrer.entry(referrer).or_default();
                for to in &grant.spec.to {
                    let key = (grant.metadata.namespace.clone(), to.group.clone(), to.kind.clone());
                    let names = permitted.entry(key).or_default();
                    match to.name.as_deref() {
                        // "When unspecified, this policy refers to all resources of the specified Group and Kind in
                        // the local namespace." (ReferenceGrantTo.name)
                        None | Some("") => names.all = true,
                        Some(name) => {
                            names.named.insert(name.to_owned());
                        }
                    }
                }
            }
        }
        Self { by_referrer }
    }

    /// Whether an object of `from_namespace` may refer to `to`. Within one namespace it always may; across namespaces
    /// "a ReferenceGrant is required in the target namespace" (ReferenceGrant).
    pub(crate) fn permits(
        &self,
        from_group: &str,
        from_kind: &str,
        from_namespace: &str,
        to_group: &str,
        to_kind: &str,
        to: &NamespacedName,
    ) -> bool {
        if from_namespace == &*to.namespace {
            return true;
        }
        let referrer = (from_group.to_owned(), from_kind.to_owned(), from_namespace.to_owned());
        let permitted = (to.namespace.to_string(), to_group.to_owned(), to_kind.to_owned());
        self.by_referrer
            .get(&referrer)
            .and_then(|targets| targets.get(&permitted))
            .is_some_and(|names| names.all || names.named.contains(&*to.name))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::resources::reference_grant::{GrantFrom, GrantTo, ReferenceGrantSpec};
    use crate::resources::{GATEWAY_GROUP, Metadata, ReferenceGrant};

    fn snapshot(grants: &[(&str, &str, &str, Option<&str>)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (number, (namespace, from_kind, from_namespace, name)) in grants.iter().enumerate() {
            let metadata =
                Metadata { name: format!("g{number}"), namespace: (*namespace).into(), ..Metadata::default() };
            let grant = ReferenceGrant {
                spec: ReferenceGrantSpec {
                    from: vec![GrantFrom {
                        group: GATEWAY_GROUP.into(),
                        kind: (*from_kind).into(),
                        namespace: (*from_namespace).into(),
                    }],
                    to: vec![GrantTo { group: String::new(), kind: "Secret".into(), name: name.map(Into::into) }],
                },
                metadata,
            };
            snapshot.reference_grants.insert(grant.metadata.key(), Arc::new(grant));
        }
        snapshot
    }

    fn gateway_may(grants: &Grants, from_namespace: &str, kind: &str, to: (&str, &str)) -> bool {
        grants.permits(GATEWAY_GROUP, "Gateway", from_namespace, "", kind, &NamespacedName::new(to.0, to.1))
    }

    #[test]
    fn within_a_namespace_no_grant_is_needed() {
        assert!(gateway_may(&Grants::default(), "a", "Secret", ("a", "s")));
        assert!(!gateway_may(&Grants::default(), "a", "Secret", ("b", "s")));
    }

    #[test]
    fn a_grant_without_a_name_permits_every_object_of_the_kind() {
        let grants = Grants::index(&snapshot(&[("b", "Gateway", "a", None)]));
        assert!(gateway_may(&grants, "a", "Secret", ("b", "s")));
        assert!(gateway_may(&grants, "a", "Secret", ("b", "t")));
        assert!(!gateway_may(&grants, "a", "ConfigMap", ("b", "s")), "another kind");
        assert!(!gateway_may(&grants, "c", "Secret", ("b", "s")), "another namespace refers");
        assert!(!gateway_may(&grants, "a", "Secret", ("c", "s")), "the grant is of another namespace");
    }

    #[test]
    fn a_grant_with_a_name_permits_that_object_alone_and_grants_add_up() {
        let grants = Grants::index(&snapshot(&[
            ("b", "Gateway", "a", Some("s")),
            ("b", "Gateway", "a", Some("t")),
            ("b", "HTTPRoute", "a", None),
        ]));
        assert!(gateway_may(&grants, "a", "Secret", ("b", "s")));
        assert!(gateway_may(&grants, "a", "Secret", ("b", "t")));
        assert!(!gateway_may(&grants, "a", "Secret", ("b", "u")), "the grant for routes is none for Gateways");
    }
}
