//! Large bodies in both directions at once, in a memory that does not grow with them.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::time::Instant;

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};

use super::client::Session;
use super::gateway::Gateway;

/// The bytes of each direction: what a build without optimisation moves in a few seconds, or what the product promises.
/// `POSTERN_STREAM_MIB` sets it for any build.
fn amount() -> usize {
    let mib = std::env::var("POSTERN_STREAM_MIB").ok().map(|mib| mib.parse::<usize>().expect("a number of MiB"));
    mib.unwrap_or(if cfg!(debug_assertions) { 256 } else { 1024 }) << 20
}

/// What the gateway may grow by, however much passes through it.
const GROWTH: u64 = 64 * 1024 * 1024;
const PIECE: usize = 64 * 1024;

/// Sends the body of a request back while it comes in.
fn echo(stream: impl Read + Write) {
    let mut stream = BufReader::with_capacity(PIECE, stream);
    let mut length = None;
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(1..) => {}
            _ => return,
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>().unwrap());
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut left = length.expect("a length");
    write!(stream.get_mut(), "HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n").unwrap();
    let mut piece = vec![0; PIECE];
    while left > 0 {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "the request is cut");
        stream.get_mut().write_all(&piece[..count]).unwrap();
        left -= count;
    }
    let _ = stream.get_mut().flush();
}

/// The piece at a place of the body; none equals its neighbours.
fn piece(number: usize) -> Vec<u8> {
    (number as u64).to_le_bytes().repeat(PIECE / 8)
}

#[test]
fn a_body_goes_both_ways_at_once_in_constant_memory() {
    let amount = amount();
    let ours = Authority::new("ours");
    let backend = Backend::tls_with(&Tls::new(ours.issue("backend.test")), echo);
    let target = Target::new("echo", backend.address).policy(&ours.pem(), "", "");
    let gateway = Gateway::start(&format!("{GATEWAY}{}", target.yaml()));
    let idle = gateway.memory("VmRSS");
    let began = Instant::now();
    let mut session = Session::open(gateway.address(80));
    let mut writing = session.stream.get_ref().try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        write!(writing, "POST / HTTP/1.1\r\nHost: echo.test\r\nContent-Length: {amount}\r\n\r\n").unwrap();
        for number in 0..amount / PIECE {
            writing.write_all(&piece(number)).unwrap();
        }
    });
    let head = session.head().unwrap();
    assert_eq!((head.status, head.field("content-length")), (200, Some(amount.to_string().as_str())), "{head:?}");
    let mut got = vec![0; PIECE];
    for number in 0..amount / PIECE {
        session.stream.read_exact(&mut got).unwrap();
        assert!(got == piece(number), "piece {number} is another one");
    }
    writer.join().unwrap();
    let grown = gateway.memory("VmHWM").saturating_sub(idle);
    println!("{} MiB each way in {:?}, {} KiB of memory", amount >> 20, began.elapsed(), grown >> 10);
    assert!(grown < GROWTH, "the gateway grew by {grown} bytes");
}
