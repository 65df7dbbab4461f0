//! Names, labels and annotations of what is provisioned.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::resources::NamespacedName;

/// `app.kubernetes.io/name` and `app.kubernetes.io/managed-by` of every object.
pub const POSTERN: &str = "postern";
/// Label: [`POSTERN`].
pub const NAME: &str = "app.kubernetes.io/name";
/// Label: the Gateway's name.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label: [`POSTERN`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label: the version of the program that made the object.
pub const VERSION: &str = "app.kubernetes.io/version";
/// Label: the Gateway's name.
pub const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
/// Label: `spec.gatewayClassName`.
pub const GATEWAY_CLASS_NAME: &str = "gateway.networking.k8s.io/gateway-class-name";
/// Label: the Gateway's namespace.
pub const GATEWAY_NAMESPACE: &str = "gateway.postern.dev/gateway-namespace";

/// Labels and annotations that begin so are ours to set.
pub(super) const OURS: &str = "gateway.postern.dev/";

/// Annotation: `NAMESPACE/NAME` of the Gateway that an object serves, in full where a label must be short.
pub const GATEWAY: &str = "gateway.postern.dev/gateway";
/// Annotation: the name of the controller that made the object.
pub const CONTROLLER: &str = "gateway.postern.dev/controller";
/// Annotation: a digest of the manifest that was applied. A manifest that has lost a field differs from what was applied, and
/// from nothing that the live object shows.
pub const MANIFEST: &str = "gateway.postern.dev/manifest";

/// The longest label value, and DNS label.
const LONGEST: usize = 63;
/// Of a digest in a name, in characters.
const DIGEST: usize = 10;

/// What the objects of a Gateway in its namespace are called: as the Gateway, as long as a Service can be called so (a DNS
/// label that begins with a letter).
pub fn object_name(gateway: &str) -> String {
    let label = |name: &str| {
        name.len() <= LONGEST
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if label(gateway) {
        return gateway.to_owned();
    }
    let prefix = if gateway.starts_with(|first: char| first.is_ascii_lowercase()) { "" } else { "gateway-" };
    let plain = |letter: char| if letter.is_ascii_lowercase() || letter.is_ascii_digit() { letter } else { '-' };
    let name: String = gateway.chars().map(plain).collect();
    with_digest(&format!("{prefix}{name}"), gateway)
}

/// What the Role and RoleBinding of a Gateway in another namespace are called.
pub fn foreign_name(gateway: &NamespacedName) -> String {
    with_digest(&object_name(&gateway.name), &gateway.to_string())
}

/// A name as the value of a label.
pub fn label_value(name: &str) -> String {
    if name.len() <= LONGEST { name.to_owned() } else { with_digest(name, name) }
}

/// At most [`LONGEST`] characters: of the name as much as fits, and a digest of `whole`.
fn with_digest(name: &str, whole: &str) -> String {
    let mut end = name.len().min(LONGEST - DIGEST - 1);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{}", name[..end].trim_end_matches(['-', '.', '_']), digest(whole, DIGEST))
}

/// The first `length` characters of the SHA-256 of a text, in hexadecimal.
pub(super) fn digest(text: &str, length: usize) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        write!(hex, "{byte:02x}").ok();
    }
    hex.truncate(length);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_called_as_their_gateway_where_that_is_possible() {
        for same in ["web", "agentgateway-proxy", "a1", &"a".repeat(63)] {
            assert_eq!(object_name(same), same);
        }
        for (gateway, begin) in [
            ("example.com", "example-com-"),
            ("1st", "gateway-1st-"),
            ("a-", "a-"),
            (&*"a".repeat(64), &*"a".repeat(52)),
            (&*format!("{}.{}", "a".repeat(51), "b".repeat(60)), &*"a".repeat(51)),
        ] {
            let name = object_name(gateway);
            assert!(name.starts_with(begin) && name.len() <= 63, "{gateway} became {name}");
            assert_eq!(object_name(&name), name, "it is a DNS label");
        }
        assert_ne!(object_name("a.b"), object_name("a-b"));
        assert_ne!(object_name(&("a".repeat(70) + "1")), object_name(&("a".repeat(70) + "2")));
    }

    #[test]
    fn gateways_of_one_name_do_not_meet_in_a_third_namespace() {
        let [one, other] = ["one", "other"].map(|namespace| foreign_name(&NamespacedName::new(namespace, "web")));
        assert!(one.starts_with("web-") && other.starts_with("web-"));
        assert_ne!(one, other);
    }

    #[test]
    fn a_long_name_is_a_label_all_the_same() {
        assert_eq!(label_value("a.b"), "a.b");
        let long = label_value(&"a.b.".repeat(40));
        assert!(long.len() <= 63 && long.ends_with(|last: char| last.is_ascii_alphanumeric()), "{long}");
    }
}
