use proptest::prelude::*;

use super::*;
use crate::resources::{Kind, NamespacedName, Severity};

fn config_map(name: &str, value: &str) -> String {
    let value = if value.parse::<u8>().is_ok() { format!("'{value}'") } else { value.to_owned() };
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n")
}

fn policy(name: &str, target: &str, hostname: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata:\n  name: {name}\nspec:\n  targetRefs:\n  \
         - group: ''\n    kind: Service\n    name: {target}\n  validation:\n    hostname: '{hostname}'\n    \
         wellKnownCACertificates: System\n"
    )
}

#[derive(Default)]
struct World(FileSet);

impl World {
    fn write(&mut self, path: &str, text: &str) -> &mut Self {
        self.0.update(Path::new(path), Ok(text.to_owned()));
        self
    }

    fn fail(&mut self, path: &str, kind: io::ErrorKind) -> &mut Self {
        self.0.update(Path::new(path), Err(kind.into()));
        self
    }

    fn remove(&mut self, path: &str) -> &mut Self {
        self.0.remove(Path::new(path));
        self
    }

    /// `name=value` of every ConfigMap.
    fn maps(&self) -> Vec<String> {
        let snapshot = self.0.snapshot();
        snapshot.config_maps.values().map(|map| format!("{}={}", map.metadata.name, map.data["key"])).collect()
    }

    fn told(&self) -> Vec<String> {
        self.0.problems().iter().map(ToString::to_string).collect()
    }

    fn origin(&self, kind: Kind, name: &str, field: &str) -> Option<(String, usize)> {
        let object = ObjectRef { kind, name: NamespacedName::new("default", name) };
        self.0.origin(&object, field).map(|origin| (origin.file.display().to_string(), origin.line))
    }
}

#[test]
fn files_are_read_again_when_they_change() {
    let mut world = World::default();
    world.write("a.yaml", &format!("{}---\n{}", config_map("x", "1"), config_map("w", "1")));
    assert_eq!(world.maps(), ["w=1", "x=1"]);
    world.write("a.yaml", &config_map("x", "2"));
    assert_eq!(world.maps(), ["x=2"], "what is no longer written is gone");
    world.write("b.json", r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"z"},"data":{"key":"3"}}"#);
    assert_eq!(world.maps(), ["x=2", "z=3"]);
    world.remove("a.yaml");
    assert_eq!(world.maps(), ["z=3"]);
    assert_eq!(world.told(), [] as [String; 0]);
}

#[test]
fn what_did_not_change_is_the_same_object_as_before() {
    let mut world = World::default();
    world.write("a.yaml", &format!("{}---\n{}", config_map("x", "1"), config_map("w", "1")));
    let before = world.0.snapshot();
    world.write("a.yaml", &format!("# moved down\n{}---\n{}", config_map("x", "1"), config_map("w", "2")));
    let after = world.0.snapshot();
    let same: Vec<_> =
        before.config_maps.values().zip(after.config_maps.values()).map(|(a, b)| Arc::ptr_eq(a, b)).collect();
    assert_eq!(same, [false, true]);
    assert_eq!(world.origin(Kind::ConfigMap, "x", "data.key"), Some(("a.yaml".into(), 7)));
}

#[test]
fn a_file_that_does_not_parse_keeps_all_it_held() {
    let mut world = World::default();
    world.write("a.yaml", &config_map("x", "1")).write("a.yaml", "apiVersion: v1\nkind: ConfigMap: x\n");
    assert_eq!(world.maps(), ["x=1"]);
    let problem = &world.0.problems()[0];
    assert_eq!((problem.severity, problem.code, problem.line), (Severity::Error, Code::SyntaxError, 2));
    assert!(problem.message.ends_with("what the file held before stays in effect"), "{problem}");
    world.write("a.yaml", &config_map("x", "2"));
    assert_eq!((world.maps(), world.told()), (vec!["x=2".into()], vec![]));
}

#[test]
fn a_file_that_was_truncated_holds_nothing() {
    let mut world = World::default();
    world.write("a.yaml", &config_map("x", "1")).write("a.yaml", " \n\n");
    assert_eq!((world.maps(), world.told()), (vec![], vec![]));
}

#[test]
fn a_file_that_cannot_be_read_keeps_what_it_held_and_one_that_is_gone_does_not() {
    let mut world = World::default();
    world.write("a.yaml", &config_map("x", "1")).fail("a.yaml", io::ErrorKind::PermissionDenied);
    assert_eq!(world.maps(), ["x=1"]);
    assert_eq!(
        world.told(),
        [
            "a.yaml: error: cannot be read: permission denied; what it held before stays in effect (let this user read it)"
        ]
    );
    world.fail("a.yaml", io::ErrorKind::NotFound);
    assert_eq!((world.maps(), world.told()), (vec![], vec![]));
}

#[test]
fn an_object_that_is_refused_keeps_its_last_good_version_and_its_neighbours_go_on() {
    let mut world = World::default();
    world.write("a.yaml", &format!("{}---\n{}", config_map("x", "1"), config_map("w", "1")));
    world.write("a.yaml", &format!("{}---\n{}", config_map("x", "[2]"), config_map("w", "2")));
    assert_eq!(world.maps(), ["w=2", "x=1"]);
    assert_eq!(
        world.told(),
        [
            "a.yaml:6: error: ConfigMap default/x: data[key]: must be a string, not a list; the version before stays in effect"
        ]
    );
    world.write("a.yaml", &config_map("w", "2"));
    assert_eq!((world.maps(), world.told()), (vec!["w=2".into()], vec![]));
}

#[test]
fn an_object_that_was_never_good_is_left_out() {
    let mut world = World::default();
    world.write("a.yaml", &config_map("x", "on"));
    assert_eq!(world.maps(), [] as [String; 0]);
    assert_eq!(
        world.told(),
        [
            "a.yaml:6: error: ConfigMap default/x: data[key]: must be a string, not a boolean (true) (quote it: YAML takes y, n, \
         yes, no, on, off, true and false for booleans)"
        ]
    );
}

#[test]
fn a_policy_that_was_never_good_still_covers_its_target() {
    let mut world = World::default();
    world.write("a.yaml", &policy("p", "nginx", "*.example.com"));
    let snapshot = world.0.snapshot();
    assert!(snapshot.backend_tls_policies.is_empty());
    let unreadable = snapshot.unreadable_policies.values().next().expect("it stands in");
    assert_eq!(unreadable.target_refs[0].name, "nginx");
    assert!(unreadable.error.starts_with("spec.validation.hostname: must be a DNS name"), "{}", unreadable.error);
    assert_eq!(world.origin(Kind::BackendTlsPolicy, "p", "spec.validation.hostname"), Some(("a.yaml".into(), 11)));

    world.write("a.yaml", &policy("p", "nginx", "example.com"));
    assert!(world.0.snapshot().unreadable_policies.is_empty());

    world.write("a.yaml", &policy("p", "other", "*.example.com"));
    let snapshot = world.0.snapshot();
    let beside: Vec<_> = snapshot.unreadable_policies.values().flat_map(|policy| &policy.target_refs).collect();
    assert_eq!(beside[0].name, "other", "what only the edited version names gets no plaintext either");
    assert_eq!(beside.len(), 1);
    assert_eq!(snapshot.backend_tls_policies.values().next().expect("kept").spec.target_refs[0].name, "nginx");

    world.write("a.yaml", &policy("p", "other", "example.com"));
    let snapshot = world.0.snapshot();
    assert!(snapshot.unreadable_policies.is_empty());
    assert_eq!(snapshot.backend_tls_policies.values().next().expect("read").spec.target_refs[0].name, "other");
}

#[test]
fn a_policy_that_hides_its_targets_forbids_plaintext_from_the_start_and_changes_nothing_later() {
    let slip = policy("p", "shop", "a.example").replace("name: shop", "nmae: shop");
    let told = |world: &World, word: &str| world.told().iter().any(|line| line.contains(word));
    let mut world = World::default();
    world.write("a.yaml", &slip);
    assert!(world.0.snapshot().unseen_policies.is_some_and(|why| why.contains("a.yaml")));
    assert!(told(&world, "no backend without a policy gets a request (500)"), "{:?}", world.told());
    world.write("a.yaml", &slip.replace("a.example", "b.example"));
    assert!(world.0.snapshot().unseen_policies.is_some(), "it is no better");
    world.write("a.yaml", &policy("p", "shop", "a.example"));
    assert_eq!(world.0.snapshot().unseen_policies, None);
    world.write("a.yaml", &slip);
    assert_eq!(world.0.snapshot().unseen_policies, None, "the version before stays in effect");

    let mut world = World::default();
    world.write("a.yaml", &config_map("m", "v"));
    world.write("a.yaml", &format!("{}---\n{slip}", config_map("m", "v")));
    assert_eq!(world.0.snapshot().unseen_policies, None, "what got plaintext before goes on");
    assert!(told(&world, "it changes nothing"), "{:?}", world.told());
}

#[test]
fn a_good_policy_elsewhere_wins_over_one_that_cannot_be_read() {
    let mut world = World::default();
    world.write("b.yaml", &policy("p", "nginx", "*")).write("a.yaml", &policy("p", "nginx", "example.com"));
    let snapshot = world.0.snapshot();
    assert_eq!((snapshot.backend_tls_policies.len(), snapshot.unreadable_policies.len()), (1, 0));
    assert_eq!(world.origin(Kind::BackendTlsPolicy, "p", ""), Some(("a.yaml".into(), 1)));
}

#[test]
fn of_two_definitions_the_last_in_path_order_wins_and_both_places_are_named() {
    let mut world = World::default();
    world.write("b.yaml", &config_map("x", "b"));
    world.write("a.yaml", &format!("{}---\n{}", config_map("x", "a1"), config_map("x", "a2")));
    assert_eq!(world.maps(), ["x=b"]);
    let again = "ConfigMap default/x: is defined again in b.yaml:1, which is the one in effect (remove one of the two)";
    assert_eq!(world.told(), [format!("a.yaml:1: warning: {again}"), format!("a.yaml:8: warning: {again}")]);
    assert_eq!(world.origin(Kind::ConfigMap, "x", ""), Some(("b.yaml".into(), 1)));
    world.remove("b.yaml");
    assert_eq!(world.maps(), ["x=a2"]);
    assert_eq!(world.told().len(), 1);
}

#[test]
fn a_rename_loses_nothing_in_either_order() {
    let broken = format!("{}---\n{}", config_map("x", "[2]"), config_map("w", "2"));
    for (texts, expected) in [
        (vec![config_map("x", "1")], vec!["x=1"]),
        (vec![config_map("x", "1"), "a: b: c\n".to_owned()], vec!["x=1"]),
        (vec![config_map("x", "1"), broken], vec!["w=2", "x=1"]),
    ] {
        let (mut new_first, mut old_first) = (World::default(), World::default());
        for text in &texts {
            new_first.write("old.yaml", text);
            old_first.write("old.yaml", text);
        }
        let last = texts.last().expect("there is one");
        new_first.write("new.yaml", last).remove("old.yaml");
        old_first.remove("old.yaml").write("new.yaml", last);
        for world in [&new_first, &old_first] {
            assert_eq!(world.maps(), expected);
            assert_eq!(world.origin(Kind::ConfigMap, "x", "").map(|(file, _)| file).as_deref(), Some("new.yaml"));
            assert!(world.told().iter().all(|told| told.starts_with("new.yaml:")), "{:?}", world.told());
        }
    }
}

#[test]
fn kinds_that_are_not_read_are_told_once_each() {
    let mut world = World::default();
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\n---\n";
    world.write("a.yaml", &format!("{deployment}{deployment}hello: world\n"));
    assert_eq!(
        world.told(),
        [
            "a.yaml:1: notice: Deployment (apps/v1) is not read (2 times in this file) (nothing has to be done, unless it was \
             meant to take part)",
            "a.yaml:11: warning: is no Kubernetes object: apiVersion and kind are required (write apiVersion and kind, or keep \
             what is no object in another folder)",
        ]
    );
}

#[test]
fn an_unknown_field_is_a_warning_at_its_line() {
    let mut world = World::default();
    world
        .write("a.yaml", &policy("p", "nginx", "example.com").replace("    hostname", "    hostName: x\n    hostname"));
    assert_eq!(
        world.told(),
        [
            "a.yaml:11: warning: BackendTLSPolicy default/p: spec.validation.hostName: unknown field \"spec.validation.hostName\" \
         (did you mean `hostname`?)"
        ]
    );
    assert_eq!(world.0.snapshot().backend_tls_policies.len(), 1);
}

#[test]
fn an_object_without_a_name_is_told_with_its_kind() {
    let mut world = World::default();
    world.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    assert_eq!(world.told(), ["a.yaml:1: error: metadata.name: ConfigMap: is required"]);
}

#[test]
fn what_reading_costs_is_proportional_to_its_size() {
    let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: route-#\n  namespace: \
                 default\nspec:\n  parentRefs:\n  - name: gw\n    namespace: infra\n  hostnames:\n  - \
                 host-#.example.com\n  rules:\n  - matches:\n    - path:\n        type: PathPrefix\n        value: \
                 /a\n    backendRefs:\n    - name: backend-#\n      port: 8080\n---\n";
    let cost = |count: usize| {
        let text: String = (0..count).map(|index| route.replace('#', &index.to_string())).collect();
        let before = time_on_cpu();
        let mut world = World::default();
        world.write("a.yaml", &text);
        assert_eq!(world.0.snapshot().http_routes.len(), count);
        time_on_cpu() - before
    };
    let (few, many) = (cost(1_000), cost(10_000));
    // Ten times as much; a cost that grows with the square would be a hundred times.
    assert!(many < few * 40, "{few} ns and {many} ns");
}

/// Nanoseconds that this thread was on a CPU: other processes do not count.
fn time_on_cpu() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("CONFIG_SCHED_INFO");
    schedstat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).expect("three numbers")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is written, removed or broken in whatever order: the places that are remembered are those of the files.
    #[test]
    fn no_order_of_events_confuses_it(events in prop::collection::vec((0..3usize, 0..7usize), 1..25)) {
        let texts = [
            config_map("x", "1"),
            config_map("x", "[2]"),
            format!("{}---\n{}", config_map("w", "1"), policy("p", "a", "example.com")),
            policy("p", "b", "*"),
            "a: b: c".to_owned(),
            String::new(),
        ];
        let mut world = World::default();
        for (file, what) in events {
            let path = ["a.yaml", "b.yaml", "c.yaml"][file];
            match texts.get(what) {
                Some(text) => world.write(path, text),
                None => world.remove(path),
            };
            let snapshot = world.0.snapshot();
            for name in snapshot.unreadable_policies.keys() {
                prop_assert!(!snapshot.backend_tls_policies.contains_key(name));
            }
            let entries: usize = world.0.files.values().map(|file| file.entries.len()).sum();
            let places: usize = world.0.places.values().map(BTreeSet::len).sum();
            prop_assert_eq!(entries, places);
            for map in snapshot.config_maps.values() {
                prop_assert!(world.origin(Kind::ConfigMap, &map.metadata.name, "data").is_some());
            }
            world.0.problems();
        }
    }
}
