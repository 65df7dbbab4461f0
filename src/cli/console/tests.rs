use super::*;

fn told(listeners: &[&str], routes: &[&str], problems: &[&str]) -> Told {
    let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
    let overview = Overview { listeners: lines(listeners), routes: lines(routes), curl: Some("curl x".into()) };
    Told { overview, problems: lines(problems) }
}

fn console(closing: Option<Closing>) -> Console {
    let address: SocketAddr = "0.0.0.0:15020".parse().expect("an address");
    let pages = Pages { admin: address, metrics: address, ready: address };
    let settings = postern_actors::telemetry::Settings { version: "0", revision: "0", access_log: None };
    Console::new(Voice::Text(Paint::never()), pages, Telemetry::new(settings), closing).0
}

#[test]
fn the_banner_names_pages_listeners_routes_and_a_command() {
    let text = console(None).banner(&told(&["L"], &[], &[]), Paint::never());
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        format!(
            "Postern {version}\n\n  admin    http://127.0.0.1:15020/\n  metrics  http://127.0.0.1:15020/metrics\n  ready    \
             http://127.0.0.1:15020/healthz/ready\n\nListeners\n  L\n\nRoutes\n  none\n\nTry\n  curl x\n\n"
        )
    );
}

#[test]
fn the_closing_words_take_the_place_of_the_command() {
    let mut console = console(Some(Box::new(|gateway| format!("Ask {gateway}\n"))));
    let listening = Listening { gateway: "a/b".into(), port: 80, address: "[::]:8080".parse().expect("an address") };
    console.bound = Some(ListeningChanged { plan: None, listening: vec![listening], failures: vec![] });
    let text = console.banner(&told(&[], &[], &[]), Paint::never());
    assert!(text.ends_with("\nAsk 127.0.0.1:8080\n\n"), "{text}");
}

#[test]
fn later_only_what_changed_is_told() {
    let before = told(&["L"], &["a", "b"], &["error x\n"]);
    let now = told(&["L"], &["b", "c"], &["error y\n"]);
    assert_eq!(
        changes(&before, &now, Paint::never()),
        "- route a\n+ route c\nerror y\n1 of the problems above is gone\n"
    );
    assert_eq!(changes(&now, &now, Paint::never()), "");
}

#[test]
fn a_flood_is_counted() {
    let names: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = console(None).banner(&told(&["L"], &names, &[]), Paint::never());
    assert!(text.contains("  039\n  and 60 more\n"), "{text}");
}

#[test]
fn a_policy_s_condition_is_true_only_if_it_is_under_every_gateway() {
    use crate::resources::NamespacedName;
    use crate::status::{AncestorVerdict, Condition, PolicyVerdict};
    let condition =
        |kind, status| Condition { kind, status, reason: "Reason", message: String::new(), observed_generation: 1 };
    let ancestor = |accepted| AncestorVerdict {
        gateway: NamespacedName::new("default", "web"),
        conditions: vec![condition("Accepted", accepted), condition("ResolvedRefs", true)],
    };
    let mut verdicts = Verdicts::default();
    let verdict = PolicyVerdict { ancestors: vec![ancestor(true), ancestor(false)] };
    verdicts.backend_tls_policies.insert(NamespacedName::new("default", "p"), verdict);
    let found = policy_conditions(&verdicts);
    assert_eq!(found, [("default/p".into(), "Accepted", false), ("default/p".into(), "ResolvedRefs", true)]);
}
