//! The reasons of conditions: the Gateway API's words, and the few of our own that it leaves room for ("Controllers may
//! raise this condition with other reasons").

/// All kinds: the condition `Accepted` holds.
pub const ACCEPTED: &str = "Accepted";
/// Gateway, listener: the condition `Programmed` holds.
pub const PROGRAMMED: &str = "Programmed";
/// Gateway, listener, route: the condition `ResolvedRefs` holds.
pub const RESOLVED_REFS: &str = "ResolvedRefs";
/// Gateway, listener, route: the reference leads to another namespace, and no ReferenceGrant there permits it.
pub const REF_NOT_PERMITTED: &str = "RefNotPermitted";
/// Listener, route: a value that we do not support.
pub const UNSUPPORTED_VALUE: &str = "UnsupportedValue";

/// GatewayClass: the CRDs of the Gateway API are of a version that we know.
pub const SUPPORTED_VERSION: &str = "SupportedVersion";
/// GatewayClass: they are of another one, or do not say of which.
pub const UNSUPPORTED_VERSION: &str = "UnsupportedVersion";

/// GatewayClass, Gateway: `parametersRef` cannot be used.
pub const INVALID_PARAMETERS: &str = "InvalidParameters";

/// Gateway: some listeners, or (with `Accepted=False`) all of them, cannot be accepted.
pub const LISTENERS_NOT_VALID: &str = "ListenersNotValid";
/// Gateway: some listeners have references that do not resolve.
pub const LISTENERS_NOT_RESOLVED: &str = "ListenersNotResolved";
/// Gateway: an address of a type that we do not support.
pub const UNSUPPORTED_ADDRESS: &str = "UnsupportedAddress";
/// Gateway: an address that cannot be had.
pub const ADDRESS_NOT_USABLE: &str = "AddressNotUsable";
/// Gateway: it has no address yet.
pub const ADDRESS_NOT_ASSIGNED: &str = "AddressNotAssigned";
/// Gateway, listener: what serves it could not be deployed.
pub const NO_RESOURCES: &str = "NoResources";
/// Gateway, listener: no proxy has applied it yet.
pub const PENDING: &str = "Pending";
/// Gateway, listener: not programmed, for what other conditions say.
pub const INVALID: &str = "Invalid";

/// Listener: `Conflicted` does not hold.
pub const NO_CONFLICTS: &str = "NoConflicts";
/// Listener: another one of the same port has the same hostname.
pub const HOSTNAME_CONFLICT: &str = "HostnameConflict";
/// Listener: another one of the same port has another protocol.
pub const PROTOCOL_CONFLICT: &str = "ProtocolConflict";
/// Listener: the port is ours, or another Gateway's.
pub const PORT_UNAVAILABLE: &str = "PortUnavailable";
/// Listener: neither HTTP nor HTTPS. Route: a backend's `appProtocol` that we do not speak.
pub const UNSUPPORTED_PROTOCOL: &str = "UnsupportedProtocol";
/// Listener: `allowedRoutes.kinds` names kinds that we do not support.
pub const INVALID_ROUTE_KINDS: &str = "InvalidRouteKinds";
/// Listener: a `certificateRef` that cannot be used.
pub const INVALID_CERTIFICATE_REF: &str = "InvalidCertificateRef";
/// Listener: hostnames of HTTPS listeners of one port overlap.
pub const OVERLAPPING_HOSTNAMES: &str = "OverlappingHostnames";

/// Route: no listener has the parentRef's `sectionName` and `port`.
pub const NO_MATCHING_PARENT: &str = "NoMatchingParent";
/// Route: no listener's `allowedRoutes` permits it.
pub const NOT_ALLOWED_BY_LISTENERS: &str = "NotAllowedByListeners";
/// Route: no listener's `hostname` has a host in common with it.
pub const NO_MATCHING_LISTENER_HOSTNAME: &str = "NoMatchingListenerHostname";
/// Route: a backendRef of a group or kind, or to a type of Service, that we do not support.
pub const INVALID_KIND: &str = "InvalidKind";
/// Route: a backendRef to what does not exist.
pub const BACKEND_NOT_FOUND: &str = "BackendNotFound";
/// Route: a backendRef to a port whose BackendTLSPolicy (or the Gateway's client certificate) cannot be used. Our own: the
/// Gateway API leaves open how a route tells it.
pub const INVALID_BACKEND_TLS: &str = "InvalidBackendTLS";
