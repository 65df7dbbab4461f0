//! Regular expressions of routes: anchored at both ends, and compiled once however many routes share them.

use std::collections::HashMap;

use regex::Regex;

/// Compiled expressions by their pattern as written.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    compiled: HashMap<String, Result<Regex, String>>,
}

impl Patterns {
    /// The expression that takes exactly what `pattern` takes as a whole, or why there is none.
    pub(crate) fn anchored(&mut self, pattern: &str) -> Result<Regex, String> {
        if let Some(known) = self.compiled.get(pattern) {
            return known.clone();
        }
        let compiled = compile(pattern);
        self.compiled.insert(pattern.to_owned(), compiled.clone());
        compiled
    }

    /// Stands for an expression that does not compile: it takes everything that a corrected one could take, as far as its
    /// literal beginning tells, and is at least as long, so that no other expression gets before it.
    pub(crate) fn covering(&mut self, pattern: &str) -> Regex {
        let mut wide = format!("{}(?s:.*)", regex::escape(&literal_beginning(pattern)));
        while wide.len() < pattern.len() {
            wide.push_str("(?:)");
        }
        self.anchored(&wide).unwrap_or_else(|_| anything())
    }
}

/// Takes every text.
pub(crate) fn anything() -> Regex {
    Regex::new(r"\A(?s:.*)\z").expect("a constant expression")
}

/// The pattern has to stand by itself before it is anchored, since `a)|(?:b` would break out of the group.
fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).and_then(|_| Regex::new(&format!(r"\A(?:{pattern})\z"))).map_err(|error| match error {
        regex::Error::Syntax(text) => {
            let cause = text.lines().last().unwrap_or_default();
            cause.strip_prefix("error: ").unwrap_or(cause).to_owned()
        }
        other => other.to_string(),
    })
}

/// What every text that a pattern takes begins with, as far as it is plain to see. Alternatives and groups with flags hide
/// it.
fn literal_beginning(pattern: &str) -> String {
    if pattern.contains('|') || pattern.contains("(?") {
        return String::new();
    }
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let end = pattern.find(|c| r".^$*+?()[]{}\".contains(c)).unwrap_or(pattern.len());
    let mut literal = pattern[..end].to_owned();
    if pattern[end..].starts_with(['*', '?', '{']) {
        literal.pop();
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_has_to_take_the_whole_text() {
        let mut patterns = Patterns::default();
        let regex = patterns.anchored("/a|/b+").unwrap();
        assert!(regex.is_match("/a") && regex.is_match("/bb"));
        assert!(!regex.is_match("/a/") && !regex.is_match("/x/a") && !regex.is_match("/bb\n"));
    }

    #[test]
    fn a_pattern_cannot_break_out_of_its_anchors() {
        for pattern in ["a)|(?:b", "(", "[", "(?x) a # comment"] {
            assert!(Patterns::default().anchored(pattern).is_err(), "{pattern}");
        }
        assert_eq!(Patterns::default().anchored("a)").unwrap_err(), "unopened group");
    }

    #[test]
    fn what_stands_for_a_broken_expression_takes_what_it_could_have_taken_and_is_not_shorter() {
        for (pattern, taken, untouched) in [
            ("/api/v[0-9+/users", "/api/v2/users", "/api/"),
            ("^/api(", "/api", "/ap"),
            ("/ab*(", "/a", "/"),
            ("/ab+(", "/ab", "/a"),
            ("/a{2}(", "/", ""),
        ] {
            let regex = Patterns::default().covering(pattern);
            assert!(regex.is_match(taken), "{pattern} takes {taken}");
            assert!(!regex.is_match(untouched), "{pattern} leaves {untouched}");
            assert!(regex.as_str().len() >= pattern.len());
        }
        for pattern in ["/a|/b(", "(?i)/a(", "[", ""] {
            assert!(Patterns::default().covering(pattern).is_match("/whatever\n"), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_is_compiled_once() {
        let mut patterns = Patterns::default();
        for _ in 0..3 {
            patterns.anchored("/a").unwrap();
            patterns.anchored("(").unwrap_err();
        }
        assert_eq!(patterns.compiled.len(), 2);
    }
}
