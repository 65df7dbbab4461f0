use proptest::prelude::*;
use serde_json::json;

use super::*;

fn one(text: &str) -> Document {
    let mut documents = read(text).expect("readable");
    assert_eq!(documents.len(), 1, "{documents:?}");
    documents.remove(0)
}

fn refused(text: &str) -> SyntaxError {
    read(text).expect_err("must not be readable")
}

#[test]
fn every_field_knows_its_line() {
    let document = one(
        "# a comment\nmetadata:\n  name: nginx\n  labels:\n    app.kubernetes.io/name: x\nspec:\n  rules:\n  \
                        - backendRefs:\n    - name: a\n      port: 80\n    - name: b\ndata:\n  ca.crt: |\n    one\n    two\n",
    );
    for (field, line) in [
        ("", 2),
        ("metadata.name", 3),
        ("metadata.labels[app.kubernetes.io/name]", 5),
        ("spec.rules", 7),
        ("spec.rules[0]", 8),
        ("spec.rules[0].backendRefs", 8),
        ("spec.rules[0].backendRefs[0].port", 10),
        ("spec.rules[0].backendRefs[1].name", 11),
        ("data[ca.crt]", 13),
        ("data.ca.crt", 13),
    ] {
        assert_eq!(document.lines.of(field), line, "{field}");
    }
}

#[test]
fn a_field_that_was_not_written_has_the_line_of_the_nearest_above() {
    let document = one("spec:\n  rules:\n  - name: a\n");
    assert_eq!(document.lines.of("spec.rules[0].backendRefs[1].port"), 3);
    assert_eq!(document.lines.of("spec.rules[7].name"), 2);
    assert_eq!(document.lines.of("spec.rulesets"), 1);
    assert_eq!(document.lines.of("status"), 1);
}

#[test]
fn several_documents_are_read_and_empty_ones_left_out() {
    let documents = read("---\n# nothing\n---\na: 1\n---\n\n---\n~\n---\nb: 2\n...\n").expect("readable");
    assert_eq!(documents.iter().map(|it| it.value.clone()).collect::<Vec<_>>(), [json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(documents[1].lines.of("b"), 10);
    for nothing in ["", "  \n\n", "# only a comment\n", "---\n---\n", "\u{feff}"] {
        assert_eq!(read(nothing).expect("readable"), [], "{nothing:?}");
    }
}

#[test]
fn lists_are_taken_apart() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- kind: A\n  name: x\n- kind: List\n  items:\n  - kind: B\n- ~\n";
    let documents = read(text).expect("readable");
    assert_eq!(documents.iter().map(|it| it.value["kind"].clone()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(documents[0].lines.of("name"), 5);
    assert_eq!(documents[1].lines.line(), 8);
}

#[test]
fn items_of_a_typed_list_get_its_kind() {
    let documents =
        read(r#"{"apiVersion": "v1", "kind": "ServiceList", "items": [{"metadata": {}}, {"kind": "Other"}]}"#);
    let documents = documents.expect("readable");
    assert_eq!(documents[0].value, json!({"apiVersion": "v1", "kind": "Service", "metadata": {}}));
    assert_eq!(documents[1].value, json!({"kind": "Other"}));
}

#[test]
fn json_is_read_with_its_lines() {
    let document = one("{\n\t\"a\": [1, -2.5e1,\n\ttrue, null],\n\t\"\\u00e9\\ud83d\\ude00\\/\": \"x\"\n}\n");
    assert_eq!(document.value, json!({"a": [1, -25.0, true, null], "é😀/": "x"}));
    assert_eq!(document.lines.of("a[1]"), 2);
    assert_eq!(document.lines.of("a[2]"), 3);
    assert_eq!(document.lines.of("é😀/"), 4);
    assert_eq!(read("{}\n[]{\"a\":{}}").expect("readable").len(), 3);
    assert_eq!(one("{a: b, c: [d]}").value, json!({"a": "b", "c": ["d"]}), "a flow mapping is no JSON, but YAML");
}

#[test]
fn json_that_is_broken_names_the_place() {
    let error = refused("{\n  \"a\": 1,\n  \"b\": \"x\n");
    assert_eq!((error.line, error.column), (3, 8));
    assert_eq!(error.cause, "a string is not closed");
    assert_eq!(refused("{\"a\": 1 \"b\": 2}").cause, "found `\"` instead of `,` or `}`");
    assert_eq!(refused("{\"a\": 1, \"a\": 2}").cause, "the key \"a\" is given twice");
    assert_eq!(refused("{\"a\": ").cause, "ends before a value");
}

#[test]
fn quoted_words_are_strings() {
    let document = one("a: 'on'\nb: \"80\"\nc: 80\nd: on\ne: |\n  5\n80: x\n");
    assert_eq!(document.value, json!({"a": "on", "b": "80", "c": 80, "d": true, "e": "5\n", "80": "x"}));
}

#[test]
fn anchors_aliases_and_merges_work() {
    let text = "base: &base\n  a: 1\n  b: 2\nmore: &more {b: 3, c: 3}\none:\n  <<: *base\n  b: 4\ntwo:\n  <<: [*more, *base]\n\
                three: *base\n'<<': kept\n";
    let document = one(text);
    assert_eq!(document.value["one"], json!({"a": 1, "b": 4}));
    assert_eq!(document.value["two"], json!({"a": 1, "b": 3, "c": 3}));
    assert_eq!(document.value["three"], json!({"a": 1, "b": 2}));
    assert_eq!(document.value["<<"], json!("kept"));
    assert_eq!(document.lines.of("one.a"), 2, "a merged field stands where it was written");
    assert_eq!(document.lines.of("one.b"), 7);
    assert!(refused("a: &a 1\nb:\n  <<: *a\n").cause.contains("takes a map"));
    assert!(refused("a: &a\n  b: *a\n").cause.contains("contains it"));
    assert_eq!(refused("a: *nowhere\n").line, 1);
}

#[test]
fn an_alias_bomb_is_refused_quickly() {
    use std::fmt::Write as _;
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{below}]").expect("a string takes everything");
    }
    assert!(refused(&text).cause.contains("expand to too much"));
    let heavy = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(", "));
    assert!(refused(&heavy).cause.contains("expand to too much"));
}

#[test]
fn nesting_is_bounded() {
    for text in ["[".repeat(5000), "{\"a\":".repeat(5000), format!("- {}", "- ".repeat(5000)), "? ".repeat(5000)] {
        assert!(read(&text).is_err());
    }
}

#[test]
fn errors_name_place_cause_and_remedy() {
    for (text, line, cause, remedy) in [
        ("a:\n\tb: 1\n", 2, "tab", "indent with spaces"),
        ("a: 1\nb: c: d\n", 2, "mapping values are not allowed", "quote a value that contains `: `"),
        ("a:\n  b: 1\n c: 2\n", 3, "", "indent"),
        ("a: \"x\n", 1, "", "close"),
        ("a: [1, 2\nb: 3\n", 2, "", "bracket"),
        ("a: 1\nb: 2\na: 3\n", 3, "the key \"a\" is given twice; the first time on line 1", "remove one"),
        ("? [a]\n: b\n", 1, "cannot be the key", "plain word"),
        ("a: @b\n", 1, "unexpected character", "quote"),
        ("a: !!int b\n", 1, "is no !!int", "remove the tag"),
        (": 1\n", 1, "a key is empty", "quote"),
    ] {
        let error = refused(text);
        assert_eq!(error.line, line, "{text:?}: {error:?}");
        assert!(error.cause.contains(cause), "{text:?}: {error:?}");
        assert!(error.remedy.contains(remedy), "{text:?}: {error:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-\\[\\]{}:,&*!|>'\"%@`#?a-c0-9<~. \\n\\t\\\\]{0,60}") {
        if let Ok(documents) = read(&text) {
            for document in documents {
                document.lines.of("a.b[0].c");
            }
        }
    }

    #[test]
    fn any_bytes_that_are_text_make_no_panic(text in any::<String>()) {
        let _ = read(&text);
        let _ = read(&format!("{{\"{text}"));
    }

    #[test]
    fn json_reads_back_what_was_written(value in json_value()) {
        let text = serde_json::to_string_pretty(&json!({ "value": value })).expect("serializable");
        prop_assert_eq!(&one(&text).value["value"], &value);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
