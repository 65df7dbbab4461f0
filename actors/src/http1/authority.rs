//! Which bytes may name a host and a port.

/// Bytes of a registered name (RFC 3986 section 3.2.2): unreserved ones and sub-delimiters. Percent-encoding is left out,
/// as no name of DNS needs it and recipients differ in whether they decode it.
const REGISTERED_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~!$&'()*+,;=";
    let mut index = 0;
    while index < others.len() {
        table[others[index] as usize] = true;
        index += 1;
    }
    table
};

/// Whether this is a host with an optional port (RFC 9110 section 7.2), without user information. An empty host is none
/// (RFC 9110 section 4.2.1).
pub(super) fn is_authority(authority: &[u8]) -> bool {
    let (host, rest) = if let [b'[', rest @ ..] = authority {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        if !rest[..end].iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')) {
            return false;
        }
        (&rest[..end], &rest[end + 1..])
    } else {
        let end = authority.iter().position(|byte| !REGISTERED_NAME[usize::from(*byte)]).unwrap_or(authority.len());
        authority.split_at(end)
    };
    !host.is_empty()
        && match rest {
            [] => true,
            [b':', port @ ..] => {
                port.len() <= 5
                    && port.iter().all(u8::is_ascii_digit)
                    && u16::try_from(port.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))).is_ok()
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::is_authority;

    #[test]
    fn only_a_host_with_an_optional_port_is_one() {
        for valid in
            ["a", "a.example:80", "a.example:", "a_b.example", "[::1]", "[::1]:8080", "10.0.0.1:65535", "x!$&*"]
        {
            assert!(is_authority(valid.as_bytes()), "{valid:?}");
        }
        for invalid in [
            "", ":80", "a:80:80", "a:65536", "a:080000", "a:8o", "a:+80", "user@a", "a b", "a/b", "a?b", "a#b", "a\\b",
            "a%2fb", "[", "[]", "[::1", "[::1]x", "[a@b]", "::1", "a\tb", "a\0", "\u{e4}", "a\"",
        ] {
            assert!(!is_authority(invalid.as_bytes()), "{invalid:?}");
        }
    }
}
