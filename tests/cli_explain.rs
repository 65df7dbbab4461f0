//! `postern explain` as users meet it: the real binary over files, dumps and an API server.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn explain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .arg("explain")
        .args(arguments)
        .env("KUBECONFIG", "/nowhere/at/all")
        .output()
        .expect("the binary runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(arguments: &[&str]) -> Value {
    let output = explain(&[arguments, &["-o", "json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

const SHOP: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  gatewayClassName: postern
  listeners:
  - {name: http, protocol: HTTP, port: 80}
  - {name: admin, protocol: HTTP, port: 80, hostname: admin.shop.test}
  - name: broken
    protocol: HTTPS
    port: 443
    tls: {certificateRefs: [{name: nowhere}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: shop}
spec:
  parentRefs: [{name: web, sectionName: http}]
  hostnames: [shop.test]
  rules:
  - name: beta
    matches: [{path: {value: /cart}, headers: [{name: x-version, value: "2"}]}]
    backendRefs: [{name: beta, port: 443}]
  - matches: [{path: {value: /cart}}]
    filters:
    - type: URLRewrite
      urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /v1}}
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: x-from, value: gateway}], remove: [cookie]}
    backendRefs: [{name: cart, port: 443, weight: 3}, {name: missing, port: 443}]
  - matches: [{path: {type: Exact, value: /old}}]
    filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /cart}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: everything, namespace: shop}
spec:
  parentRefs: [{name: web, sectionName: http}]
  hostnames: ["*.test"]
  rules: [{backendRefs: [{name: cart, port: 443}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: foreign, namespace: other}
spec:
  parentRefs: [{name: web, namespace: shop}]
  hostnames: [admin.shop.test]
  rules: [{backendRefs: [{name: cart, port: 443}]}]
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {ports: [{name: https, port: 443}]}
---
apiVersion: v1
kind: Service
metadata: {name: beta, namespace: shop}
spec: {ports: [{name: https, port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: https, port: 8443}]
endpoints: [{addresses: [192.0.2.7]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: cart, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: cart}]
  validation:
    hostname: cart.internal
    subjectAltNames: [{type: URI, uri: "spiffe://shop/cart"}]
    wellKnownCACertificates: System
"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("text")
}

#[track_caller]
fn assert_tells(arguments: &[&str], code: i32, expected: &[&str]) {
    let output = explain(arguments);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(code), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for line in expected {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
    assert!(text.lines().count() <= 40, "{text}");
    assert!(!text.contains('\u{1b}'), "colour is for terminals");
}

#[test]
fn the_way_of_a_request_is_told_in_its_order() {
    let folder = folder(&[("shop.yaml", SHOP)]);
    let arguments = ["http://shop.test/cart/items?q=1", "--header", "X-Version: 1", "-f", path(&folder)];
    let lines = [
        "Gateway shop/web, port 80 (http)",
        "listener  http (every host)",
        "admin (admin.shop.test) does not take this host",
        "HTTPRoute shop/cart rule 1, shop.test",
        "match     /cart/*",
        "75 %: Service/shop/cart:443",
        "sees GET /v1/items?q=1, host shop.test",
        "request header, set x-from: gateway",
        "request header, remove cookie",
        "TLS by BackendTLSPolicy shop/cart, SNI cart.internal",
        "has to name one of spiffe://shop/cart",
        "trusts the system's roots",
        "at 192.0.2.7:8443",
        "25 %: no backend",
        "500 the route leads to no valid backend (backend_invalid)",
        "25 % of the requests get an error",
        "would match; a more specific hostname comes first",
        "header x-version is 1, not 2",
    ];
    assert_tells(&arguments, 1, &lines);
    let text = text(&explain(&arguments));
    let places: Vec<_> = ["listener", "route", "match", "backend", "client", "near"]
        .map(|word| text.find(&format!("\n  {word} ")))
        .into();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
}

#[test]
fn what_a_client_sees_decides_the_exit_code() {
    let folder = folder(&[("shop.yaml", SHOP)]);
    let of = |more: &[&'static str]| [&["-f", path(&folder)], more].concat().into_iter().map(str::to_owned).collect();
    let refused = "400 the request is invalid (bad_request)";
    let table: [(Vec<String>, i32, &[&str]); 11] = [
        (of(&["http://shop.test/old"]), 0, &["302, location: http://shop.test/cart"]),
        (of(&["--host", "a.test", "--path", "/x"]), 0, &["HTTPRoute shop/everything", "what the backend answers"]),
        (
            of(&["http://shop.test/cart", "--header", "x-version: 2"]),
            1,
            &["rule 0 \"beta\"", "503 the backend has no ready endpoint (no_endpoint)"],
        ),
        (of(&["--host", "elsewhere"]), 1, &["404 no route matches (no_route)", "hosts     shop.test", "*.test"]),
        (
            of(&["--host", "admin.shop.test"]),
            1,
            &[
                "listener  admin (admin.shop.test)",
                "http (every host) is less specific",
                "404 no route matches (no_route)",
                "HTTPRoute other/foreign for Gateway shop/web is not attached:",
                "NotAllowedByListeners",
            ],
        ),
        (
            of(&["https://shop.test/"]),
            1,
            &["nothing listens there", "broken of Gateway shop/web is not served:", "InvalidCertificateRef"],
        ),
        (
            of(&["https://shop.test/", "--listener", "443"]),
            1,
            &["ports that are served: 80 (http) of Gateway shop/web", "nothing listens there", "broken of Gateway"],
        ),
        (of(&["http://shop.test/", "--method", "CONNECT"]), 1, &[refused, "CONNECT, which a gateway does not serve"]),
        (of(&["--host", "shop.test:abc"]), 1, &[refused, "an invalid Host"]),
        (of(&["--host", "shop.test", "--path", "/e/f#x"]), 1, &[refused, "a fragment in the request target"]),
        (of(&["--host", "a.test", "--path", "/../x"]), 1, &["400 the request is invalid", "climbs above the root"]),
    ];
    for (arguments, code, expected) in table {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        assert_tells(&arguments, code, expected);
    }
}

#[test]
fn a_policy_that_nearly_selects_a_plaintext_backend_is_named_of_files_and_of_a_dump() {
    let slip = SHOP.replace("kind: Service, name: cart}]", "kind: Service, name: cartt}]");
    let folder = folder(&[("shop.yaml", &slip)]);
    let told = [
        "plaintext: no BackendTLSPolicy selects it",
        "BackendTLSPolicy shop/cart nearly selects it: spec.targetRefs[0]: Service shop/cartt does not exist",
    ];
    assert_tells(&["http://a.test/", "-f", path(&folder)], 0, &told);
    let near_miss = &json(&["http://a.test/", "-f", path(&folder)])["answers"][0]["outcome"]["backends"][0]["nearMiss"];
    assert_eq!(near_miss["policy"], "shop/cart");
    let endpoints = json!({"shop/cart:443": ["192.0.2.7:8443"]});
    let dump = json!({
        "ports": [{"gateway": "shop/web", "port": 80, "protocol": "http", "listeners": [{"name": "http", "hosts": [{
            "hostname": "*", "rules": [{"match": {"path": {"prefix": "/"}}, "route": "shop/everything", "rule": 0,
                "action": {"forward": [{"weight": 1, "backend": "Service/shop/cart:443"}]}}]}]}]}],
        "backends": [{"gateway": "shop/web", "backend": "Service/shop/cart", "port": 443, "tls": "plaintext",
            "endpoints": {"service": "shop/cart:443"}, "nearMiss": near_miss}],
        "endpoints": endpoints,
    });
    let file = folder.path().join("dump");
    fs::write(&file, dump.to_string()).expect("a file");
    assert_tells(&["http://a.test/", "--dump", file.to_str().expect("text")], 0, &told);
}

#[test]
fn where_no_route_takes_a_request_by_any_port_every_port_is_told() {
    let another = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: other, namespace: shop}\n\
                   spec: {gatewayClassName: postern, listeners: [{name: http, protocol: HTTP, port: 81}]}\n";
    let folder = folder(&[("shop.yaml", SHOP), ("other.yaml", another)]);
    let told =
        ["Gateway shop/web, port 80", "hosts     shop.test", "Gateway shop/other, port 81", "404 no route matches"];
    assert_tells(&["http://nowhere/", "-f", path(&folder)], 1, &told);
    let told =
        ["HTTPRoute shop/everything", "Elsewhere\n  client    404 no route matches (no_route) from Gateway shop/other"];
    assert_tells(&["http://a.test/", "-f", path(&folder)], 0, &told);
    let beta = ["--host", "shop.test", "--path", "/cart", "--header", "x-version: 2", "-f", path(&folder)];
    assert_tells(&beta, 1, &["  client    503 the backend has no ready endpoint (no_endpoint)"]);
}

#[test]
fn the_guide_is_explained() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/guide");
    let nginx = ["http://127.0.0.1:8080/", "--header", "host: example.com:8080", "-f", guide];
    let told = [
        "no listener has port 8080",
        "HTTPRoute agentgateway-system/nginx-route rule 0, example.com",
        "TLS by BackendTLSPolicy agentgateway-system/tls-policy, SNI example.com",
        "trusts the certificate itself: CN=example.com, which expired on 2026-07-07",
    ];
    assert_tells(&nginx, 0, &told);
    let httpbin = ["http://httpbin-external.example/anything", "-f", guide];
    let told = ["AgentgatewayBackend/", "sees GET /anything, host httpbin.org", "trusts the system's roots"];
    assert_tells(&httpbin, 0, &told);
}

#[test]
fn json_has_every_part() {
    let folder = folder(&[("shop.yaml", SHOP)]);
    let told = json(&["http://shop.test/cart?q=1", "--header", "x-version: 1", "-f", path(&folder)]);
    let request = json!({"method": "GET", "host": "shop.test", "path": "/cart?q=1",
        "headers": [{"name": "x-version", "value": "1"}]});
    assert_eq!(told["request"], request);
    let answer = &told["answers"][0];
    assert_eq!(
        (&answer["gateway"], &answer["port"], &answer["protocol"]),
        (&json!("shop/web"), &json!(80), &json!("http"))
    );
    assert_eq!(answer["listener"], json!({"name": "http", "hostname": null}));
    let other = json!([{"name": "admin", "hostname": "admin.shop.test", "why": "other_hostname"}]);
    assert_eq!(answer["otherListeners"], other);
    let taken = &answer["taken"];
    assert_eq!((&taken["route"], &taken["rule"], &taken["match"]), (&json!("shop/cart"), &json!(1), &json!("/cart/*")));
    let near: Vec<_> =
        answer["near"].as_array().expect("a list").iter().map(|near| (&near["lost"], &near["by"])).collect();
    let (unmet, precedence) = (&json!("unmet"), &json!("precedence"));
    assert_eq!(near, [(precedence, &json!("hostname")), (unmet, &json!("header")), (unmet, &json!("path"))]);
    let outcome = &answer["outcome"];
    assert_eq!(outcome["kind"], "forward");
    let backends = outcome["backends"].as_array().expect("a list");
    assert_eq!((&backends[0]["weight"], &backends[0]["percent"]), (&json!(3), &json!(75.0)));
    assert_eq!(backends[0]["tls"]["identity"]["sni"], "cart.internal");
    assert_eq!(backends[0]["requestHeaders"], json!({"set": ["x-from: gateway"], "add": [], "remove": ["cookie"]}));
    let failure = &backends[1]["failure"];
    assert_eq!((&failure["status"], &failure["reason"]), (&json!(500), &json!("backend_invalid")));
    assert!(failure["detail"].as_str().expect("text").contains("missing"), "{failure}");

    let told = json(&["http://admin.shop.test/", "-f", path(&folder)]);
    assert_eq!(told["answers"][0]["outcome"]["reason"], "no_route");
    assert_eq!(
        (&told["routes"][0]["route"], &told["listeners"][0]["listener"]),
        (&json!("other/foreign"), &json!("broken"))
    );
    assert!(!told["problems"].as_array().expect("a list").is_empty());
}

#[test]
fn what_could_not_be_read_is_told_with_its_place() {
    let folder = folder(&[("shop.yaml", SHOP), ("torn.yaml", "kind: HTTPRoute\nmetadata: {name: [")]);
    let told = ["404 no route matches", "unread    SyntaxError at ", "torn.yaml:"];
    assert_tells(&["http://nowhere/", "-f", path(&folder)], 1, &told);
}

#[test]
fn much_is_told_briefly_and_wholly_where_all_is_asked_for() {
    let mut many = SHOP.to_owned();
    for place in 0..30 {
        let written = write!(
            many,
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: many-{place}, namespace: shop}}\n\
             spec:\n  parentRefs: [{{name: web}}]\n  rules: [{{backendRefs: [{{name: cart, port: 443}}]}}]\n\
             ---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g-{place}, namespace: shop}}\n\
             spec:\n  gatewayClassName: postern\n  listeners: [{{name: http, protocol: HTTP, port: {}}}]\n",
            8000 + place
        );
        written.expect("it fits");
    }
    let folder = folder(&[("shop.yaml", &many)]);
    let arguments = ["--host", "a.test", "-f", path(&folder)];
    assert_tells(&arguments, 0, &["and 20 more (--all)", "and 27 more (--all)"]);
    let all = text(&explain(&[&arguments[..], &["--all"]].concat()));
    assert!(all.contains("shop/many-29 rule 0") && all.contains("Gateway shop/g-29, port 8029"), "{all}");
    assert!(!all.contains("more (--all)"), "{all}");
    let one = json(&[&arguments[..], &["--gateway", "shop/g-7"]].concat());
    assert_eq!(one["answers"].as_array().map(Vec::len), Some(1));
    assert_eq!(one["answers"][0]["outcome"]["reason"], "no_route");
}

#[test]
fn what_cannot_be_told_is_one_line_and_exit_code_2() {
    let folder = folder(&[("dump.json", "{\"ports\": 1}"), ("text.json", "no JSON"), ("shop.yaml", SHOP)]);
    let shop = folder.path().join("shop.yaml");
    let shop = shop.to_str().expect("text");
    let (dump, text) = (folder.path().join("dump.json"), folder.path().join("text.json"));
    let (dump, text) = (dump.to_str().expect("text"), text.to_str().expect("text"));
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    for (arguments, expected) in [
        (vec!["--dump", dump], "required arguments were not provided"),
        (vec!["http://a.test/", "--dump", "/nowhere/at/all"], "/nowhere/at/all: No such file"),
        (vec!["http://a.test/", "--dump", dump], "is no dump of a configuration: invalid type"),
        (vec!["http://a.test/", "--dump", text], "is no dump of a configuration"),
        (vec!["http://a.test/", "--dump", "https://127.0.0.1:1/"], "an admin port speaks http"),
        (vec!["http://a.test/", "--dump", &format!("http://{nobody}")], "http://127.0.0.1:"),
        (vec!["http://a.test/", "--dump", dump, "-f", dump], "cannot be used with"),
        (vec!["http://a.test/", "-f", "/nowhere/at/all"], "no such file or folder"),
        (
            vec!["http://a.test/", "-f", shop, "--listener", "typo"],
            "no listener has the name or port typo; there are: admin (port 80) of shop/web, http (port 80) of shop/web, \
             broken (port 443) of shop/web",
        ),
        (
            vec!["http://a.test/", "-f", shop, "--listener", "8080"],
            "no listener has the name or port 8080; there are: ",
        ),
        (
            vec!["http://a.test/", "-f", shop, "--gateway", "no/such"],
            "Gateway no/such is not there, or not of our class; there are: shop/web",
        ),
        (vec!["http://a.test/"], "no way to the API server is known"),
    ] {
        let output = explain(&arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(expected), "{arguments:?}: {complaint}");
    }
}

/// Answers lists as an API server does: objects of the files' kinds, and Secrets for nobody.
fn api_server(objects: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let objects = objects.clone();
            std::thread::spawn(move || answer_lists(stream, &objects));
        }
    });
    format!("http://{address}")
}

fn answer_lists(stream: TcpStream, objects: &[Value]) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut stream = stream;
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let plural = target.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
        let (status, body) = match &*plural {
            "secrets" => {
                (403, json!({"kind": "Status", "status": "Failure", "code": 403, "message": "secrets is forbidden"}))
            }
            "agentgatewaybackends" => {
                (404, json!({"kind": "Status", "status": "Failure", "code": 404, "message": "no such kind"}))
            }
            plural => {
                let of_kind = |object: &&Value| {
                    let kind = object["kind"].as_str().unwrap_or_default().to_ascii_lowercase();
                    [format!("{kind}s"), format!("{kind}es"), kind.replace("policy", "policies")]
                        .iter()
                        .any(|one| one == plural)
                };
                let items: Vec<_> = objects.iter().filter(of_kind).collect();
                (200, json!({"metadata": {"resourceVersion": "1"}, "items": items}))
            }
        };
        let body = body.to_string();
        let length = body.len();
        let written = write!(
            stream,
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if written.is_err() {
            return;
        }
    }
}

fn kubeconfig(folder: &Path, server: &str) -> String {
    let config = folder.join("kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "it", "user": {}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    });
    fs::write(&config, text.to_string()).expect("a file");
    config.display().to_string()
}

#[test]
fn a_cluster_is_explained_with_what_may_be_read_of_it() {
    let class = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: postern}\n\
                 spec: {controllerName: gateway.postern.dev/controller}\n---\n";
    let text = class.to_owned() + SHOP;
    let objects = postern::resources::document::read(&text).expect("YAML");
    let server = api_server(objects.into_iter().map(|document| document.value).collect());
    let folder = folder(&[]);
    let config = kubeconfig(folder.path(), &server);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command.arg("explain").args(arguments).env("KUBECONFIG", &config).output().expect("the binary runs")
    };
    let output = run(&["http://a.test/x"]);
    let told = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("HTTPRoute shop/everything rule 0, *.test"), "{told}");
    assert!(told.contains("TLS by BackendTLSPolicy shop/cart"), "{told}");
    let output = run(&["https://a.test/x", "-o", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told["listeners"][0]["listener"], "broken");
    let unread = "Secret shop/nowhere cannot be read, and counts as not there: secrets is forbidden";
    assert_eq!(told["problems"][0]["message"], unread, "{told}");
    let output = run(&["http://a.test/", "--controller-name", "example.com/other"]);
    assert!(text_of(&output).contains("nothing listens there"), "{output:?}");
}

fn text_of(output: &Output) -> String {
    format!("{}{}", text(output), String::from_utf8_lossy(&output.stderr))
}
