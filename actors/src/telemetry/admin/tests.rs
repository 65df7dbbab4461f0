use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Servers, serve};
use crate::outcome::HandshakeResult;
use crate::plan::{Endpoint, Endpoints, ServicePort};
use crate::telemetry::tests::{failed, id, originate, plan, poisoned, succeeded, telemetry, tls_info};
use crate::telemetry::{LogLevel, Observer, Readiness, Status};

#[derive(Default)]
struct Level(Mutex<String>);

impl LogLevel for Level {
    fn get(&self) -> String {
        self.0.lock().expect("no panic").clone()
    }
    fn set(&self, directives: &str) -> Result<(), String> {
        if directives.contains(' ') {
            return Err("a directive has no spaces".to_owned());
        }
        directives.clone_into(&mut self.0.lock().expect("no panic"));
        Ok(())
    }
}

struct Running {
    status: Arc<Status>,
    admin: SocketAddr,
    metrics: SocketAddr,
    ready: SocketAddr,
    servers: Servers,
}

impl Running {
    fn start(log_level: Option<Box<dyn LogLevel>>) -> Self {
        let status = Arc::new(Status::new(telemetry(), Readiness::new(["configuration"]), log_level));
        let [(admin, one), (metrics, two), (ready, three)] = [(); 3].map(|()| {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            (socket.local_addr().expect("an address"), socket)
        });
        let servers = serve(Some(one), Some(two), Some(three), &status).expect("servers");
        Self { status, admin, metrics, ready, servers }
    }
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut response = awc::Client::new().get(format!("http://{address}{path}")).send().await.expect("an answer");
    let body = response.body().limit(1 << 24).await.expect("a body");
    (response.status().as_u16(), String::from_utf8(body.to_vec()).expect("text"))
}

async fn put(address: SocketAddr, path: &str, body: &'static str) -> (u16, String) {
    let request = awc::Client::new().put(format!("http://{address}{path}"));
    let mut response = request.send_body(body).await.expect("an answer");
    let body = response.body().await.expect("a body");
    (response.status().as_u16(), String::from_utf8(body.to_vec()).expect("text"))
}

#[actix_web::test]
async fn readiness_says_what_it_waits_for() {
    let running = Running::start(None);
    assert_eq!(get(running.ready, "/healthz/ready").await, (503, "configuration\n".into()));
    assert_eq!(get(running.ready, "/healthz/live").await, (200, "alive\n".into()));
    running.status.readiness.pending_detail("configuration", "no files");
    assert_eq!(get(running.ready, "/healthz/ready").await, (503, "configuration: no files\n".into()));
    running.status.readiness.done("configuration");
    assert_eq!(get(running.ready, "/healthz/ready").await, (200, "ready\n".into()));
    running.status.readiness.draining();
    assert_eq!(get(running.ready, "/healthz/ready").await, (503, "draining\n".into()));
    running.servers.stop().await;
}

#[actix_web::test]
async fn each_socket_has_its_own_pages() {
    let running = Running::start(None);
    for (address, served, others) in [
        (running.admin, "/config_dump", ["/metrics", "/healthz/ready"]),
        (running.metrics, "/metrics", ["/config_dump", "/healthz/ready"]),
        (running.ready, "/healthz/live", ["/config_dump", "/metrics"]),
    ] {
        assert_eq!(get(address, served).await.0, 200, "{served}");
        for path in others {
            assert_eq!(get(address, path).await.0, 404, "{path} beside {served}");
        }
    }
    assert_eq!(put(running.admin, "/config_dump", "x").await.0, 405);
}

#[actix_web::test]
async fn metrics_are_scraped() {
    let running = Running::start(None);
    running.status.telemetry.plan_applied(&plan([("a", originate())]));
    let response = awc::Client::new().get(format!("http://{}/metrics", running.metrics)).send().await;
    let mut response = response.expect("an answer");
    assert_eq!(response.headers().get("content-type").expect("a type"), "text/plain; version=0.0.4; charset=utf-8");
    let body = response.body().await.expect("a body");
    let body = String::from_utf8_lossy(&body);
    // The process itself does not stand still.
    let ours =
        |text: &str| text.lines().filter(|line| line.contains("postern_")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(ours(&body), ours(&running.status.telemetry.render()));
    assert!(body.contains("result=\"ok\",resumed=\"true\"} 0"));
}

#[actix_web::test]
async fn the_configuration_is_dumped_with_its_endpoints() {
    let running = Running::start(None);
    let plan = Arc::new(plan([("a", originate())]));
    running.status.set_plan(plan.clone());
    let service = ServicePort { namespace: "ns".into(), name: "nginx".into(), port: 8443 };
    let endpoint = Endpoint { address: ([10, 0, 0, 1], 443).into() };
    running.status.set_endpoints(Arc::new(Endpoints::from([(service, [endpoint].as_slice().into())])));
    let (status, body) = get(running.admin, "/config_dump").await;
    let mut expected = plan.describe();
    expected["endpoints"] = json!({ "ns/nginx:8443": ["10.0.0.1:443"] });
    assert_eq!((status, serde_json::from_str::<Value>(&body).expect("JSON")), (200, expected));
}

#[actix_web::test]
async fn the_last_handshakes_are_told() {
    let running = Running::start(None);
    let telemetry = &running.status.telemetry;
    telemetry.plan_applied(&plan([("a", originate()), ("b", originate())]));
    let (worker, tls) = (telemetry.worker(), tls_info());
    worker.handshake(&succeeded(&id("a"), &tls));
    worker.handshake(&failed(&id("b"), HandshakeResult::Expired));
    let (_, body) = get(running.admin, "/tls").await;
    let value: Value = serde_json::from_str(&body).expect("JSON");
    let told = |at: usize, field: &str| value["handshakes"][at][field].clone();
    assert_eq!([told(0, "backend"), told(0, "result")], [json!("Service/ns/a"), json!("ok")]);
    assert_eq!(told(0, "established")["peerNotAfter"], json!(1_800_000_000));
    assert_eq!([told(1, "backend"), told(1, "result")], [json!("Service/ns/b"), json!("expired")]);
    assert_eq!([told(1, "consecutiveFailures"), told(1, "established")], [json!(1), Value::Null]);
}

#[actix_web::test]
async fn the_overview_is_a_page_that_needs_nothing_and_trusts_nothing() {
    let running = Running::start(None);
    let plan = Arc::new(plan([("a", originate()), ("bad", poisoned())]));
    running.status.telemetry.plan_applied(&plan);
    running.status.set_plan(plan);
    running.status.telemetry.worker().handshake(&failed(&id("a"), HandshakeResult::NameMismatch));

    let mut response = awc::Client::new().get(format!("http://{}/", running.admin)).send().await.expect("an answer");
    let policy = response.headers().get("content-security-policy").expect("a policy").clone();
    assert!(policy.to_str().expect("text").starts_with("default-src 'none'; style-src 'self';"));
    assert_eq!(response.headers().get("x-content-type-options").expect("a header"), "nosniff");
    assert_eq!(response.headers().get("content-type").expect("a type"), "text/html; charset=utf-8");
    let body = response.body().await.expect("a body");
    let page = String::from_utf8_lossy(&body);
    for text in [
        "not ready: configuration",
        "ns/gw",
        "ns/route rule 0",
        "Service/ns/a:8443",
        "name_mismatch, ",
        "presented for &lt;other&gt;.example",
        "ca_unavailable: no &lt;CA&gt; &amp; no &quot;hope&quot;",
    ] {
        assert!(page.contains(text), "{text} in\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains("://"), "nothing from elsewhere:\n{page}");
    assert_eq!(get(running.admin, "/style.css").await.0, 200);
}

#[actix_web::test]
async fn contact_with_kubernetes_is_told_and_readiness_does_not_depend_on_it() {
    let running = Running::start(None);
    running.status.readiness.done("configuration");
    assert!(!get(running.admin, "/").await.1.contains("Kubernetes"), "not of a gateway on files");
    let (contact, dump) = (&running.status.contact, get(running.admin, "/config_dump").await);

    contact.regained("HTTPRoute");
    assert!(get(running.admin, "/").await.1.contains("<p class=\"ok\">in touch with Kubernetes</p>"));

    contact.lost("HTTPRoute", "connection <refused>");
    contact.lost("Gateway", "timed out");
    let (_, page) = get(running.admin, "/").await;
    let told = page.split_once("<p class=\"bad\">out of touch with Kubernetes since ").expect("is told").1;
    let (since, causes) = told.split_once("Z: ").expect("a time");
    assert_eq!((since.len(), &since[..2]), ("2026-01-02T03:04:05".len(), "20"), "{since}");
    assert!(causes.starts_with("Gateway: timed out; HTTPRoute: connection &lt;refused&gt;</p>"), "{causes}");
    assert!(!page.contains("in touch with"), "{page}");
    assert_eq!(get(running.ready, "/healthz/ready").await, (200, "ready\n".into()));
    assert_eq!(get(running.admin, "/config_dump").await, dump);
}

#[actix_web::test]
async fn the_log_level_is_told_and_set() {
    let running = Running::start(Some(Box::new(Level(Mutex::new("info".into())))));
    assert_eq!(get(running.admin, "/logging").await, (200, "info\n".into()));
    assert_eq!(put(running.admin, "/logging", "postern=debug\n").await, (200, "postern=debug\n".into()));
    assert_eq!(put(running.admin, "/logging", "two words").await, (400, "a directive has no spaces\n".into()));
    assert_eq!(get(running.admin, "/logging").await, (200, "postern=debug\n".into()));
    assert_eq!(get(Running::start(None).admin, "/logging").await.0, 404);
}
