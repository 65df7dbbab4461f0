//! `spec.addresses`: which can be honoured.

use std::net::IpAddr;

use crate::resources::Gateway;
use crate::status::reason;
use crate::translate::findings::Problem;

/// "the Gateway could not be accepted because an address that was provided is a type which is not supported by the
/// implementation" (GatewayReasonUnsupportedAddress)
pub(super) fn unsupported(gateway: &Gateway) -> Option<Problem> {
    let (index, address) =
        gateway.spec.addresses.iter().enumerate().find(|(_, address)| address.kind != "IPAddress")?;
    Some(Problem::new(
        reason::UNSUPPORTED_ADDRESS,
        format!("spec.addresses[{index}].type"),
        format!("addresses of type {} are not supported", address.kind),
        "use type IPAddress, or leave spec.addresses away",
    ))
}

/// An address that is none, and, where the Gateways listen on one machine, any that is not all of its addresses: to listen
/// on more than what was asked for would expose the Gateway.
pub(super) fn unusable(gateway: &Gateway, shared_address: bool) -> Option<Problem> {
    gateway.spec.addresses.iter().enumerate().find_map(|(index, address)| {
        let value = address.value.as_deref().filter(|value| address.kind == "IPAddress" && !value.is_empty())?;
        let (message, hint) = match value.parse::<IpAddr>() {
            Err(_) => (format!("{value:?} is not an IP address"), "correct it, or leave the value away"),
            Ok(ip) if shared_address && !ip.is_unspecified() => (
                format!("{value} cannot be had alone: here a Gateway listens on all addresses of the machine"),
                "leave spec.addresses away",
            ),
            Ok(_) => return None,
        };
        Some(Problem::new(reason::ADDRESS_NOT_USABLE, format!("spec.addresses[{index}].value"), message, hint))
    })
}
