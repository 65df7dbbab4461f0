//! A small world of objects, out of which backends are resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use postern_actors::plan::Backend;
use postern_actors::plan::identity::SystemRoots;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde::Deserialize;
use serde_json::{Value, json};

use super::OnceLock;
use crate::resources::Severity;
use crate::resources::snapshot::Store;
use crate::resources::{NamespacedName, Object, Snapshot};
use crate::status::{Condition, Finding};
use crate::translate::Settings;
use crate::translate::backends::{BackendKind, BackendTarget, BackendUse, OfGateways, ResolvedBackends, resolve};
use crate::translate::client_certificate::ClientCertificateState;
use crate::translate::system_roots::Bundles;

/// The moment at which everything happens.
pub(in crate::translate) const NOW: i64 = 1_800_000_000;

/// Objects, uses, and what Gateways bring with them.
#[derive(Clone)]
pub(in crate::translate) struct World {
    pub(in crate::translate) snapshot: Snapshot,
    pub(in crate::translate) settings: Settings,
    pub(in crate::translate) uses: BTreeSet<BackendUse>,
    pub(in crate::translate) clients: BTreeMap<NamespacedName, ClientCertificateState>,
    pub(in crate::translate) bundles: Bundles,
}

impl World {
    pub(in crate::translate) fn new() -> Self {
        Self {
            snapshot: Snapshot::default(),
            settings: Settings::of_files(
                "ours.example.com/controller",
                [""; 0],
                Ok(Arc::new(SystemRoots { origin: "a test".into(), certificates: Vec::new() })),
            ),
            uses: BTreeSet::new(),
            clients: BTreeMap::new(),
            bundles: BTreeMap::new(),
        }
    }

    /// Adds an object by its `kind`, in namespace `default` unless it says otherwise.
    pub(in crate::translate) fn add(mut self, mut object: Value) -> Self {
        if object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!("default");
        }
        let snapshot = &mut self.snapshot;
        match object["kind"].as_str().unwrap() {
            "Service" => put(&mut snapshot.services, object),
            "BackendTLSPolicy" => put(&mut snapshot.backend_tls_policies, object),
            "ConfigMap" => put(&mut snapshot.config_maps, object),
            "Secret" => put(&mut snapshot.secrets, object),
            "Gateway" => put(&mut snapshot.gateways, object),
            "AgentgatewayBackend" => put(&mut snapshot.agentgateway_backends, object),
            "EndpointSlice" => put(&mut snapshot.endpoint_slices, object),
            other => panic!("{other} is not a part of this world"),
        }
        self
    }

    pub(in crate::translate) fn uses(self, gateway: &str, service: &str, port: u16) -> Self {
        self.uses_target(gateway, BackendKind::Service, service, Some(port))
    }

    pub(in crate::translate) fn uses_target(
        mut self,
        gateway: &str,
        kind: BackendKind,
        name: &str,
        port: Option<u16>,
    ) -> Self {
        let target = BackendTarget { kind, name: NamespacedName::new("default", name), port };
        self.uses.insert(BackendUse { gateway: NamespacedName::new("default", gateway), target });
        self
    }

    pub(in crate::translate) fn resolve(&self) -> Resolved {
        let now = Timestamp::from_second(NOW).unwrap();
        let of_gateways = OfGateways { clients: &self.clients, bundles: &self.bundles };
        Resolved(resolve(&self.snapshot, &self.settings, now, &self.uses, of_gateways))
    }
}

fn put<T: Object + for<'de> Deserialize<'de>>(store: &mut Store<T>, object: Value) {
    let object: T = serde_json::from_value(object).unwrap();
    store.insert(object.metadata().key(), Arc::new(object));
}

/// What came of it.
pub(in crate::translate) struct Resolved(pub(in crate::translate) ResolvedBackends);

impl Resolved {
    /// The backend of a Service port as a Gateway uses it.
    pub(in crate::translate) fn backend(&self, gateway: &str, service: &str, port: u16) -> &Arc<Backend> {
        let target = BackendTarget {
            kind: BackendKind::Service,
            name: NamespacedName::new("default", service),
            port: Some(port),
        };
        let usage = BackendUse { gateway: NamespacedName::new("default", gateway), target };
        self.0.backends[&usage].as_ref().unwrap_or_else(|problem| panic!("{problem:?}"))
    }

    /// The one use's backend.
    pub(in crate::translate) fn only(&self) -> &Arc<Backend> {
        assert_eq!(self.0.backends.len(), 1);
        self.0.backends.values().next().unwrap().as_ref().unwrap_or_else(|problem| panic!("{problem:?}"))
    }

    pub(in crate::translate) fn condition(&self, policy: &str, gateway: &str, kind: &str) -> &Condition {
        let verdict = &self.0.policies[&NamespacedName::new("default", policy)];
        let gateway = NamespacedName::new("default", gateway);
        let ancestor =
            verdict.ancestors.iter().find(|ancestor| ancestor.gateway == gateway).expect("it is an ancestor");
        ancestor.conditions.iter().find(|condition| condition.kind == kind).expect("the condition is there")
    }

    /// Reason and message of `Accepted` under Gateway `gw`.
    pub(in crate::translate) fn accepted(&self, policy: &str) -> (&'static str, &str) {
        let condition = self.condition(policy, "gw", "Accepted");
        assert_eq!(condition.status, condition.reason == "Accepted");
        (condition.reason, &condition.message)
    }

    /// Reason and message of `ResolvedRefs` under Gateway `gw`.
    pub(in crate::translate) fn resolved_refs(&self, policy: &str) -> (&'static str, &str) {
        let condition = self.condition(policy, "gw", "ResolvedRefs");
        assert_eq!(condition.status, condition.reason == "ResolvedRefs");
        (condition.reason, &condition.message)
    }

    /// Severity, code and field of every finding.
    pub(in crate::translate) fn findings(&self) -> Vec<(Severity, &'static str, &str)> {
        self.0.findings.iter().map(|finding| (finding.severity, finding.code, finding.field.as_str())).collect()
    }

    pub(in crate::translate) fn finding(&self, code: &str) -> &Finding {
        self.0.findings.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("{:?}", self.0.findings))
    }
}

pub(in crate::translate) fn service(name: &str, ports: &[(&str, u16, &str)]) -> Value {
    let ports: Vec<_> =
        ports.iter().map(|(name, port, protocol)| json!({"name": name, "port": port, "protocol": protocol})).collect();
    json!({"kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports}})
}

/// A policy that is valid if ConfigMap `ca` is there.
pub(in crate::translate) fn policy(name: &str, targets: &Value) -> Value {
    json!({
        "kind": "BackendTLSPolicy",
        "metadata": {"name": name, "generation": 7},
        "spec": {
            "targetRefs": targets,
            "validation": {
                "hostname": "Web.Example.com",
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
            },
        },
    })
}

/// A ConfigMap with one CA certificate, always the same, under `ca.crt`.
pub(in crate::translate) fn authority(name: &str) -> Value {
    static PEM: OnceLock<String> = OnceLock::new();
    let pem = PEM.get_or_init(|| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    });
    json!({"kind": "ConfigMap", "metadata": {"name": name}, "data": {"ca.crt": pem}})
}

/// A certificate that issues nothing and carries the hostname of [`policy`], in PEM.
pub(in crate::translate) fn leaf(common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::new(vec!["web.example.com".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

/// A certificate's `notAfter`, that many days from [`NOW`].
pub(in crate::translate) fn days_from_now(days: i64) -> impl FnOnce(&mut CertificateParams) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let end = epoch + std::time::Duration::from_secs((NOW + days * 86400).cast_unsigned());
    move |params| params.not_after = end
}
