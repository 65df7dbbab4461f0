//! Ports of several Gateways on one machine's addresses: the older Gateway gets what two of them claim.

use std::collections::HashMap;

use super::GatewayDraft;
use crate::resources::NamespacedName;
use crate::status::reason;
use crate::translate::findings::Problem;

/// Withholds the listeners whose port an older Gateway has. Only a listener that can be served claims its port.
pub(super) fn settle(gateways: &mut [GatewayDraft<'_>]) {
    let mut order: Vec<usize> = (0..gateways.len()).collect();
    order.sort_by_cached_key(|&index| gateways[index].gateway.metadata.precedence());
    let mut owners: HashMap<u16, NamespacedName> = HashMap::new();
    for index in order {
        let GatewayDraft { key, listeners, .. } = &mut gateways[index];
        for listener in listeners.iter_mut().filter(|listener| listener.programmed()) {
            let port = listener.spec.port;
            let owner = owners.entry(port).or_insert_with(|| key.clone());
            if owner != key {
                listener.withheld = Some(Problem::new(
                    reason::PORT_UNAVAILABLE,
                    format!("{}.port", listener.field()),
                    format!("port {port} of this machine belongs to Gateway {owner}, which is older"),
                    "choose another port",
                ));
            }
        }
    }
}
