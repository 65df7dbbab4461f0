//! A backend of the given objects: from what a user calls it to the one that the plan has.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use postern_actors::plan::{BackendId, EndpointSource};
use postern_actors::upstream::RefusedAddresses;

use super::super::Refusal;
use super::super::diagnostic::count;
use super::super::given::Given;
use super::Subject;
use super::authorities::at_hand;
use crate::resources::{Kind, NamespacedName, ObjectRef};
use crate::translate::backends::{BackendKind, BackendTarget, BackendUse};

/// More backends than this are counted, not named.
const NAMED: usize = 20;

/// A backend as a user calls it.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    text: &'a str,
    kind: Option<&'a str>,
    /// `NAMESPACE/NAME`, `NAME.NAMESPACE` or `NAME`.
    name: &'a str,
    port: Option<u16>,
}

impl<'a> Wanted<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let (rest, port) = match text.rsplit_once(':').map(|(rest, port)| (rest, port.parse())) {
            Some((rest, Ok(port))) => (rest, Some(port)),
            _ => (text, None),
        };
        match rest.split_once('/') {
            Some((kind, name)) => Self { text, kind: Some(kind), name, port },
            None => Self { text, kind: None, name: rest, port },
        }
    }

    /// The backend as a Gateway would use it, if it is named in full: no route needs to lead to it then.
    pub(super) fn usage(&self, gateway: Option<&NamespacedName>) -> Option<BackendUse> {
        let kinds = [BackendKind::Service, BackendKind::AgentgatewayBackend];
        let kind = kinds.into_iter().find(|kind| self.is_of(kind.as_str()))?;
        let (namespace, name) = match self.name.split_once('/') {
            Some(both) => both,
            None => self.name.rsplit_once('.').map(|(name, namespace)| (namespace, name))?,
        };
        let name = NamespacedName::new(namespace, name);
        Some(BackendUse { gateway: gateway?.clone(), target: BackendTarget { kind, name, port: self.port } })
    }

    fn is_of(&self, kind: &str) -> bool {
        let short = |wanted: &str| wanted.eq_ignore_ascii_case("svc") && kind == BackendKind::Service.as_str();
        self.kind.is_some_and(|wanted| wanted.eq_ignore_ascii_case(kind) || short(wanted))
    }

    fn is(&self, id: &BackendId) -> bool {
        let mut parts = id.backend.splitn(3, '/');
        let (Some(kind), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        self.is_called(kind, namespace, name) && self.port.is_none_or(|port| port == id.port)
    }

    fn is_service(&self, name: &NamespacedName) -> bool {
        self.is_called(BackendKind::Service.as_str(), &name.namespace, &name.name)
    }

    fn is_called(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let of_kind = self.kind.is_none() || self.is_of(kind);
        let named = [name.to_owned(), format!("{name}.{namespace}"), format!("{namespace}/{name}")];
        of_kind && named.iter().any(|named| named == self.name)
    }
}

/// Finds the one backend that is meant.
pub(super) fn subject(wanted: &Wanted<'_>, given: &Given, in_cluster: bool) -> Result<Subject, Refusal> {
    let text = wanted.text;
    let backends = &given.translation.plan.backends;
    let mut found = backends.iter().filter(|(id, _)| wanted.is(id));
    let backend = match (found.next(), found.next()) {
        (Some((_, only)), None) => only,
        (None, _) => return Err(Refusal(unknown(wanted, given))),
        (Some((first, _)), Some((second, _))) => {
            let others = found.map(|(id, _)| id);
            let all = [first, second].into_iter().chain(others).map(|id| format!("{id} of Gateway {}", id.gateway));
            let all = all.collect::<Vec<_>>().join(", ");
            return Err(Refusal(format!(
                "{text} may be any of these: {all}; name kind, namespace and port, and the Gateway with --gateway"
            )));
        }
    };
    let policy = backend.tls.policy().and_then(|policy| policy.split_once('/'));
    let policy = policy.map(|(namespace, name)| NamespacedName::new(namespace, name));
    let place = policy.clone().and_then(|name| {
        let object = ObjectRef { kind: Kind::BackendTlsPolicy, name };
        given.files.as_ref()?.place(&object)
    });
    let policy = policy.and_then(|name| given.snapshot.backend_tls_policies.get(&name).cloned());
    Ok(Subject {
        endpoints: match &backend.endpoints {
            EndpointSource::Service(port) => given.translation.endpoints.get(port).cloned().unwrap_or_default(),
            EndpointSource::Host { .. } => [].into(),
        },
        backend: backend.clone(),
        place,
        at_hand: policy.as_deref().map(|policy| at_hand(policy, &given.snapshot)).unwrap_or_default(),
        policy,
        refused: if in_cluster { RefusedAddresses::in_cluster([]) } else { RefusedAddresses::default() },
        url: None,
    })
}

fn unknown(wanted: &Wanted<'_>, given: &Given) -> String {
    let mut message = format!("no route of a Gateway leads to {}", wanted.text);
    let any_port = Wanted { port: None, ..*wanted };
    let backends = &given.translation.plan.backends;
    let known: BTreeSet<_> = backends.keys().map(ToString::to_string).collect();
    let at_other_ports: BTreeSet<_> = backends.keys().filter(|id| any_port.is(id)).map(|id| id.port).collect();
    let service = given.snapshot.services.iter().find(|(name, _)| wanted.is_service(name));
    if !at_other_ports.is_empty() {
        let _ = write!(message, ", but to its port {}", joined(at_other_ports));
    } else if let Some((name, service)) = service {
        let ports = joined(service.spec.ports.iter().map(|port| port.port));
        let _ = write!(message, ": Service {name} has the port {ports}, and none leads there");
    } else if known.is_empty() {
        message.push_str(", nor to any other backend");
    } else {
        message.push_str("; there are:");
        for id in known.iter().take(NAMED) {
            let _ = write!(message, "\n  {id}");
        }
        if known.len() > NAMED {
            let _ = write!(message, "\n  and {} more", known.len() - NAMED);
        }
        message.push('\n');
    }
    let mut more =
        String::from("one without a route is probed if it is named as KIND/NAMESPACE/NAME:PORT, with --gateway");
    if count(&given.diagnostics).0 > 0 {
        more.insert_str(0, "some may be missing, since there are errors in the objects; ");
    }
    let _ = write!(message, "{}({more})", if message.ends_with('\n') { "" } else { " " });
    message
}

fn joined(ports: impl IntoIterator<Item = u16>) -> String {
    ports.into_iter().map(|port| port.to_string()).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_known_by_every_name_that_users_have_for_it() {
        let id = |backend: &str| BackendId { gateway: "a/web".into(), backend: backend.into(), port: 8443 };
        let service = id("Service/shop/cart");
        for text in [
            "Service/shop/cart:8443",
            "service/cart.shop:8443",
            "svc/cart.shop",
            "service/cart",
            "cart.shop",
            "cart:8443",
            "cart",
        ] {
            assert!(Wanted::read(text).is(&service), "{text}");
        }
        for text in
            ["Service/shop/cart:443", "agentgatewaybackend/cart.shop", "cart.other", "Service/cart/shop", "car", ""]
        {
            assert!(!Wanted::read(text).is(&service), "{text}");
        }
        let host = id("AgentgatewayBackend/shop/api.example.com");
        for text in [
            "agentgatewaybackend/api.example.com.shop",
            "api.example.com",
            "AgentgatewayBackend/shop/api.example.com:8443",
        ] {
            assert!(Wanted::read(text).is(&host), "{text}");
        }
    }
}
