//! A plan, and what was seen of it, in which every text is hostile and every key is looked for.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};

use super::*;
use crate::certificate::Facts;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::backend::{Backend, BackendId, Poison, Tls};
use crate::plan::certificate::{KeyFormat, PrivateKey, ServerCertificate};
use crate::plan::filter::Filters;
use crate::plan::identity::{
    Bundle, ClientCertificate, Der, PeerNames, SubjectAltName, SystemRoots, TlsIdentity, TlsVersion, Trust,
};
use crate::plan::matching::{Match, PathMatch, RuleTableBuilder};
use crate::plan::rule::{Action, Rule, Target, Timeouts, WeightedBackend, WeightedBackends};
use crate::plan::{EndpointSource, HostTable, Listener, Port, Protocol};
use crate::telemetry::{Evidence, HandshakeRecord, Observer, PoolState, Problem};

pub(super) const SCRIPT: &str = "<script>alert(1)</script>\"' onclick=x <b>";

/// A gateway all of whose names, hosts, subjects and causes come from strangers.
pub(super) struct Hostile {
    pub(super) running: Running,
    keys: Vec<KeyPair>,
}

fn text(source: &str) -> Arc<str> {
    format!("{SCRIPT}{source}").into()
}

fn certificate(key: &KeyPair) -> Der {
    let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
    parameters.distinguished_name.push(DnType::CommonName, &*text("subject"));
    parameters.subject_alt_names.push(SanType::URI((*text("uri")).try_into().expect("ASCII")));
    parameters.self_signed(key).expect("a certificate").der().as_ref().into()
}

fn private(key: &KeyPair) -> PrivateKey {
    PrivateKey { format: KeyFormat::Pkcs8, der: key.serialize_der().into() }
}

fn backend(name: &str, tls: Tls) -> Arc<Backend> {
    let id = BackendId { gateway: text("gateway"), backend: text(name), port: 443 };
    Arc::new(Backend { id, endpoints: EndpointSource::Host { host: text("host"), port: 443 }, tls, near_miss: None })
}

fn identity(trust: Trust, key: &KeyPair) -> Tls {
    let client = ClientCertificate {
        reference: text("reference"),
        chain: vec![certificate(key)],
        key: private(key),
        not_after: 1_900_000_000,
    };
    let names = vec![SubjectAltName::Hostname(text("name").to_string()), SubjectAltName::Uri(text("uri").to_string())];
    let identity = TlsIdentity {
        sni: text("sni"),
        names: PeerNames::AnyOf(names),
        trust,
        client_certificate: Some(Arc::new(client)),
        min_version: TlsVersion::Tls12,
        max_version: TlsVersion::Tls13,
        alpn: vec![text("alpn").to_string()],
        resumption: true,
        pins: BTreeSet::from([[7; 32]]),
    };
    Tls::Originate { policy: text("policy"), identity: Arc::new(identity) }
}

fn rule(action: Action) -> Arc<Rule> {
    let filters = Filters::default();
    Arc::new(Rule { route: text("route"), index: 0, name: None, filters, action, timeouts: Timeouts::default() })
}

fn hostile_plan(keys: &[KeyPair]) -> Plan {
    let poison = || Poison { reason: Reason::BackendInvalid, message: text("poison"), policy: Some(text("policy")) };
    let bundle = Bundle { issuers: vec![certificate(&keys[0])], leaves: vec![b"no certificate".as_slice().into()] };
    let roots = SystemRoots { origin: text("origin").to_string(), certificates: Vec::new() };
    let backends = [
        backend("backend", identity(Trust::Bundle(Arc::new(bundle)), &keys[0])),
        backend("backend system", identity(Trust::System(Arc::new(roots)), &keys[0])),
        backend("backend poisoned", Tls::Poisoned(poison())),
        backend("backend plain", Tls::Plaintext),
    ];
    let targets = backends.iter().cloned().map(Target::Backend).chain([Target::Unusable(poison())]);
    let references = targets.map(|target| WeightedBackend { weight: 1, filters: Filters::default(), target });
    let actions = [Action::Forward(WeightedBackends::new(references)), Action::Fail(poison())];
    let mut rules = RuleTableBuilder::default();
    for action in actions {
        let path = PathMatch::Prefix(format!("/{SCRIPT}path").into());
        rules.push(Match { path, method: Some(text("method")), headers: Vec::new(), query: Vec::new() }, rule(action));
    }
    let mut routes = HostTable::default();
    routes.insert(Some(&text("hostname")), rules.build());
    let server = ServerCertificate {
        secret: text("secret"),
        chain: vec![certificate(&keys[1])],
        key: private(&keys[1]),
        dns_names: vec![text("name").to_string()],
        not_after: 1_000_000_000,
    };
    let mut listeners = HostTable::default();
    let hostname = Some(text("hostname"));
    let certificates = vec![Arc::new(server)];
    listeners.insert(None, Arc::new(Listener { name: text("listener"), hostname, certificates, routes }));
    Plan {
        ports: vec![Arc::new(Port { gateway: text("gateway"), port: 443, protocol: Protocol::Https, listeners })],
        backends: backends.into_iter().map(|backend| (backend.id.clone(), backend)).collect(),
        authorities: Vec::new(),
    }
}

impl Hostile {
    pub(super) fn start() -> Self {
        let keys: Vec<_> = (0..2).map(|_| KeyPair::generate().expect("a key")).collect();
        let running = Running::serving(hostile_plan(&keys));
        running.status.readiness.pending_detail("configuration", &text("waits"));
        running.status.contact.lost(&text("watch"), &text("contact"));
        let [subject, message, hint] = ["subject", "message", "hint"].map(|part| text(part).to_string());
        running.status.telemetry.set_problems([Problem { is_error: true, subject, message, hint }].into());
        let presented = [Facts::read(&certificate(&keys[0])).expect("a certificate")];
        let evidence = Evidence {
            cause: (*text("cause")).into(),
            presented: presented.as_slice().into(),
            demanded: (*text("demanded")).into(),
            trusted: (*text("trusted")).into(),
            remedy: (*text("remedy")).into(),
        };
        let (worker, plan) = (running.status.telemetry.worker(), running.status.plan());
        for (id, backend) in &plan.backends {
            worker.handshake(&HandshakeRecord {
                backend: id,
                configured: &backend.tls,
                policy: &text("policy"),
                endpoint: None,
                sni: &text("sni"),
                result: HandshakeResult::NameMismatch,
                tls: None,
                dns: None,
                tcp: None,
                handshake: None,
                evidence: &evidence,
            });
            worker.pool(id, None, Some(PoolState::Idle));
        }
        Self { running, keys }
    }

    /// What any encoding of a part of a key would show, with the encoding's name.
    pub(super) fn traces(&self) -> Vec<(&'static str, String)> {
        const PART: usize = 24;
        let ders = self.keys.iter().map(KeyPair::serialize_der);
        let parts = ders.flat_map(|der| der.windows(PART).map(<[u8]>::to_vec).collect::<Vec<_>>());
        let each = |part: Vec<u8>| {
            let hexadecimal =
                |separator: &str| part.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
            [
                ("base64", STANDARD.encode(&part)),
                ("hex", hexadecimal("")),
                ("hex", hexadecimal("").to_uppercase()),
                ("hex with colons", hexadecimal(":")),
                ("a list", part.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
                ("a list", part.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")),
            ]
        };
        parts.flat_map(each).chain([("PEM", "PRIVATE KEY".to_owned())]).collect()
    }
}

/// The test above would see a key if it were there.
#[test]
fn traces_are_found_wherever_a_key_begins() {
    let key = KeyPair::generate().expect("a key");
    let pem = STANDARD.encode(key.serialize_der());
    for at in 0..3 {
        let shifted = STANDARD.encode([&vec![0; at], key.serialize_der().as_slice()].concat());
        let parts = key.serialize_der().windows(24).map(|part| STANDARD.encode(part)).collect::<Vec<_>>();
        assert!(parts.iter().any(|part| shifted.contains(part) || pem.contains(part)), "shifted by {at}");
    }
}
