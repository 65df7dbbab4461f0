//! What the overview says, the worst first.

use super::*;
use crate::outcome::HandshakeResult;
use crate::plan::matching::{Match, PathMatch, RuleTableBuilder};
use crate::plan::rule::{Action, Rule, Timeouts};
use crate::plan::{EndpointSource, HostTable, Listener, Port, Protocol, Tls};
use crate::telemetry::tests::{failed, id, nearly, poisoned, succeeded, tls_info};
use crate::telemetry::{Observer, Problem};

#[actix_web::test]
async fn it_needs_nothing_from_elsewhere() {
    let running = Running::serving(plan([("a", originate())]));
    let shown = page(running.admin, "/").await;
    let header = |name: &str| shown.headers.get(name).expect("a header").to_str().expect("text").to_owned();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert!(!shown.text.contains("<script") && !shown.text.contains("://"), "{}", shown.text);
    assert_eq!(get(running.admin, "/style.css").await.0, 200);
    assert_eq!(get(running.admin, "/favicon.ico").await.0, 204);
}

#[actix_web::test]
async fn it_says_what_is_waited_for_and_since_when_all_is_in_sync() {
    let running = Running::serving(plan([("a", originate())]));
    let standing = |page: &Page, name: &str| page.fact(".standing", name);
    let shown = page(running.admin, "/").await;
    assert_eq!(standing(&shown, "Readiness"), "✗ not ready: configuration");
    assert_eq!(standing(&shown, "Configuration"), "– none was applied yet");
    assert!(shown.only(".version").contains("1.2.3"));

    running.status.readiness.done("configuration");
    running.status.telemetry.config_applied(true);
    running.status.telemetry.config_in_sync(true);
    let shown = page(running.admin, "/").await;
    assert_eq!(standing(&shown, "Readiness"), "✓ ready");
    assert!(standing(&shown, "Configuration").starts_with("✓ in sync since 20"), "{}", shown.text);

    running.status.telemetry.config_in_sync(false);
    let told = standing(&page(running.admin, "/").await, "Configuration");
    let expected = "✗ not in sync: not every worker serves the newest of ns/gw , the last that all served is of 20";
    assert!(told.starts_with(expected), "{told}");
}

#[actix_web::test]
async fn what_fails_comes_first_with_its_remedy() {
    let running = Running::serving(plan([
        ("a", originate()),
        ("b", originate()),
        ("bad", poisoned()),
        ("plain", Tls::Plaintext),
    ]));
    let nothing = page(Running::serving(plan([("a", originate())])).admin, "/").await.only("section.wrong");
    assert!(nothing.contains("✓ Nothing"), "{nothing}");

    let worker = running.status.telemetry.worker();
    worker.handshake(&succeeded(&id("a"), &tls_info()));
    for _ in 0..3 {
        worker.handshake(&failed(&id("b"), HandshakeResult::Expired));
    }
    let shown = page(running.admin, "/").await;
    assert_eq!(shown.attributes(".trouble", "data-backend"), ["Service/ns/b:8443", "Service/ns/bad:8443"]);
    assert_eq!(shown.attributes(".trouble", "data-result"), ["expired", "ca_unavailable"]);
    assert!(shown.texts(".trouble")[0].contains(": 3 handshakes in a row."), "{}", shown.text);
    assert!(shown.texts(".trouble")[0].contains("BackendTLSPolicy ns/policy"), "{}", shown.text);
    assert!(shown.texts(".trouble")[0].contains("Concerns * /* (ns/route rule 0)"), "{}", shown.text);
    assert!(shown.texts(".trouble .remedy")[0].starts_with("What to do: Renew the backend's certificate"));
    assert_eq!(shown.texts(".trouble .cause"), ["presented for <other>.example", "no <CA> & no \"hope\""]);
    assert_eq!(
        shown.attributes(".trouble a", "href"),
        ["/tls#ns/gw/Service/ns/b:8443", "/tls#ns/gw/Service/ns/bad:8443"]
    );
    assert!(shown.only("section.wrong").starts_with("What is wrong ✗ Failing: 2 backends"), "{}", shown.text);
    assert!(shown.only("section.wrong").contains("1 match cannot be served as configured"));
    let actions = shown.texts("#routes ~ .scroll td li");
    assert!(actions[0].starts_with("Service/ns/a:8443 over TLS"), "{actions:?}");
    assert!(actions[2].contains("✗ 500 ca_unavailable: no <CA> & no \"hope\""), "{actions:?}");
    assert!(actions[1].ends_with("✗ expired"), "{actions:?}");
    assert!(actions[3].starts_with("Service/ns/plain:8443 in plaintext"), "{actions:?}");
}

#[actix_web::test]
async fn a_service_without_endpoints_is_to_be_looked_at() {
    let mut all = plan([("a", Tls::Plaintext)]);
    let service = ServicePort { namespace: "ns".into(), name: "a".into(), port: 8443 };
    let backend = crate::plan::Backend {
        id: id("a"),
        endpoints: EndpointSource::Service(service),
        tls: Tls::Plaintext,
        near_miss: None,
    };
    all.backends.insert(id("a"), Arc::new(backend));
    let shown = page(Running::serving(all).admin, "/").await;
    assert!(shown.only(".trouble").contains("There is no ready endpoint: requests get 503."));
}

#[actix_web::test]
async fn what_is_wrong_with_the_configuration_is_told_the_errors_first() {
    let running = Running::serving(plan([("a", originate())]));
    let problem = |is_error, subject: &str| Problem {
        is_error,
        subject: subject.into(),
        message: "is <wrong>".into(),
        hint: "mend it".into(),
    };
    running.status.telemetry.set_problems([problem(false, "a.yaml:3"), problem(true, "b.yaml:7")].into());
    let shown = page(running.admin, "/").await;
    let told = ["✗ error b.yaml:7 is <wrong> What to do: mend it", "! warning a.yaml:3 is <wrong> What to do: mend it"];
    assert_eq!(shown.texts(".problem"), told);
    assert!(!shown.text.contains("Nothing that this process knows of"));
    running.status.telemetry.set_problems([].into());
    assert!(page(running.admin, "/").await.only("section.wrong").contains("✓ Nothing that this process knows of"));
}

#[actix_web::test]
async fn a_policy_that_nearly_selects_a_backend_is_to_be_looked_at() {
    let mut all = plan([("a", Tls::Plaintext)]);
    all.backends.extend([nearly()]);
    let running = Running::serving(all);
    let shown = page(running.admin, "/").await;
    let words = "It is spoken to in plaintext, and BackendTLSPolicy ns/slip nearly selects it: there is no <Service> ns/nearlyy";
    assert!(shown.only(".trouble").contains(words), "{}", shown.text);
    assert!(page(running.admin, "/tls").await.text.contains("BackendTLSPolicy ns/slip nearly selects it"));
    let (_, json) = get(running.admin, "/tls?format=json").await;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let near: Vec<_> =
        json["backends"].as_array().expect("a list").iter().map(|one| &one["nearMiss"]["policy"]).collect();
    assert_eq!(near, [&json!("ns/slip"), &Value::Null], "what is to be looked at comes first");
}

#[actix_web::test]
async fn contact_with_kubernetes_is_told_and_readiness_does_not_depend_on_it() {
    let running = Running::serving(plan([("a", originate())]));
    running.status.readiness.done("configuration");
    assert!(!page(running.admin, "/").await.text.contains("Kubernetes"), "not of a gateway on files");
    let (contact, dump) = (&running.status.contact, get(running.admin, "/config_dump").await);

    contact.regained("HTTPRoute");
    assert_eq!(page(running.admin, "/").await.fact(".standing", "Kubernetes"), "✓ in touch with Kubernetes");

    contact.lost("HTTPRoute", "connection <refused>");
    contact.lost("Gateway", "timed out");
    let told = page(running.admin, "/").await.fact(".standing", "Kubernetes");
    assert!(told.starts_with("✗ out of touch with Kubernetes since 20"), "{told}");
    assert!(told.ends_with("Gateway: timed out HTTPRoute: connection <refused>"), "{told}");
    assert_eq!(get(running.ready, "/healthz/ready").await, (200, "ready\n".into()));
    assert_eq!(get(running.admin, "/config_dump").await, dump);
}

/// A listener without certificates only holds its hostname.
#[actix_web::test]
async fn listeners_are_told_by_gateway() {
    let mut all = plan([("a", originate())]);
    let mut listeners = HostTable::default();
    let held = Listener {
        name: "held".into(),
        hostname: Some("a.example".into()),
        certificates: Vec::new(),
        routes: HostTable::default(),
    };
    listeners.insert(Some("a.example"), Arc::new(held));
    all.ports.push(Arc::new(Port { gateway: "ns/other".into(), port: 443, protocol: Protocol::Https, listeners }));
    let shown = page(Running::serving(all).admin, "/").await;
    assert_eq!(shown.texts("[aria-labelledby=gateways] h3"), ["ns/gw", "ns/other"]);
    let rows = shown.texts("[aria-labelledby=gateways] tbody tr");
    assert_eq!(rows, ["http 80 HTTP * 1 none", "held 443 HTTPS a.example – none ✗ none can be used: handshakes fail"]);
}

/// A listener with so many routes, of which one cannot be served.
fn many(routes: usize) -> Plan {
    let mut rules = RuleTableBuilder::default();
    for at in 0..routes {
        let forward = Action::Forward(crate::plan::rule::WeightedBackends::default());
        let redirect = crate::plan::filter::Redirect {
            scheme: None,
            hostname: None,
            port: None,
            path: None,
            status: http::StatusCode::FOUND,
        };
        let rule = Rule {
            route: format!("ns/route-{at}").into(),
            index: 0,
            name: None,
            filters: crate::plan::filter::Filters::default(),
            action: if at == routes - 1 { forward } else { Action::Redirect(redirect) },
            timeouts: Timeouts::default(),
        };
        let path = PathMatch::Exact(format!("/{at}").into());
        rules.push(Match { path, method: None, headers: Vec::new(), query: Vec::new() }, Arc::new(rule));
    }
    let mut hosts = HostTable::default();
    hosts.insert(None, rules.build());
    let mut listeners = HostTable::default();
    let listener = Listener { name: "http".into(), hostname: None, certificates: Vec::new(), routes: hosts };
    listeners.insert(None, Arc::new(listener));
    let port = Port { gateway: "ns/gw".into(), port: 80, protocol: Protocol::Http, listeners };
    Plan { ports: vec![Arc::new(port)], ..Plan::default() }
}

#[actix_web::test]
async fn five_thousand_routes_stay_readable() {
    let running = Running::serving(many(5_000));
    let shown = page(running.admin, "/").await;
    assert!(shown.text.len() < 200_000, "{} bytes", shown.text.len());
    let notes = shown.texts(".note");
    assert!(
        notes.contains(
            &"5,000 matches; the first 200 are shown, the worst first: filter to find the others.".to_owned()
        ),
        "{notes:?}"
    );
    let routes = |page: &Page| page.texts("#routes ~ .scroll tbody th");
    assert_eq!(routes(&shown).len(), 200);
    assert_eq!(routes(&shown)[0], "ns/route-4999 rule 0", "the one that cannot be served");
    assert_eq!(routes(&page(running.admin, "/?q=ROUTE-4321+redirect").await), ["ns/route-4321 rule 0"]);
    assert!(routes(&page(running.admin, "/?q=nowhere").await).is_empty());
}

#[actix_web::test]
async fn a_controller_serves_nothing_and_says_whether_it_leads() {
    let running = Running::start(None);
    running.status.telemetry.leads(false);
    running.status.contact.watching();
    let shown = page(running.admin, "/").await;
    assert!(shown.fact(".standing", "Controller").contains("not the leader"));
    assert_eq!(shown.fact(".standing", "Readiness"), "✗ not ready: configuration");
    assert_eq!(shown.attributes("nav a", "href"), ["/", "/logging", "/config_dump"]);
    assert!(shown.texts("table").is_empty());
    running.status.telemetry.leads(true);
    assert!(page(running.admin, "/").await.fact(".standing", "Controller").contains("✓ leader"));
}
