//! Matches out of a description.

use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;

use super::parse;
use crate::plan::matching::{Match, PathMatch, ValueMatch};

#[derive(Deserialize)]
pub(super) struct DescribedMatch {
    path: DescribedPath,
    method: Option<Arc<str>>,
    #[serde(default)]
    headers: Vec<DescribedValue>,
    #[serde(default)]
    query: Vec<DescribedValue>,
}

impl DescribedMatch {
    pub(super) fn build(self) -> Result<Match, String> {
        let path = match self.path {
            DescribedPath::Exact(path) => PathMatch::Exact(path),
            DescribedPath::Prefix(prefix) => PathMatch::Prefix(prefix),
            DescribedPath::Regex(regex) => PathMatch::Regex(parse::<Regex>(&regex)?),
        };
        let all = |values: Vec<DescribedValue>| values.into_iter().map(DescribedValue::build).collect::<Result<_, _>>();
        Ok(Match { path, method: self.method, headers: all(self.headers)?, query: all(self.query)? })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DescribedPath {
    Exact(Arc<str>),
    Prefix(Arc<str>),
    Regex(String),
}

#[derive(Deserialize)]
struct DescribedValue {
    name: Arc<str>,
    #[serde(flatten)]
    wanted: Wanted,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Exact(Arc<str>),
    Regex(String),
}

impl DescribedValue {
    fn build(self) -> Result<(Arc<str>, ValueMatch), String> {
        let wanted = match self.wanted {
            Wanted::Exact(value) => ValueMatch::Exact(value),
            Wanted::Regex(regex) => ValueMatch::Regex(parse::<Regex>(&regex)?),
        };
        Ok((self.name, wanted))
    }
}
