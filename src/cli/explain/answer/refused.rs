//! Where no route takes a request: the routes that name its host and are not attached, and the listeners that are not
//! served, each with the word of its status.

use serde::Serialize;

use crate::cli::check::show_parent;
use crate::cli::given::Given;
use crate::status::Condition;
use crate::status::condition::{ACCEPTED, PROGRAMMED, RESOLVED_REFS};
use crate::translate::unattached;

/// A route that names the host and is not attached.
#[derive(Debug, Serialize)]
pub(in crate::cli::explain) struct RefusedRoute {
    pub(in crate::cli::explain) route: String,
    /// For people; `None` where no parentRef is ours.
    pub(in crate::cli::explain) parent: Option<String>,
    pub(in crate::cli::explain) reason: String,
    pub(in crate::cli::explain) message: String,
}

/// A listener that is not served.
#[derive(Debug, Serialize)]
pub(in crate::cli::explain) struct RefusedListener {
    pub(in crate::cli::explain) gateway: String,
    pub(in crate::cli::explain) listener: String,
    pub(in crate::cli::explain) reason: &'static str,
    pub(in crate::cli::explain) message: String,
}

pub(super) fn routes(given: &Given, host: &str) -> Vec<RefusedRoute> {
    let routes = unattached(&given.snapshot, &given.translation.verdicts, host);
    let told = routes.into_iter().map(|refused| RefusedRoute {
        route: refused.route.to_string(),
        parent: refused.parent.map(|parent| show_parent(parent, refused.route)),
        reason: refused.reason.to_owned(),
        message: refused.message.to_owned(),
    });
    told.collect()
}

pub(super) fn listeners(given: &Given) -> Vec<RefusedListener> {
    let gateways = given.translation.verdicts.gateways.iter();
    let of_gateway = gateways.flat_map(|(name, gateway)| {
        gateway.listeners.iter().filter(|listener| cause(&listener.conditions, PROGRAMMED).is_some()).map(
            move |listener| {
                let conditions = || listener.conditions.iter().chain(&gateway.conditions);
                let telling = [ACCEPTED, RESOLVED_REFS, PROGRAMMED];
                let cause = telling.iter().find_map(|kind| cause(conditions(), kind));
                RefusedListener {
                    gateway: name.to_string(),
                    listener: listener.name.clone(),
                    reason: cause.map_or("", |cause| cause.reason),
                    message: cause.map_or_else(String::new, |cause| cause.message.clone()),
                }
            },
        )
    });
    of_gateway.collect()
}

/// A condition that does not hold.
fn cause<'a>(conditions: impl IntoIterator<Item = &'a Condition>, kind: &str) -> Option<&'a Condition> {
    conditions.into_iter().find(|condition| condition.kind == kind && !condition.status)
}
