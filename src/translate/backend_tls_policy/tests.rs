//! Which policy a port obeys, what that comes to, and what is said of it.

use std::sync::OnceLock;

use postern_actors::outcome::{HandshakeResult, Reason};
use postern_actors::plan::identity::{PeerNames, SubjectAltName, TlsVersion, Trust};
use postern_actors::plan::{Backend, Tls};
use rcgen::{BasicConstraints, IsCa, KeyPair};
use serde_json::{Value, json};

use self::world::{NOW, World, authority, days_from_now, leaf, policy, service};
use super::*;
use crate::resources::Severity;
use crate::translate::pem::tests::V1;
use crate::translate::system_roots::SystemBundle;

mod anchors;
mod near_misses;
mod precedence;
mod property;
mod spec;
mod targets;
pub(in crate::translate) mod world;

/// A policy on Service `web` that trusts ConfigMap `ca`, changed.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut written = policy("p", &json!([{"kind": "Service", "name": "web"}]));
    change(&mut written);
    written
}

/// Gateway `gw` uses port 443 of Service `web`; the policy is in place.
fn with(policy: Value) -> World {
    World::new().add(service("web", &[("https", 443, "TCP")])).add(authority("ca")).add(policy).uses("gw", "web", 443)
}

/// The word of a poisoned backend.
fn poison(backend: &Backend) -> HandshakeResult {
    match &backend.tls {
        Tls::Poisoned(Poison { reason: Reason::Handshake(result), policy: Some(_), .. }) => *result,
        other => panic!("it is poisoned, not {other:?}"),
    }
}

fn identity(backend: &Backend) -> &Arc<TlsIdentity> {
    match &backend.tls {
        Tls::Originate { identity, .. } => identity,
        other => panic!("TLS is originated, not {other:?}"),
    }
}

fn obeys(backend: &Backend) -> &str {
    match &backend.tls {
        Tls::Originate { policy, .. } => policy,
        Tls::Poisoned(poison) => poison.policy.as_deref().unwrap_or_default(),
        Tls::Plaintext => "nobody",
    }
}
