use postern_actors::plan::Tls;
use postern_actors::supervisor::kubernetes::resource::Resource;
use postern_actors::supervisor::kubernetes::watch::Event;
use postern_actors::telemetry::{self, Readiness, Telemetry};
use serde_json::{Value, json};

use super::*;
use crate::resources::Kind;

const POLICIES: Kind = Kind::BackendTlsPolicy;

/// A proxy that is told by hand.
struct Proxy {
    configuration: ProxyConfiguration,
    wanted: watch::Receiver<Numbered>,
}

fn object(kind: Kind, name: &str, spec: &Value) -> Value {
    let resource = kinds::resource(kind);
    let namespace = if kind == Kind::GatewayClass { "" } else { "a" };
    json!({
        "apiVersion": resource.api_version(), "kind": resource.kind,
        "metadata": {"namespace": namespace, "name": name, "uid": "u", "generation": 3}, "spec": spec,
    })
}

fn route(service: &str) -> Value {
    let rules = json!([{"backendRefs": [{"name": service, "port": 80}]}]);
    object(Kind::HttpRoute, service, &json!({"parentRefs": [{"name": "web"}], "rules": rules}))
}

fn policy(service: &str) -> Value {
    let target = json!([{"group": "", "kind": "Service", "name": service}]);
    let validation = json!({"hostname": "s.example", "wellKnownCACertificates": "System"});
    object(POLICIES, service, &json!({"targetRefs": target, "validation": validation}))
}

impl Proxy {
    /// With Services `one`, `two` and `three`, and a route to each that is named.
    fn new(routes: &[&str]) -> Self {
        let settings = Settings {
            class_names: Vec::new(),
            shared_address: false,
            gateway: Some(NamespacedName::new("a", "web")),
            parameters: Some(crate::provision::parameters::Parameters::default()),
            ..Settings::of_files("gateway.postern.dev/controller", [""; 0], Err("no roots".into()))
        };
        let telemetry = Telemetry::new(telemetry::Settings { version: "0", revision: "0", access_log: None });
        let status = Arc::new(Status::new(telemetry, Readiness::default(), None));
        let (configuration, wanted) = ProxyConfiguration::new(NamespacedName::new("a", "web"), settings, status);
        let mut proxy = Self { configuration, wanted };
        for target in kinds::of_proxy() {
            let kind = kinds::kind_of(&target.resource).expect("it is read");
            let objects = match kind {
                Kind::GatewayClass => {
                    vec![object(kind, "c", &json!({"controllerName": "gateway.postern.dev/controller"}))]
                }
                Kind::Gateway => {
                    let listeners = json!([{"name": "http", "protocol": "HTTP", "port": 80}]);
                    vec![object(kind, "web", &json!({"gatewayClassName": "c", "listeners": listeners}))]
                }
                Kind::Service => {
                    let service = |name| object(kind, name, &json!({"ports": [{"port": 80}]}));
                    ["one", "two", "three"].map(service).into()
                }
                Kind::HttpRoute => routes.iter().map(|service| route(service)).collect(),
                _ => Vec::new(),
            };
            proxy.tell(kind, Event::Listed(objects));
        }
        proxy
    }

    fn tell(&mut self, kind: Kind, event: Event) -> Effect {
        self.configuration.change(Watched { target: Target::all(kinds::resource(kind)), event })
    }

    /// How each backend is spoken to; nothing while something is waited for.
    fn plan(&mut self) -> Option<Vec<(String, &'static str)>> {
        let (plan, _, _) = self.configuration.translate().ok()?;
        let word = |tls: &Tls| match tls {
            Tls::Plaintext => "plaintext",
            Tls::Originate { .. } => "TLS",
            Tls::Poisoned(_) => "nothing",
        };
        let name = |backend: &str| backend.trim_start_matches("Service/a/").to_owned();
        Some(plan.backends.iter().map(|(id, backend)| (name(&id.backend), word(&backend.tls))).collect())
    }

    /// Which watch of the policies is asked for.
    fn number(&self) -> u64 {
        self.wanted.borrow()[&plaintext::policies()]
    }
}

#[test]
fn a_backend_gets_no_plaintext_before_the_policies_were_listed_after_its_route() {
    let mut proxy = Proxy::new(&["one"]);
    assert_eq!((proxy.plan(), proxy.number()), (None, 1), "a list is asked for");
    assert_eq!(proxy.plan(), None, "and waited for");
    // The policy was made before the route, and its watch had not told of it.
    assert_eq!(proxy.tell(POLICIES, Event::Listed(vec![policy("one")])), Effect::Everything);
    assert_eq!(
        proxy.plan(),
        Some(vec![("one".into(), "nothing")]),
        "its roots cannot be used, and that is no plaintext"
    );

    // When the policy goes, that is looked at as well.
    proxy.tell(POLICIES, Event::Deleted(policy("one")));
    assert_eq!((proxy.plan(), proxy.number()), (None, 2));
    proxy.tell(POLICIES, Event::Listed(vec![]));
    assert_eq!(proxy.plan(), Some(vec![("one".into(), "plaintext")]));
    assert_eq!((proxy.plan().is_some(), proxy.number()), (true, 2), "what was confirmed is not asked for again");
}

#[test]
fn what_is_told_meanwhile_is_kept_back_and_comes_with_the_next_list() {
    let mut proxy = Proxy::new(&["one"]);
    assert_eq!(proxy.plan(), None);
    proxy.tell(Kind::HttpRoute, Event::Applied(route("two")));
    proxy.tell(Kind::HttpRoute, Event::Applied(route("three")));
    proxy.tell(Kind::HttpRoute, Event::Deleted(route("three")));
    assert_eq!(proxy.plan(), None);
    proxy.tell(POLICIES, Event::Listed(vec![]));
    assert_eq!(
        (proxy.plan(), proxy.number()),
        (Some(vec![("one".into(), "plaintext")]), 2),
        "one by one, none starves"
    );
    assert_eq!(proxy.plan(), None);
    proxy.tell(POLICIES, Event::Listed(vec![policy("two")]));
    let both = vec![("one".into(), "plaintext"), ("two".into(), "nothing")];
    assert_eq!((proxy.plan(), proxy.number()), (Some(both), 2));
}

#[test]
fn addresses_and_objects_by_name_are_not_kept_back() {
    let mut proxy = Proxy::new(&["one"]);
    assert_eq!(proxy.plan(), None);
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"namespace": "a", "name": "one-1", "labels": {"kubernetes.io/service-name": "one"}},
        "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}],
    });
    proxy.tell(Kind::EndpointSlice, Event::Applied(slice));
    assert_eq!(proxy.configuration.state.snapshot().endpoint_slices.len(), 1);
    let secrets: Resource = kinds::resource(Kind::Secret);
    let target = Target::named(secrets, Some("a"), "cert");
    proxy.configuration.state.expect(target.clone());
    proxy.configuration.change(Watched { target, event: Event::Listed(vec![]) });
    proxy.tell(POLICIES, Event::Listed(vec![]));
    assert!(proxy.plan().is_some());
}

#[test]
fn the_generation_that_is_served_is_the_gateways_own() {
    let mut proxy = Proxy::new(&[]);
    let (_, _, report) = proxy.configuration.translate().expect("nothing has to be looked at");
    assert_eq!(report.gateway, Some(Applied { uid: "u".into(), generation: 3 }));
}

#[test]
fn a_class_that_is_gone_for_a_moment_ends_nothing() {
    let mut proxy = Proxy::new(&[]);
    assert!(proxy.plan().is_some());
    proxy.tell(Kind::GatewayClass, Event::Listed(vec![]));
    assert_eq!(proxy.plan(), None, "what is served stays");
    let class = object(Kind::GatewayClass, "c", &json!({"controllerName": "gateway.postern.dev/controller"}));
    proxy.tell(Kind::GatewayClass, Event::Applied(class));
    assert!(proxy.plan().is_some());
}
