//! What every manifest has: its kind, name, labels, annotations and owner.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::names::{self, label_value, object_name};
use super::{ClusterOwner, Desired, Request, Resource, Settings};
use crate::resources::{GATEWAY_GROUP, NamespacedName, Object as _};

/// What the objects of a Gateway have in common.
pub(super) struct Blueprint<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) settings: &'a Settings,
    /// The Gateway.
    pub(super) key: NamespacedName,
    /// Of the objects in its namespace.
    pub(super) name: String,
}

/// Labels or annotations.
pub(super) type Words = BTreeMap<String, String>;

impl<'a> Blueprint<'a> {
    pub(super) fn new(request: &'a Request<'a>, settings: &'a Settings) -> Self {
        let key = request.gateway.metadata().key();
        let name = object_name(&key.name);
        Self { request, settings, key, name }
    }

    /// An object in the Gateway's namespace, which goes with the Gateway. What `extra` says of labels (first) and annotations
    /// gives way to the Gateway's own words.
    pub(super) fn local_with(&self, resource: Resource, extra: (Words, Words), body: Value) -> Desired {
        let owner = json!({
            "apiVersion": format!("{GATEWAY_GROUP}/v1"),
            "kind": "Gateway",
            "name": &*self.key.name,
            "uid": self.request.gateway.metadata.uid,
            "controller": true,
            "blockOwnerDeletion": true,
        });
        let (labels, annotations) = extra;
        let metadata = json!({
            "namespace": &*self.key.namespace,
            "name": self.name,
            "labels": self.labels(labels),
            "annotations": self.annotations(annotations),
            "ownerReferences": [owner],
        });
        desired(resource, metadata, body)
    }

    /// An object in the Gateway's namespace.
    pub(super) fn local(&self, resource: Resource, body: Value) -> Desired {
        self.local_with(resource, Default::default(), body)
    }

    /// An object elsewhere (an empty namespace is the cluster), which no Gateway can own.
    pub(super) fn foreign(&self, resource: Resource, namespace: &str, name: &str, body: Value) -> Desired {
        let mut metadata =
            json!({ "name": name, "labels": self.labels(Words::new()), "annotations": self.annotations(Words::new()) });
        if !namespace.is_empty() {
            metadata["namespace"] = namespace.into();
        }
        owned_by_cluster_role(&mut metadata, self.settings.owner.as_ref());
        desired(resource, metadata, body)
    }

    /// Of a pod. Without the version: that of this program is not the pods', and its change alone should restart none.
    pub(super) fn pod_labels(&self) -> Words {
        let mut labels = self.labels(self.request.parameters.pod_labels.clone());
        labels.remove(names::VERSION);
        labels
    }

    /// Of a pod.
    pub(super) fn pod_annotations(&self) -> Words {
        self.infrastructure(self.request.parameters.pod_annotations.clone(), |infrastructure| {
            &infrastructure.annotations
        })
    }

    /// Finds the pods of the Gateway in its namespace. It must never change: a Deployment's selector cannot.
    pub(super) fn selector(&self) -> Words {
        [(names::NAME, names::POSTERN.to_owned()), (names::GATEWAY_NAME, label_value(&self.key.name))]
            .map(|(key, value)| (key.to_owned(), value))
            .into()
    }

    fn labels(&self, extra: Words) -> Words {
        let mut labels = self.infrastructure(extra, |infrastructure| &infrastructure.labels);
        labels.extend(common_labels(self.settings));
        labels.extend(self.selector());
        for (key, value) in [
            (names::INSTANCE, label_value(&self.key.name)),
            (names::GATEWAY_CLASS_NAME, label_value(&self.request.gateway.spec.gateway_class_name)),
            (names::GATEWAY_NAMESPACE, self.key.namespace.to_string()),
        ] {
            labels.insert(key.to_owned(), value);
        }
        labels
    }

    fn annotations(&self, extra: Words) -> Words {
        let mut annotations = self.infrastructure(extra, |infrastructure| &infrastructure.annotations);
        annotations.insert(names::GATEWAY.to_owned(), self.key.to_string());
        annotations.insert(names::CONTROLLER.to_owned(), self.settings.controller_name.clone());
        annotations
    }

    /// "Labels that SHOULD be applied to any resources created in response to this Gateway." (GatewayInfrastructure.labels)
    /// But for [`names::OURS`]: on the Lease, say, one of them is the word of the proxies.
    fn infrastructure(
        &self,
        mut words: Words,
        of: impl FnOnce(&crate::resources::gateway::Infrastructure) -> &Words,
    ) -> Words {
        let own = self.request.gateway.spec.infrastructure.as_ref().map(of);
        words.extend(own.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
        words.retain(|key, _| !key.starts_with(names::OURS));
        words
    }
}

/// Labels of everything that the controller makes.
pub(super) fn common_labels(settings: &Settings) -> Words {
    [
        (names::NAME, names::POSTERN.to_owned()),
        (names::MANAGED_BY, names::POSTERN.to_owned()),
        (names::VERSION, label_value(&settings.version.replace('+', "_"))),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Makes an object go with the ClusterRole of the proxies.
pub(super) fn owned_by_cluster_role(metadata: &mut Value, owner: Option<&ClusterOwner>) {
    if let Some(ClusterOwner { name, uid }) = owner {
        let (version, kind) = ("rbac.authorization.k8s.io/v1", "ClusterRole");
        metadata["ownerReferences"] = json!([{ "apiVersion": version, "kind": kind, "name": name, "uid": uid }]);
    }
}

/// Joins the parts of a manifest, and writes its digest into it.
pub(super) fn desired(resource: Resource, metadata: Value, body: Value) -> Desired {
    let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (text("namespace"), text("name"));
    let mut manifest = Map::new();
    manifest.insert("apiVersion".into(), resource.api_version().into());
    manifest.insert("kind".into(), resource.kind.into());
    manifest.insert("metadata".into(), metadata);
    if let Value::Object(body) = body {
        manifest.extend(body);
    }
    let mut manifest = Value::Object(manifest);
    manifest["metadata"]["annotations"][names::MANIFEST] = names::digest(&manifest.to_string(), 16).into();
    Desired { resource, namespace, name, manifest }
}
