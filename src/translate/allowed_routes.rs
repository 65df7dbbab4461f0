//! `allowedRoutes` of a listener: the kinds and the namespaces of the routes that may attach to it.

use std::collections::BTreeMap;

use super::findings::Problem;
use crate::resources::gateway::{AllowedRoutes, LabelSelector, LabelSelectorRequirement};
use crate::resources::{GATEWAY_GROUP, NamespacedName, Snapshot};
use crate::status::reason;

/// The label that every namespace has, also where no Namespace object is there to carry it.
const METADATA_NAME: &str = "kubernetes.io/metadata.name";

/// The kinds of routes that a listener of HTTP or HTTPS can take.
const HTTP_KINDS: [(&str, &str); 1] = [(GATEWAY_GROUP, "HTTPRoute")];

/// The `supportedKinds` of a listener, and what is wrong with its `allowedRoutes.kinds`. `speaks_http` is whether its
/// protocol is one of ours: the listener of another takes no routes at all.
pub(crate) fn kinds(
    allowed: &AllowedRoutes,
    speaks_http: bool,
    field: &str,
) -> (Vec<(String, String)>, Option<Problem>) {
    let fitting: &[(&str, &str)] = if speaks_http { &HTTP_KINDS } else { &[] };
    let owned = |(group, kind): &(&str, &str)| ((*group).to_owned(), (*kind).to_owned());
    if allowed.kinds.is_empty() {
        return (fitting.iter().map(owned).collect(), None);
    }
    let mut supported: Vec<(String, String)> = Vec::new();
    let mut refused = Vec::new();
    for (index, kind) in allowed.kinds.iter().enumerate() {
        match fitting.iter().find(|(group, name)| kind.group == *group && kind.kind == *name) {
            Some(known) if !supported.contains(&owned(known)) => supported.push(owned(known)),
            Some(_) => {}
            None => refused.push((index, format!("{} of group {:?}", kind.kind, kind.group))),
        }
    }
    let problem = refused.first().map(|(index, _)| {
        let names: Vec<_> = refused.iter().map(|(_, name)| name.as_str()).collect();
        Problem::new(
            reason::INVALID_ROUTE_KINDS,
            format!("{field}.kinds[{index}]"),
            format!("routes of kind {} are not supported by this listener", names.join(", ")),
            "name HTTPRoute alone, or leave kinds away",
        )
    });
    (supported, problem)
}

/// What is wrong with `allowedRoutes.namespaces`, if anything is. The API server takes any operator.
pub(crate) fn namespaces_problem(allowed: &AllowedRoutes, field: &str) -> Option<Problem> {
    let namespaces = &allowed.namespaces;
    let unsupported = |field: String, message: String, hint: &str| {
        Some(Problem::new(reason::UNSUPPORTED_VALUE, field, message, hint))
    };
    match namespaces.from.as_str() {
        "All" | "Same" | "None" => None,
        "Selector" => match &namespaces.selector {
            None => unsupported(
                format!("{field}.namespaces.selector"),
                "from: Selector without a selector allows no namespace".into(),
                "add a selector, or use from: Same or All",
            ),
            Some(selector) => selector.match_expressions.iter().enumerate().find_map(|(index, requirement)| {
                let message = misuse(requirement)?;
                unsupported(
                    format!("{field}.namespaces.selector.matchExpressions[{index}]"),
                    format!("key {}: {message}", requirement.key),
                    "operators are In and NotIn with values, Exists and DoesNotExist without",
                )
            }),
        },
        other => unsupported(
            format!("{field}.namespaces.from"),
            format!("from: {other} is not supported"),
            "use All, Same, Selector or None",
        ),
    }
}

fn misuse(requirement: &LabelSelectorRequirement) -> Option<String> {
    match (requirement.operator.as_str(), requirement.values.is_empty()) {
        ("In" | "NotIn", false) | ("Exists" | "DoesNotExist", true) => None,
        (operator @ ("In" | "NotIn"), true) => Some(format!("operator {operator} needs values")),
        (operator @ ("Exists" | "DoesNotExist"), false) => Some(format!("operator {operator} takes no values")),
        (operator, _) => Some(format!("operator {operator} is unknown")),
    }
}

/// Whether a route of `namespace` may attach to a listener of a Gateway in `gateway_namespace`. What is not understood
/// allows nobody.
pub(crate) fn allows_namespace(
    allowed: &AllowedRoutes,
    gateway_namespace: &str,
    namespace: &str,
    snapshot: &Snapshot,
) -> bool {
    match allowed.namespaces.from.as_str() {
        "All" => true,
        "Same" => namespace == gateway_namespace,
        "Selector" => {
            let object = snapshot.namespaces.get(&NamespacedName::new("", namespace));
            let labels = Labels { namespace, written: object.map(|object| &object.metadata.labels) };
            allowed.namespaces.selector.as_ref().is_some_and(|selector| labels.fit(selector))
        }
        _ => false,
    }
}

/// The labels of a namespace.
struct Labels<'a> {
    namespace: &'a str,
    written: Option<&'a BTreeMap<String, String>>,
}

impl Labels<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        if key == METADATA_NAME {
            return Some(self.namespace);
        }
        self.written?.get(key).map(String::as_str)
    }

    fn fit(&self, selector: &LabelSelector) -> bool {
        selector.match_labels.iter().all(|(key, value)| self.get(key) == Some(value))
            && selector.match_expressions.iter().all(|requirement| self.meet(requirement))
    }

    fn meet(&self, requirement: &LabelSelectorRequirement) -> bool {
        if misuse(requirement).is_some() {
            return false;
        }
        let value = self.get(&requirement.key);
        let among = value.is_some_and(|value| requirement.values.iter().any(|allowed| allowed == value));
        match requirement.operator.as_str() {
            "In" => among,
            "NotIn" => !among,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
