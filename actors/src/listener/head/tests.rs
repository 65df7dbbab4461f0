use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::http1::HeadLimits;

fn parsed(request: &str) -> RequestHead {
    let mut head = RequestHead::default();
    head.parse(request.as_bytes(), &HeadLimits::default()).unwrap().expect("a whole head");
    head
}

/// The fields of the head that goes to the backend, names in lower case, sorted, without those of a request that tells
/// nothing.
fn written(fields: &str, trusted: bool, edits: &HeaderEdits) -> Vec<String> {
    let head = parsed(&format!("GET /a HTTP/1.1\r\nHost: app.test\r\n{fields}\r\n"));
    let mut out = BytesMut::new();
    let forwarded = Forwarded {
        head: &head,
        target: head.path_and_query(),
        host: None,
        edits: Edits([edits, &HeaderEdits::default()]),
        upgrade: None,
        client: "192.0.2.10".parse().unwrap(),
        trusted,
        scheme: "http",
        id: hexadecimal(0x00ff_0000_0000_0000_0000_0000_0000_0abc),
    };
    forwarded.write(&mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let rest = text.strip_prefix("GET /a HTTP/1.1\r\nhost: app.test\r\n").expect("a request line and a host");
    let lines = rest.strip_suffix("\r\n\r\n").expect("an end").split("\r\n");
    let mut lines: Vec<_> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').expect("a field");
            format!("{}: {}", name.to_ascii_lowercase(), value.trim())
        })
        .collect();
    lines.sort();
    lines
}

const OURS: [&str; 4] = [
    "x-forwarded-for: 192.0.2.10",
    "x-forwarded-host: app.test",
    "x-forwarded-proto: http",
    "x-request-id: 00ff0000000000000000000000000abc",
];

#[test]
fn what_a_client_says_of_itself_is_replaced_however_it_spells_it() {
    for spoofed in [
        "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\nX-Request-Id: 1\r\n",
        "x-forwarded-for: 10.0.0.1\r\nX-FORWARDED-FOR: 10.0.0.2\r\n",
        "X_Forwarded_For: 10.0.0.1\r\nx-forwarded_proto: https\r\nX_REQUEST_ID: 1\r\nX-Forwarded_Host: evil.test\r\n",
        "X-Forwarded-For:10.0.0.1\t\r\nX-Request-Id:\r\n",
        "Connection: X-Forwarded-For, x-request-id, close\r\nX-Forwarded-For: 10.0.0.1\r\nX-Request-Id: 1\r\n",
    ] {
        assert_eq!(written(spoofed, false, &HeaderEdits::default()), OURS, "{spoofed}");
    }
}

#[test]
fn a_trusted_hop_is_believed_and_its_address_added() {
    let told = "X-Forwarded-For: 10.0.0.1\r\nA: 1\r\nX-FORWARDED-FOR: 10.0.0.2, 10.0.0.3\r\nX-Forwarded-Proto: https\r\n\
                X-Forwarded-Host: front.test\r\nX-Request-Id: one\r\nX-Request-Id: two\r\nx_request_id: three\r\n";
    let expected = [
        "a: 1",
        "x-forwarded-for: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.10",
        "x-forwarded-host: front.test",
        "x-forwarded-proto: https",
        "x-request-id: one",
    ];
    assert_eq!(written(told, true, &HeaderEdits::default()), expected);
    assert_eq!(written("", true, &HeaderEdits::default()), OURS, "what it does not tell is ours to say");
    let named = "Connection: x-forwarded-for\r\nX-Forwarded-For: 10.0.0.1\r\n";
    assert_eq!(written(named, true, &HeaderEdits::default()), OURS, "what Connection names ends here");
}

#[test]
fn a_filter_stands_over_what_is_said_of_the_client() {
    let edits = HeaderEdits {
        set: vec![(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static("filter"))],
        add: Vec::new(),
        remove: vec![HeaderName::from_static("x-request-id"), HeaderName::from_static("b")],
    };
    let expected =
        ["a: 1", "c: 3", "x-forwarded-for: 192.0.2.10", "x-forwarded-host: app.test", "x-forwarded-proto: filter"];
    assert_eq!(written("A: 1\r\nB: 2\r\nC: 3\r\nX-Request-Id: 7\r\n", true, &edits), expected);
}

#[test]
fn numbers_are_written_as_fmt_writes_them() {
    for address in ["0.0.0.0", "255.10.9.100", "::", "2001:db8::1"] {
        let mut out = BytesMut::new();
        put_address(&mut out, address.parse().unwrap());
        assert_eq!(out, address);
    }
    for number in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef << 64] {
        assert_eq!(&hexadecimal(number)[..], format!("{number:032x}").as_bytes());
    }
    let mut out = BytesMut::new();
    put_length(&mut out, u64::MAX);
    assert_eq!(out, format!("content-length: {}\r\n", u64::MAX));
}

proptest! {
    /// Whatever stands between them, the fields of the client arrive whole, in their order, and nothing else does.
    #[test]
    fn every_field_that_goes_on_goes_on_as_it_was_sent(
        fields in proptest::collection::vec(
            ("(A|B-c|Connection|TE|X-Forwarded-For|X-Mine|Keep-Alive)", "[ \t]{0,2}", "(close|keep-alive|x-mine)?", "[ \t]{0,2}"),
            0..8,
        ),
    ) {
        let line = |(name, before, value, after): &(String, String, String, String)| format!("{name}:{before}{value}{after}\r\n");
        let text = fields.iter().map(line).collect::<Vec<_>>().concat();
        let head = parsed(&format!("GET / HTTP/1.1\r\nHost: a\r\n{text}\r\n"));
        let named = head.fields().values("connection").any(|value| value == b"x-mine");
        let goes_on = |name: &str| matches!(name, "A" | "B-c") || (name == "X-Mine" && !named);
        let expected = fields.iter().filter(|(name, ..)| goes_on(name)).map(line).collect::<Vec<_>>().concat();
        let edits = HeaderEdits::default();
        let forwarded = Forwarded {
            head: &head,
            target: "/",
            host: None,
            edits: Edits([&edits, &edits]),
            upgrade: None,
            client: "::1".parse().unwrap(),
            trusted: false,
            scheme: "http",
            id: hexadecimal(1),
        };
        let mut out = BytesMut::new();
        forwarded.write_passed(&mut out, false);
        prop_assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    }
}
