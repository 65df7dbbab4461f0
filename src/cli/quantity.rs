//! Quantities as options have them: times in seconds, sizes in bytes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The longest time that an option takes: a year. Beyond it a time-out means nothing, and sums could overflow.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A number of seconds, which may have a fraction and an `s`.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.strip_suffix('s').unwrap_or(text).parse().map_err(|_| "not a number of seconds")?;
    let time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    if time > LONGEST { Err("longer than a year".into()) } else { Ok(time) }
}

/// A time that something may take, in seconds: more than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeLimit(pub(super) Duration);

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match seconds(text)? {
            Duration::ZERO => Err("it has to be more than 0".into()),
            time => Ok(Self(time)),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs_f64())
    }
}

/// Bytes, as a number or with `Ki` or `Mi`: from 1 to 1 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

const KI: usize = 1024;
const MI: usize = 1024 * KI;

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = match (text.strip_suffix("Ki"), text.strip_suffix("Mi")) {
            (Some(number), _) => (number, KI),
            (_, Some(number)) => (number, MI),
            (None, None) => (text, 1),
        };
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: usize = digits
            .then(|| number.parse().ok())
            .flatten()
            .ok_or("not a number of bytes, for example 8192, 8Ki or 1Mi")?;
        match number.checked_mul(unit) {
            Some(0) => Err("it has to be more than 0"),
            Some(size) if size <= 1024 * MI => Ok(Self(size)),
            _ => Err("more than 1024Mi"),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            size if size % MI == 0 => write!(f, "{}Mi", size / MI),
            size if size % KI == 0 => write!(f, "{}Ki", size / KI),
            size => write!(f, "{size}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_with_and_without_their_unit() {
        assert_eq!(seconds("5"), Ok(Duration::from_secs(5)));
        assert_eq!(seconds("0.5s"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for bad in ["", "-1", "1m", "nan", "inf", "1e400", "1e12"] {
            assert!(seconds(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_time_limit_is_more_than_nothing_and_is_shown_as_it_is_written() {
        for text in ["0.25", "15", "3600"] {
            assert_eq!(text.parse::<TimeLimit>().unwrap().to_string(), text);
        }
        for bad in ["0", "0s", "1e-12"] {
            assert!(bad.parse::<TimeLimit>().unwrap_err().contains("more than 0"), "{bad}");
        }
    }

    #[test]
    fn sizes_have_binary_units_and_are_shown_as_they_are_written() {
        for (text, size) in [("1", 1), ("1000", 1000), ("16Ki", 16 * KI), ("3Mi", 3 * MI), ("1024Mi", 1024 * MI)] {
            let parsed: Size = text.parse().unwrap();
            assert_eq!((parsed.0, parsed.to_string().as_str()), (size, text));
        }
        for bad in ["", "Ki", "0", "0Mi", "-1", "+1", "1.5Ki", "1K", "1Gi", "1025Mi", "99999999999999999999", "8 Ki"] {
            assert!(bad.parse::<Size>().is_err(), "{bad:?} was taken");
        }
    }
}
