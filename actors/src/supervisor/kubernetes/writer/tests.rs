use std::cell::RefCell;

use actix::Addr;
use serde_json::json;

use super::super::api_server::{Answer, ApiServer, status, until};
use super::*;
use crate::telemetry::Settings;

const ROUTES: Resource = Resource {
    group: "gateway.networking.k8s.io",
    versions: &["v1", "v1beta1"],
    kind: "HTTPRoute",
    plural: "httproutes",
};

fn done() -> Answer {
    Answer::Of(200, json!({}))
}

fn write(name: &str, action: Action, based_on: &str) -> Write {
    Write {
        resource: ROUTES,
        namespace: Some("a".into()),
        name: name.into(),
        action,
        based_on: based_on.into(),
        cause: Some("a/web".into()),
    }
}

fn set_status(name: &str, based_on: &str) -> Write {
    write(name, Action::Status(json!({"status": {}})), based_on)
}

/// What belongs to nobody is somebody else's.
fn is_foreign(live: &Value, _: &Value) -> bool {
    live["owner"].is_null()
}

type Outcomes = Rc<RefCell<Vec<Option<String>>>>;

fn start(server: &ApiServer) -> (Addr<Writer>, Outcomes) {
    let telemetry = Telemetry::new(Settings { version: "0", revision: "0", access_log: None });
    let outcomes = Outcomes::default();
    let told = outcomes.clone();
    let writer = Writer::new(server.client.clone(), "tester", is_foreign, telemetry, move |written| {
        told.borrow_mut().push(written.error);
    });
    (writer.start(), outcomes)
}

async fn asked(server: &ApiServer, count: usize) -> Vec<String> {
    until(|| server.asked.borrow().len() >= count).await;
    server.asked.borrow().clone()
}

#[actix::test]
async fn only_the_leader_writes_and_nothing_twice_on_the_same_state() {
    let server = ApiServer::new([done(), done()]).await;
    let (writer, outcomes) = start(&server);
    let all = |based_on: &str| WriteAll(vec![vec![set_status("r", based_on)]]);
    writer.send(all("1")).await.expect("it lives");
    assert!(server.asked.borrow().is_empty());
    writer.send(Leading(true)).await.expect("it lives");
    until(|| outcomes.borrow().len() == 1).await;
    writer.send(all("1")).await.expect("it lives");
    writer.send(all("2")).await.expect("it lives");
    let asked = asked(&server, 2).await;
    let path = "PATCH /apis/gateway.networking.k8s.io/v1/namespaces/a/httproutes/r/status?&fieldManager=tester";
    assert_eq!(asked, [path, path]);
    until(|| outcomes.borrow().len() == 2).await;
    assert_eq!(server.asked.borrow().len(), 2, "the first one was not written again");
}

#[actix::test]
async fn what_failed_is_told_and_tried_again_and_a_conflict_is_no_failure() {
    let server = ApiServer::new([status(403, "quota exceeded"), status(409, "somebody was faster"), done()]).await;
    let (writer, outcomes) = start(&server);
    writer.do_send(Leading(true));
    writer.do_send(WriteAll(vec![vec![write("r", Action::Apply(json!({"kind": "HTTPRoute"})), "1")]]));
    let asked = asked(&server, 3).await;
    assert!(asked.iter().all(|request| request.starts_with("PATCH ") && request.contains("force=true")), "{asked:?}");
    until(|| outcomes.borrow().len() == 3).await;
    let outcomes = outcomes.borrow();
    assert_eq!(outcomes[0].as_deref(), Some("quota exceeded"), "in the API server's own words");
    assert_eq!(outcomes[1..], [None, None]);
}

#[actix::test]
async fn what_is_gone_needs_no_status_and_no_deletion() {
    let server = ApiServer::new([status(404, "not found"), status(404, "not found")]).await;
    let (writer, outcomes) = start(&server);
    writer.do_send(Leading(true));
    let gone = vec![set_status("r", "1"), write("s", Action::Delete { uid: "u".into() }, "")];
    writer.do_send(WriteAll(vec![gone]));
    until(|| outcomes.borrow().len() == 2).await;
    assert_eq!(*outcomes.borrow(), [None, None]);
    assert!(
        server.asked.borrow()[1].starts_with("DELETE /apis/gateway.networking.k8s.io/v1/namespaces/a/httproutes/s")
    );
}

#[actix::test]
async fn a_newer_telling_replaces_an_older_one() {
    let server = ApiServer::new([status(500, "later"), done()]).await;
    let (writer, outcomes) = start(&server);
    writer.do_send(Leading(true));
    writer.do_send(WriteAll(vec![vec![set_status("old", "1")]]));
    until(|| outcomes.borrow().len() == 1).await;
    writer.do_send(WriteAll(vec![vec![set_status("new", "1")]]));
    let asked = asked(&server, 2).await;
    assert!(asked[1].contains("/httproutes/new/status"), "what has become needless is not tried again: {asked:?}");
}

#[actix::test]
async fn a_namesake_of_somebody_else_is_not_taken_over() {
    let theirs = Answer::Of(200, json!({"metadata": {"name": "s"}}));
    let ours = Answer::Of(200, json!({"owner": "us"}));
    let server = ApiServer::new([status(404, "not found"), done(), theirs, ours, done()]).await;
    let (writer, outcomes) = start(&server);
    writer.do_send(Leading(true));
    let apply = |name| write(name, Action::Apply(json!({})), "");
    writer.do_send(WriteAll(vec![vec![apply("r"), apply("s"), apply("t")]]));
    until(|| outcomes.borrow().len() == 3).await;
    let told = outcomes.borrow();
    assert!(told[1].as_ref().is_some_and(|error| error.contains("is not Gateway a/web's")), "{told:?}");
    assert_eq!((&told[0], &told[2]), (&None, &None));
    let asked = server.asked.borrow();
    assert_eq!(asked.iter().filter(|request| request.starts_with("PATCH")).count(), 2, "{asked:?}");
}

#[actix::test]
async fn who_no_longer_leads_stops_with_the_request_that_is_under_way() {
    let go = Rc::new(tokio::sync::Notify::new());
    let server = ApiServer::new([Answer::Held(go.clone()), done()]).await;
    let (writer, outcomes) = start(&server);
    writer.do_send(Leading(true));
    let group = vec![set_status("first", "1"), set_status("second", "1")];
    writer.do_send(WriteAll(vec![group]));
    asked(&server, 1).await;
    writer.send(Leading(false)).await.expect("it lives");
    go.notify_one();
    until(|| !outcomes.borrow().is_empty()).await;
    assert_eq!(server.asked.borrow().len(), 1, "{:?}", server.asked.borrow());
}
