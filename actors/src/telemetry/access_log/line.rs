//! One line of the access log. Whatever a client or a backend sends, a line stays one line, and a field one field.

use std::fmt::{self, Display, Write};

use jiff::Timestamp;

use super::LogFormat;
use crate::outcome::{HandshakeResult, Reason};
use crate::telemetry::record::RequestRecord;

/// Appends a line with its end.
pub(super) fn write(buffer: &mut String, format: LogFormat, record: &RequestRecord<'_>, time: Timestamp) {
    let mut line = Line { buffer, format, begun: false };
    line.text("time", format_args!("{time:.3}"));
    line.text("gateway", record.gateway);
    line.optional("listener", record.listener);
    line.optional("route", record.route);
    if let Some(backend) = record.backend {
        line.text("backend", backend);
    }
    if let Some(endpoint) = record.endpoint {
        line.text("endpoint", endpoint);
    }
    line.text("client", record.client);
    line.text("method", record.method);
    line.text("scheme", record.scheme);
    line.text("host", record.host);
    line.text("target", record.target);
    line.text("version", record.version);
    line.number("status", record.status);
    line.text("reason", record.reason);
    line.number("duration", format_args!("{:.6}", record.duration.as_secs_f64()));
    line.number("received", record.received);
    line.number("sent", record.sent);
    if let Some(tls) = record.upstream_tls {
        line.text("upstream.tls.sni", &tls.sni);
        line.text("upstream.tls.version", tls.version);
        line.optional("upstream.tls.alpn", &tls.alpn);
        line.number("upstream.tls.resumed", tls.resumed);
    }
    if let Some(result) = handshake_result(record) {
        line.text("upstream.tls.result", result);
    }
    if let Some(not_after) = record.upstream_tls.and_then(|tls| tls.peer_not_after) {
        match Timestamp::from_second(not_after) {
            Ok(time) => line.text("upstream.tls.peer_not_after", time),
            Err(_) => line.number("upstream.tls.peer_not_after", not_after),
        }
    }
    line.optional("detail", record.detail);
    line.end();
}

/// The handshake's word where it decided the request, or `ok` where the request went over TLS.
fn handshake_result(record: &RequestRecord<'_>) -> Option<HandshakeResult> {
    match record.reason {
        Reason::Handshake(result) => Some(result),
        _ => record.upstream_tls.map(|_| HandshakeResult::Ok),
    }
}

struct Line<'a> {
    buffer: &'a mut String,
    format: LogFormat,
    begun: bool,
}

impl Line<'_> {
    fn name(&mut self, name: &str) {
        let begun = std::mem::replace(&mut self.begun, true);
        match self.format {
            LogFormat::Text => {
                self.buffer.push_str(if begun { " " } else { "" });
                self.buffer.push_str(name);
                self.buffer.push('=');
            }
            LogFormat::Json => {
                self.buffer.push_str(if begun { ",\"" } else { "{\"" });
                self.buffer.push_str(name);
                self.buffer.push_str("\":");
            }
        }
    }

    fn optional(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    fn text(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let start = self.buffer.len();
        // Writing to a String cannot fail.
        let _ = write!(Escape(self.buffer), "{value}");
        let written = &self.buffer[start..];
        if self.format == LogFormat::Json || written.is_empty() || !written.bytes().all(is_plain) {
            self.buffer.insert(start, '"');
            self.buffer.push('"');
        }
    }

    /// A number, or `true` or `false`.
    fn number(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.buffer, "{value}");
    }

    fn end(self) {
        self.buffer.push_str(if self.format == LogFormat::Json { "}\n" } else { "\n" });
    }
}

/// What needs no quotes in a text line. A `=` would pass for a field's.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=')
}

/// Escapes as JSON does, and beyond it whatever a terminal or a viewer would take for more than a character: control
/// characters of every kind, line and paragraph separators, and marks that turn the direction of text.
struct Escape<'a>(&'a mut String);

impl Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            self.0.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            match character {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                _ if character.is_control()
                    || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {
                    write!(self.0, "\\u{:04x}", u32::from(character))?;
                }
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

/// Text that stays within its line.
pub(in crate::telemetry) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let _ = Escape(&mut escaped).write_str(text);
    escaped
}
