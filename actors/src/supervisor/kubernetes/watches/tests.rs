use actix::{Actor, ActorContext as _, Addr, Context, Handler};
use serde_json::json;
use tokio::sync::watch::channel;

use super::super::api_server::{Answer, ApiServer, until};
use super::super::resource::Resource;
use super::*;
use crate::telemetry::Settings;

const SECRETS: Resource = Resource { group: "", versions: &["v1"], kind: "Secret", plural: "secrets" };

/// Takes what it is told and forgets it.
struct Sink;

impl Actor for Sink {
    type Context = Context<Self>;
}

impl Handler<End> for Sink {
    type Result = ();
    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Changed<Watched>> for Sink {
    type Result = ();
    fn handle(&mut self, _: Changed<Watched>, _: &mut Self::Context) {}
}

fn lists(server: &ApiServer) -> Vec<String> {
    let asked = server.asked.borrow();
    let name = |request: &String| request.split("metadata.name%3D").nth(1)?.split('&').next().map(str::to_owned);
    asked.iter().filter(|request| !request.contains("watch=true")).filter_map(name).collect()
}

fn start(server: &ApiServer, wanted: Receiver<Numbered>) -> Addr<Sink> {
    let sink = Sink.start();
    let telemetry = Telemetry::new(Settings { version: "0", revision: "0", access_log: None });
    source(server.client.clone(), Pace::default(), telemetry, vec![], wanted)(sink.clone().recipient());
    sink
}

/// A list, then a watch that stays open, so often.
fn sessions(count: usize) -> impl Iterator<Item = Answer> {
    let list = || Answer::Of(200, json!({"metadata": {"resourceVersion": "1"}, "items": []}));
    (0..count).flat_map(move |_| [list(), Answer::Open(vec![])])
}

fn secret(name: &str) -> Target {
    Target::named(SECRETS, Some("a"), name)
}

#[actix::test]
async fn what_was_unwanted_for_a_moment_is_listed_again_and_its_neighbours_are_not() {
    let server = ApiServer::new(sessions(3)).await;
    let (wanted, following) = channel(Numbered::from([(secret("stays"), 1), (secret("flaps"), 2)]));
    let _sink = start(&server, following);
    until(|| server.asked.borrow().len() == 4).await;
    // Both changes come before anybody looks.
    wanted.send_replace(Numbered::from([(secret("stays"), 1)]));
    wanted.send_replace(Numbered::from([(secret("stays"), 1), (secret("flaps"), 3)]));
    until(|| server.asked.borrow().len() == 6).await;
    let mut lists = lists(&server);
    lists.sort();
    assert_eq!(lists, ["flaps", "flaps", "stays"]);
}

#[actix::test]
async fn watches_end_with_whom_they_tell() {
    let server = ApiServer::new(sessions(1)).await;
    let (wanted, following) = channel(Numbered::from([(secret("one"), 1)]));
    let sink = start(&server, following);
    until(|| server.asked.borrow().len() == 2).await;
    assert_eq!(wanted.receiver_count(), 1);
    sink.do_send(End);
    until(|| wanted.receiver_count() == 0).await;
}
