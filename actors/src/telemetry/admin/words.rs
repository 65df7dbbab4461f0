//! Moments and numbers in words.

use jiff::Timestamp;
use maud::{Markup, html};

use super::health::Health;
use crate::certificate::SOON;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A moment, and how far away it is: `2026-01-02 03:04:05Z (3 minutes ago)`.
pub(super) fn moment(time: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(format!("{time:.0}")) { (clock(time)) } " (" (away(time.as_second(), now)) ")" }
}

/// The end of a certificate, in seconds since the Unix epoch: how far away it is, and the day.
pub(super) fn end(not_after: i64, now: Timestamp) -> Markup {
    let health = health_of_end(not_after, now);
    let words = match health {
        Health::Bad => format!("expired {}", away(not_after, now)),
        _ => format!("ends {}", away(not_after, now)),
    };
    html! {
        @if health == Health::Good { (words) } @else { (health.says(&words)) }
        " (" (second(not_after)) ")"
    }
}

/// How a certificate stands that ends then.
pub(super) fn health_of_end(not_after: i64, now: Timestamp) -> Health {
    let left = not_after - now.as_second();
    match left {
        ..0 => Health::Bad,
        _ if left <= SOON.as_secs() => Health::Warn,
        _ => Health::Good,
    }
}

/// A moment in seconds since the Unix epoch, in UTC.
pub(super) fn second(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), clock)
}

fn clock(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `in 3 days`, `3 days ago`, `just now`.
pub(super) fn away(seconds: i64, now: Timestamp) -> String {
    let distance = seconds.saturating_sub(now.as_second());
    match distance {
        0 => "just now".to_owned(),
        1.. => format!("in {}", span(distance.unsigned_abs())),
        _ => format!("{} ago", span(distance.unsigned_abs())),
    }
}

/// A time in its largest unit, in whole ones.
fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        _ if seconds < 2 * MINUTE => (seconds, "second"),
        _ if seconds < 2 * HOUR => (seconds / MINUTE, "minute"),
        _ if seconds < 2 * DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    counted(count, unit)
}

/// `1 route`, `5,000 routes`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let ending = match noun {
        _ if count == 1 => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", grouped(count))
}

/// `5,000`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{away, counted, end, grouped, moment};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a moment")
    }

    #[test]
    fn a_distance_is_told_in_its_largest_unit() {
        let now = at(1_000_000_000);
        for (distance, words) in [
            (0, "just now"),
            (1, "in 1 second"),
            (-119, "119 seconds ago"),
            (-120, "2 minutes ago"),
            (7199, "in 119 minutes"),
            (-47 * 3600, "47 hours ago"),
            (90 * 86400, "in 90 days"),
        ] {
            assert_eq!(away(now.as_second() + distance, now), words);
        }
        assert!(away(i64::MAX, now).starts_with("in "));
        assert!(away(i64::MIN, now).ends_with(" ago"));
    }

    #[test]
    fn the_end_of_a_certificate_is_told_by_words_too() {
        let now = at(1_700_000_000);
        let told = |days: i64| end(now.as_second() + days * 86400, now).into_string();
        assert_eq!(told(90), "ends in 90 days (2024-02-12 22:13:20Z)");
        assert!(told(20).contains("class=\"mark warn\"") && told(20).contains("ends in 20 days"));
        assert!(told(-3).contains("class=\"mark bad\"") && told(-3).contains("expired 3 days ago"));
        assert!(end(i64::MAX, now).into_string().contains("9223372036854775807"));
    }

    #[test]
    fn a_moment_is_read_by_people_and_machines() {
        let told = moment(at(1_700_000_000), at(1_700_000_030)).into_string();
        assert_eq!(told, "<time datetime=\"2023-11-14T22:13:20Z\">2023-11-14 22:13:20Z</time> (30 seconds ago)");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 5_000, 12_345_678].map(grouped), ["0", "999", "1,000", "5,000", "12,345,678"]);
        assert_eq!([0, 1, 2].map(|count| counted(count, "route")), ["0 routes", "1 route", "2 routes"]);
        assert_eq!(counted(2, "match"), "2 matches");
    }
}
