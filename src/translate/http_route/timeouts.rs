//! `timeouts` of a rule, in the durations of GEP-2257.

use std::time::Duration;

use postern_actors::plan::rule::Timeouts;

use crate::resources::http_route::HttpRouteTimeouts;
use crate::status::reason;
use crate::translate::findings::Problem;

/// Reads both.
pub(super) fn build(written: Option<&HttpRouteTimeouts>, field: &str, problems: &mut Vec<Problem>) -> Timeouts {
    let Some(written) = written else { return Timeouts::default() };
    let mut read = |value: Option<&str>, name: &str| {
        let value = value?;
        let duration = duration(value);
        if duration.is_none() {
            problems.push(Problem::new(
                reason::UNSUPPORTED_VALUE,
                format!("{field}.timeouts.{name}"),
                format!("{value:?} is not a duration"),
                "write it as in 1h, 5m, 10s, 500ms or 1m30s",
            ));
        }
        duration
    };
    Timeouts {
        request: read(written.request.as_deref(), "request"),
        backend_request: read(written.backend_request.as_deref(), "backendRequest"),
    }
}

/// `^([0-9]{1,5}(h|m|s|ms)){1,4}$` (GEP-2257).
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        parts += 1;
        if !(1..=5).contains(&digits) || parts > 4 {
            return None;
        }
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, length) = if rest.starts_with("ms") {
            (Duration::from_millis(number), 2)
        } else {
            let seconds = match rest.as_bytes().first()? {
                b'h' => number * 3600,
                b'm' => number * 60,
                b's' => number,
                _ => return None,
            };
            (Duration::from_secs(seconds), 1)
        };
        total += unit;
        rest = &rest[length..];
    }
    (parts > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_gep_2257() {
        for (text, expected) in [
            ("1h", 3_600_000),
            ("10s", 10_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1h2m3s4ms", 3_723_004),
            ("1s1s", 2_000),
            ("99999h", 359_996_400_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(expected)), "{text}");
        }
        for text in ["", "1", "s", "1.5s", "-1s", "100000s", "1s1s1s1s1s", "1d", "1 s", "1us", "١s", "1S"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn zero_is_not_absence() {
        let mut problems = Vec::new();
        let written = HttpRouteTimeouts { request: Some("0s".into()), backend_request: None };
        let timeouts = build(Some(&written), "r", &mut problems);
        assert_eq!(timeouts, Timeouts { request: Some(Duration::ZERO), backend_request: None });
        assert_eq!(build(None, "r", &mut problems), Timeouts::default());
        assert!(problems.is_empty());
        let written = HttpRouteTimeouts { request: Some("1s".into()), backend_request: Some("soon".into()) };
        let timeouts = build(Some(&written), "r", &mut problems);
        assert_eq!(timeouts.request, Some(Duration::from_secs(1)));
        assert_eq!(problems[0].field, "r.timeouts.backendRequest");
    }
}
