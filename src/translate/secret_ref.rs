//! References of a Gateway to Secrets: of its listeners and to its client certificate. Both are judged here, so that what is
//! watched for a Gateway and what is used for it are one.

use super::grants::Grants;
use crate::resources::gateway::SecretRef;
use crate::resources::{GATEWAY_GROUP, NamespacedName};

/// Why a reference leads to no Secret, whether that exists or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It names something other than a Secret.
    Kind,
    /// The Secret is of another namespace, in which no ReferenceGrant permits the reference.
    Grant(NamespacedName),
}

/// The Secret that a Gateway of namespace `home` may refer to.
pub(crate) fn permitted(reference: &SecretRef, home: &str, grants: &Grants) -> Result<NamespacedName, Refused> {
    if !reference.group.is_empty() || reference.kind != "Secret" {
        return Err(Refused::Kind);
    }
    let namespace = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(home);
    let secret = NamespacedName::new(namespace, reference.name.as_str());
    if grants.permits(GATEWAY_GROUP, "Gateway", home, "", "Secret", &secret) {
        Ok(secret)
    } else {
        Err(Refused::Grant(secret))
    }
}
