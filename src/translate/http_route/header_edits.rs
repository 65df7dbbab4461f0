//! RequestHeaderModifier and ResponseHeaderModifier.

use http::header::{HOST, HeaderName, HeaderValue};
use postern_actors::plan::filter::HeaderEdits;

use crate::resources::http_route::{Header, HeaderModifier};
use crate::status::reason;
use crate::translate::findings::Problem;

/// Headers that frame a message or belong to one connection. To let a route write them would let it smuggle requests.
const OF_THE_CONNECTION: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
/// Those of them without which a message has no end.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// What a modifier does.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Edits {
    /// The edits, but for those of `Host`.
    pub(super) headers: HeaderEdits,
    /// The `Host` that a request's modifier sets.
    pub(super) host: Option<HeaderValue>,
}

/// Builds it. Names and values that no header can have are problems.
pub(super) fn build(written: &HeaderModifier, of_request: bool, field: &str, problems: &mut Vec<Problem>) -> Edits {
    let mut edits = Edits::default();
    let mut reader = Reader { of_request, problems };
    for (name, value) in reader.headers(&written.set, &format!("{field}.set")) {
        if of_request && name == HOST {
            edits.host = Some(value);
        } else {
            edits.headers.set.push((name, value));
        }
    }
    for (index, (name, value)) in reader.headers(&written.add, &format!("{field}.add")).into_iter().enumerate() {
        if of_request && name == HOST {
            reader.refuse(
                format!("{field}.add[{index}]"),
                "a request has one Host".into(),
                "use set, or URLRewrite.hostname",
            );
        } else {
            edits.headers.add.push((name, value));
        }
    }
    for (index, written) in written.remove.iter().enumerate() {
        let field = format!("{field}.remove[{index}]");
        let Some(name) = reader.name(written, &field) else { continue };
        if FRAMING.contains(&name.as_str()) || (of_request && name == HOST) {
            reader.refuse(field, format!("{name} cannot be removed"), "remove it from the filter");
        } else if !edits.headers.remove.contains(&name) {
            edits.headers.remove.push(name);
        }
    }
    edits
}

struct Reader<'a> {
    of_request: bool,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// "Subsequent entries with an equivalent header name MUST be ignored." (HTTPHeader.name)
    fn headers(&mut self, written: &[Header], field: &str) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for (index, header) in written.iter().enumerate() {
            let field = format!("{field}[{index}]");
            let Some(name) = self.name(&header.name, &format!("{field}.name")) else { continue };
            if OF_THE_CONNECTION.contains(&name.as_str()) {
                let whose = if self.of_request { "request" } else { "response" };
                let message = format!("{name} belongs to the connection: a {whose}'s cannot be written");
                self.refuse(format!("{field}.name"), message, "remove it from the filter");
                continue;
            }
            let Ok(value) = HeaderValue::from_str(&header.value) else {
                self.refuse(
                    format!("{field}.value"),
                    format!("{:?} is not the value of a header", header.value),
                    "correct it",
                );
                continue;
            };
            if !headers.iter().any(|(known, _)| *known == name) {
                headers.push((name, value));
            }
        }
        headers
    }

    fn name(&mut self, written: &str, field: &str) -> Option<HeaderName> {
        let name = HeaderName::from_bytes(written.as_bytes()).ok();
        if name.is_none() {
            self.refuse(field.to_owned(), format!("{written:?} is not the name of a header"), "correct it");
        }
        name
    }

    fn refuse(&mut self, field: String, message: String, hint: &str) {
        self.problems.push(Problem::new(reason::UNSUPPORTED_VALUE, field, message, hint));
    }
}

#[cfg(test)]
mod tests;
