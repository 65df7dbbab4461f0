//! Listing what a target names: everything, or one object, as of now. Watches begin with it, and a command that follows
//! nothing does no more.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use kube::Client;
use kube::api::ListParams;
use serde_json::Value;
use tokio::time::timeout;

use super::resource::{Scope, Target};
use super::watch::{Event, Watched};

#[cfg(test)]
mod tests;

/// What a list may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// Objects that are asked for at a time.
pub(super) const PAGE: u32 = 1000;
/// Lists that are under way at a time.
const BESIDE: usize = 8;

/// All of the objects of a target.
pub(super) struct Listed {
    /// The best version that is served.
    pub(super) version: &'static str,
    pub(super) objects: Vec<Value>,
    /// Where a watch goes on from.
    pub(super) resource_version: String,
}

/// Why a request did not succeed.
pub(super) enum Failure {
    /// The kind is not served.
    NotServed,
    /// What was known is too old to go on from.
    Expired,
    /// We may not read it.
    Forbidden(String),
    /// Anything else.
    Other(String),
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Self::NotServed,
            kube::Error::Api(status) if status.code == 410 => Self::Expired,
            kube::Error::Api(status) if matches!(status.code, 401 | 403) => Self::Forbidden(status.message),
            kube::Error::Api(status) => Self::Other(format!("{} ({})", status.message, status.code)),
            error => Self::Other(super::cause(&error)),
        }
    }
}

/// Lists targets once, and tells of each what a watch would tell first; what cannot be listed, for whatever cause, is
/// [`Event::Unavailable`]. Nothing is tried again.
pub async fn read_once(client: &Client, targets: impl IntoIterator<Item = Target>) -> Vec<Watched> {
    let read = async |target: Target| {
        let event = match list(client, &target, PAGE).await {
            Ok(listed) => Event::Listed(listed.objects),
            Err(Failure::NotServed) => Event::Absent,
            Err(Failure::Forbidden(cause) | Failure::Other(cause)) => Event::Unavailable(cause),
            Err(Failure::Expired) => Event::Unavailable("the list changed too much while it was read".into()),
        };
        Watched { target, event }
    };
    stream::iter(targets).map(read).buffered(BESIDE).collect().await
}

/// Everything as of now, in the best version that is served.
pub(super) async fn list(client: &Client, target: &Target, page: u32) -> Result<Listed, Failure> {
    for version in target.resource.versions {
        match timeout(LIMIT, list_version(client, target, version, page)).await {
            Ok(Err(Failure::NotServed)) => {}
            Ok(outcome) => return outcome,
            Err(_) => return Err(Failure::Other("the list did not end in time".into())),
        }
    }
    Err(Failure::NotServed)
}

async fn list_version(client: &Client, target: &Target, version: &'static str, page: u32) -> Result<Listed, Failure> {
    let request = target.resource.request(version, target.namespace());
    let mut objects = Vec::new();
    let mut next = None;
    loop {
        let parameters = ListParams {
            field_selector: target.field_selector(),
            label_selector: target.label_selector(),
            limit: Some(page),
            continue_token: next,
            ..ListParams::default()
        };
        let request = request.list(&parameters).map_err(|error| Failure::Other(error.to_string()))?;
        let mut page: Value = client.request(request).await?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            objects.extend(items.into_iter().map(|item| complete(target, item, version)));
        }
        let metadata = page.get("metadata");
        let text = |key| metadata.and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
        next = text("continue").filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            let Some(resource_version) = text("resourceVersion") else {
                return Err(Failure::Other("the list has no metadata.resourceVersion".into()));
            };
            return Ok(Listed { version, objects, resource_version: resource_version.to_owned() });
        }
    }
}

/// The items of a list do not name their kind. Who manages which field concerns only those who write.
pub(super) fn complete(target: &Target, mut object: Value, version: &str) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.entry("apiVersion").or_insert_with(|| target.resource.api_version_of(version).into());
        map.entry("kind").or_insert_with(|| target.resource.kind.into());
        let written_by_us = matches!(target.scope, Scope::Labelled(_));
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| !written_by_us) {
            metadata.remove("managedFields");
        }
    }
    object
}
