//! When a line was written.

use std::io::Write;

use jiff::Timestamp;

use super::field::{Line, Name};

const NAME: Name = Name { text: "time=", json: "{\"time\":" };

/// Writes the time that begins a line. The second is formatted once, for all lines within it; the clock may go back.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    second: i64,
    /// Up to the second, with the point; empty if none was written yet.
    text: Vec<u8>,
}

impl Seconds {
    /// Writes a time with its milliseconds.
    pub(super) fn write(&mut self, line: &mut Line<'_>, time: Timestamp) {
        line.name(NAME);
        line.plain(|out| self.append(out, time));
    }

    fn append(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        // Writing into memory cannot fail.
        let Ok(mut nanos) = u32::try_from(time.subsec_nanosecond()) else {
            let _ = write!(out, "{time:.3}");
            return;
        };
        if self.second != time.as_second() || self.text.is_empty() {
            self.second = time.as_second();
            self.text.clear();
            let _ = write!(self.text, "{time:.0}");
            self.text.pop();
            self.text.push(b'.');
        }
        out.extend_from_slice(&self.text);
        let mut end = *b"000Z";
        nanos /= 1_000_000;
        for digit in end[..3].iter_mut().rev() {
            *digit = b'0' + (nanos % 10) as u8;
            nanos /= 10;
        }
        out.extend_from_slice(&end);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::Seconds;

    proptest! {
        #[test]
        fn a_time_is_written_as_it_writes_itself(
            millis in proptest::collection::vec(
                prop_oneof![-5_000..5_000_i64, 1_795_000_000_000..1_795_000_005_000_i64, -10_i64.pow(14)..10_i64.pow(14)],
                1..20,
            ),
            nanos in 0..1_000_000_i64,
        ) {
            let mut seconds = Seconds::default();
            for millis in millis {
                let time = Timestamp::from_nanosecond(i128::from(millis) * 1_000_000 + i128::from(nanos)).expect("a time");
                let mut text = Vec::new();
                seconds.append(&mut text, time);
                prop_assert_eq!(String::from_utf8_lossy(&text), format!("{time:.3}"));
            }
        }
    }
}
