//! What of a page is asked for, and how much of it is shown.

use maud::{Markup, html};
use serde::Deserialize;

use super::words::{counted, grouped};

/// So many entries of a list are shown. The worst come first, and the filter finds the others.
const SHOWN: usize = 200;

/// The query of a page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    /// Words, each of which an entry must have somewhere, whatever their case.
    pub q: String,
    /// The result that a backend must have, or [`FAILING`].
    pub result: String,
    /// `json` or `html`, whatever the request accepts.
    pub format: String,
}

/// In the place of a result: every backend that fails, by whatever.
pub(super) const FAILING: &str = "failing";

impl Filter {
    /// Whether an entry of which this is the text is asked for.
    pub(super) fn takes(&self, text: impl FnOnce() -> String) -> bool {
        if self.q.trim().is_empty() {
            return true;
        }
        let text = text().to_lowercase();
        self.q.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }

    /// The part of a link that asks for the same words; empty if there are none.
    pub(super) fn link(&self) -> String {
        if self.q.trim().is_empty() {
            return String::new();
        }
        format!("?{}", form_urlencoded::Serializer::new(String::new()).append_pair("q", &self.q).finish())
    }

    /// The field in which the words are asked for.
    pub(super) fn field(&self) -> Markup {
        html! {
            label { span { "Filter by words" } " " input type="search" name="q" value=(self.q) autocomplete="off"; }
        }
    }
}

/// What is left of a list.
pub(super) struct Listing<T> {
    /// In its order, and no more than the page takes.
    pub shown: Vec<T>,
    taken: usize,
    all: usize,
}

impl<T> Listing<T> {
    /// Those of `all` entries that the filter took.
    pub(super) fn new(mut taken: Vec<T>, all: usize) -> Self {
        let count = taken.len();
        taken.truncate(SHOWN);
        Self { shown: taken, taken: count, all }
    }

    /// How many there are of what the noun says.
    pub(super) fn note(&self, noun: &str) -> Markup {
        let all = counted(self.all as u64, noun);
        let number = |count: usize| grouped(count as u64);
        html! {
            p.note {
                @if self.taken < self.all { "The filter takes " (number(self.taken)) " of " (all) } @else { (all) }
                @if self.shown.len() < self.taken {
                    "; the first " (number(self.shown.len())) " are shown, the worst first: filter to find the others"
                }
                "."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, Listing};

    #[test]
    fn every_word_must_be_somewhere() {
        let filter = |q: &str| Filter { q: q.into(), ..Filter::default() };
        let takes = |q: &str| filter(q).takes(|| "Service/shop/Cart:8443 shop/policy".into());
        for q in ["", "  ", "cart", "POLICY cart", "8443 shop/"] {
            assert!(takes(q), "{q}");
        }
        for q in ["card", "cart 80443"] {
            assert!(!takes(q), "{q}");
        }
        assert_eq!(filter("a&b=<c> d").link(), "?q=a%26b%3D%3Cc%3E+d");
        assert_eq!(filter(" ").link(), "");
    }

    #[test]
    fn a_list_says_how_much_of_it_is_shown() {
        let note = |taken: usize, all| Listing::new((0..taken).collect(), all).note("route").into_string();
        assert_eq!(note(1, 1), "<p class=\"note\">1 route.</p>");
        assert_eq!(note(3, 5_000), "<p class=\"note\">The filter takes 3 of 5,000 routes.</p>");
        assert!(note(5_000, 5_000).contains("5,000 routes; the first 200 are shown"));
        assert_eq!(Listing::new((0..201).collect(), 201).shown.len(), 200);
    }
}
