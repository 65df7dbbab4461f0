//! Which policy selects which port. It must not know whether a policy is valid: "validity plays no part in precedence".

use std::collections::{BTreeMap, HashMap};

use super::{Policy, TargetKey};
use crate::resources::backend_tls_policy::TargetRef;
use crate::resources::service::ServicePort;
use crate::resources::suggest::closest;
use crate::resources::{AGENTGATEWAY_GROUP, Kind, NamespacedName, Snapshot};
use crate::translate::absence::Absent;
use crate::translate::backends::BackendKind;
use crate::translate::endpoints::is_tcp;

/// Every policy by what it selects.
pub(super) struct Attachments<'a> {
    /// In order of precedence: the older first, then by `namespace/name`.
    pub(super) policies: Vec<Policy<'a>>,
    by_target: HashMap<TargetKey, Sections>,
}

/// Numbers of policies, in order of precedence.
#[derive(Default)]
struct Sections {
    whole: Vec<usize>,
    named: BTreeMap<String, Vec<usize>>,
}

/// What became of one of a policy's targetRefs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The policy applies; a caveat goes into the message.
    Won { caveat: Option<String> },
    /// Another policy took precedence, the one with this number.
    Lost { winner: usize },
    /// There is no such target, or no such section of it. With the target that was probably meant, if there is one.
    NotFound { cause: String, hint: String, meant: Option<TargetKey> },
    /// It is there, and TLS cannot be spoken to it.
    NotTcp { cause: String },
}

impl<'a> Attachments<'a> {
    pub(super) fn index(snapshot: &'a Snapshot) -> Self {
        let readable = snapshot.backend_tls_policies.values().map(|policy| Policy::Readable(policy));
        let unreadable = snapshot.unreadable_policies.values().map(|policy| Policy::Unreadable(policy));
        let mut policies: Vec<Policy<'a>> = readable.chain(unreadable).collect();
        policies.sort_by_cached_key(|policy| policy.metadata().precedence());
        let mut by_target: HashMap<TargetKey, Sections> = HashMap::new();
        for (number, policy) in policies.iter().enumerate() {
            for reference in policy.target_refs() {
                let Some(target) = target(&policy.metadata().namespace, reference) else { continue };
                let sections = by_target.entry(target).or_default();
                match section(reference) {
                    None => sections.whole.push(number),
                    Some(name) => sections.named.entry(name.to_owned()).or_default().push(number),
                }
            }
        }
        Self { policies, by_target }
    }

    /// The policy that a port obeys: one that names the port, else one for the whole target; of several, the first.
    pub(super) fn winner(&self, target: &TargetKey, port_name: &str) -> Option<usize> {
        let sections = self.by_target.get(target)?;
        let named = if port_name.is_empty() { None } else { sections.named.get(port_name) };
        named.unwrap_or(&sections.whole).first().copied()
    }

    /// What became of a targetRef of the policy with this number; `None` if it is of a kind that no route leads to.
    pub(super) fn outcome(&self, snapshot: &Snapshot, number: usize, reference: &TargetRef) -> Option<Outcome> {
        let target = target(&self.policies[number].metadata().namespace, reference)?;
        let section = section(reference);
        let caveat = match self.exists(snapshot, &target, section) {
            Ok(caveat) => caveat,
            Err(outcome) => return Some(outcome),
        };
        let sections = self.by_target.get(&target)?;
        let rivals = match section {
            None => &sections.whole,
            Some(name) => sections.named.get(name)?,
        };
        match rivals.first() {
            Some(&first) if first != number => Some(Outcome::Lost { winner: first }),
            _ => Some(Outcome::Won { caveat }),
        }
    }

    fn exists(
        &self,
        snapshot: &Snapshot,
        target: &TargetKey,
        section: Option<&str>,
    ) -> Result<Option<String>, Outcome> {
        match target.kind {
            BackendKind::AgentgatewayBackend => {
                if !snapshot.agentgateway_backends.contains_key(&target.name) {
                    return Err(self.absent(snapshot, target));
                }
                section.map_or(Ok(None), |name| {
                    Err(Outcome::NotFound {
                        cause: format!("{target} has no sections, so no sectionName {name:?} either"),
                        hint: "remove sectionName: an AgentgatewayBackend has but one port".into(),
                        meant: Some(target.clone()),
                    })
                })
            }
            BackendKind::Service => {
                let service = snapshot.services.get(&target.name).ok_or_else(|| self.absent(snapshot, target))?;
                let ports = &service.spec.ports;
                let Some(name) = section else { return whole_service(target, ports) };
                let Some(port) = ports.iter().find(|port| port.name == name) else {
                    return Err(no_section(target, ports, name));
                };
                if is_tcp(port) {
                    return Ok(None);
                }
                Err(Outcome::NotTcp { cause: format!("port {name:?} of {target} is {}, not TCP", port.protocol) })
            }
        }
    }

    fn absent(&self, snapshot: &Snapshot, target: &TargetKey) -> Outcome {
        let absent = match target.kind {
            BackendKind::Service => Absent::of(snapshot, &snapshot.services, Kind::Service, &target.name),
            BackendKind::AgentgatewayBackend => {
                Absent::of(snapshot, &snapshot.agentgateway_backends, Kind::AgentgatewayBackend, &target.name)
            }
        };
        let own_alone = "a policy selects targets of its own namespace only";
        let unknown = format!("create it, or correct the targetRef; {own_alone}");
        let meant = self.near(snapshot, target);
        let hint = match &meant {
            Some(meant) => format!("did you mean `{}`?", meant.name.name),
            None => absent.hint(|_| own_alone.to_owned(), &unknown),
        };
        let meant = meant.or_else(|| self.elsewhere(snapshot, target));
        Outcome::NotFound { cause: absent.cause(), hint, meant }
    }
}

/// What a targetRef names: always in the policy's own namespace. `None` for kinds that cannot be a backend here.
pub(super) fn target(namespace: &str, reference: &TargetRef) -> Option<TargetKey> {
    let kind = match (reference.group.as_str(), reference.kind.as_str()) {
        ("", "Service") => BackendKind::Service,
        (AGENTGATEWAY_GROUP, "AgentgatewayBackend") => BackendKind::AgentgatewayBackend,
        _ => return None,
    };
    Some(TargetKey { kind, name: NamespacedName::new(namespace, reference.name.as_str()) })
}

/// An empty `sectionName` counts as none (the CRD's rules on targetRefs say so).
pub(super) fn section(reference: &TargetRef) -> Option<&str> {
    reference.section_name.as_deref().filter(|name| !name.is_empty())
}

fn no_section(target: &TargetKey, ports: &[ServicePort], name: &str) -> Outcome {
    let numbered = ports.iter().find(|port| port.port.to_string() == name && !port.name.is_empty());
    let names = ports.iter().map(|port| port.name.as_str()).filter(|name| !name.is_empty());
    let hint = match (numbered, closest(name, names)) {
        (Some(port), _) => format!("a sectionName is a port's name, not its number: write {:?}", port.name),
        (None, Some(near)) => format!("did you mean `sectionName: {near}`?"),
        (None, None) => "write the name of one of the Service's ports, or leave sectionName out".into(),
    };
    Outcome::NotFound {
        cause: format!("{target} has no port named {name:?}; {}", port_names(ports)),
        hint,
        meant: Some(target.clone()),
    }
}

fn whole_service(target: &TargetKey, ports: &[ServicePort]) -> Result<Option<String>, Outcome> {
    let others: Vec<_> = ports.iter().filter(|port| !is_tcp(port)).collect();
    if others.is_empty() {
        return Ok(None);
    }
    let list: Vec<_> = others.iter().map(|port| format!("{}/{}", port.port, port.protocol)).collect();
    let list = list.join(", ");
    if others.len() == ports.len() {
        return Err(Outcome::NotTcp { cause: format!("{target} has no TCP port, only {list}") });
    }
    Ok(Some(format!("warning: TLS is for the TCP ports of {target} only, {list} stays as it is")))
}

fn port_names(ports: &[ServicePort]) -> String {
    let names: Vec<_> =
        ports.iter().filter(|port| !port.name.is_empty()).map(|port| format!("{:?}", port.name)).collect();
    if names.is_empty() { "none of its ports has a name".into() } else { format!("its ports are {}", names.join(", ")) }
}
