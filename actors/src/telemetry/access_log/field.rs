//! The fields of a line, in either format.

use std::net::SocketAddr;
use std::time::Duration;

use super::LogFormat;
use super::address::Addresses;
use super::text::{is_plain, quoted};

/// A field's name with all that stands before its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) text: &'static str,
    pub(super) json: &'static str,
}

/// The name of any field but the first.
macro_rules! name {
    ($name:literal) => {
        $crate::telemetry::access_log::field::Name {
            text: concat!(" ", $name, "="),
            json: concat!(",\"", $name, "\":"),
        }
    };
}
pub(super) use name;

/// The line that is being written.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) format: LogFormat,
}

impl Line<'_> {
    pub(super) fn name(&mut self, name: Name) {
        let name = match self.format {
            LogFormat::Text => name.text,
            LogFormat::Json => name.json,
        };
        self.out.extend_from_slice(name.as_bytes());
    }

    /// Text of any kind, but for none.
    pub(super) fn optional(&mut self, name: Name, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    /// Text of any kind.
    pub(super) fn text(&mut self, name: Name, value: &str) {
        self.name(name);
        if self.format == LogFormat::Text && is_plain(value) {
            self.out.extend_from_slice(value.as_bytes());
        } else {
            quoted(self.out, value);
        }
    }

    /// A word of a closed set, which is plain.
    pub(super) fn word(&mut self, name: Name, word: &'static str) {
        debug_assert!(is_plain(word), "{word:?}");
        self.name(name);
        self.plain(|out| out.extend_from_slice(word.as_bytes()));
    }

    /// An address.
    pub(super) fn address(&mut self, name: Name, address: SocketAddr, addresses: &mut Addresses) {
        self.name(name);
        self.plain(|out| addresses.write(out, address));
    }

    /// What is plain text however it is written.
    pub(super) fn plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        match self.format {
            LogFormat::Text => write(self.out),
            LogFormat::Json => {
                self.out.push(b'"');
                write(self.out);
                self.out.push(b'"');
            }
        }
    }

    pub(super) fn number(&mut self, name: Name, number: impl itoa::Integer) {
        self.name(name);
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, name: Name, truth: bool) {
        self.name(name);
        self.out.extend_from_slice(if truth { b"true" } else { b"false" });
    }

    /// In seconds, to the nearest microsecond.
    pub(super) fn seconds(&mut self, name: Name, duration: Duration) {
        self.name(name);
        let (mut seconds, mut fraction) = (duration.as_secs(), (duration.subsec_nanos() + 500) / 1000);
        if fraction == 1_000_000 {
            (seconds, fraction) = (seconds.saturating_add(1), 0);
        }
        self.out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
        let mut digits = *b".000000";
        for digit in digits[1..].iter_mut().rev() {
            *digit = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
        self.out.extend_from_slice(&digits);
    }

    pub(super) fn end(self) {
        self.out.extend_from_slice(match self.format {
            LogFormat::Text => b"\n",
            LogFormat::Json => b"}\n",
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Line, LogFormat};

    fn written(duration: Duration) -> String {
        let mut text = Vec::new();
        Line { out: &mut text, format: LogFormat::Text }.seconds(name!("duration"), duration);
        String::from_utf8(text).expect("digits")
    }

    #[test]
    fn a_duration_is_rounded_to_microseconds() {
        for (nanos, expected) in [
            (0, "0.000000"),
            (499, "0.000000"),
            (500, "0.000001"),
            (1_234_567, "0.001235"),
            (999_999_499, "0.999999"),
            (999_999_500, "1.000000"),
            (3_600_000_000_000, "3600.000000"),
        ] {
            assert_eq!(written(Duration::from_nanos(nanos)), format!(" duration={expected}"));
        }
    }

    proptest! {
        #[test]
        fn a_duration_is_written_as_a_number_is(micros in 0..90_000_000_000_u64, nanos in 0..500_u64, up in any::<bool>()) {
            let nanos = if up { micros * 1000 + nanos } else { (micros * 1000).saturating_sub(nanos) };
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(written(duration), format!(" duration={:.6}", duration.as_secs_f64()));
        }
    }
}
