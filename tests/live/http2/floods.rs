//! Clients that make work and want nothing for it: each is told ENHANCE_YOUR_CALM, and costs neither memory nor backends.

use std::io::{ErrorKind, Write};

use postern_outcomes::backend::Backend;
use postern_outcomes::objects::{GATEWAY, Target};

use super::client::{connect, get, run};
use super::frames::{
    self, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PADDED, PING, PRIORITY, RESET,
    SETTINGS, WINDOW_UPDATE, frame, goaway, head,
};
use super::limits::memory;
use crate::gateway::Gateway;

/// Kibibytes that a flood may cost.
const BEARABLE: usize = 24 * 1024;

/// Floods a connection until the gateway ends it, with ENHANCE_YOUR_CALM; what follows may have cut that off.
fn flood(name: &str, gateway: &Gateway, first: &[u8], mut next: impl FnMut(u32) -> Vec<u8>) {
    let mut stream = frames::connect(gateway.address(80));
    let mut reader = stream.try_clone().unwrap();
    let goodbye = std::thread::spawn(move || goaway(&mut reader));
    stream.write_all(first).unwrap();
    let mut end = None;
    for number in 0..400 {
        let piece: Vec<u8> = (0..500).flat_map(|place| next(number * 500 + place)).collect();
        if let Err(error) = stream.write_all(&piece) {
            end = Some(error.kind());
            break;
        }
    }
    match goodbye.join().unwrap() {
        Some(error) => assert_eq!(error, ENHANCE_YOUR_CALM, "{name}"),
        None => assert!(matches!(end, Some(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)), "{name}: {end:?}"),
    }
}

#[test]
fn floods_are_told_to_be_calm() {
    let backend = Backend::silent();
    let gateway = Gateway::start(&format!("{GATEWAY}{}", Target::new("quiet", backend.address).yaml()));
    let before = memory(&gateway);
    let post = frame(HEADERS, END_HEADERS, 1, &head("POST", "quiet.test", &[]));
    let padded = [&[100][..], &[0; 100]].concat();
    for (name, first, piece) in [
        ("PING", &[][..], frame(PING, 0, 0, &[0; 8])),
        ("SETTINGS", &[], frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ("PRIORITY", &[], frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 16])),
        ("unknown kinds", &[], frame(0x77, 0, 0, &[1, 2, 3])),
        ("WINDOW_UPDATE", &post, frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        ("empty DATA", &post, frame(DATA, 0, 1, &[])),
        ("padding", &post, frame(DATA, PADDED, 1, &padded)),
    ] {
        flood(name, &gateway, first, |_| piece.clone());
    }
    let grown = memory(&gateway).saturating_sub(before);
    assert!(grown < BEARABLE, "{grown} KiB more than before");
    run(async { assert_eq!(get(&connect(gateway.address(80)).await, "http://nobody.test/").await.status, 404) });
}

/// CVE-2023-44487
#[test]
fn rapid_resets_end_the_connection() {
    let backend = Backend::silent();
    let gateway = Gateway::start(&format!("{GATEWAY}{}", Target::new("rapid", backend.address).yaml()));
    let before = memory(&gateway);
    let get_it = head("GET", "rapid.test", &[]);
    let open = |id| frame(HEADERS, END_HEADERS | END_STREAM, id, &get_it);
    let reset = |id| frame(RESET, 0, id, &[0, 0, 0, 8]);
    // At once, and in turns: a hundred are opened before they are reset.
    let at_once = |number: u32| [open(2 * number + 1), reset(2 * number + 1)].concat();
    let in_turns = |number: u32| {
        let (turn, place) = (number / 200, number % 200);
        let id = 2 * (turn * 100 + place % 100) + 1;
        if place < 100 { open(id) } else { reset(id) }
    };
    flood("at once", &gateway, &[], at_once);
    flood("in turns", &gateway, &[], in_turns);
    assert!(backend.accepted() <= 600, "{} connections to the backend", backend.accepted());
    let grown = memory(&gateway).saturating_sub(before);
    assert!(grown < BEARABLE, "{grown} KiB more than before");
    gateway.wait_for("no request in flight", || {
        let metrics = gateway.metrics();
        let mut lines = metrics.lines().filter(|line| line.starts_with("postern_requests_in_flight{"));
        lines.all(|line| line.ends_with(" 0")).then_some(())
    });
}

/// CVE-2024-27316
#[test]
fn a_head_without_end_ends_the_connection() {
    let backend = Backend::silent();
    let gateway = Gateway::start(&format!("{GATEWAY}{}", Target::new("endless", backend.address).yaml()));
    let before = memory(&gateway);
    let first = frame(HEADERS, END_STREAM, 1, &head("GET", "endless.test", &[]));
    let more = frame(CONTINUATION, 0, 1, &frames::block(&[("x-a", &"b".repeat(100))]));
    flood("fields", &gateway, &first, |_| more.clone());
    flood("nothing", &gateway, &first, |_| frame(CONTINUATION, 0, 1, &[]));
    assert_eq!(backend.accepted(), 0);
    let grown = memory(&gateway).saturating_sub(before);
    assert!(grown < BEARABLE, "{grown} KiB more than before");
}
