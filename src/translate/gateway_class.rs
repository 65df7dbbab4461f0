//! GatewayClass: which classes are ours, and whether we accept them. It must not know Gateways.

use std::collections::BTreeMap;

use super::Settings;
use super::findings::{Findings, Problem};
use crate::resources::{GatewayClass, NamespacedName, Object, Snapshot};
use crate::status::{Condition, condition, reason};

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
    pub(crate) verdicts: BTreeMap<NamespacedName, Vec<Condition>>,
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
            classes.verdicts.insert(key.clone(), vec![accepted(class, problem.as_ref())]);
            if let Some(problem) = &problem {
                findings.error(&class.object_ref(), problem);
            }
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
