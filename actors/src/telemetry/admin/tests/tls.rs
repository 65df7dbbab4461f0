//! How backends are spoken to, for browsers and for everybody else.

use super::*;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::{Poison, Tls};
use crate::telemetry::Observer;
use crate::telemetry::tests::{failed, id, poisoned, succeeded, tls_info};

fn running() -> Running {
    let all =
        [("a", originate()), ("b", originate()), ("bad", poisoned()), ("new", originate()), ("plain", Tls::Plaintext)];
    let running = Running::serving(plan(all));
    let (worker, tls) = (running.status.telemetry.worker(), tls_info());
    worker.handshake(&succeeded(&id("a"), &tls));
    let resumed = crate::telemetry::TlsInfo { resumed: true, ..tls };
    for _ in 0..3 {
        worker.handshake(&succeeded(&id("a"), &resumed));
    }
    worker.handshake(&failed(&id("b"), HandshakeResult::Expired));
    running
}

async fn json(running: &Running, path: &str) -> Value {
    let (status, body) = get(running.admin, path).await;
    assert_eq!(status, 200);
    serde_json::from_str(&body).expect("JSON")
}

#[actix_web::test]
async fn who_reads_no_html_gets_the_last_handshakes_as_json() {
    let running = running();
    let value = json(&running, "/tls").await;
    let told = |at: usize, field: &str| value["handshakes"][at][field].clone();
    assert_eq!([told(0, "backend"), told(0, "result")], [json!("Service/ns/a"), json!("ok")]);
    assert_eq!(told(0, "established")["peerNotAfter"], json!(1_800_000_000));
    assert_eq!(told(0, "counts"), json!({ "full": 1, "resumed": 3, "failed": 0 }));
    assert_eq!([told(1, "backend"), told(1, "result")], [json!("Service/ns/b"), json!("expired")]);
    assert_eq!([told(1, "consecutiveFailures"), told(1, "established")], [json!(1), Value::Null]);
    assert_eq!(told(1, "evidence")["cause"], json!("presented for <other>.example"));
    assert_eq!(told(1, "chain"), json!([]));
    let names = |value: &Value, field: &str| -> Vec<String> {
        let list = value[field].as_array().expect("a list").iter();
        list.map(|entry| {
            format!("{} {}", entry["backend"].as_str().expect("a name"), entry["result"].as_str().expect("a word"))
        })
        .collect()
    };
    let expected = ["b expired", "bad ca_unavailable", "a ok", "new none", "plain plaintext"]
        .map(|name| format!("Service/ns/{name}"));
    assert_eq!(names(&value, "backends"), expected);
    assert_eq!(value["backends"][2]["identity"]["sni"], json!("example.com"));

    let failing = json(&running, "/tls?format=json&result=failing").await;
    assert_eq!(names(&failing, "backends"), expected[..2]);
    assert_eq!(names(&failing, "handshakes"), expected[..1]);
}

#[actix_web::test]
async fn a_browser_gets_an_article_a_backend_the_failing_first() {
    let running = running();
    let shown = page(running.admin, "/tls").await;
    let ids = ["b", "bad", "a", "new"].map(|name| format!("ns/gw/Service/ns/{name}:8443"));
    assert_eq!(shown.attributes("article", "id"), ids);
    assert_eq!(
        shown.attributes("article", "data-backend"),
        ["b", "bad", "a", "new"].map(|name| format!("Service/ns/{name}:8443"))
    );
    assert_eq!(shown.attributes("article", "data-result"), ["expired", "ca_unavailable", "ok", "none"]);
    assert_eq!(shown.texts(".summary li"), ["✗ 2 failing", "– 0 to be looked at", "✓ 1 good", "– 1 not tried yet"]);
    let remedies = shown.texts("article .remedy");
    assert!(remedies[0].contains(HandshakeResult::Expired.remedy()), "{remedies:?}");
    assert!(remedies[1].contains(HandshakeResult::CaUnavailable.remedy()), "{remedies:?}");
    let fact = |name: &str| shown.fact("article[data-result=ok]", name);
    assert_eq!(fact("Policy"), "BackendTLSPolicy ns/policy");
    assert_eq!(fact("Versions"), "TLS 1.2 to 1.3");
    assert_eq!(fact("Negotiated"), "TLS 1.3, TLS_AES_256_GCM_SHA384, ALPN http/1.1, resumed");
    assert_eq!(fact("Resumed"), "3 (75% of those that succeeded)");
    assert_eq!(shown.texts("[aria-labelledby=plaintext] tbody th"), ["Service/ns/plain:8443"]);

    assert_eq!(page(running.admin, "/tls?result=failing").await.texts("article").len(), 2);
    assert_eq!(page(running.admin, "/tls?result=expired").await.attributes("article", "id"), ids[..1]);
    assert_eq!(page(running.admin, "/tls?q=NEW").await.attributes("article", "id"), ids[3..]);
    assert!(get(running.admin, "/tls?format=html").await.1.starts_with("<!DOCTYPE html>"));
}

#[actix_web::test]
async fn what_cannot_be_used_is_named() {
    let poisoned =
        |reason| Tls::Poisoned(Poison { reason, message: "a cause".into(), policy: Some("ns/policy".into()) });
    for (reason, what) in [
        (Reason::Handshake(HandshakeResult::ClientCertUnavailable), "The Gateway's client certificate"),
        (Reason::Handshake(HandshakeResult::PolicyInvalid), "The policy"),
        (Reason::BackendInvalid, "The backend"),
    ] {
        let running = Running::serving(plan([("a", poisoned(reason))]));
        let trouble = page(running.admin, "/tls").await.only(".trouble");
        assert!(trouble.contains(&format!("{what} cannot be used: requests get 500.")), "{trouble}");
    }
}

#[actix_web::test]
async fn a_failure_that_is_over_is_still_told() {
    let running = running();
    running.status.telemetry.worker().handshake(&succeeded(&id("b"), &tls_info()));
    let shown = page(running.admin, "/tls?q=ns/b:").await;
    let article = shown.only("article");
    assert!(shown.only(".trouble").starts_with("! The last handshake succeeded, but one failed"), "{article}");
    assert!(article.contains("Last failure expired, 20"), "{article}");
    assert!(shown.only(".remedy").contains(HandshakeResult::Expired.remedy()));
}

#[actix_web::test]
async fn of_many_backends_the_first_are_shown_and_the_filter_finds_the_others() {
    let names: Vec<_> = (0..300).map(|at| format!("backend-{at:03}")).collect();
    let running = Running::serving(plan(names.iter().map(|name| (&**name, originate()))));
    running.status.telemetry.worker().handshake(&failed(&id("backend-299"), HandshakeResult::NotTls));
    let shown = page(running.admin, "/tls").await;
    let ids = shown.attributes("article", "id");
    assert_eq!(
        (ids.len(), &*ids[0]),
        (200, "ns/gw/Service/ns/backend-299:8443"),
        "the one that fails is among the first"
    );
    assert!(shown.texts(".note")[0].starts_with("300 backends; the first 200 are shown"), "{:?}", shown.texts(".note"));
    assert_eq!(page(running.admin, "/tls?q=backend-298").await.texts("article").len(), 1);
}
