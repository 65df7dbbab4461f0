//! The bytes of a client.

use postern_actors::http1::{Framing, HeadLimits};

use crate::conversation::{Found, Request, read};
use crate::corpus;

/// Small, so that inputs of a usual size reach them.
const LIMITS: HeadLimits = HeadLimits { bytes: 1024, target: 256, fields: 24 };

/// However the bytes are cut into pieces, the same is found in them; a request that is found can be read in one way only; and
/// what goes on is read by the next recipient as it was read here.
pub fn check(input: &[u8]) {
    let whole = read([input], &LIMITS);
    let seed = input.iter().fold(input.len(), |seed, byte| seed.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    for largest in [1, 2, 7, 64] {
        let cut = read(pieces(input, largest, seed), &LIMITS);
        assert_eq!(cut, whole, "in pieces of {largest} at the most");
    }
    for found in &whole {
        if let Found::Request(request) | Found::Cut(request) | Found::Begun(request) = found {
            assert_unambiguous(&request.sent, request.framing);
            assert_goes_on(request);
        }
    }
}

/// Everything in the smuggling corpus.
pub fn seeds() -> Vec<Vec<u8>> {
    corpus::cases().into_iter().map(|case| case.sent).filter(|sent| sent.len() <= 4096).collect()
}

/// Pieces of 1 to `largest` bytes.
fn pieces(input: &[u8], largest: usize, seed: usize) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut state) = (input, seed);
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = (state >> 33) % largest + 1;
        let (piece, left) = rest.split_at_checked(size).unwrap_or((rest, b""));
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Reads a head again, in the simplest way there is, as the specifications have it.
fn assert_unambiguous(sent: &[u8], framing: Framing) {
    let text: String = sent.iter().copied().map(char::from).collect();
    let text = text.trim_start_matches("\r\n");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']), "a bare CR or LF, or NUL: {text:?}");
    let lines = text.strip_suffix("\r\n\r\n").expect("an empty line");
    let (line, fields) = lines.split_once("\r\n").unwrap_or((lines, ""));
    let words: Vec<_> = line.split(' ').collect();
    assert!(words.len() == 3 && words.iter().all(|word| !word.is_empty()), "{line:?}");
    let (mut lengths, mut codings, mut hosts) = (Vec::new(), Vec::new(), 0);
    for field in fields.split("\r\n").filter(|_| !fields.is_empty()) {
        let (name, value) = field.split_once(':').expect("a colon");
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        assert!(!name.is_empty() && name.chars().all(is_token), "{name:?}");
        match name.to_ascii_lowercase().as_str() {
            "content-length" => lengths.push(value.trim_matches([' ', '\t'])),
            "transfer-encoding" => codings.push(value.trim_matches([' ', '\t']).to_ascii_lowercase()),
            "host" => hosts += 1,
            _ => {}
        }
    }
    assert!(hosts <= 1 && (hosts == 1 || line.ends_with("HTTP/1.0")), "{hosts} Host fields");
    match framing {
        Framing::None => {
            let is_zero = |length: &&str| !length.is_empty() && length.bytes().all(|byte| byte == b'0');
            assert!(codings.is_empty() && lengths.len() <= 1 && lengths.iter().all(is_zero), "{text:?}");
        }
        Framing::Length(length) => {
            assert!(codings.is_empty() && lengths.len() == 1, "{text:?}");
            assert!(
                lengths[0].bytes().all(|byte| byte.is_ascii_digit()) && lengths[0].parse() == Ok(length),
                "{text:?}"
            );
        }
        Framing::Chunked => {
            assert!(lengths.is_empty() && codings == ["chunked"] && !line.ends_with("HTTP/1.0"), "{text:?}");
        }
        Framing::UntilClose => panic!("a request that ends with its connection"),
    }
}

/// The next recipient reads the head that goes on as it was read here.
fn assert_goes_on(request: &Request) {
    if request.authority.is_empty() {
        // HTTP/1.0 without a Host: what goes on has an empty one, which is no concern of the framing.
        return;
    }
    let limits = HeadLimits { bytes: 2 * LIMITS.bytes, ..HeadLimits::default() };
    let again = read([&request.head[..], b"\r\n"], &limits);
    let (Some(Found::Request(second) | Found::Begun(second) | Found::Cut(second)), true) =
        (again.first(), request.head.ends_with(b"\r\n\r\n"))
    else {
        panic!("what goes on is refused: {again:?} of {:?}", String::from_utf8_lossy(&request.head));
    };
    assert_eq!((second.framing, &second.method, &second.target), (request.framing, &request.method, &request.target));
    assert_eq!(second.authority, request.authority);
    assert_unambiguous(&request.head, request.framing);
    let text = String::from_utf8_lossy(&request.head).to_ascii_lowercase();
    for ended in ["connection", "upgrade", "te", "trailer", "keep-alive", "proxy-connection"] {
        assert!(!text.contains(&format!("\r\n{ended}:")), "{ended} goes on: {text:?}");
    }
}
