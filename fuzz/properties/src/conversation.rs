//! What a gateway makes of the bytes of one client: the requests in them, up to the first that is refused or closes.

use postern_actors::http1::{BodyDecoder, Framing, HeadError, HeadLimits, RequestHead};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A whole request.
    Request(Request),
    /// A head that is refused with this status: the end.
    Refused(u16),
    /// A head as good as its body is bad: the end.
    Cut(Request),
    /// A head whose body has not ended yet.
    Begun(Request),
    /// Bytes of a head that is not whole yet.
    Partial,
}

/// A request as it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its head, as it was sent.
    pub sent: Vec<u8>,
    /// Its head, as it goes on.
    pub head: Vec<u8>,
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The host that it is for.
    pub authority: String,
    /// How its body ends.
    pub framing: Framing,
    /// The data of its body, as far as it has come.
    pub body: Vec<u8>,
}

/// Reads what comes in these pieces.
pub fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &HeadLimits) -> Vec<Found> {
    let mut found = Vec::new();
    let mut input = Vec::new();
    let mut head = RequestHead::default();
    let mut open: Option<(Request, BodyDecoder)> = None;
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            if let Some((mut request, mut decoder)) = open.take() {
                if take_body(&mut input, &mut request, &mut decoder).is_err() {
                    found.push(Found::Cut(request));
                    return found;
                }
                if !decoder.is_done() {
                    open = Some((request, decoder));
                    break;
                }
                found.push(Found::Request(request));
                if !head.keep_alive() {
                    return found;
                }
            }
            match head.parse(&input, limits) {
                Ok(Some(length)) => {
                    let sent: Vec<u8> = input.drain(..length).collect();
                    open = Some((request(&head, sent), BodyDecoder::new(head.framing())));
                }
                Ok(None) => break,
                Err(error) => {
                    found.push(Found::Refused(status(error)));
                    return found;
                }
            }
        }
    }
    match open {
        Some((request, _)) => found.push(Found::Begun(request)),
        None if !input.is_empty() => found.push(Found::Partial),
        None => {}
    }
    found
}

fn take_body(input: &mut Vec<u8>, request: &mut Request, decoder: &mut BodyDecoder) -> Result<(), ()> {
    while !decoder.is_done() {
        let (skip, data) = decoder.decode(input).map_err(|_| ())?;
        if (skip, data) == (0, 0) {
            break;
        }
        request.body.extend_from_slice(&input[skip..skip + data]);
        input.drain(..skip + data);
    }
    Ok(())
}

fn request(head: &RequestHead, sent: Vec<u8>) -> Request {
    Request {
        sent,
        head: forward(head),
        method: head.method().to_owned(),
        target: head.path_and_query().to_owned(),
        authority: head.authority().to_owned(),
        framing: head.framing(),
        body: Vec::new(),
    }
}

/// The head that goes on, as the fields that may go on make it.
fn forward(head: &RequestHead) -> Vec<u8> {
    let mut out =
        format!("{} {} HTTP/1.1\r\nhost: {}\r\n", head.method(), head.path_and_query(), head.authority()).into_bytes();
    for field in head.forwarded_fields() {
        for part in [field.name, b": ", field.value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    match head.framing() {
        Framing::Length(length) => out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::UntilClose => {}
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The status of a refusal, as its documentation has it.
fn status(error: HeadError) -> u16 {
    match error {
        HeadError::Malformed(_) | HeadError::Ambiguous(_) => 400,
        HeadError::TargetTooLong => 414,
        HeadError::Expectation => 417,
        HeadError::TooLarge => 431,
        HeadError::TransferCoding => 501,
        HeadError::Version => 505,
    }
}
