//! A file of objects, beside a file of good ones.

use std::path::Path;
use std::sync::Arc;

use postern::resources::backend_tls_policy::TargetRef;
use postern::resources::files::FileSet;
use postern::resources::{NamespacedName, Snapshot};
use postern::translate::{Settings, Translation, translate};
use postern_actors::plan::identity::SystemRoots;
use postern_actors::plan::{BackendId, Tls};

/// A Gateway, a Service `guarded` under a policy, and routes to it and to one without.
const GOOD: &str = include_str!("../../seeds/objects.yaml");

/// The last object of the file, whatever stands before it.
const WATCH: &str = "
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: watch}
spec:
  targetRefs: [{group: \"\", kind: Service, name: watched}]
  validation: {hostname: backend.test, wellKnownCACertificates: System}
";

/// Whatever stands beside the good objects: reading and translating end without a panic and say the same twice, no port that
/// a policy selects gets plaintext, nobody lifts the policy over `guarded`, and nothing in a file hides the policy over
/// `watched` behind it.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut files = FileSet::default();
    files.update(Path::new("m-good.yaml"), Ok(GOOD.to_owned()));
    // Of two objects of one name that of the later file counts.
    let last = input.len() % 2 == 1;
    files.update(Path::new(if last { "z.yaml" } else { "a.yaml" }), Ok(format!("{text}{WATCH}")));
    let snapshot = files.snapshot();
    for problem in files.problems() {
        assert!(!problem.message.is_empty());
    }
    let translation = translated(&snapshot);
    let again = translated(&snapshot);
    assert!(translation.plan == again.plan && translation.verdicts == again.verdicts, "two translations differ");
    for backend in translation.plan.backends.values().filter(|backend| backend.tls == Tls::Plaintext) {
        assert!(snapshot.unseen_policies.is_none(), "{} gets plaintext beside a file that nobody can read", backend.id);
        assert!(!is_selected(&backend.id, &snapshot), "{} gets plaintext under a policy", backend.id);
        assert!(*backend.id.backend != *"Service/default/watched", "the policy over `watched` was lost");
        assert!(last || *backend.id.backend != *"Service/default/guarded", "the policy over `guarded` was lifted");
    }
}

/// The objects of the goldens and of the guide.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        GOOD,
        include_str!("../../seeds/pem.yaml"),
        include_str!("../../../examples/guide/nginx.yaml"),
        include_str!("../../../examples/guide/httpbin.yaml"),
        include_str!("../../../tests/translate/attachment.yaml"),
        include_str!("../../../tests/translate/backend_refs.yaml"),
        include_str!("../../../tests/translate/client_certificates.yaml"),
        include_str!("../../../tests/translate/conflicts.yaml"),
        include_str!("../../../tests/translate/filters.yaml"),
        include_str!("../../../tests/translate/listeners.yaml"),
        include_str!("../../../tests/translate/matches.yaml"),
        include_str!("../../../tests/translate/poisoned.yaml"),
        include_str!("../../../tests/translate/unsupported.yaml"),
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Translates as file mode does, at a fixed moment.
pub(crate) fn translated(snapshot: &Snapshot) -> Translation {
    let roots = Ok(Arc::new(SystemRoots { origin: "none".into(), certificates: Vec::new() }));
    let settings = Settings::of_files("gateway.postern.dev/controller", ["postern", "agentgateway"], roots);
    translate(snapshot, &settings, jiff::Timestamp::from_second(1_800_000_000).expect("a moment"))
}

/// The rule's own words: a policy selects a port if it names the whole Service or that port.
fn is_selected(id: &BackendId, snapshot: &Snapshot) -> bool {
    let mut words = id.backend.splitn(3, '/');
    let (Some(kind), Some(namespace), Some(name)) = (words.next(), words.next(), words.next()) else {
        panic!("{id} names no object");
    };
    let service = snapshot.services.get(&NamespacedName::new(namespace, name)).filter(|_| kind == "Service");
    let port_name = service
        .into_iter()
        .flat_map(|service| &service.spec.ports)
        .find(|port| port.port == id.port && port.protocol == "TCP")
        .map(|port| port.name.as_str())
        .unwrap_or_default();
    let selects = |target: &TargetRef| {
        target.kind == kind
            && target.name == name
            && target.group == if kind == "Service" { "" } else { "agentgateway.dev" }
            && target.section_name.as_ref().is_none_or(|section| kind == "Service" && section == port_name)
    };
    let readable = snapshot.backend_tls_policies.iter().map(|(key, policy)| (key, &policy.spec.target_refs));
    let unreadable = snapshot.unreadable_policies.iter().map(|(key, policy)| (key, &policy.target_refs));
    readable.chain(unreadable).any(|(key, targets)| *key.namespace == *namespace && targets.iter().any(selects))
}
