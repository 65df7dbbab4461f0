use std::rc::Rc;

use serde_json::json;

use super::super::api_server::{Answer, ApiServer, until};
use super::*;
use crate::plan::backend::{Backend, Tls};
use crate::plan::{EndpointSource, Plan};
use crate::telemetry::{HandshakeRecord, Observer as _, Settings};

fn backend() -> BackendId {
    BackendId { gateway: "infra/web".into(), backend: "Service/shop/cart".into(), port: 8443 }
}

fn telemetry() -> Arc<Telemetry> {
    let telemetry = Telemetry::new(Settings { version: "1", revision: "r", access_log: None });
    let endpoints = EndpointSource::Host { host: "x".into(), port: 1 };
    let backend = Arc::new(Backend { id: backend(), endpoints, tls: Tls::Plaintext, near_miss: None });
    telemetry.plan_applied(&Plan { backends: [(backend.id.clone(), backend)].into(), ..Plan::default() });
    telemetry
}

fn fails(telemetry: &Arc<Telemetry>, evidence: &Evidence) {
    telemetry.worker().handshake(&HandshakeRecord {
        backend: &backend(),
        configured: &Tls::Plaintext,
        policy: "shop/cart-tls",
        endpoint: Some("192.0.2.1:8443".parse().expect("an address")),
        sni: "cart.example.com",
        result: HandshakeResult::NameMismatch,
        tls: None,
        dns: None,
        tcp: None,
        handshake: None,
        evidence,
    });
}

fn regarding() -> Regarding {
    let policies = [("shop/cart-tls".into(), "uid-policy".to_owned())].into();
    Regarding { gateway: Some("uid-gateway".to_owned()), policies }
}

#[actix_rt::test]
async fn a_failure_is_told_of_the_policy_and_of_the_gateway() {
    let server = ApiServer::new([Answer::Of(201, json!({})), Answer::Of(201, json!({}))]).await;
    let telemetry = telemetry();
    fails(&telemetry, &Evidence::of(HandshakeResult::NameMismatch, "no name fits"));
    let reporter = EventReporter {
        look_every: Duration::from_millis(10),
        ..EventReporter::new(server.client.clone(), Some("web-1".into()), telemetry.clone())
    };
    reporter.start().do_send(regarding());
    let asked = Rc::clone(&server.asked);
    until(move || asked.borrow().len() == 2).await;
    let events =
        ["POST /apis/events.k8s.io/v1/namespaces/shop/events?", "POST /apis/events.k8s.io/v1/namespaces/infra/events?"];
    assert_eq!(*server.asked.borrow(), events);
    until(|| telemetry.render().contains("postern_kubernetes_events_total{result=\"written\"} 2")).await;
}

#[actix_rt::test]
async fn what_cannot_be_written_is_counted() {
    let server = ApiServer::new([super::super::api_server::status(403, "events is forbidden")]).await;
    let telemetry = telemetry();
    fails(&telemetry, &Evidence::default());
    let reporter = EventReporter {
        look_every: Duration::from_millis(10),
        ..EventReporter::new(server.client.clone(), None, telemetry.clone())
    };
    let events = ["POST /apis/events.k8s.io/v1/namespaces/shop/events?"];
    reporter.start().do_send(Regarding { gateway: None, ..regarding() });
    until(|| telemetry.render().contains("postern_kubernetes_events_total{result=\"failed\"} 1")).await;
    assert_eq!(*server.asked.borrow(), events);
}

#[test]
fn an_event_says_the_word_and_the_remedy_first() {
    let telemetry = telemetry();
    let long = "x".repeat(2000);
    fails(&telemetry, &Evidence::of(HandshakeResult::NameMismatch, &*long));
    let last = telemetry.observations().get(&backend()).expect("told");
    let event = event(Turn::Failing(HandshakeResult::NameMismatch), &backend(), &last);
    let note = event.note.expect("a note");
    let begin =
        "name_mismatch: TLS from Gateway infra/web to Service/shop/cart:8443 at 192.0.2.1:8443 fails. The backend's";
    assert!(note.starts_with(begin), "{note}");
    assert!(note.contains(HandshakeResult::NameMismatch.remedy()), "{note}");
    assert!(note.len() <= NOTE && note.ends_with('…'), "{}", note.len());
    assert_eq!((event.reason.as_str(), event.action.as_str()), ("TLSHandshakeFailing", "Handshake:name_mismatch"));
    assert_eq!(event.secondary.expect("the backend").name.as_deref(), Some("cart"));
}
