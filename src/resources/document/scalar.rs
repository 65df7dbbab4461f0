//! The type of a plain YAML scalar, as Kubernetes' own tools see it: the rules of YAML 1.1 in the shape that `kubectl`
//! gives them (go-yaml v2): `yes` and `on` are booleans, `010` is eight, `1_000` is a thousand, a date is a string.

use serde_json::{Number, Value};

/// The value of an unquoted scalar without a tag.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// The value of a scalar with a tag of YAML's own (`!!str`, `!!int`, ...), unless it does not fit its tag.
pub(super) fn tagged(suffix: &str, text: &str, is_plain: bool) -> Option<Value> {
    let value = if is_plain { plain(text) } else { Value::String(text.to_owned()) };
    match suffix {
        "str" | "timestamp" => Some(Value::String(text.to_owned())),
        "null" => plain(text).is_null().then_some(Value::Null),
        "bool" => plain(text).as_bool().map(Value::Bool),
        "int" => number(text).filter(|number| !number.is_f64()).map(Value::Number),
        "float" => number(text).map(Value::Number),
        _ => Some(value),
    }
}

fn number(text: &str) -> Option<Number> {
    // Most scalars are words: leave those at the first look.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.as_bytes() {
        [b'-', ..] => (true, &plain[1..]),
        [b'+', ..] => (false, &plain[1..]),
        _ => (false, plain.as_str()),
    };
    integer(negative, digits).or_else(|| float(&plain))
}

fn integer(negative: bool, digits: &str) -> Option<Number> {
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative { 0i64.checked_sub_unsigned(magnitude).map(Number::from) } else { Some(Number::from(magnitude)) }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, where it is finite.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let known = unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'));
    if !known || !unsigned.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_get_the_types_of_kubectl() {
        for (text, expected) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("on", json!(true)),
            ("No", json!(false)),
            ("true", json!(true)),
            ("nginx", json!("nginx")),
            ("80", json!(80)),
            ("-3", json!(-3)),
            ("+3", json!(3)),
            ("010", json!(8)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("089", json!(89.0)),
            ("0", json!(0)),
            ("1.10", json!(1.1)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("-9223372036854775808", json!(i64::MIN)),
            (".inf", json!(".inf")),
            ("1.2.3", json!("1.2.3")),
            ("10.0.0.1", json!("10.0.0.1")),
            ("12:30", json!("12:30")),
            ("10s", json!("10s")),
            ("-", json!("-")),
            ("2024-01-01T00:00:00Z", json!("2024-01-01T00:00:00Z")),
            ("0x", json!("0x")),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_tag_overrides_the_look() {
        assert_eq!(tagged("str", "80", true), Some(json!("80")));
        assert_eq!(tagged("int", "80", false), Some(json!(80)));
        assert_eq!(tagged("int", "eighty", true), None);
        assert_eq!(tagged("bool", "80", true), None);
    }
}
