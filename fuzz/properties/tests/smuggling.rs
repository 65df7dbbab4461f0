//! The smuggling corpus, through the parser. The same cases run through the program itself in the live tests.

use postern_actors::http1::HeadLimits;
use postern_properties::conversation::{Found, Request, read};
use postern_properties::corpus::{Expected, cases};

#[test]
fn each_case_comes_to_what_is_expected() {
    let cases = cases();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        // Byte by byte, a large head would be looked at tens of thousands of times.
        let sizes = if case.sent.len() < 4096 { &[1, 3, 50, case.sent.len()][..] } else { &[1000, case.sent.len()] };
        for &size in sizes {
            let found = read(case.sent.chunks(size), &HeadLimits::default());
            if found.len() != case.expected.len()
                || !found.iter().zip(&case.expected).all(|(found, expected)| agree(found, expected))
            {
                wrong.push(format!(
                    "{}, in pieces of {size}: expected {:?}, found {}",
                    case.name,
                    case.expected,
                    show(&found)
                ));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn agree(found: &Found, expected: &Expected) -> bool {
    match (found, expected) {
        (Found::Request(request), Expected::Passed { method, target, body }) => {
            request.authority == "good.test"
                && (&request.method, &request.target, &request.body) == (method, target, body)
        }
        (Found::Request(request), Expected::Answered(404)) => request.authority != "good.test",
        (Found::Refused(status), Expected::Refused(expected)) => status == expected,
        (Found::Cut(_), Expected::Cut(400)) | (Found::Begun(_) | Found::Partial, Expected::Waits) => true,
        _ => false,
    }
}

fn show(found: &[Found]) -> String {
    let line = |request: &Request| {
        format!("{} {} {:?}", request.method, request.target, String::from_utf8_lossy(&request.body))
    };
    let words: Vec<_> = found
        .iter()
        .map(|found| match found {
            Found::Request(request) => format!("passed {}", line(request)),
            Found::Refused(status) => format!("refused {status}"),
            Found::Cut(request) => format!("cut {}", line(request)),
            Found::Begun(request) => format!("waits in {}", line(request)),
            Found::Partial => "waits in a head".to_owned(),
        })
        .collect();
    words.join(", ")
}

/// The preface of HTTP/2 is no request of HTTP/1, in whatever pieces it comes.
#[test]
fn the_preface_of_http_2_is_no_request() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /evil HTTP/1.1\r\nHost: good.test\r\n\r\n";
    for size in 1..preface.len() {
        assert_eq!(read(preface.chunks(size), &HeadLimits::default()), [Found::Refused(505)], "in pieces of {size}");
    }
}
