//! The kinds of objects that are provisioned, as the API server addresses them.

pub use postern_actors::supervisor::kubernetes::resource::Resource;

const RBAC: &str = "rbac.authorization.k8s.io";

const fn v1(group: &'static str, kind: &'static str, plural: &'static str) -> Resource {
    Resource { group, versions: &["v1"], kind, plural }
}

/// ServiceAccount
pub const SERVICE_ACCOUNT: Resource = v1("", "ServiceAccount", "serviceaccounts");
/// Role
pub const ROLE: Resource = v1(RBAC, "Role", "roles");
/// RoleBinding
pub const ROLE_BINDING: Resource = v1(RBAC, "RoleBinding", "rolebindings");
/// ClusterRoleBinding
pub const CLUSTER_ROLE_BINDING: Resource = v1(RBAC, "ClusterRoleBinding", "clusterrolebindings");
/// Lease
pub const LEASE: Resource = v1("coordination.k8s.io", "Lease", "leases");
/// Service
pub const SERVICE: Resource = v1("", "Service", "services");
/// Deployment
pub const DEPLOYMENT: Resource = v1("apps", "Deployment", "deployments");
/// PodDisruptionBudget
pub const POD_DISRUPTION_BUDGET: Resource = v1("policy", "PodDisruptionBudget", "poddisruptionbudgets");
/// HorizontalPodAutoscaler
pub const HORIZONTAL_POD_AUTOSCALER: Resource = Resource {
    group: "autoscaling",
    versions: &["v2"],
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
};
/// GatewayClass
pub const GATEWAY_CLASS: Resource = Resource {
    group: crate::resources::GATEWAY_GROUP,
    versions: &["v1", "v1beta1"],
    kind: "GatewayClass",
    plural: "gatewayclasses",
};

/// Every kind that is provisioned for a Gateway.
pub const PROVISIONED: [Resource; 9] = [
    SERVICE_ACCOUNT,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE_BINDING,
    LEASE,
    SERVICE,
    DEPLOYMENT,
    POD_DISRUPTION_BUDGET,
    HORIZONTAL_POD_AUTOSCALER,
];
