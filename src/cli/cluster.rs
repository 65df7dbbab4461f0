//! How the objects of a cluster are translated for its proxies: the options of whoever does it.

use std::path::Path;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};

use super::configuration::CONTROLLER_NAME;
use crate::provision::parameters::{CaBundle, Parameters};
use crate::resources::NamespacedName;
use crate::translate::Settings;

/// As the controller has set them for the proxies.
#[derive(Debug, Args)]
pub(crate) struct ClusterArguments {
    /// The controllerName of our GatewayClasses
    #[arg(long, hide_short_help = true, value_name = "NAME", default_value = CONTROLLER_NAME)]
    controller_name: String,
    /// ConfigMap of the Gateway's namespace in place of the system's roots
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    system_ca_bundle_config_map: Option<String>,
    /// The key in it
    #[arg(long, hide_short_help = true, value_name = "KEY", default_value = "ca.crt")]
    system_ca_bundle_key: String,
    /// Forward to Services of type ExternalName (CVE-2021-25740)
    #[arg(long, hide_short_help = true)]
    allow_external_name_services: bool,
    /// Read the experimental channel
    #[arg(long, hide_short_help = true, env = "KGW_ENABLE_GATEWAY_API_EXPERIMENTAL_FEATURES", hide_env_values = true, default_value = "false",
        action = ArgAction::Set, value_parser = BoolishValueParser::new(), hide_possible_values = true, value_name = "true|false")]
    experimental: bool,
}

impl ClusterArguments {
    /// For the proxies of one Gateway, or of all. The bundle is for what has not the roots of their image.
    pub(crate) fn settings(&self, gateway: Option<NamespacedName>, system_ca_bundle: Option<&Path>) -> Settings {
        let config_map = CaBundle {
            config_map: self.system_ca_bundle_config_map.clone().unwrap_or_default(),
            key: self.system_ca_bundle_key.clone(),
        };
        Settings {
            controller_name: self.controller_name.clone(),
            class_names: Vec::new(),
            system_roots: postern_actors::upstream::system_roots::load(system_ca_bundle),
            shared_address: false,
            external_name_services: self.allow_external_name_services,
            experimental: self.experimental,
            parameters: Some(Parameters { system_ca_bundle: config_map, ..Parameters::default() }),
            gateway,
            also_used: None,
        }
    }
}

/// Reads the name of a Gateway.
pub(crate) fn gateway(text: &str) -> Result<NamespacedName, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(NamespacedName::new(namespace, name))
        }
        _ => Err("write it as NAMESPACE/NAME".into()),
    }
}
