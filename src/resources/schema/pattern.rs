//! Regular expressions of the schemas, each compiled once, and what they mean in words.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex::Regex;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    words: Option<&'static str>,
}

impl Pattern {
    /// The pattern of a schema of ours.
    pub(super) fn embedded(text: &str) -> Arc<Self> {
        static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Pattern>>>> = LazyLock::new(Mutex::default);
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        let pattern = compiled.entry(text.to_owned()).or_insert_with(|| {
            let words = WORDS.iter().find(|(pattern, _)| *pattern == text).map(|(_, words)| *words);
            Arc::new(Self { regex: Regex::new(text).expect("the schemas' patterns compile"), words })
        });
        Arc::clone(pattern)
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Values that its words name and that it matches.
    pub(super) fn examples(&self) -> impl Iterator<Item = &'static str> {
        let quoted = self.words.unwrap_or_default().split('`').skip(1).step_by(2);
        quoted.filter(|word| self.is_match(word) && word.starts_with(char::is_alphanumeric))
    }

    /// What a value must be.
    pub(super) fn demand(&self) -> String {
        self.words.map_or_else(|| format!("must match `{}`", self.regex), str::to_owned)
    }
}

/// The patterns of the Gateway API, in words.
const WORDS: &[(&str, &str)] = &[
    (
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "must be a DNS name of lower-case letters, digits, `-` and `.`, without a wildcard",
    ),
    (
        r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "must be a DNS name of lower-case letters, digits, `-` and `.`, whose first label may be `*`",
    ),
    (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "must be a DNS label of lower-case letters, digits and `-`"),
    (
        r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "must be an API group without a version, or empty for the core group",
    ),
    (r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", "must be a kind: letters, digits and `-`, beginning with a letter"),
    (r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$", "must be a token: letters, digits and !#$%&'*+-.^_`|~"),
    (r"^[!-~]+([\t ]?[!-~]+)*$", "must be printable ASCII without blanks at either end or several in a row"),
    (r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", "must be a duration such as `10s` or `1m30s` (GEP-2257)"),
    (
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$",
        "must be a domain-prefixed path such as `example.com/controller`",
    ),
    (
        r"^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$",
        "must be `System` or a `domain/name`",
    ),
    (
        r"^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\?([^#]*))?(#(.*))?",
        "must be an absolute URI with an authority, such as `spiffe://example.com/name`",
    ),
    (
        r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)",
        "must be `*` or an origin such as `https://example.com`",
    ),
    (r"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$", "must hold only characters of a URI's path"),
    (
        r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
        "must be a label value: letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit",
    ),
    (
        r"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$",
        "must be a protocol such as `HTTP` or `HTTPS`, or a `domain/name`",
    ),
    (
        r"^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$",
        "must be `IPAddress`, `Hostname`, `NamedAddress` or a `domain/name`",
    ),
];
