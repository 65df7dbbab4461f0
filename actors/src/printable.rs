//! Text of strangers (certificates, clients, backends) as it may be shown: none of it ends a line, moves a cursor, or turns
//! the direction of what is read.

/// Whether a character is no more than itself to a terminal, a viewer or a page: no control character of any kind, no line
/// or paragraph separator, no mark that turns the direction of text.
pub fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// The text with U+FFFD for whatever is not printable.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if is_printable(character) { character } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_is_more_than_itself_is_replaced() {
        assert_eq!(printable("CN=Zoë, O=é\u{4e2d}"), "CN=Zoë, O=é\u{4e2d}");
        for character in
            ['\n', '\r', '\t', '\u{1b}', '\u{9b}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}']
        {
            assert_eq!(printable(&format!("a{character}b")), "a\u{fffd}b", "{character:?}");
        }
    }
}
