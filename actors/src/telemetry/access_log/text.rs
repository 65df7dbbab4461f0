//! Text in a line. Whatever a client or a backend sends, a line stays one line, and a field one field.

use std::io::Write;

use crate::printable::is_printable;

/// Appends text with its quotes, as JSON has it.
pub(super) fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text);
    out.push(b'"');
}

/// Whether it needs no quotes in a `key=value` line. A `=` would pass for a field's.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && all(text.as_bytes(), |byte| matches!(byte, b'!'..=b'~') & !matches!(byte, b'"' | b'\\' | b'='))
}

/// Escapes as JSON does, and beyond it whatever a terminal or a viewer would take for more than a character: control
/// characters of every kind, line and paragraph separators, and marks that turn the direction of text.
fn escape(out: &mut Vec<u8>, text: &str) {
    if all(text.as_bytes(), |byte| matches!(byte, b' '..=b'~') & !matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ if !is_printable(character) => {
                // Writing into memory cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Whether all bytes are so. Blocks are looked at as a whole, without a branch a byte, so that the compiler can use vectors;
/// the last block may overlap the one before it.
fn all(bytes: &[u8], is: impl Fn(u8) -> bool + Copy) -> bool {
    fn blocks<const N: usize>(bytes: &[u8], is: impl Fn(u8) -> bool + Copy) -> Option<bool> {
        let whole = |block: &[u8; N]| block.iter().fold(true, |all, byte| all & is(*byte));
        let last = bytes.last_chunk()?;
        Some(bytes.as_chunks().0.iter().all(whole) && whole(last))
    }
    blocks::<16>(bytes, is).or_else(|| blocks::<8>(bytes, is)).unwrap_or_else(|| bytes.iter().all(|byte| is(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{all, is_plain, quoted};

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for length in 0..50 {
            let mut bytes = vec![b'a'; length];
            assert!(all(&bytes, |byte| byte == b'a'), "{length}");
            for at in 0..length {
                bytes[at] = b'b';
                assert!(!all(&bytes, |byte| byte == b'a'), "{at} of {length}");
                bytes[at] = b'a';
            }
        }
    }

    #[test]
    fn what_is_plain() {
        for byte in 0..=0x7f_u8 {
            let text = char::from(byte).to_string();
            let expected = byte.is_ascii_graphic() && !b"\"\\=".contains(&byte);
            assert_eq!(is_plain(&text), expected, "{text:?}");
        }
        assert!(!is_plain("") && !is_plain("ü"));
    }

    proptest! {
        #[test]
        fn what_is_plain_is_not_escaped(text in any::<String>()) {
            let mut line = Vec::new();
            quoted(&mut line, &text);
            let quotes = [b"\"", text.as_bytes(), b"\""].concat();
            prop_assert!(!is_plain(&text) || line == quotes);
            prop_assert_eq!(serde_json::from_slice::<String>(&line).ok(), Some(text));
        }
    }
}
