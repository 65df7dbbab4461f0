//! Arbitrary Snapshots of plausible and odd objects, of few names, so that they meet.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

use super::*;
use crate::translate::backend_tls_policy::tests::world::authority;

const NAMESPACES: [&str; 11] =
    [DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, "other", ""];
const DEFAULT: &str = "default";
const GATEWAYS: [&str; 4] = ["gateway", "gateway", "gateway", "b"];
const LISTENERS: [&str; 4] = ["one", "two", "three", "four"];
const NAMES: [&str; 3] = ["a", "b", "c"];
const HOSTS: [&str; 9] =
    ["a.example.com", "*.example.com", "*.a.example.com", "example.com", "A.Example.COM", "", "*", "*.", "192.0.2.1"];
const ODD: [&str; 8] = ["", "*", "ä\u{0}", "(", "/a?b", "a b", "\r\nx: y", "-"];

fn text(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![30 => select(known), 1 => select(&ODD[..])].prop_map(str::to_owned)
}

/// An object of the given fields, each of which may be absent.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    object_with(0.6, fields)
}

/// An object of the given fields, each of which is there so often.
fn object_with(often: f64, fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let names: Vec<_> = fields.iter().map(|(name, _)| (*name).to_owned()).collect();
    let values: Vec<_> = fields.into_iter().map(|(_, value)| option::weighted(often, value)).collect();
    values
        .prop_map(move |values| {
            let given = names.iter().cloned().zip(values).filter_map(|(name, value)| Some((name, value?)));
            Value::Object(given.collect::<Map<_, _>>())
        })
        .boxed()
}

fn one_of(known: &'static [&'static str]) -> BoxedStrategy<Value> {
    text(known).prop_map(Value::from).boxed()
}

fn port() -> BoxedStrategy<Value> {
    select(&[80_u16, 80, 80, 80, 80, 80, 443, 443, 8080, 0, 15_000][..]).prop_map(Value::from).boxed()
}

fn list(items: BoxedStrategy<Value>, most: usize) -> BoxedStrategy<Value> {
    vec(items, 0..=most).prop_map(Value::from).boxed()
}

/// With the fields without which the object would not parse.
fn with(required: Vec<(&'static str, BoxedStrategy<Value>)>, rest: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let names: Vec<_> = required.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = required.into_iter().map(|(_, value)| value).collect();
    (values, rest)
        .prop_map(move |(values, mut rest)| {
            for (name, value) in names.iter().zip(values) {
                rest[*name] = value;
            }
            rest
        })
        .boxed()
}

fn metadata(names: &'static [&'static str]) -> BoxedStrategy<Value> {
    let date = select(&["2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"][..]).prop_map(Value::from).boxed();
    let generation = (1..9_i64).prop_map(Value::from).boxed();
    with(
        vec![("namespace", one_of(&NAMESPACES)), ("name", one_of(names))],
        object(vec![("generation", generation), ("creationTimestamp", date)]),
    )
}

fn secret_ref() -> BoxedStrategy<Value> {
    with(
        vec![("name", one_of(&NAMES))],
        object(vec![
            ("namespace", one_of(&NAMESPACES)),
            ("kind", one_of(&["Secret"])),
            ("group", one_of(&["", "example.com"])),
        ]),
    )
}

fn listener() -> BoxedStrategy<Value> {
    let options = object(vec![("gateway.postern.dev/x", one_of(&["1"])), ("example.com/x", one_of(&["1"]))]);
    let tls = object(vec![
        ("mode", one_of(&["Terminate", "Passthrough"])),
        ("certificateRefs", list(secret_ref(), 2)),
        ("options", options),
    ]);
    let requirement = with(
        vec![("key", one_of(&["team"])), ("operator", one_of(&["In", "NotIn", "Exists", "DoesNotExist"]))],
        object(vec![("values", list(one_of(&["blue"]), 1))]),
    );
    let selector = object(vec![("matchExpressions", list(requirement, 2))]);
    let namespaces =
        with(vec![("from", one_of(&["All", "Same", "Selector", "None"]))], object(vec![("selector", selector)]));
    let kind = with(vec![("kind", one_of(&["HTTPRoute", "TLSRoute"]))], object(vec![]));
    let allowed = object(vec![("namespaces", namespaces), ("kinds", list(kind, 2))]);
    let anybody = Just(json!({"namespaces": {"from": "All"}})).boxed();
    let allowed = prop_oneof![3 => anybody, 1 => allowed].boxed();
    let named = || vec![("name", one_of(&LISTENERS)), ("port", port())];
    let plain = vec![("hostname", one_of(&HOSTS)), ("allowedRoutes", allowed.clone())];
    let plain = with(named(), object_with(0.4, plain))
        .prop_map(|mut listener| {
            listener["protocol"] = "HTTP".into();
            listener
        })
        .boxed();
    let mut any = named();
    any.push(("protocol", one_of(&["HTTP", "HTTPS", "TLS"])));
    let any = with(any, object(vec![("hostname", one_of(&HOSTS)), ("tls", tls), ("allowedRoutes", allowed)]));
    prop_oneof![3 => plain, 1 => any].boxed()
}

fn gateway() -> BoxedStrategy<Value> {
    let address = object(vec![("type", one_of(&["IPAddress", "Hostname"])), ("value", one_of(&["192.0.2.1", "::"]))]);
    let asked = object(vec![("validation", Just(json!({})).boxed())]);
    let per_port = with(vec![("port", port())], object(vec![("tls", asked.clone())]));
    let frontend = object(vec![("default", asked), ("perPort", list(per_port, 2))]);
    let client = object(vec![("clientCertificateRef", secret_ref())]);
    let tls = object(vec![("frontend", frontend), ("backend", client)]);
    let of_a_map = one_of(&NAMES).prop_map(|name| json!({"group": "", "kind": "ConfigMap", "name": name}));
    let parameters = prop_oneof![1 => Just(json!({"kind": "X"})), 6 => of_a_map].boxed();
    let parameters = object(vec![("parametersRef", parameters)]);
    let spec = with(
        vec![
            ("gatewayClassName", one_of(&["postern", "postern", "postern", "postern", "ours", "theirs"])),
            ("listeners", list(listener(), 4)),
        ],
        (option::weighted(0.05, list(address, 2)), option::weighted(0.3, tls), option::weighted(0.2, parameters))
            .prop_map(|(addresses, tls, infrastructure)| {
                let mut spec = json!({"tls": tls, "infrastructure": infrastructure});
                if let Some(addresses) = addresses {
                    spec["addresses"] = addresses;
                }
                spec
            })
            .boxed(),
    );
    with(vec![("metadata", metadata(&GATEWAYS)), ("spec", spec)], object(vec![]))
}

fn filter() -> BoxedStrategy<Value> {
    let header =
        with(vec![("name", one_of(&["x-a", "Host", "connection"])), ("value", one_of(&["1"]))], object(vec![]));
    let headers = list(header, 2);
    let modifier = object(vec![
        ("set", headers.clone()),
        ("add", headers),
        ("remove", list(one_of(&["x-a", "content-length"]), 2)),
    ]);
    let path = with(
        vec![("type", one_of(&["ReplaceFullPath", "ReplacePrefixMatch"]))],
        object(vec![("replaceFullPath", one_of(&["/x"])), ("replacePrefixMatch", one_of(&["/y", ""]))]),
    );
    let status = select(&[200_u16, 301, 302, 999]).prop_map(Value::from).boxed();
    let redirect = object(vec![
        ("scheme", one_of(&["http", "https"])),
        ("hostname", one_of(&["b.example"])),
        ("path", path.clone()),
        ("port", port()),
        ("statusCode", status),
    ]);
    let rewrite = object(vec![("hostname", one_of(&["b.example"])), ("path", path)]);
    let well_formed = prop_oneof![
        modifier.clone().prop_map(|body| json!({"type": "RequestHeaderModifier", "requestHeaderModifier": body})),
        modifier.clone().prop_map(|body| json!({"type": "ResponseHeaderModifier", "responseHeaderModifier": body})),
        redirect.clone().prop_map(|body| json!({"type": "RequestRedirect", "requestRedirect": body})),
        rewrite.clone().prop_map(|body| json!({"type": "URLRewrite", "urlRewrite": body})),
    ];
    let kinds =
        one_of(&["RequestHeaderModifier", "RequestRedirect", "URLRewrite", "RequestMirror", "CORS", "ExtensionRef"]);
    let ill_formed = with(
        vec![("type", kinds)],
        object(vec![("requestHeaderModifier", modifier), ("requestRedirect", redirect), ("urlRewrite", rewrite)]),
    );
    prop_oneof![4 => well_formed, 1 => ill_formed].boxed()
}

fn rule() -> BoxedStrategy<Value> {
    let path = object(vec![
        ("type", one_of(&["Exact", "PathPrefix", "RegularExpression"])),
        ("value", one_of(&["/", "/", "/a", "/a", "/a/b/", "/v[0-9]+", "/v[0-9", "a)|(?:b"])),
    ]);
    let condition = with(
        vec![("name", one_of(&["x-a", "X-A", "x-b"])), ("value", one_of(&["1", "1", "1", "["]))],
        object(vec![("type", one_of(&["Exact", "RegularExpression"]))]),
    );
    let condition = list(condition, 2);
    let one_match = object_with(
        0.4,
        vec![
            ("path", path),
            ("method", one_of(&["GET", "GET", "POST", "BREW"])),
            ("headers", condition.clone()),
            ("queryParams", condition),
        ],
    );
    let weight = select(&[0_i32, 1, 1, 1, 7, 7, i32::MAX, -1]).prop_map(Value::from).boxed();
    let rarely = vec![
        ("kind", one_of(&["Service", "AgentgatewayBackend"])),
        ("group", one_of(&["", "agentgateway.dev"])),
        ("namespace", one_of(&NAMESPACES)),
        ("weight", weight),
        ("filters", list(filter(), 1)),
    ];
    let backend_ref = with(vec![("name", one_of(&NAMES)), ("port", port())], object_with(0.15, rarely));
    let timeouts =
        object(vec![("request", one_of(&["1s", "0s", "1s", "1d"])), ("backendRequest", one_of(&["1h2m3s4ms"]))]);
    (
        list(one_match, 2),
        prop_oneof![3 => Just(json!([])).boxed(), 1 => list(filter(), 2)],
        list(backend_ref, 3),
        option::weighted(0.2, timeouts),
        option::weighted(0.05, Just(json!({}))),
    )
        .prop_map(|(matches, filters, backends, timeouts, retry)| {
            json!({"matches": matches, "filters": filters, "backendRefs": backends, "timeouts": timeouts, "retry": retry})
        })
        .boxed()
}

fn route() -> BoxedStrategy<Value> {
    let rarely = vec![("namespace", one_of(&NAMESPACES)), ("sectionName", one_of(&LISTENERS)), ("port", port())];
    let parent = with(vec![("name", one_of(&GATEWAYS))], object_with(0.3, rarely));
    let parents = vec(parent, 1..=3).prop_map(Value::from).boxed();
    let fields = vec![("parentRefs", parents), ("hostnames", list(one_of(&HOSTS), 2)), ("rules", list(rule(), 3))];
    let spec = object_with(0.9, fields);
    with(vec![("metadata", metadata(&NAMES)), ("spec", spec)], object(vec![]))
}

fn service() -> BoxedStrategy<Value> {
    let rarely = vec![
        ("name", one_of(&["http", "https"])),
        ("protocol", one_of(&["TCP", "TCP", "UDP"])),
        ("appProtocol", one_of(&["https", "kubernetes.io/h2c"])),
    ];
    let port = with(vec![("port", port())], object_with(0.3, rarely));
    let ports = vec(port, 2..=4).prop_map(Value::from).boxed();
    let kinds = one_of(&["ClusterIP", "ClusterIP", "ExternalName"]);
    let spec = object_with(0.9, vec![("type", kinds), ("externalName", one_of(&["b.example"])), ("ports", ports)]);
    with(vec![("metadata", metadata(&NAMES)), ("spec", spec)], object(vec![]))
}

fn policy() -> BoxedStrategy<Value> {
    let target = with(
        vec![("kind", one_of(&["Service", "Service", "AgentgatewayBackend"])), ("name", one_of(&NAMES))],
        object_with(
            0.2,
            vec![("group", one_of(&["", "agentgateway.dev"])), ("sectionName", one_of(&["http", "https"]))],
        ),
    );
    let reference = with(vec![("kind", one_of(&["ConfigMap", "Secret"])), ("name", one_of(&NAMES))], object(vec![]));
    let validation = with(
        vec![("hostname", one_of(&["a.example.com", "a.example.com", "*.example.com", "192.0.2.1"]))],
        object(vec![("wellKnownCACertificates", one_of(&["System"])), ("caCertificateRefs", list(reference, 2))]),
    );
    let plain = one_of(&NAMES).prop_map(|name| json!({"kind": "Service", "name": name})).boxed();
    let good = one_of(&NAMES)
        .prop_map(|name| json!({"hostname": "a.b", "caCertificateRefs": [{"kind": "ConfigMap", "name": name}]}));
    let good = prop_oneof![1 => good, 1 => Just(json!({"hostname": "a.b", "wellKnownCACertificates": "System"}))];
    let targets = prop_oneof![1 => list(target, 3), 1 => list(plain, 2)].boxed();
    let validation = prop_oneof![1 => validation, 1 => good].boxed();
    let spec = with(vec![("targetRefs", targets), ("validation", validation)], object(vec![]));
    with(vec![("metadata", metadata(&NAMES)), ("spec", spec)], object(vec![]))
}

fn grant() -> BoxedStrategy<Value> {
    let from = with(
        vec![
            ("group", one_of(&["gateway.networking.k8s.io"])),
            ("kind", one_of(&["HTTPRoute", "Gateway"])),
            ("namespace", one_of(&NAMESPACES)),
        ],
        object(vec![]),
    );
    let to = with(
        vec![("group", one_of(&[""])), ("kind", one_of(&["Service", "Secret"]))],
        object(vec![("name", one_of(&NAMES))]),
    );
    let spec = with(vec![("from", list(from, 2)), ("to", list(to, 2))], object(vec![]));
    with(vec![("metadata", metadata(&NAMES)), ("spec", spec)], object(vec![]))
}

fn class() -> BoxedStrategy<Value> {
    let parameters = Just(json!({"group": "x", "kind": "y", "name": "z"})).boxed();
    let controllers =
        one_of(&["postern.dev/gateway-controller", "postern.dev/gateway-controller", "example.com/other"]);
    let spec = (controllers, option::weighted(0.2, parameters))
        .prop_map(|(controller, parameters)| json!({"controllerName": controller, "parametersRef": parameters}));
    (one_of(&["ours", "theirs"]), spec)
        .prop_map(|(name, spec)| json!({"metadata": {"name": name}, "spec": spec}))
        .boxed()
}

/// Maps of certificates and of parameters, or of both, good and bad.
fn config_map(name: &'static str) -> BoxedStrategy<Value> {
    static AUTHORITY: LazyLock<Value> = LazyLock::new(|| authority("ca")["data"]["ca.crt"].clone());
    let pem = prop_oneof![4 => Just(AUTHORITY.clone()), 1 => Just(json!("no PEM"))].boxed();
    let bundle = |name: &str| json!(format!("replicas: 2\nsystemCABundle: {{configMap: {name}}}"));
    let parameters = prop_oneof![
        3 => Just(bundle("a")),
        3 => Just(bundle("b")),
        1 => Just(json!("replicas: 3")),
        1 => Just(json!("replicas: many")),
    ];
    let data = object_with(0.9, vec![("ca.crt", pem), ("values.yaml", parameters.boxed())]);
    let metadata = one_of(&NAMESPACES).prop_map(move |namespace| json!({"namespace": namespace, "name": name}));
    with(vec![("metadata", metadata.boxed()), ("data", data)], object(vec![]))
}

/// Secrets with a whole pair, and with half of one.
fn secret() -> BoxedStrategy<Value> {
    static PAIR: LazyLock<(String, String)> = LazyLock::new(|| {
        let pair = rcgen::generate_simple_self_signed(["a.example.com".to_owned()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    });
    let (certificate, key) = (PAIR.0.clone(), PAIR.1.clone());
    let data = object_with(
        0.8,
        vec![
            ("tls.crt", Just(json!(certificate)).boxed()),
            ("tls.key", Just(json!(key)).boxed()),
            ("ca.crt", Just(json!(certificate)).boxed()),
        ],
    );
    with(vec![("metadata", metadata(&NAMES)), ("stringData", data)], object(vec![]))
}

fn put_all<T: Object>(store: &mut Store<T>, objects: Vec<Value>) {
    for object in objects {
        put(store, object);
    }
}

/// A Snapshot in which names, ports and hosts often meet.
pub(super) fn snapshot() -> impl Strategy<Value = Snapshot> {
    let routes = (vec(class(), 0..3), vec(gateway(), 1..4), vec(route(), 0..5));
    let backends = (vec(service(), 2..6), vec(policy(), 1..4), vec(grant(), 0..2));
    let maps = NAMES.map(|name| option::weighted(0.9, config_map(name)));
    let data = (maps, vec(secret(), 0..5));
    (routes, backends, data).prop_map(
        |((classes, gateways, routes), (services, policies, grants), (config_maps, secrets))| {
            let mut snapshot = Snapshot::default();
            put_all(&mut snapshot.gateway_classes, classes);
            put_all(&mut snapshot.gateways, gateways);
            put_all(&mut snapshot.http_routes, routes);
            put_all(&mut snapshot.services, services);
            put_all(&mut snapshot.backend_tls_policies, policies);
            put_all(&mut snapshot.reference_grants, grants);
            put_all(&mut snapshot.config_maps, config_maps.into_iter().flatten().collect());
            put_all(&mut snapshot.secrets, secrets);
            snapshot
        },
    )
}

/// A Snapshot in which, besides, one Gateway has a route to every Service.
pub(super) fn lively_snapshot() -> impl Strategy<Value = Snapshot> {
    let reference = select(&NAMES[..]).prop_map(|name| json!({"group": "", "kind": "ConfigMap", "name": name}));
    (snapshot(), option::of(reference)).prop_map(|(mut snapshot, reference)| {
        let named = |name: &str| json!({"namespace": DEFAULT, "name": name});
        let mut listeners = vec![json!({"name": "http", "port": 80, "protocol": "HTTP"})];
        if reference.is_none() {
            let tls = json!({"certificateRefs": [{"name": "a"}, {"name": "b"}]});
            listeners.push(json!({"name": "https", "port": 443, "protocol": "HTTPS", "tls": tls}));
        }
        let spec = json!({
            "gatewayClassName": "postern",
            "listeners": listeners,
            "infrastructure": {"parametersRef": reference},
        });
        put(&mut snapshot.gateways, json!({"metadata": named("gateway"), "spec": spec}));
        let backends: Vec<_> = NAMES.iter().map(|name| json!({"name": name, "port": 80})).collect();
        let spec = json!({"parentRefs": [{"name": "gateway"}], "rules": [{"backendRefs": backends}]});
        put(&mut snapshot.http_routes, json!({"metadata": named("a"), "spec": spec}));
        for name in &NAMES[1..] {
            let service = json!({"metadata": named(name), "spec": {"ports": [{"name": "http", "port": 80}]}});
            put(&mut snapshot.services, service);
        }
        snapshot
    })
}
