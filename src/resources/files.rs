//! File mode's state: which objects the files hold as of now, and what is wrong with them.
//!
//! It behaves as an API server would: what was good stays until something good replaces it. A file that does not parse keeps
//! all of its objects, an object that is refused keeps its last good version, and only what is no longer written is gone.
//! Pure: contents are passed in, whoever watches the file system says what changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use problem::{Code, FileProblem};

use super::backend_tls_policy::UnreadablePolicy;
use super::document::Lines;
use super::ingest::AnyObject;
use super::{ObjectRef, Snapshot};

mod problem;
mod reading;

#[cfg(test)]
mod guide;
#[cfg(test)]
mod tests;

/// How many files that went away are remembered, in case they come back under another name.
const REMEMBERED: usize = 64;

/// The objects of any number of files.
#[derive(Debug, Default)]
pub struct FileSet {
    files: BTreeMap<PathBuf, File>,
    /// Every place where an object is defined, in the order of precedence: the last one counts.
    places: HashMap<ObjectRef, BTreeSet<Place>>,
    /// Files that went away lately, the youngest last.
    departed: VecDeque<File>,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as it was given.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
}

/// A file, and which of its entries.
type Place = (PathBuf, usize);

/// What one file holds.
#[derive(Debug, Clone, Default)]
struct File {
    /// Of the text that was read last.
    fingerprint: Option<u64>,
    /// It, or a policy in it, has never been readable, so nobody knows what its policies target.
    hides_policies: bool,
    entries: Vec<Entry>,
    problems: Vec<FileProblem>,
}

/// One object of one file.
#[derive(Debug, Clone)]
struct Entry {
    object: ObjectRef,
    held: Held,
    lines: Arc<Lines>,
}

/// The last good version of an object, or what stands in for a policy that never had one.
#[derive(Debug, Clone)]
enum Held {
    Good(AnyObject),
    Unreadable(Arc<UnreadablePolicy>),
}

impl FileSet {
    /// Takes over a file as it is now. An empty one holds nothing; one that is not found is removed; one that cannot be read,
    /// or that is neither YAML nor JSON, keeps the objects it had.
    pub fn update(&mut self, path: &Path, contents: Result<String, io::Error>) {
        let before = self.files.get(path);
        let file = match contents {
            Ok(text) => {
                let fingerprint = fingerprint(&text);
                let renamed = before.is_none().then(|| self.with_fingerprint(fingerprint)).flatten();
                let before = before.or(renamed);
                if before.is_some_and(|before| before.fingerprint == Some(fingerprint) && before.problems.is_empty()) {
                    before.cloned().unwrap_or_default()
                } else {
                    reading::read(path, &text, fingerprint, before)
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.remove(path),
            Err(error) => reading::unreadable(path, &error, before),
        };
        self.replace(path, Some(file));
    }

    /// Forgets a file.
    pub fn remove(&mut self, path: &Path) {
        if let Some(file) = self.replace(path, None) {
            if self.departed.len() == REMEMBERED {
                self.departed.pop_front();
            }
            self.departed.push_back(file);
        }
    }

    /// The objects as of now. Those that did not change are the same `Arc`s as before.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot { unseen_policies: self.unseen_policies(), ..Snapshot::default() };
        let mut stand_ins = Vec::new();
        for entry in self.files.values().flat_map(|file| &file.entries) {
            match &entry.held {
                Held::Good(object) => object.clone().insert_into(&mut snapshot),
                Held::Unreadable(policy) => stand_ins.push(policy),
            }
        }
        for policy in stand_ins {
            let name = policy.metadata.key();
            if !snapshot.backend_tls_policies.contains_key(&name) {
                snapshot.unreadable_policies.insert(name, Arc::clone(policy));
            }
        }
        snapshot.refused = self.refused();
        snapshot
    }

    fn refused(&self) -> BTreeSet<ObjectRef> {
        let problems = self.files.values().flat_map(|file| &file.problems);
        let refused = problems.filter(|problem| problem.code == Code::InvalidObject);
        let is_good = |place: &Place| matches!(self.entry(place), Some(Entry { held: Held::Good(_), .. }));
        let has_good = |object: &&ObjectRef| self.places.get(*object).is_some_and(|places| places.iter().any(is_good));
        refused.filter_map(|problem| problem.object.as_ref()).filter(|object| !has_good(object)).cloned().collect()
    }

    fn unseen_policies(&self) -> Option<Arc<str>> {
        let (path, _) = self.files.iter().find(|(_, file)| file.hides_policies)?;
        Some(format!("{} cannot all be read, and may hold a BackendTLSPolicy for it", path.display()).into())
    }

    /// Everything that is wrong with the files, by file and line.
    pub fn problems(&self) -> Vec<FileProblem> {
        let mut problems: Vec<_> = self.files.values().flat_map(|file| file.problems.iter().cloned()).collect();
        for (object, places) in self.places.iter().filter(|(_, places)| places.len() > 1) {
            let Some(winner) = self.winner(places) else { continue };
            let at = |place: &'_ Place| self.entry(place).map_or(0, |entry| entry.lines.line());
            problems.extend(
                places
                    .iter()
                    .filter(|place| *place != winner)
                    .map(|loser| problem::duplicate(object, (&loser.0, at(loser)), (&winner.0, at(winner)))),
            );
        }
        problems.sort_by(|a, b| {
            (&a.file, a.line, a.severity, &a.field, &a.message)
                .cmp(&(&b.file, b.line, b.severity, &b.field, &b.message))
        });
        problems
    }

    /// Where a field of an object is written, or the nearest field above it.
    pub fn origin(&self, object: &ObjectRef, field: &str) -> Option<Origin> {
        let places = self.places.get(object)?;
        let place = self.winner(places)?;
        Some(Origin { file: place.0.clone(), line: self.entry(place)?.lines.of(field) })
    }

    /// The place that is in effect: the last one, but never one that stands in for a good one.
    fn winner<'a>(&self, places: &'a BTreeSet<Place>) -> Option<&'a Place> {
        let is_good = |place: &&Place| self.entry(place).is_some_and(|entry| matches!(entry.held, Held::Good(_)));
        places.iter().rev().find(is_good).or_else(|| places.last())
    }

    fn entry(&self, (path, index): &Place) -> Option<&Entry> {
        self.files.get(path)?.entries.get(*index)
    }

    /// A file of that very text, present or gone: a file that was renamed keeps what it had.
    fn with_fingerprint(&self, fingerprint: u64) -> Option<&File> {
        let same = |file: &&File| file.fingerprint == Some(fingerprint);
        self.departed.iter().rev().find(same).or_else(|| self.files.values().find(same))
    }

    /// Puts a file into the place of the one that was there, and keeps `places` true.
    fn replace(&mut self, path: &Path, file: Option<File>) -> Option<File> {
        let before = self.files.remove(path);
        for (index, entry) in before.iter().flat_map(|file| file.entries.iter().enumerate()) {
            if let Some(places) = self.places.get_mut(&entry.object) {
                places.remove(&(path.to_owned(), index));
                if places.is_empty() {
                    self.places.remove(&entry.object);
                }
            }
        }
        if let Some(file) = file {
            for (index, entry) in file.entries.iter().enumerate() {
                self.places.entry(entry.object.clone()).or_default().insert((path.to_owned(), index));
            }
            self.files.insert(path.to_owned(), file);
        }
        before
    }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
