//! The word that was probably meant.

/// The candidate that differs least from `word`, if it differs by a slip of the pen: a letter in three, and two at the most.
/// Neighbours that change places count as one letter.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && 3 * distance <= candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

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
