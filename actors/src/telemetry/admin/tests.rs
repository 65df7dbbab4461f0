use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, ORIGIN};
use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::{Servers, serve};
use crate::plan::{Endpoint, Endpoints, Plan, ServicePort};
use crate::telemetry::tests::{originate, plan, telemetry};
use crate::telemetry::{LogLevel, Readiness, Status};

mod every_page;
mod logging;
mod overview;
mod pools;
mod strangers;
mod tls;

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

    /// Serves a plan, as the supervisor tells it.
    fn serving(plan: Plan) -> Self {
        let running = Self::start(Some(Box::new(Level(Mutex::new("info".into())))));
        running.status.telemetry.plan_applied(&plan);
        running.status.set_plan(Arc::new(plan));
        running
    }
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut response = awc::Client::new().get(format!("http://{address}{path}")).send().await.expect("an answer");
    let body = response.body().limit(1 << 24).await.expect("a body");
    (response.status().as_u16(), String::from_utf8(body.to_vec()).expect("text"))
}

/// As a browser asks. What comes must be HTML without an error.
async fn page(address: SocketAddr, path: &str) -> Page {
    let request =
        awc::Client::new().get(format!("http://{address}{path}")).insert_header((ACCEPT, "text/html,*/*;q=0.8"));
    let mut response = request.send().await.expect("an answer");
    let body = response.body().limit(1 << 24).await.expect("a body");
    let (status, headers) = (response.status(), response.headers().clone());
    assert_eq!(headers.get(CONTENT_TYPE).expect("a type"), "text/html; charset=utf-8", "{path}");
    let text = String::from_utf8(body.to_vec()).expect("text");
    let html = Html::parse_document(&text);
    assert!(html.errors.is_empty(), "{path}: {:?} in\n{text}", html.errors);
    Page { status, headers, text, html }
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
    html: Html,
}

impl Page {
    /// The text of each element that a selector takes.
    fn texts(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let elements = self.html.select(&selector);
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        elements.map(|element| words(element.text().collect::<Vec<_>>().join(" "))).collect()
    }

    /// The text of the one element that a selector takes.
    #[track_caller]
    fn only(&self, selector: &str) -> String {
        let texts = self.texts(selector);
        assert_eq!(texts.len(), 1, "{selector} in\n{}", self.text);
        texts.into_iter().next().expect("one")
    }

    /// An attribute of each element that a selector takes and that has it.
    fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        self.html.select(&selector).filter_map(|element| element.attr(name).map(str::to_owned)).collect()
    }

    /// What a fact of the page says, by its name.
    #[track_caller]
    fn fact(&self, within: &str, name: &str) -> String {
        let names = self.texts(&format!("{within} dt"));
        let at = names.iter().position(|found| found == name).unwrap_or_else(|| panic!("{name} among {names:?}"));
        self.texts(&format!("{within} dd")).swap_remove(at)
    }
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
    let (_, told) = get(running.admin, "/tsl").await;
    assert_eq!(told, "there is no /tsl; there are /, /tls, /pools, /logging and /config_dump\n");
    for (address, path) in [(running.admin, "/"), (running.metrics, "/metrics"), (running.ready, "/healthz/live")] {
        let url = format!("http://{address}{path}");
        let mut response = awc::Client::new().head(url).send().await.expect("an answer");
        let body = response.body().await.expect("no body");
        assert_eq!((response.status().as_u16(), body.len()), (200, 0), "HEAD {path}");
    }
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
    expected["certificates"] = json!({});
    assert_eq!((status, serde_json::from_str::<Value>(&body).expect("JSON")), (200, expected));
}
