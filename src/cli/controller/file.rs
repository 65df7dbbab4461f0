//! The file that configures a controller: what the chart renders from its values.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::cli::configuration::CONTROLLER_NAME;
use crate::cluster::controller::ControllerSettings;
use crate::provision::parameters;
use crate::resources::NamespacedName;
use crate::{provision, resources, translate};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Written {
    controller_name: String,
    gateway_classes: Vec<String>,
    lease_name: String,
    proxy_cluster_role: String,
    allow_external_name_services: bool,
    proxy: Value,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            controller_name: CONTROLLER_NAME.into(),
            gateway_classes: ["postern", "agentgateway"].map(String::from).to_vec(),
            lease_name: "postern".into(),
            proxy_cluster_role: "postern-proxy".into(),
            allow_external_name_services: false,
            proxy: Value::Null,
        }
    }
}

/// Reads the file; the Lease of the election is in `namespace`. The error names the file, and the key at fault.
pub(super) fn read(path: &Path, namespace: &str, experimental: bool) -> Result<ControllerSettings, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    parse(&text, namespace, experimental).map_err(|error| format!("{name}: {error}"))
}

fn parse(text: &str, namespace: &str, experimental: bool) -> Result<ControllerSettings, String> {
    let documents = resources::document::read(text)
        .map_err(|error| format!("line {}: {}; {}", error.line, error.cause, error.remedy))?;
    let document = match documents.len() {
        0 => Value::Object(serde_json::Map::new()),
        1 => documents.into_iter().next().map_or(Value::Null, |document| document.value),
        _ => return Err("holds more than one document".into()),
    };
    let written: Written = serde_json::from_value(document).map_err(|error| error.to_string())?;
    let Written {
        controller_name,
        gateway_classes,
        lease_name,
        proxy_cluster_role,
        allow_external_name_services,
        proxy,
    } = written;
    let translation = translate::Settings {
        controller_name: controller_name.clone(),
        class_names: Vec::new(),
        system_roots: postern_actors::upstream::system_roots::load(None),
        shared_address: false,
        external_name_services: allow_external_name_services,
        experimental,
        parameters: Some(parameters::read(&proxy).map_err(|error| format!("proxy.{error}"))?),
        gateway: None,
        also_used: None,
    };
    let provisioning = provision::Settings {
        controller_name,
        version: env!("CARGO_PKG_VERSION").into(),
        owner: None,
        experimental,
        allow_external_name_services,
    };
    let election = NamespacedName::new(namespace, lease_name);
    Ok(ControllerSettings { translation, provisioning, classes: gateway_classes, proxy_cluster_role, election })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_does_not_say_has_a_default_and_what_nobody_knows_is_named() {
        let configured = parse("gatewayClasses: [mine]\nproxy: {replicas: 2}\n", "a", true).expect("it is right");
        assert_eq!(configured.classes, ["mine"]);
        let parameters = configured.translation.parameters.expect("in a cluster");
        assert_eq!((parameters.replicas, &*parameters.image.registry), (2, "ghcr.io"));
        let error = |text| parse(text, "a", false).map(drop).expect_err("refused");
        assert!(error("gatewayClass: mine").contains("unknown field `gatewayClass`"));
        assert!(error("proxy: {replica: 2}").contains("unknown field `replica`"));
        let broken = error("gatewayClasses: [a\nproxy: {}");
        assert!(broken.starts_with("line 2: "), "{broken}");
    }
}
