use proptest::prelude::*;

use super::{HostTable, normalize_host};

fn table(hostnames: &[Option<&'static str>]) -> HostTable<Option<&'static str>> {
    let mut table = HostTable::default();
    for hostname in hostnames {
        table.insert(*hostname, *hostname);
    }
    table
}

fn candidates(table: &HostTable<Option<&'static str>>, host: &str) -> Vec<&'static str> {
    table.candidates(host).map(|hostname| hostname.unwrap_or("any")).collect()
}

#[test]
fn the_most_specific_hostname_comes_first() {
    let table = table(&[
        None,
        Some("*.com"),
        Some("*.example.com"),
        Some("a.example.com"),
        Some("*.a.example.com"),
        Some("example.com"),
    ]);
    assert_eq!(candidates(&table, "a.example.com"), ["a.example.com", "*.example.com", "*.com", "any"]);
    assert_eq!(candidates(&table, "b.a.example.com"), ["*.a.example.com", "*.example.com", "*.com", "any"]);
    assert_eq!(candidates(&table, "example.com"), ["example.com", "*.com", "any"]);
    assert_eq!(candidates(&table, "com"), ["any"]);
    assert_eq!(candidates(&table, ""), ["any"]);
}

#[test]
fn a_wildcard_takes_any_number_of_labels_but_at_least_one() {
    let table = table(&[Some("*.example.com")]);
    assert_eq!(candidates(&table, "a.b.c.example.com"), ["*.example.com"]);
    for host in ["example.com", ".example.com", "badexample.com", "example.com.evil.org", "*"] {
        assert!(table.find(host).is_none(), "{host}");
    }
}

#[test]
fn a_host_longer_than_any_name_gets_only_what_takes_every_host() {
    let table = table(&[None, Some("*.example.com")]);
    let host = format!("{}example.com", "a.".repeat(200_000));
    assert_eq!(candidates(&table, &host), ["any"]);
}

#[test]
fn iteration_has_a_fixed_order() {
    let table = table(&[Some("*.b"), None, Some("z"), Some("a"), Some("*.a")]);
    let patterns: Vec<_> = table.iter().map(|(pattern, _)| pattern.map(std::borrow::Cow::into_owned)).collect();
    let expected = [Some("a"), Some("z"), Some("*.a"), Some("*.b"), None].map(|name| name.map(str::to_owned));
    assert_eq!(patterns, expected);
}

#[test]
fn conversion_keeps_the_names_and_stops_at_an_error() {
    let lengths = table(&[Some("ab"), Some("*.abc"), None]).map(|name| name.map_or(0, str::len));
    assert_eq!(lengths.get(Some("ab")), Some(&2));
    assert_eq!(lengths.get(Some("*.abc")), Some(&5));
    assert_eq!(lengths.get(None), Some(&0));
    assert_eq!(lengths.get(Some("x.abc")), None);
    assert_eq!(lengths.try_map(|length| if length == 5 { Err("five") } else { Ok(length) }), Err("five"));
}

#[test]
fn a_value_is_made_once() {
    let mut table = HostTable::default();
    for hostname in [Some("a"), Some("*.a"), None, Some("a"), Some("*.a"), None] {
        *table.get_mut_or_insert_with(hostname, || 0) += 1;
    }
    assert_eq!(table.values().copied().collect::<Vec<_>>(), [2, 2, 2]);
}

fn hostname() -> impl Strategy<Value = String> {
    (any::<bool>(), proptest::collection::vec("[ab]{1,2}", 1..4)).prop_map(|(wildcard, labels)| {
        let name = labels.join(".");
        if wildcard { format!("*.{name}") } else { name }
    })
}

proptest! {
    /// HTTPRoute: "most characters in a matching non-wildcard hostname", then in a matching wildcard hostname.
    #[test]
    fn candidates_are_the_matching_names_by_their_specificity(
        names in proptest::collection::btree_set(hostname(), 0..12),
        host in hostname().prop_filter("a host", |host| !host.starts_with('*')),
    ) {
        let mut table = HostTable::default();
        for name in &names {
            table.insert(Some(name), name.clone());
        }
        let mut expected: Vec<_> = names
            .iter()
            .filter(|name| match name.strip_prefix('*') {
                Some(suffix) => host.ends_with(suffix),
                None => **name == host,
            })
            .cloned()
            .collect();
        expected.sort_by_key(|name| (name.starts_with('*'), std::cmp::Reverse(name.len())));
        prop_assert_eq!(table.candidates(&host).cloned().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_host_is_matched_without_port_and_case() {
    for (authority, expected) in [
        ("Example.com:8080", "example.com"),
        ("example.com", "example.com"),
        ("example.com.", "example.com"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("", ""),
    ] {
        let mut host = String::from("before");
        normalize_host(authority, &mut host);
        assert_eq!(host, expected, "{authority}");
    }
}
