use super::*;

fn built(json: &str, of_request: bool) -> (Edits, Vec<String>) {
    let written: HeaderModifier = serde_json::from_str(json).unwrap();
    let mut problems = Vec::new();
    let edits = build(&written, of_request, "f", &mut problems);
    (edits, problems.into_iter().map(|problem| problem.field).collect())
}

#[test]
fn edits_keep_the_first_entry_of_a_name() {
    let (edits, problems) = built(
        r#"{"set": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}],
            "add": [{"name": "X-B", "value": "3"}], "remove": ["X-C", "x-c", "Connection"]}"#,
        true,
    );
    assert!(problems.is_empty());
    assert_eq!(edits.headers.set, [(HeaderName::from_static("x-a"), HeaderValue::from_static("1"))]);
    assert_eq!(edits.headers.add, [(HeaderName::from_static("x-b"), HeaderValue::from_static("3"))]);
    assert_eq!(edits.headers.remove, [HeaderName::from_static("x-c"), http::header::CONNECTION]);
}

#[test]
fn a_request_is_given_a_host_and_a_response_has_none() {
    let set = r#"{"set": [{"name": "Host", "value": "a.example"}]}"#;
    let (edits, problems) = built(set, true);
    assert_eq!(
        (edits.host, edits.headers.is_empty(), problems.len()),
        (Some(HeaderValue::from_static("a.example")), true, 0)
    );
    let (edits, _) = built(set, false);
    assert_eq!((edits.host, edits.headers.set.len()), (None, 1));
    assert_eq!(
        built(r#"{"add": [{"name": "x-a", "value": "1"}, {"name": "host", "value": "b"}]}"#, true).1,
        ["f.add[1]"]
    );
    assert_eq!(built(r#"{"remove": ["host"]}"#, true).1, ["f.remove[0]"]);
}

#[test]
fn no_route_writes_what_frames_a_message() {
    for name in OF_THE_CONNECTION {
        for of_request in [true, false] {
            let json = format!(r#"{{"set": [{{"name": "{name}", "value": "1"}}]}}"#);
            let (edits, problems) = built(&json, of_request);
            assert_eq!(problems, ["f.set[0].name"], "{name}");
            assert!(edits.headers.is_empty());
        }
    }
    assert_eq!(built(r#"{"remove": ["Content-Length", "Transfer-Encoding"]}"#, true).1, ["f.remove[0]", "f.remove[1]"]);
}

#[test]
fn what_no_header_can_hold_is_told() {
    let (edits, problems) = built(
        r#"{"set": [{"name": "a b", "value": "1"}, {"name": "x-a", "value": "1\r\nx-b: 2"}], "remove": [":method"]}"#,
        true,
    );
    assert_eq!(problems, ["f.set[0].name", "f.set[1].value", "f.remove[0]"]);
    assert!(edits.headers.is_empty());
}
