use std::cell::RefCell;

use super::super::api_server::{Answer, ApiServer, SECRETS, status, until};
use super::super::resource::Resource;
use super::*;
use crate::telemetry::Settings;
use serde_json::json;

const GRANTS: Resource = Resource {
    group: "gateway.networking.k8s.io",
    versions: &["v1", "v1beta1"],
    kind: "ReferenceGrant",
    plural: "referencegrants",
};

fn object(name: &str, version: &str) -> Value {
    json!({"metadata": {"namespace": "a", "name": name, "resourceVersion": version, "managedFields": [{"manager": "x"}]}})
}

fn list(version: &str, next: &str, objects: &[Value]) -> Answer {
    Answer::Of(200, json!({"metadata": {"resourceVersion": version, "continue": next}, "items": objects}))
}

fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

/// Remembers what it is told, and lets a test wait for it.
#[derive(Clone, Default)]
struct Memory(Rc<RefCell<Vec<Event>>>);

impl Told for Memory {
    fn tell(&self, watched: Watched) {
        self.0.borrow_mut().push(watched.event);
    }

    fn connected(&self) -> bool {
        true
    }
}

impl Memory {
    async fn events(&self, count: usize) -> Vec<String> {
        until(|| self.0.borrow().len() >= count).await;
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let short = |event: &Event| match event {
            Event::Listed(objects) => format!("listed {}", objects.iter().map(name).collect::<Vec<_>>().join(" ")),
            Event::Applied(object) => format!("applied {}", name(object)),
            Event::Deleted(object) => format!("deleted {}", name(object)),
            Event::Absent => "absent".into(),
            Event::Unavailable(cause) => format!("unavailable: {cause}"),
        };
        self.0.borrow().iter().map(short).collect()
    }
}

struct Following {
    memory: Memory,
    telemetry: Arc<Telemetry>,
    watch: actix::Addr<WatchSupervisor>,
    _dead: oneshot::Receiver<()>,
}

fn follow(server: &ApiServer, target: Target, pace: Pace) -> Following {
    let memory = Memory::default();
    let telemetry = Telemetry::new(Settings { version: "0", revision: "0", access_log: None });
    let (alive, dead) = oneshot::channel();
    let sink = Rc::new(memory.clone());
    let watch = WatchSupervisor::new(server.client.clone(), target, pace, telemetry.clone(), sink, alive).start();
    Following { memory, telemetry, watch, _dead: dead }
}

fn fast() -> Pace {
    Pace { absent: Duration::from_millis(2), ..Pace::default() }
}

#[actix::test]
async fn pages_are_one_list_and_a_session_goes_on_where_the_last_one_ended() {
    let server = ApiServer::new([
        list("5", "more", &[object("one", "3")]),
        list("7", "", &[object("two", "4")]),
        Answer::Events(vec![event("ADDED", &object("three", "8")), event("DELETED", &object("one", "9"))]),
        Answer::Events(vec![event(
            "BOOKMARK",
            &json!({"apiVersion": "v1", "kind": "x", "metadata": {"resourceVersion": "12"}}),
        )]),
        Answer::Open(vec![event("MODIFIED", &object("two", "13"))]),
    ])
    .await;
    let following = follow(&server, Target::all(GRANTS), fast());
    let events = following.memory.events(4).await;
    assert_eq!(events, ["listed one two", "applied three", "deleted one", "applied two"]);
    let asked = server.asked.borrow();
    let from = |request: &str| request.split("resourceVersion=").nth(1).map(str::to_owned);
    assert!(asked[0].starts_with("/apis/gateway.networking.k8s.io/v1/referencegrants?"));
    assert!(asked[1].contains("continue=more"));
    assert_eq!(
        asked[2..].iter().map(|request| from(request)).collect::<Vec<_>>(),
        [Some("7".into()), Some("9".into()), Some("12".into())]
    );
    let Event::Listed(objects) = &following.memory.0.borrow()[0] else { panic!("listed first") };
    assert_eq!(objects[0]["kind"], "ReferenceGrant");
    assert_eq!(objects[0]["apiVersion"], "gateway.networking.k8s.io/v1");
    assert!(objects[0]["metadata"].get("managedFields").is_none());
}

#[actix::test]
async fn what_is_too_old_is_listed_anew() {
    let gone =
        json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure", "code": 410, "message": "too old"}});
    let server = ApiServer::new([
        list("5", "", &[object("one", "3")]),
        Answer::Events(vec![gone]),
        list("90", "", &[object("two", "80")]),
        status(410, "too old"),
        list("95", "", &[]),
    ])
    .await;
    let following = follow(&server, Target::all(GRANTS), fast());
    assert_eq!(following.memory.events(3).await, ["listed one", "listed two", "listed "]);
    assert_eq!(following.telemetry.contact().since(), None, "that is no loss of contact");
}

#[actix::test]
async fn a_kind_that_is_not_served_is_looked_for_in_every_version_until_it_comes() {
    let absent = || status(404, "the server could not find the requested resource");
    let absences = std::iter::repeat_with(absent).take(2 * 3);
    let then = [absent(), list("5", "", &[object("one", "3")]), Answer::Open(vec![])];
    let server = ApiServer::new(absences.chain(then)).await;
    let following = follow(&server, Target::all(GRANTS), fast());
    assert_eq!(following.memory.events(2).await, ["absent", "listed one"]);
    assert!(server.asked.borrow()[7].starts_with("/apis/gateway.networking.k8s.io/v1beta1/"));
    until(|| server.asked.borrow().len() == 9).await;
    assert!(server.asked.borrow()[8].starts_with("/apis/gateway.networking.k8s.io/v1beta1/"));
    assert_eq!(following.telemetry.contact().since(), None);
}

#[actix::test]
async fn a_kind_that_was_served_is_gone_when_it_is_missed_three_times() {
    let absent = || status(404, "the server could not find the requested resource");
    let two = || [absent(), absent()];
    let known = || [list("5", "", &[object("one", "3")]), status(404, "not found")];
    let answers = known().into_iter().chain(two()).chain(known()).chain(two()).chain(two());
    let server = ApiServer::new(answers).await;
    let following = follow(&server, Target::all(GRANTS), fast());
    assert_eq!(following.memory.events(3).await, ["listed one", "listed one", "absent"]);
}

#[actix::test]
async fn an_object_that_may_not_be_read_is_said_to_be_unavailable_and_tried_again() {
    let server = ApiServer::new([
        status(403, "secrets \"cert\" is forbidden"),
        list("5", "", &[object("cert", "3")]),
        Answer::Open(vec![]),
    ])
    .await;
    let following = follow(&server, Target::named(SECRETS, Some("a"), "cert"), fast());
    let events = following.memory.events(2).await;
    assert_eq!(events, ["unavailable: secrets \"cert\" is forbidden", "listed cert"]);
    assert!(server.asked.borrow()[0].starts_with("/api/v1/namespaces/a/secrets?"));
    assert!(server.asked.borrow()[0].contains("fieldSelector=metadata.name%3Dcert"));
    assert_eq!(following.telemetry.contact().since(), None, "the API server did answer");
}

#[actix::test]
async fn contact_is_lost_with_the_connection_and_regained_though_nothing_has_changed() {
    let server = ApiServer::new([
        list("5", "", &[object("one", "3")]),
        Answer::Cut,
        Answer::Cut,
        Answer::Cut,
        Answer::Cut,
        Answer::Cut,
        Answer::Cut,
        Answer::Open(vec![]),
    ])
    .await;
    let following = follow(&server, Target::all(GRANTS), fast());
    let contact = following.telemetry.contact().clone();
    until(|| contact.since().is_some()).await;
    until(|| contact.since().is_none()).await;
    assert_eq!(following.memory.events(1).await, ["listed one"], "nothing is told twice, and nothing is forgotten");
    assert!(server.asked.borrow().last().is_some_and(|request| request.contains("resourceVersion=5")));
}

#[actix::test]
async fn a_watch_that_nobody_wants_ends() {
    let server = ApiServer::new([list("5", "", &[]), Answer::Open(vec![])]).await;
    let following = follow(&server, Target::all(GRANTS), fast());
    until(|| server.asked.borrow().len() == 2).await;
    following.watch.do_send(End);
    until(|| !following.watch.connected()).await;
    assert_eq!(server.asked.borrow().len(), 2);
}
