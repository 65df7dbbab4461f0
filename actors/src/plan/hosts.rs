//! A table by host name: exact names, wildcards, and everything; looked up by hash, never by a scan.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The longest host name that DNS knows (RFC 1035, 2.3.4). A longer `Host` is no configured name, and is not hashed label
/// by label.
const LONGEST_NAME: usize = 253;

/// Values by host name, the more specific name first: an exact name, then wildcards from the longest to the shortest
/// (a wildcard `*.example.com` takes any number of labels, and not `example.com` itself), then the value for any host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTable<T> {
    pub(crate) exact: HashMap<Arc<str>, T>,
    /// Keyed by what follows `*.`.
    pub(crate) wildcard: HashMap<Arc<str>, T>,
    pub(crate) any: Option<T>,
}

impl<T> Default for HostTable<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), wildcard: HashMap::new(), any: None }
    }
}

impl<T> HostTable<T> {
    /// Puts a value under a hostname in lower case (`None`: any host), and gives back the one it replaces.
    pub fn insert(&mut self, hostname: Option<&str>, value: T) -> Option<T> {
        match Pattern::of(hostname) {
            Pattern::Exact(name) => self.exact.insert(name.into(), value),
            Pattern::Wildcard(suffix) => self.wildcard.insert(suffix.into(), value),
            Pattern::Any => self.any.replace(value),
        }
    }

    /// The value under exactly this hostname, made first if there is none.
    pub fn get_mut_or_insert_with(&mut self, hostname: Option<&str>, make: impl FnOnce() -> T) -> &mut T {
        match Pattern::of(hostname) {
            Pattern::Exact(name) => self.exact.entry(name.into()).or_insert_with(make),
            Pattern::Wildcard(suffix) => self.wildcard.entry(suffix.into()).or_insert_with(make),
            Pattern::Any => self.any.get_or_insert_with(make),
        }
    }

    /// The value under exactly this hostname: no wildcard is applied.
    pub fn get(&self, hostname: Option<&str>) -> Option<&T> {
        match Pattern::of(hostname) {
            Pattern::Exact(name) => self.exact.get(name),
            Pattern::Wildcard(suffix) => self.wildcard.get(suffix),
            Pattern::Any => self.any.as_ref(),
        }
    }

    /// Every value whose hostname takes `host` (in lower case, without a port), the most specific first. Allocates nothing.
    pub fn candidates<'t, 'h>(&'t self, host: &'h str) -> impl Iterator<Item = &'t T> + use<'t, 'h, T> {
        let host = if host.len() > LONGEST_NAME { "" } else { host };
        let suffixes = if self.wildcard.is_empty() { "" } else { host };
        self.exact
            .get(host)
            .into_iter()
            .chain(
                suffixes
                    .match_indices('.')
                    .filter(|(at, _)| *at > 0)
                    .filter_map(|(at, _)| self.wildcard.get(&suffixes[at + 1..])),
            )
            .chain(self.any.as_ref())
    }

    /// The value of the most specific hostname that takes `host` (in lower case, without a port).
    pub fn find(&self, host: &str) -> Option<&T> {
        self.candidates(host).next()
    }

    /// Everything, with its hostname, in a fixed order: exact names, wildcards, any host; by name.
    pub fn iter(&self) -> impl Iterator<Item = (Option<Cow<'_, str>>, &T)> {
        sorted(&self.exact)
            .map(|(name, value)| (Some(Cow::Borrowed(name)), value))
            .chain(sorted(&self.wildcard).map(|(suffix, value)| (Some(Cow::Owned(format!("*.{suffix}"))), value)))
            .chain(self.any.iter().map(|value| (None, value)))
    }

    /// The values alone, in the order of [`HostTable::iter`].
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }

    /// Whether it takes no host.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wildcard.is_empty() && self.any.is_none()
    }

    /// Turns every value into another.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> HostTable<U> {
        let Ok(table) = self.try_map(|value| Ok::<_, Infallible>(change(value)));
        table
    }

    /// Turns every value into another, or gives the first error.
    pub fn try_map<U, E>(self, mut change: impl FnMut(T) -> Result<U, E>) -> Result<HostTable<U>, E> {
        let mut each = |(name, value)| change(value).map(|value| (name, value));
        Ok(HostTable {
            exact: self.exact.into_iter().map(&mut each).collect::<Result<_, E>>()?,
            wildcard: self.wildcard.into_iter().map(&mut each).collect::<Result<_, E>>()?,
            any: self.any.map(change).transpose()?,
        })
    }
}

/// A `hostname`, taken apart.
enum Pattern<'a> {
    Exact(&'a str),
    /// What follows `*.`.
    Wildcard(&'a str),
    Any,
}

impl<'a> Pattern<'a> {
    fn of(hostname: Option<&'a str>) -> Self {
        match hostname {
            None => Self::Any,
            Some(name) => name.strip_prefix("*.").map_or(Self::Exact(name), Self::Wildcard),
        }
    }
}

fn sorted<T>(table: &HashMap<Arc<str>, T>) -> impl Iterator<Item = (&str, &T)> {
    let mut entries: Vec<_> = table.iter().map(|(name, value)| (&**name, value)).collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries.into_iter()
}

/// The host of an authority as listeners and routes are matched: in lower case, without the port (the port of a `Host`
/// field never counts), without the dot that ends a fully qualified name.
pub fn normalize_host(authority: &str, host: &mut String) {
    let end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').map_or(authority.len(), |bracket| bracket + 1),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let name = &authority[..end];
    host.clear();
    host.push_str(name.strip_suffix('.').unwrap_or(name));
    host.make_ascii_lowercase();
}
