//! GatewayClass: which classes are ours, and whether we accept them. It must not know Gateways.

use std::collections::BTreeMap;

use super::Settings;
use super::findings::{Findings, Problem};
use crate::resources::{GatewayApi, GatewayClass, NamespacedName, Object, Snapshot};
use crate::status::{Condition, GatewayClassVerdict, condition, features, reason};

/// The versions of the Gateway API whose CRDs we know, whatever their patch.
const VERSIONS: [&str; 2] = ["v1.5", "v1.6"];

/// What a class name comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its Gateways are served.
    Ours,
    /// Ours, and not accepted: its Gateways are not served, and say why.
    Rejected(String),
    /// A GatewayClass of another controller.
    Foreign,
    /// No GatewayClass has the name, and it is none of [`Settings::class_names`].
    Unknown,
}

/// The GatewayClasses of a Snapshot.
#[derive(Debug)]
pub(crate) struct Classes<'a> {
    by_name: BTreeMap<&'a str, Standing>,
    built_in: &'a [String],
    /// Status of those that are ours.
    pub(crate) verdicts: BTreeMap<NamespacedName, GatewayClassVerdict>,
}

impl<'a> Classes<'a> {
    /// Judges every class.
    pub(crate) fn judge(snapshot: &'a Snapshot, settings: &'a Settings, findings: &mut Findings) -> Self {
        let mut classes = Self { by_name: BTreeMap::new(), built_in: &settings.class_names, verdicts: BTreeMap::new() };
        for (key, class) in &snapshot.gateway_classes {
            let name = class.metadata.name.as_str();
            if class.spec.controller_name != settings.controller_name {
                classes.by_name.insert(name, Standing::Foreign);
                continue;
            }
            let problem = parameters(class);
            let mut conditions = vec![accepted(class, problem.as_ref())];
            if let Some(problem) = &problem {
                findings.error(&class.object_ref(), problem);
            }
            if let Some(api) = &snapshot.gateway_api {
                let unsupported = version_problem(api);
                if let Some(problem) = &unsupported {
                    findings.warning(&class.object_ref(), problem);
                }
                conditions.push(supported_version(class, api, unsupported));
            }
            let verdict = GatewayClassVerdict { conditions, supported_features: features::SUPPORTED };
            classes.verdicts.insert(key.clone(), verdict);
            let standing = problem.map_or(Standing::Ours, |problem| {
                Standing::Rejected(format!("GatewayClass {name}: {}", problem.message))
            });
            classes.by_name.insert(name, standing);
        }
        classes
    }

    /// What a Gateway's `gatewayClassName` comes to. A GatewayClass object counts before a name in the settings.
    pub(crate) fn standing(&self, name: &str) -> Standing {
        match self.by_name.get(name) {
            Some(standing) => standing.clone(),
            None if self.built_in.iter().any(|ours| ours == name) => Standing::Ours,
            None => Standing::Unknown,
        }
    }
}

/// "If the referent cannot be found, refers to an unsupported kind, or when the data within that resource is malformed,
/// the GatewayClass SHOULD be rejected with the "Accepted" status condition set to "False" and an "InvalidParameters"
/// reason." (GatewayClassSpec.parametersRef) We support none.
fn parameters(class: &GatewayClass) -> Option<Problem> {
    let reference = class.spec.parameters_ref.as_ref()?;
    Some(Problem::new(
        reason::INVALID_PARAMETERS,
        "spec.parametersRef",
        format!(
            "parametersRef names {} {} of group {:?}; no parameters are supported",
            reference.kind, reference.name, reference.group
        ),
        "remove spec.parametersRef",
    ))
}

fn accepted(class: &GatewayClass, problem: Option<&Problem>) -> Condition {
    let generation = class.metadata.generation;
    match problem {
        Some(problem) => Condition::no(condition::ACCEPTED, problem.code, &problem.message, generation),
        None => Condition::yes(
            condition::ACCEPTED,
            reason::ACCEPTED,
            "Postern serves the Gateways of this class",
            generation,
        ),
    }
}

/// "If implementations detect any Gateway API CRDs that either do not have this annotation set, or have it set to a version
/// that is not recognized or supported by the implementation, this condition MUST be set to false."
/// (GatewayClassConditionStatusSupportedVersion) Support is then at best effort: the class stays accepted.
fn version_problem(api: &GatewayApi) -> Option<Problem> {
    let version = api.bundle_version.as_str();
    if VERSIONS.iter().any(|minor| version.strip_prefix(minor).is_some_and(|patch| patch.starts_with('.'))) {
        return None;
    }
    let found =
        if version.is_empty() { "do not say their version".into() } else { format!("are of version {version}") };
    let supported = VERSIONS.map(|minor| format!("{minor}.x")).join(" and ");
    Some(Problem::new(
        reason::UNSUPPORTED_VERSION,
        "",
        format!("the CRDs of the Gateway API {found}; supported are {supported}, others at best effort"),
        "install the CRDs of a supported version",
    ))
}

fn supported_version(class: &GatewayClass, api: &GatewayApi, problem: Option<Problem>) -> Condition {
    let generation = class.metadata.generation;
    if let Some(problem) = problem {
        return Condition::no(condition::SUPPORTED_VERSION, problem.code, problem.message, generation);
    }
    let GatewayApi { bundle_version, channel } = api;
    let channel = if channel.is_empty() { String::new() } else { format!(" ({channel} channel)") };
    let message = format!("the CRDs of the Gateway API are of {bundle_version}{channel}");
    Condition::yes(condition::SUPPORTED_VERSION, reason::SUPPORTED_VERSION, message, generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_whatever_their_patch() {
        let problem = |version: &str| {
            let api = GatewayApi { bundle_version: version.to_owned(), channel: "standard".into() };
            version_problem(&api).map(|problem| problem.message)
        };
        for known in ["v1.5.0", "v1.5.1", "v1.6.0-rc.1", "v1.6.1"] {
            assert_eq!(problem(known), None, "{known}");
        }
        for unknown in ["v1.4.1", "v1.50.0", "v1.5", "1.6.1", "v2.0.0", "main"] {
            let message = problem(unknown).expect(unknown);
            assert!(message.contains(unknown) && message.contains("v1.5.x and v1.6.x"), "{message}");
        }
        assert!(problem("").is_some_and(|message| message.contains("do not say their version")));
    }
}
