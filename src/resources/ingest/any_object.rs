//! A typed object of any kind.

use std::sync::Arc;

use crate::resources::{
    AgentgatewayBackend, BackendTlsPolicy, ConfigMap, EndpointSlice, Gateway, GatewayClass, HttpRoute, Kind, Namespace,
    NamespacedName, Object, ObjectRef, ReferenceGrant, Secret, Service, Snapshot,
};

macro_rules! any_object {
    ($($kind:ident => $store:ident),* $(,)?) => {
        /// A typed object of any kind, shared.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AnyObject {
            $(
                #[doc = concat!("A ", stringify!($kind), ".")]
                $kind(Arc<$kind>),
            )*
        }

        impl AnyObject {
            /// Its kind and name.
            pub fn object_ref(&self) -> ObjectRef {
                match self {
                    $(Self::$kind(object) => object.object_ref(),)*
                }
            }

            /// Whether a snapshot holds it as it is.
            pub fn is_in(&self, snapshot: &Snapshot) -> bool {
                match self {
                    $(Self::$kind(object) => {
                        snapshot.$store.get(&object.metadata.key()).is_some_and(|held| held == object)
                    })*
                }
            }

            /// Takes the object of a kind and name out of a snapshot; whether there was one.
            pub fn remove_from(kind: Kind, name: &NamespacedName, snapshot: &mut Snapshot) -> bool {
                match kind {
                    $(Kind::$kind => snapshot.$store.remove(name).is_some(),)*
                }
            }

            /// Puts it into a snapshot, in the place of the one of the same name.
            pub fn insert_into(self, snapshot: &mut Snapshot) {
                match self {
                    $(Self::$kind(object) => {
                        snapshot.$store.insert(object.metadata.key(), object);
                    })*
                }
            }
        }
    };
}

any_object! {
    GatewayClass => gateway_classes,
    Gateway => gateways,
    HttpRoute => http_routes,
    BackendTlsPolicy => backend_tls_policies,
    ReferenceGrant => reference_grants,
    AgentgatewayBackend => agentgateway_backends,
    Service => services,
    EndpointSlice => endpoint_slices,
    ConfigMap => config_maps,
    Secret => secrets,
    Namespace => namespaces,
}
