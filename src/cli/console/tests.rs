use super::*;

fn told(listeners: &[&str], routes: &[&str], problems: &[&str]) -> Told {
    let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
    let overview = Overview { listeners: lines(listeners), routes: lines(routes), curl: Some("curl x".into()) };
    Told { overview, problems: lines(problems) }
}

fn console(closing: Option<String>) -> Console {
    let address: SocketAddr = "0.0.0.0:15020".parse().expect("an address");
    Console::new(Voice::Text(Paint::never()), Pages { admin: address, metrics: address, ready: address }, closing).0
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
    let text = console(Some("Do this\n".into())).banner(&told(&[], &[], &[]), Paint::never());
    assert!(text.ends_with("\nDo this\n\n"), "{text}");
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
