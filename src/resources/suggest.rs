//! The word that was probably meant.

use rapidfuzz::distance::osa::{Args, distance_with_args};

/// Of a word of the usual length a letter in three, and two at the most.
const MOST: usize = 2;

/// The candidate that differs least from `word`, if it differs by a slip of the pen: a letter in three, and two at the most.
/// Neighbours that change places count as one letter.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let least = Args::default().score_cutoff(MOST);
    // Most are another word by their length alone.
    let alike =
        candidates.into_iter().filter(|candidate| candidate.len().abs_diff(word.len()) <= MOST * LONGEST_LETTER);
    alike
        .filter_map(|candidate| {
            let distance = distance_with_args(lower.chars(), candidate.to_lowercase().chars(), &least)?;
            Some((distance, candidate))
        })
        .filter(|(distance, candidate)| 3 * distance <= candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Bytes of UTF-8.
const LONGEST_LETTER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        assert_eq!(closest("hostName", ["hostname", "name"]), Some("hostname"));
        assert_eq!(closest("backendRef", ["backendRefs", "filters"]), Some("backendRefs"));
        assert_eq!(closest("HTPP", ["HTTPS", "HTTP"]), Some("HTTP"));
        assert_eq!(closest("shpo", ["shop"]), Some("shop"), "letters that change places");
        assert_eq!(closest("colour", ["hostname", "port"]), None);
        assert_eq!(closest("x", ["tls", "to"]), None);
    }

    #[test]
    fn of_a_short_word_less_is_forgiven() {
        assert_eq!(closest("db", ["ab"]), None);
        assert_eq!(closest("shoes", ["shop"]), None);
    }
}
