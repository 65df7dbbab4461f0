//! `spec.infrastructure.parametersRef`: "If the referent cannot be found, refers to an unsupported kind, or when the data
//! within that resource is malformed, the Gateway SHOULD be rejected with the "Accepted" status condition set to "False" and
//! an "InvalidParameters" reason." (GatewayInfrastructure.parametersRef)

use crate::provision::parameters::{KEY, Parameters};
use crate::resources::{Gateway, NamespacedName, Snapshot};
use crate::status::reason;
use crate::translate::Settings;
use crate::translate::findings::Problem;

const FIELD: &str = "spec.infrastructure.parametersRef";

/// The parameters of a Gateway, or why they cannot be used and what [`fallback`] makes of them.
pub(super) type Resolved = Result<Parameters, (Problem, Option<Parameters>)>;

/// The ConfigMap that the Gateway names, whether it exists or not; `None` where it names none, or something else.
pub(super) fn config_map(gateway: &Gateway) -> Option<NamespacedName> {
    let reference = gateway.parameters_ref()?;
    reference.is_config_map().then(|| NamespacedName::new(gateway.metadata.namespace.as_str(), reference.name.as_str()))
}

/// Where the parameters cannot be used: those of the settings, with what the Gateway's own say of the system's roots. `None`
/// where that cannot be read either.
pub(super) fn fallback(gateway: &Gateway, settings: &Settings, snapshot: &Snapshot) -> Option<Parameters> {
    let defaults = settings.parameters.as_ref()?;
    let object = snapshot.config_maps.get(&config_map(gateway)?)?;
    defaults.overlay_bundle(object.data.get(KEY)?).ok()
}

/// The parameters of the settings with the Gateway's own laid over them.
pub(super) fn resolve(gateway: &Gateway, settings: &Settings, snapshot: &Snapshot) -> Result<Parameters, Problem> {
    let invalid = |message: String, hint: &str| Problem::new(reason::INVALID_PARAMETERS, FIELD, message, hint);
    let Some(reference) = gateway.parameters_ref() else {
        return Ok(settings.parameters.clone().unwrap_or_default());
    };
    let named = format!("parametersRef names {} {} of group {:?}", reference.kind, reference.name, reference.group);
    let Some(defaults) = &settings.parameters else {
        return Err(invalid(
            format!("{named}; no parameters are supported"),
            "remove spec.infrastructure.parametersRef",
        ));
    };
    let Some(name) = config_map(gateway) else {
        let hint = "name a ConfigMap of the core group (\"\") in the Gateway's namespace";
        return Err(invalid(format!("{named}; parameters are read from ConfigMaps alone"), hint));
    };
    let Some(object) = snapshot.config_maps.get(&name) else {
        return Err(invalid(format!("ConfigMap {name} does not exist"), "create it, or correct the name"));
    };
    let Some(text) = object.data.get(KEY) else {
        let keys: Vec<_> = object.data.keys().map(String::as_str).collect();
        let keys = if keys.is_empty() { "it is empty".into() } else { format!("its keys are {}", keys.join(", ")) };
        let hint = "put the parameters, as YAML, under the key values.yaml";
        return Err(invalid(format!("ConfigMap {name} has no key {KEY}: {keys}"), hint));
    };
    // A proxy needs to know what stands for the system's roots; the rest is the controller's to judge, over defaults of its own.
    let overlaid = if settings.gateway.is_some() { defaults.overlay_bundle(text) } else { defaults.overlay(text) };
    overlaid.map_err(|cause| {
        let hint = "the keys are those of the value `proxy` of the Helm chart, but for those of the operator";
        invalid(format!("ConfigMap {name}, {KEY}: {cause}"), hint)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::snapshot::Store;

    fn resolve_with(values: &str) -> Result<Parameters, Problem> {
        let gateway = json!({
            "metadata": {"namespace": "infra", "name": "gw"},
            "spec": {"gatewayClassName": "postern", "listeners": [], "infrastructure": {
                "parametersRef": {"group": "", "kind": "ConfigMap", "name": "p"}}},
        });
        let map = json!({"metadata": {"namespace": "infra", "name": "p"}, "data": {"values.yaml": values}});
        let maps = [(NamespacedName::new("infra", "p"), serde_json::from_value(map).unwrap())];
        let snapshot = Snapshot { config_maps: Store::from(maps), ..Snapshot::default() };
        let of_files = Settings::of_files("c", [""; 0], Err(String::new()));
        let settings = Settings { parameters: Some(Parameters::default()), ..of_files };
        resolve(&serde_json::from_value(gateway).unwrap(), &settings, &snapshot)
    }

    #[test]
    fn what_is_wrong_with_the_content_is_told_with_the_map_and_the_key() {
        for (values, named) in [("replicaCount: 2", "replicaCount"), ("replicas: [", ""), ("replicas: many", "")] {
            let problem = resolve_with(values).unwrap_err();
            assert_eq!((problem.code, problem.field.as_str()), (reason::INVALID_PARAMETERS, FIELD));
            assert!(problem.message.starts_with("ConfigMap infra/p, values.yaml: "), "{}", problem.message);
            assert!(problem.message.contains(named), "{}", problem.message);
        }
        assert_eq!(resolve_with("replicas: 4").unwrap().replicas, 4);
        assert_eq!(resolve_with("").unwrap(), Parameters::default());
    }
}
