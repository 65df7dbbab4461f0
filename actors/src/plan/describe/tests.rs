use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::outcome::{HandshakeResult, Reason};
use crate::plan::backend::{Backend, BackendId, Poison, Tls};
use crate::plan::certificate::{KeyFormat, PrivateKey, ServerCertificate};
use crate::plan::endpoint::{EndpointSource, ServicePort};
use crate::plan::filter::{Filters, HeaderEdits, PathRewrite, Redirect, Rewrite};
use crate::plan::identity::{Bundle, ClientCertificate, PeerNames, SubjectAltName, TlsIdentity, TlsVersion, Trust};
use crate::plan::listener::{Listener, Port, Protocol};
use crate::plan::matching::{Match, PathMatch, RuleTable, RuleTableBuilder, ValueMatch};
use crate::plan::rule::{Action, Rule, Target, Timeouts, WeightedBackend, WeightedBackends};
use crate::plan::{AuthorityExpiry, HostTable, NearMiss, Plan};

const SECRET: &[u8] = b"very secret bytes";

fn key() -> PrivateKey {
    PrivateKey { format: KeyFormat::Pkcs8, der: SECRET.into() }
}

fn identity() -> TlsIdentity {
    TlsIdentity {
        sni: "example.com".into(),
        names: PeerNames::AnyOf(vec![SubjectAltName::Uri("spiffe://a".into())]),
        trust: Trust::Bundle(Arc::new(Bundle { issuers: vec![b"abc".as_slice().into()], leaves: Vec::new() })),
        client_certificate: Some(Arc::new(ClientCertificate {
            reference: "Secret/ns/client".into(),
            chain: vec![b"abc".as_slice().into()],
            key: key(),
            not_after: 7,
        })),
        min_version: TlsVersion::Tls12,
        max_version: TlsVersion::Tls13,
        alpn: vec!["http/1.1".into()],
        resumption: true,
        pins: BTreeSet::from([[0xab; 32]]),
    }
}

fn backend() -> Arc<Backend> {
    Arc::new(Backend {
        id: BackendId { gateway: "ns/gw".into(), backend: "Service/ns/nginx".into(), port: 8443 },
        endpoints: EndpointSource::Service(ServicePort { namespace: "ns".into(), name: "nginx".into(), port: 8443 }),
        tls: Tls::Originate { policy: "ns/policy".into(), identity: Arc::new(identity()) },
        near_miss: None,
    })
}

fn rule(index: usize, action: Action) -> Arc<Rule> {
    Arc::new(Rule {
        route: "ns/route".into(),
        index,
        name: None,
        filters: Filters {
            request_headers: HeaderEdits { remove: vec![http::header::COOKIE], ..HeaderEdits::default() },
            response_headers: HeaderEdits::default(),
            rewrite: Some(Rewrite { hostname: None, path: Some(PathRewrite::Full("/x".into())) }),
        },
        action,
        timeouts: Timeouts { request: Some(Duration::from_millis(1500)), backend_request: None },
    })
}

fn plan() -> Plan {
    let backend = backend();
    let poison = Poison {
        reason: Reason::Handshake(HandshakeResult::PolicyInvalid),
        message: "hostname is an address".into(),
        policy: Some("ns/bad".into()),
    };
    let reference = |weight, target| WeightedBackend { weight, filters: Filters::default(), target };
    let forward = Action::Forward(WeightedBackends::new([
        reference(9, Target::Backend(backend.clone())),
        reference(1, Target::Unusable(poison)),
    ]));
    let redirect = Action::Redirect(Redirect {
        scheme: Some(Protocol::Https),
        hostname: None,
        port: None,
        path: None,
        status: http::StatusCode::MOVED_PERMANENTLY,
    });

    let mut rules = RuleTableBuilder::default();
    let matching = |path| Match { path, method: None, headers: Vec::new(), query: Vec::new() };
    rules.push(matching(PathMatch::Prefix("/".into())), rule(0, forward));
    rules.push(
        Match {
            headers: vec![("x".into(), ValueMatch::Exact("1".into()))],
            ..matching(PathMatch::Exact("/old".into()))
        },
        rule(1, redirect),
    );
    let mut routes: HostTable<RuleTable> = HostTable::default();
    routes.insert(Some("*.example.com"), rules.build());
    let listener = Listener {
        name: "https".into(),
        hostname: None,
        certificates: vec![Arc::new(ServerCertificate {
            secret: "ns/tls".into(),
            chain: vec![b"abc".as_slice().into()],
            key: key(),
            dns_names: vec!["*.example.com".into()],
            not_after: 1_800_000_000,
        })],
        routes,
    };
    let mut listeners = HostTable::default();
    listeners.insert(None, Arc::new(listener));
    Plan {
        ports: vec![Arc::new(Port { gateway: "ns/gw".into(), port: 443, protocol: Protocol::Https, listeners })],
        backends: [(backend.id.clone(), backend)].into(),
        authorities: vec![AuthorityExpiry {
            policy: "ns/policy".into(),
            reference: "ConfigMap/ns/ca".into(),
            not_after: 9,
        }],
    }
}

#[test]
fn everything_is_told_and_no_secret() {
    // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let filters = json!({ "requestHeaders": { "remove": ["cookie"] }, "rewrite": { "path": { "full": "/x" } } });
    let expected = json!({
        "ports": [{
            "gateway": "ns/gw",
            "port": 443,
            "protocol": "https",
            "listeners": [{
                "name": "https",
                "certificates": [{ "secret": "ns/tls", "chain": [abc], "dnsNames": ["*.example.com"], "notAfter": 1_800_000_000 }],
                "hosts": [{
                    "hostname": "*.example.com",
                    "rules": [
                        {
                            "match": { "path": { "exact": "/old" }, "headers": [{ "name": "x", "exact": "1" }] },
                            "route": "ns/route",
                            "rule": 1,
                            "filters": filters,
                            "action": { "redirect": { "scheme": "https", "status": 301 } },
                            "requestTimeoutSeconds": 1.5,
                        },
                        {
                            "match": { "path": { "prefix": "/" } },
                            "route": "ns/route",
                            "rule": 0,
                            "filters": filters,
                            "action": { "forward": [
                                { "weight": 9, "backend": "Service/ns/nginx:8443" },
                                { "weight": 1, "unusable": {
                                    "reason": "policy_invalid",
                                    "message": "hostname is an address",
                                    "policy": "ns/bad",
                                } },
                            ] },
                            "requestTimeoutSeconds": 1.5,
                        },
                    ],
                }],
            }],
        }],
        "backends": [{
            "gateway": "ns/gw",
            "backend": "Service/ns/nginx",
            "port": 8443,
            "endpoints": { "service": "ns/nginx:8443" },
            "tls": {
                "policy": "ns/policy",
                "identity": {
                    "sni": "example.com",
                    "subjectAltNames": [{ "uri": "spiffe://a" }],
                    "trust": { "issuers": [abc] },
                    "clientCertificate": { "reference": "Secret/ns/client", "chain": [abc], "notAfter": 7 },
                    "minVersion": "1.2",
                    "maxVersion": "1.3",
                    "alpn": ["http/1.1"],
                    "resumption": true,
                    "pins": ["q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="],
                },
            },
        }],
        "authorities": [{ "policy": "ns/policy", "reference": "ConfigMap/ns/ca", "notAfter": 9 }],
    });
    assert_eq!(plan().describe(), expected);

    let secret = std::str::from_utf8(SECRET).expect("text");
    let printed = format!("{:?} {}", plan(), plan().describe());
    assert!(!printed.contains(secret) && !printed.contains(&format!("{SECRET:?}")), "{printed}");
}

#[test]
fn plans_are_equal_by_content() {
    assert_eq!(plan(), plan());
    let mut other = plan();
    other.authorities[0].not_after += 1;
    assert_ne!(plan(), other);
    assert_ne!(plan(), Plan::default());
}

/// Neither certificates nor keys come back out of a description, nor how many roots the system has.
#[test]
fn a_plan_comes_back_but_for_its_certificates() {
    let mut described = plan().describe();
    let again = Plan::from_description(&described).expect("it is a description").describe();
    let identity = &mut described["backends"][0]["tls"]["identity"];
    identity.as_object_mut().expect("an object").remove("trust");
    identity["clientCertificate"]["chain"] = json!([]);
    described["ports"][0]["listeners"][0]["certificates"][0].as_object_mut().expect("an object").remove("chain");
    assert_eq!(again, described);
}

#[test]
fn the_policy_that_was_meant_for_a_plaintext_backend_is_told_and_comes_back() {
    let near_miss = NearMiss { policy: "ns/policy".into(), message: "Service ns/nginxx does not exist".into() };
    let plain = Backend {
        id: BackendId { gateway: "ns/gw".into(), backend: "Service/ns/nginx".into(), port: 80 },
        endpoints: EndpointSource::Host { host: "nginx.test".into(), port: 80 },
        tls: Tls::Plaintext,
        near_miss: Some(near_miss),
    };
    let plan = Plan { backends: [(plain.id.clone(), Arc::new(plain))].into(), ..Plan::default() };
    let described = plan.describe();
    let told = json!({ "policy": "ns/policy", "message": "Service ns/nginxx does not exist" });
    assert_eq!((&described["backends"][0]["tls"], &described["backends"][0]["nearMiss"]), (&json!("plaintext"), &told));
    assert_eq!(Plan::from_description(&described), Ok(plan));
}
