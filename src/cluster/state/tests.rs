use postern_actors::supervisor::kubernetes::resource::Resource;
use serde_json::json;

use super::*;

const PATIENCE: Duration = Duration::from_mins(1);
const ROUTES: Resource = kinds::resource(Kind::HttpRoute);
const POLICIES: Resource = kinds::resource(Kind::BackendTlsPolicy);

fn route(name: &str, parent: &Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"namespace": "a", "name": name, "resourceVersion": "1"},
        "spec": {"parentRefs": [{"name": parent}], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]},
    })
}

fn policy(hostname: &Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy",
        "metadata": {"namespace": "a", "name": "p"},
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": "web"}],
            "validation": {"hostname": hostname, "wellKnownCACertificates": "System"},
        },
    })
}

fn told(resource: Resource, event: Event) -> Watched {
    Watched { target: Target::all(resource), event }
}

fn names(state: &ClusterState) -> Vec<String> {
    state.snapshot().http_routes.keys().map(ToString::to_string).collect()
}

#[test]
fn a_list_replaces_what_was_told_before_and_a_kind_that_is_not_served_has_no_objects() {
    let mut state = ClusterState::new([Target::all(ROUTES)], PATIENCE);
    assert_eq!(state.waits_for(Instant::now()), ["HTTPRoute is not listed yet"]);
    let one = route("one", &json!("web"));
    let listed = Event::Listed(vec![one.clone(), route("two", &json!("web"))]);
    assert_eq!(state.take(told(ROUTES, listed)), Effect::Everything);
    assert!(state.waits_for(Instant::now()).is_empty());
    assert_eq!(names(&state), ["a/one", "a/two"]);

    assert_eq!(state.take(told(ROUTES, Event::Listed(vec![one.clone()]))), Effect::Everything);
    assert_eq!(names(&state), ["a/one"]);
    assert_eq!(state.take(told(ROUTES, Event::Listed(vec![one]))), Effect::Nothing, "the same once more");
    assert_eq!(state.take(told(ROUTES, Event::Absent)), Effect::Everything);
    assert!(names(&state).is_empty());
}

#[test]
fn what_only_others_read_has_no_effect() {
    let mut state = ClusterState::new([Target::all(ROUTES)], PATIENCE);
    state.take(told(ROUTES, Event::Listed(vec![route("one", &json!("web"))])));
    let mut written = route("one", &json!("web"));
    written["metadata"]["resourceVersion"] = json!("2");
    written["status"] = json!({"parents": []});
    assert_eq!(state.take(told(ROUTES, Event::Applied(written))), Effect::Nothing);
    assert_eq!(state.take(told(ROUTES, Event::Deleted(route("one", &json!("web"))))), Effect::Everything);
    assert_eq!(state.take(told(ROUTES, Event::Deleted(route("one", &json!("web"))))), Effect::Nothing);
}

#[test]
fn an_object_that_cannot_be_read_any_more_keeps_its_last_good_version_and_its_neighbours() {
    let mut state = ClusterState::new([Target::all(ROUTES)], PATIENCE);
    state.take(told(ROUTES, Event::Listed(vec![route("one", &json!("web")), route("two", &json!("web"))])));
    let before = state.snapshot().clone();
    assert_eq!(state.take(told(ROUTES, Event::Applied(route("one", &json!(7))))), Effect::Everything);
    assert_eq!(*state.snapshot(), before);
    let (object, why) = state.refused().first_key_value().expect("it is told");
    assert_eq!(object.to_string(), "HTTPRoute a/one");
    assert!(why.contains("spec.parentRefs[0].name"), "{why}");
    // A list that holds it in this state does not take it away either.
    state.take(told(ROUTES, Event::Listed(vec![route("one", &json!(7))])));
    assert_eq!(names(&state), ["a/one"]);
    state.take(told(ROUTES, Event::Applied(route("one", &json!("other")))));
    assert!(state.refused().is_empty());
}

#[test]
fn a_policy_that_never_could_be_read_stands_in_for_what_it_targets() {
    let mut state = ClusterState::new([Target::all(POLICIES)], PATIENCE);
    state.take(told(POLICIES, Event::Listed(vec![policy(&json!(["not", "text"]))])));
    let stand_in = state.snapshot().unreadable_policies.values().next().expect("it is not forgotten");
    assert_eq!(stand_in.target_refs[0].name, "web");
    assert_eq!(state.take(told(POLICIES, Event::Applied(policy(&json!("web.example"))))), Effect::Everything);
    assert!(state.snapshot().unreadable_policies.is_empty());
    assert_eq!(state.snapshot().backend_tls_policies.len(), 1);

    state.take(told(POLICIES, Event::Applied(policy(&json!(["not", "text"])))));
    assert_eq!(state.snapshot().backend_tls_policies.len(), 1, "the last good one stays");
    assert_eq!(state.take(told(POLICIES, Event::Deleted(policy(&json!(null))))), Effect::Everything);
    assert!(state.snapshot().backend_tls_policies.is_empty() && state.refused().is_empty());
}

#[test]
fn a_stand_in_stays_whatever_becomes_of_objects_of_its_name_and_follows_what_the_policy_targets() {
    let services = kinds::resource(Kind::Service);
    let mut state = ClusterState::new([Target::all(POLICIES), Target::all(ROUTES), Target::all(services)], PATIENCE);
    let targets = |state: &ClusterState| {
        let of = |policy: &Arc<UnreadablePolicy>| {
            policy.target_refs.iter().map(|target| target.name.clone()).collect::<Vec<_>>()
        };
        state.snapshot().unreadable_policies.values().flat_map(of).collect::<Vec<_>>()
    };
    state.take(told(POLICIES, Event::Listed(vec![policy(&json!(42))])));
    state.take(told(ROUTES, Event::Listed(vec![route("p", &json!("web"))])));
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "a", "name": "p"},
        "spec": {"ports": [{"port": 80}]}});
    state.take(told(services, Event::Applied(service.clone())));
    state.take(told(services, Event::Deleted(service)));
    assert_eq!(targets(&state), ["web"], "objects of other kinds have nothing to do with it");

    let mut edited = policy(&json!(42));
    edited["spec"]["targetRefs"][0]["name"] = json!("other");
    assert_eq!(state.take(told(POLICIES, Event::Applied(edited.clone()))), Effect::Everything, "for the same cause");
    assert_eq!(targets(&state), ["other"]);

    // A good one that is edited into one that cannot be read: it stays for its targets, and what is new gets no plaintext.
    state.take(told(POLICIES, Event::Applied(policy(&json!("web.example")))));
    assert!(targets(&state).is_empty());
    assert_eq!(state.take(told(POLICIES, Event::Applied(edited.clone()))), Effect::Everything);
    assert_eq!(targets(&state), ["other"]);
    assert_eq!(state.snapshot().backend_tls_policies.len(), 1);
    assert_eq!(state.take(told(POLICIES, Event::Applied(edited.clone()))), Effect::Nothing);
    state.take(told(POLICIES, Event::Deleted(edited)));
    assert!(targets(&state).is_empty() && state.snapshot().backend_tls_policies.is_empty());
}

#[test]
fn a_kind_that_cannot_be_listed_is_waited_for_and_a_single_object_for_a_while() {
    let secret = Target::named(kinds::resource(Kind::Secret), Some("a"), "cert");
    let mut state = ClusterState::new([Target::all(POLICIES)], PATIENCE);
    state.expect(secret.clone());
    let now = Instant::now();
    assert_eq!(state.waits_for(now), ["Secret a/cert is not listed yet", "BackendTLSPolicy is not listed yet"]);
    let later = now + 2 * PATIENCE;
    assert_eq!(state.waits_for(later).len(), 2, "what nobody has answered is waited for");
    for target in [Target::all(POLICIES), secret.clone()] {
        assert_eq!(state.take(Watched { target, event: Event::Unavailable("forbidden".into()) }), Effect::Nothing);
    }
    let policies = "BackendTLSPolicy cannot be listed: forbidden";
    assert_eq!(state.waits_for(now), ["Secret a/cert cannot be listed: forbidden", policies]);
    assert_eq!(state.waits_for(later), [policies], "it may not be read, so it counts as not there");
    assert!(state.lacks());

    // One that comes while others are waited for has the same end, and the next one a time of its own.
    let other = Target::named(kinds::resource(Kind::Secret), Some("a"), "other");
    state.expect(other.clone());
    assert_eq!(state.take(Watched { target: secret.clone(), event: Event::Listed(vec![]) }), Effect::Everything);
    assert_eq!(state.take(Watched { target: other, event: Event::Listed(vec![]) }), Effect::Everything);
    assert_eq!(state.waiting, None);

    // What was read by name and is not wanted any more is forgotten, and what is still told of it not heard.
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "a", "name": "cert"}});
    state.take(Watched { target: secret.clone(), event: Event::Applied(object.clone()) });
    assert_eq!(state.snapshot().secrets.len(), 1);
    state.forget(&secret);
    assert!(state.snapshot().secrets.is_empty());
    assert_eq!(state.take(Watched { target: secret, event: Event::Applied(object) }), Effect::Nothing);
    assert!(state.snapshot().secrets.is_empty());
}

#[test]
fn addresses_are_told_apart_from_everything_else() {
    let slices = kinds::resource(Kind::EndpointSlice);
    let slice = |address: &str| {
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"namespace": "a", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"port": 80}], "endpoints": [{"addresses": [address]}],
        })
    };
    let mut state = ClusterState::new([Target::all(slices)], PATIENCE);
    assert_eq!(state.take(told(slices, Event::Listed(vec![slice("10.0.0.1")]))), Effect::Everything, "the first list");
    assert_eq!(state.take(told(slices, Event::Applied(slice("10.0.0.2")))), Effect::Endpoints);
    assert_eq!(state.take(told(slices, Event::Deleted(slice("10.0.0.2")))), Effect::Endpoints);
}
