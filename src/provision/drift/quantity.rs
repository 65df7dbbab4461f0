//! Quantities of resources, as far as two of them can be compared: the API server writes `1000m` as `1`.

use serde_json::Value;

/// Whether both are the same quantity; what is none is compared as it is.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (milli(one), milli(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// In thousandths, rounded up as the API server does it. `None` for what is no quantity, or too large to be sensible.
fn milli(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, exponent) = scale(unit)?;
    let exponent = exponent + 3 - i32::try_from(fraction.len()).ok()?;
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    let value = digits.checked_mul(factor)?;
    if exponent < 0 { Some(value.checked_add(power - 1)? / power) } else { value.checked_mul(power) }
}

/// A factor and a power of ten.
fn scale(unit: &str) -> Option<(i128, i32)> {
    Some(match unit {
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "" => (1, 0),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => (1, unit.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_equal_by_their_value() {
        for (one, other) in [
            (json!("1000m"), json!("1")),
            (json!("1Gi"), json!("1024Mi")),
            (json!("0.5"), json!("500m")),
            (json!("1.5Gi"), json!("1536Mi")),
            (json!(1), json!("1")),
            (json!(0.1), json!("100m")),
            (json!("1e3"), json!("1k")),
            (json!("1E"), json!("1000P")),
            (json!("100u"), json!("1m")),
        ] {
            assert!(equal(&one, &other), "{one} {other}");
        }
        for (one, other) in [
            (json!("1"), json!("1m")),
            (json!("1M"), json!("1Mi")),
            (json!("x"), json!("y")),
            (json!(""), json!("0")),
            (json!("1"), json!(true)),
        ] {
            assert!(!equal(&one, &other), "{one} {other}");
        }
        assert!(equal(&json!("99999999999999999999Ei"), &json!("99999999999999999999Ei")), "as it is written");
    }
}
