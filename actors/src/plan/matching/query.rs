//! Query parameters as forms write them: pairs between `&`, `+` for a space, percent-encoding.

use std::borrow::Cow;

/// The decoded value of the first parameter with this (decoded) name; empty where it has no `=`.
pub(super) fn first_value<'a>(query: &'a str, name: &str) -> Option<Cow<'a, [u8]>> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| decoded(key).eq(name.bytes()))
        .map(|(_, value)| {
            if value.bytes().any(|byte| byte == b'%' || byte == b'+') {
                Cow::Owned(decoded(value).collect())
            } else {
                Cow::Borrowed(value.as_bytes())
            }
        })
}

/// A `%` that is not followed by two hexadecimal digits stands for itself (URL standard, "percent-decode").
fn decoded(encoded: &str) -> impl Iterator<Item = u8> {
    let mut rest = encoded.as_bytes();
    std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match (hexadecimal(*high), hexadecimal(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', &rest[1..]),
            },
            [b'+', after @ ..] => (b' ', after),
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    })
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::first_value;

    #[test]
    fn the_first_value_counts_decoded() {
        for (query, name, expected) in [
            ("a=1&b=2&a=3", "a", Some("1")),
            ("a=1&b=2", "b", Some("2")),
            ("aa=1", "a", None),
            ("A=1", "a", None),
            ("a", "a", Some("")),
            ("a=", "a", Some("")),
            ("a=b=c", "a", Some("b=c")),
            ("", "a", None),
            ("a=1+2%2b3", "a", Some("1 2+3")),
            ("%61%5B%5d=x", "a[]", Some("x")),
            ("a=%C3%BC", "a", Some("ü")),
            ("a=100%&b=%4", "a", Some("100%")),
            ("a=100%&b=%4", "b", Some("%4")),
            ("a=%zz", "a", Some("%zz")),
        ] {
            let value = first_value(query, name);
            assert_eq!(value.as_deref(), expected.map(str::as_bytes), "{name} of {query}");
        }
    }
}
