//! The smuggling corpus: what clients send, and what must become of it. It is read by the tests of the parser, by the live
//! tests, and as the seeds of the fuzzing.
//!
//! A file holds cases. `== name` begins one, `#` says why, lines of `>` are what is sent (joined without a line break; `\r`,
//! `\n`, `\t`, `\0`, `\\`, `\xNN`, and `\<N*text>` for a repetition), and the rest is what becomes of it, in order:
//!
//! - `passed METHOD TARGET "BODY"`: the backend sees exactly this request, and the client gets its answer;
//! - `answered STATUS`: the gateway answers in its own name and goes on;
//! - `refused STATUS`: the gateway answers and closes, and the backend sees nothing of it;
//! - `cut STATUS`: the head was good and the body is not; the backend never sees a whole request;
//! - `waits`: the gateway waits for more; the backend never sees a whole request.

/// One thing that becomes of what is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// `passed`
    Passed {
        /// As the backend sees it.
        method: String,
        /// As the backend sees it.
        target: String,
        /// Its data.
        body: Vec<u8>,
    },
    /// `answered`
    Answered(u16),
    /// `refused`
    Refused(u16),
    /// `cut`
    Cut(u16),
    /// `waits`
    Waits,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file and what stands behind `==`.
    pub name: String,
    /// What the client sends.
    pub sent: Vec<u8>,
    /// What becomes of it.
    pub expected: Vec<Expected>,
}

/// The files, by name.
const FILES: [(&str, &str); 7] = [
    ("lengths", include_str!("lengths.txt")),
    ("codings", include_str!("codings.txt")),
    ("chunks", include_str!("chunks.txt")),
    ("lines", include_str!("lines.txt")),
    ("fields", include_str!("fields.txt")),
    ("targets", include_str!("targets.txt")),
    ("connections", include_str!("connections.txt")),
];

/// Every case of every file.
pub fn cases() -> Vec<Case> {
    FILES.iter().flat_map(|(file, text)| read(file, text)).collect()
}

fn read(file: &str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: format!("{file}: {name}"), sent: Vec::new(), expected: Vec::new() });
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("{file}:{number}: a line before the first case"));
        if let Some(piece) = line.strip_prefix("> ") {
            assert!(case.expected.is_empty(), "{file}:{number}: what is sent comes first");
            unescape(piece, &mut case.sent);
        } else {
            case.expected.push(expected(line).unwrap_or_else(|| panic!("{file}:{}: {line}", number + 1)));
        }
    }
    assert!(cases.iter().all(|case| !case.sent.is_empty() && !case.expected.is_empty()), "{file}: an empty case");
    cases
}

fn expected(line: &str) -> Option<Expected> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match word {
        "passed" => {
            let mut words = rest.splitn(3, ' ');
            let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
            let mut body = Vec::new();
            unescape(words.next()?.strip_prefix('"')?.strip_suffix('"')?, &mut body);
            Expected::Passed { method, target, body }
        }
        "answered" => Expected::Answered(rest.parse().ok()?),
        "refused" => Expected::Refused(rest.parse().ok()?),
        "cut" => Expected::Cut(rest.parse().ok()?),
        "waits" => Expected::Waits,
        _ => return None,
    })
}

fn unescape(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let mut characters = after.chars();
        match characters.next().expect("an escape") {
            'r' => out.push(b'\r'),
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            '0' => out.push(0),
            '\\' => out.push(b'\\'),
            'x' => {
                let (digits, _) = after[1..].split_at(2);
                out.push(u8::from_str_radix(digits, 16).expect("two hexadecimal digits"));
                characters = after[3..].chars();
            }
            '<' => {
                let (repetition, after) = after[1..].split_once('>').expect("the end of a repetition");
                let (times, repeated) = repetition.split_once('*').expect("how often");
                let mut once = Vec::new();
                unescape(repeated, &mut once);
                out.extend(once.repeat(times.parse().expect("a number")));
                characters = after.chars();
            }
            other => panic!("\\{other} is no escape"),
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}
