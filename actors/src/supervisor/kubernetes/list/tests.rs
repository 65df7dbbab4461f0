use serde_json::json;

use super::super::api_server::{Answer, ApiServer, ROUTES, SECRETS, status};
use super::*;

fn page(next: &str, names: &[&str]) -> Answer {
    let items: Vec<_> = names.iter().map(|name| json!({"metadata": {"name": name, "managedFields": []}})).collect();
    Answer::Of(200, json!({"metadata": {"resourceVersion": "5", "continue": next}, "items": items}))
}

/// What is told of one target, after the answers of an API server, and what was asked for.
async fn told(target: Target, answers: impl IntoIterator<Item = Answer>) -> (Event, Vec<String>) {
    let server = ApiServer::new(answers).await;
    let mut told = read_once(&server.client, [target.clone()]).await;
    let Watched { target: of, event } = told.pop().expect("one target");
    assert_eq!((of, told.len()), (target, 0));
    (event, server.asked.take())
}

#[actix::test]
async fn all_pages_are_read_and_the_objects_name_their_kind() {
    let answers = [page("more", &["one"]), page("", &["two"])];
    let (event, asked) = told(Target::all(ROUTES), answers).await;
    let route =
        |name| json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name}});
    assert_eq!(event, Event::Listed(vec![route("one"), route("two")]));
    assert!(asked.iter().all(|asked| asked.starts_with("/apis/gateway.networking.k8s.io/v1/httproutes?")), "{asked:?}");
    assert!(asked.len() == 2 && asked[1].contains("continue=more"), "{asked:?}");
}

#[actix::test]
async fn an_older_version_is_read_where_the_better_one_is_not_served() {
    let (event, _) = told(Target::all(ROUTES), [status(404, "no"), page("", &["one"])]).await;
    let Event::Listed(objects) = event else { panic!("{event:?}") };
    assert_eq!(objects[0]["apiVersion"], "gateway.networking.k8s.io/v1beta1");
    let (event, _) = told(Target::all(ROUTES), [status(404, "no"), status(404, "no")]).await;
    assert_eq!(event, Event::Absent);
}

#[actix::test]
async fn one_object_is_asked_for_by_name_and_what_may_not_be_read_says_why() {
    let secret = || Target::named(SECRETS, Some("a"), "cert");
    let (event, asked) = told(secret(), [page("", &["cert"])]).await;
    assert!(matches!(event, Event::Listed(objects) if objects.len() == 1));
    assert!(asked[0].starts_with("/api/v1/namespaces/a/secrets?"), "{asked:?}");
    assert!(asked[0].contains("fieldSelector=metadata.name%3Dcert"), "{asked:?}");

    let (event, asked) = told(secret(), [status(403, "secrets is forbidden")]).await;
    assert_eq!((event, asked.len()), (Event::Unavailable("secrets is forbidden".into()), 1));
    let (event, _) = told(secret(), [Answer::Cut, Answer::Cut]).await;
    assert!(matches!(&event, Event::Unavailable(cause) if !cause.is_empty()), "{event:?}");
}
