//! How kinds and objects are addressed.

use std::fmt;
use std::sync::Arc;

use kube::core::Request;

/// A kind as the API server serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource {
    /// Empty is core.
    pub group: &'static str,
    /// Those that can be read, the best first; what is written uses the first.
    pub versions: &'static [&'static str],
    /// For example `HTTPRoute`.
    pub kind: &'static str,
    /// For example `httproutes`.
    pub plural: &'static str,
}

impl Resource {
    /// `apiVersion` of what is written.
    pub fn api_version(&self) -> String {
        self.api_version_of(self.versions[0])
    }

    /// `apiVersion` of a version.
    pub(super) fn api_version_of(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// Requests about it, in a namespace or in all of the cluster.
    pub(super) fn request(&self, version: &str, namespace: Option<&str>) -> Request {
        let root = if self.group.is_empty() { "api" } else { "apis" };
        let place = namespace.map(|namespace| format!("namespaces/{namespace}/")).unwrap_or_default();
        Request::new(format!("/{root}/{}/{place}{}", self.api_version_of(version), self.plural))
    }
}

/// What a watch looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// The kind.
    pub resource: Resource,
    /// Which of its objects.
    pub scope: Scope,
}

/// Which objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// All of the cluster.
    All,
    /// Those with these labels.
    Labelled(&'static str),
    /// One, which may be read by whoever may read nothing else (RBAC `resourceNames`). Without a namespace it is
    /// cluster-scoped.
    Named {
        /// Its namespace.
        namespace: Option<Arc<str>>,
        /// Its name.
        name: Arc<str>,
    },
}

impl Target {
    /// All objects of a kind.
    pub fn all(resource: Resource) -> Self {
        Self { resource, scope: Scope::All }
    }

    /// One object.
    pub fn named(resource: Resource, namespace: Option<&str>, name: &str) -> Self {
        Self { resource, scope: Scope::Named { namespace: namespace.map(Arc::from), name: Arc::from(name) } }
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        match &self.scope {
            Scope::Named { namespace, .. } => namespace.as_deref(),
            Scope::All | Scope::Labelled(_) => None,
        }
    }

    pub(super) fn field_selector(&self) -> Option<String> {
        match &self.scope {
            Scope::Named { name, .. } => Some(format!("metadata.name={name}")),
            Scope::All | Scope::Labelled(_) => None,
        }
    }

    pub(super) fn label_selector(&self) -> Option<String> {
        match &self.scope {
            Scope::Labelled(labels) => Some((*labels).to_owned()),
            Scope::All | Scope::Named { .. } => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource.kind)?;
        match &self.scope {
            Scope::All => Ok(()),
            Scope::Labelled(labels) => write!(f, " with {labels}"),
            Scope::Named { namespace: Some(namespace), name } => write!(f, " {namespace}/{name}"),
            Scope::Named { namespace: None, name } => write!(f, " {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::api_server::{ROUTES, SECRETS};
    use super::*;

    #[test]
    fn requests_lead_to_the_paths_of_the_api() {
        let path = |request: Request| request.list(&kube::api::ListParams::default()).unwrap().uri().path().to_owned();
        assert_eq!(path(ROUTES.request("v1", None)), "/apis/gateway.networking.k8s.io/v1/httproutes");
        assert_eq!(path(SECRETS.request("v1", Some("a"))), "/api/v1/namespaces/a/secrets");
    }

    #[test]
    fn one_object_is_asked_for_by_its_name() {
        let target = Target::named(SECRETS, Some("a"), "cert");
        assert_eq!(target.field_selector().as_deref(), Some("metadata.name=cert"));
        assert_eq!(target.to_string(), "Secret a/cert");
        assert_eq!(Target::all(ROUTES).field_selector(), None);
    }
}
