//! Label sets that several components have.

use std::sync::Arc;

use super::family::label_set;

/// `namespace/name` of a Gateway.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct GatewayLabel {
    pub(super) gateway: Arc<str>,
}
label_set!(GatewayLabel { "gateway": gateway });

/// A kind of objects.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct KindLabel {
    pub(super) kind: &'static str,
}
label_set!(KindLabel { "kind": kind });
