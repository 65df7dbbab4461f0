//! Filters out of a description.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::{in_words, parse, protocol};
use crate::plan::filter::{Filters, HeaderEdits, PathRewrite, Redirect, Rewrite};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DescribedFilters {
    request_headers: DescribedEdits,
    response_headers: DescribedEdits,
    rewrite: Option<DescribedRewrite>,
}

impl DescribedFilters {
    pub(super) fn build(self) -> Result<Filters, String> {
        Ok(Filters {
            request_headers: self.request_headers.build()?,
            response_headers: self.response_headers.build()?,
            rewrite: self.rewrite.map(DescribedRewrite::build).transpose()?,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DescribedEdits {
    set: Vec<DescribedHeader>,
    add: Vec<DescribedHeader>,
    remove: Vec<String>,
}

impl DescribedEdits {
    fn build(self) -> Result<HeaderEdits, String> {
        let all = |headers: Vec<DescribedHeader>| headers.into_iter().map(DescribedHeader::build).collect();
        let set: Result<Vec<_>, String> = all(self.set);
        let remove = self.remove.iter().map(|name| parse::<HeaderName>(name));
        Ok(HeaderEdits { set: set?, add: all(self.add)?, remove: remove.collect::<Result<_, _>>()? })
    }
}

#[derive(Deserialize)]
struct DescribedHeader {
    name: String,
    value: String,
}

impl DescribedHeader {
    fn build(self) -> Result<(HeaderName, HeaderValue), String> {
        Ok((parse(&self.name)?, HeaderValue::try_from(self.value).map_err(in_words)?))
    }
}

#[derive(Deserialize)]
struct DescribedRewrite {
    hostname: Option<String>,
    path: Option<DescribedPathRewrite>,
}

impl DescribedRewrite {
    fn build(self) -> Result<Rewrite, String> {
        let hostname = self.hostname.map(HeaderValue::try_from).transpose().map_err(in_words)?;
        Ok(Rewrite { hostname, path: self.path.map(DescribedPathRewrite::build) })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DescribedPathRewrite {
    Full { full: String },
    Prefix { prefix: String, replacement: String },
}

impl DescribedPathRewrite {
    fn build(self) -> PathRewrite {
        match self {
            Self::Full { full } => PathRewrite::Full(full),
            Self::Prefix { prefix, replacement } => PathRewrite::Prefix { matched: prefix, replacement },
        }
    }
}

#[derive(Deserialize)]
pub(super) struct DescribedRedirect {
    scheme: Option<String>,
    hostname: Option<String>,
    port: Option<u16>,
    path: Option<DescribedPathRewrite>,
    status: u16,
}

impl DescribedRedirect {
    pub(super) fn build(self) -> Result<Redirect, String> {
        Ok(Redirect {
            scheme: self.scheme.as_deref().map(protocol).transpose()?,
            hostname: self.hostname,
            port: self.port,
            path: self.path.map(DescribedPathRewrite::build),
            status: StatusCode::from_u16(self.status).map_err(in_words)?,
        })
    }
}
