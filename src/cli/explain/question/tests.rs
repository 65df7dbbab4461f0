use std::sync::Arc;

use clap::Parser;
use postern_actors::plan::{HostTable, Port};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    question: QuestionArguments,
}

fn asked(line: &[&str]) -> Result<Asked, String> {
    let parsed = Line::try_parse_from([&["explain"], line].concat()).map_err(|error| error.to_string())?;
    parsed.question.asked().map_err(|error| error.to_string())
}

#[test]
fn a_url_says_what_its_parts_say() {
    let url = asked(&["https://Shop.test:8443/cart?a=1#here"]).expect("it is right");
    let parts = asked(&["--host", "Shop.test:8443", "--path", "/cart?a=1", "--scheme", "https"]).expect("it is right");
    for Asked { question, protocol, .. } in [&url, &parts] {
        let found = (&*question.method, &*question.authority, &*question.path, question.query.as_deref(), *protocol);
        assert_eq!(found, ("GET", "Shop.test:8443", "/cart", Some("a=1"), Some(Protocol::Https)));
    }
    assert_eq!((url.url_port, parts.url_port), (Some(8443), None), "the port of a Host names no listener");
    let short = asked(&["http://[::1]"]).expect("it is right").question;
    assert_eq!((&*short.authority, &*short.path, short.query), ("[::1]", "/", None));
}

#[test]
fn fields_are_taken_as_they_are_and_host_stands_over_the_url() {
    let line = ["http://127.0.0.1/", "--method", "POST", "--header", "x: a: b", "--header", "HOST:app.test:80"];
    let question = asked(&line).expect("it is right").question;
    assert_eq!((&*question.method, &*question.authority), ("POST", "app.test:80"));
    assert_eq!(question.headers, [(HeaderName::from_static("x"), HeaderValue::from_static("a: b"))]);
}

#[test]
fn what_is_no_request_is_refused() {
    for (line, expected) in [
        (&[][..], "or its --host"),
        (&["ftp://a.test/"], "no URL of http or https"),
        (&["/path"], "no URL of http or https"),
        (&["http://a.test/", "--host", "b.test"], "cannot be used with"),
        (&["http://user@a.test/"], "without a user"),
        (&["--host", "a.test\r\nx: y"], "one line"),
        (&["--host", "a.test", "--path", "/\n"], "one line"),
        (&["--host", "a.test", "--path", "cart"], "begin with a slash"),
        (&["--host", "a.test", "--method", "G T"], "invalid"),
        (&["--host", "a.test", "--header", "x"], "'Name: value'"),
        (&["--host", "a.test", "--header", "x: a\r\ny: b"], "failed to parse"),
    ] {
        let error = asked(line).expect_err("it is wrong");
        assert!(error.contains(expected), "{line:?}: {error}");
    }
}

#[test]
fn what_the_gateway_refuses_can_be_asked_about() {
    for (line, refused) in [
        (&["--host", "host.test:abc"][..], true),
        (&["--host", "a test"], true),
        (&["--host", ""], true),
        (&["http://a.test/", "--header", "host: user@a"], true),
        (&["--host", "a.test", "--path", "/e/f#x"], true),
        (&["--host", "a.test", "--path", "/e f?#"], true),
        (&["http://a.test/e/f#x"], false),
        (&["http://a.test/", "--method", "CONNECT"], true),
        (&["http://a.test/", "--header", "content-length: two"], true),
        (&["--host", "a.test", "--path", "*"], true),
        (&["--host", "a.test", "--path", "*", "--method", "OPTIONS"], false),
        (&["--host", " a.test ", "--path", "/%zz?a#"], true),
        (&["--host", " a.test ", "--path", "/%zz?a?b"], false),
    ] {
        let question = asked(line).expect("it is a question").question;
        assert_eq!(question.refusal().is_some(), refused, "{line:?}");
    }
}

#[test]
fn a_number_is_a_port_where_a_listener_has_it() {
    let port = |port| {
        let (gateway, protocol) = ("a/web".into(), Protocol::Http);
        Arc::new(Port { gateway, port, protocol, listeners: HostTable::default() })
    };
    let plan = Plan { ports: vec![port(80), port(8443)], ..Plan::default() };
    for (line, port, listener, noted) in [
        (&["http://a.test:8443/"][..], Some(8443), None, false),
        (&["http://a.test:8080/"], None, None, true),
        (&["http://a.test/"], None, None, false),
        (&["http://a.test:8443/", "--listener", "80"], Some(80), None, false),
        (&["--host", "a.test:8443", "--listener", "81"], None, Some("81"), false),
        (&["--host", "a.test", "--listener", "https"], None, Some("https"), false),
    ] {
        let asked = asked(line).expect("it is right");
        let (entrance, note) = asked.entrance(Some("a/web"), &plan);
        assert_eq!((entrance.port, entrance.listener, note.is_some()), (port, listener, noted), "{line:?}");
        assert_eq!(entrance.gateway, Some("a/web"));
    }
}
