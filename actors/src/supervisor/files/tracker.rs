//! From one look to the next: what changed, what is settled enough to be read, and what is really gone.
//!
//! A file that is being written is read when it has not changed for a few milliseconds. A file that is gone, or emptied,
//! may be on its way back (an editor that writes a new one in its place, a mount that is swapped), so it counts as gone
//! only after a while.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::FileChange;
use super::listing::{FileId, Listing, Stamp, look};

/// What one look came to.
#[derive(Debug, Default)]
pub struct Pass {
    /// In order of their paths.
    pub changes: Vec<FileChange>,
    /// When to look again for what is not settled.
    pub again: Option<Duration>,
    /// The folders to watch.
    pub watch: BTreeMap<PathBuf, FileId>,
}

/// What is known of the files.
#[derive(Debug)]
pub struct Tracker {
    paths: Vec<PathBuf>,
    first: bool,
    known: BTreeMap<PathBuf, Known>,
    /// Errors told, by path.
    errors: BTreeMap<PathBuf, String>,
}

#[derive(Debug, Default)]
struct Known {
    /// As it was read; `None` if it never was.
    read: Option<Stamp>,
    /// Hash of what was told last.
    told: Option<u64>,
    moving: Option<Moving>,
    gone_since: Option<Instant>,
}

/// A change that is not settled.
#[derive(Debug)]
struct Moving {
    stamp: Stamp,
    since: Instant,
    began: Instant,
}

impl Tracker {
    /// A file is read when it has been the same for this long.
    const SETTLED: Duration = Duration::from_millis(15);
    /// A file that never rests is read anyway.
    const RESTLESS: Duration = Duration::from_secs(1);
    /// A file that is missing for this long is gone.
    const GONE: Duration = Duration::from_millis(150);

    /// Knows nothing yet; the first pass reads everything as it is.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, first: true, known: BTreeMap::new(), errors: BTreeMap::new() }
    }

    /// Looks, reads what is settled, and says what changed.
    pub fn pass(&mut self, now: Instant) -> Pass {
        let listing = look(&self.paths);
        let first = std::mem::take(&mut self.first);
        let mut pass = Pass { watch: listing.watch.clone(), ..Pass::default() };
        for (path, stamp) in &listing.files {
            let known = self.known.entry(path.clone()).or_default();
            match known.ready(*stamp, now, first) {
                Ready::Same => {}
                Ready::In(pause) => soonest(&mut pass.again, pause),
                Ready::Now => match read(path, stamp) {
                    Some(contents) => pass.changes.extend(known.take(path, *stamp, contents)),
                    None => soonest(&mut pass.again, Self::SETTLED),
                },
            }
        }
        self.missing(&listing, now, &mut pass);
        self.unreadable(listing.unreadable, &mut pass);
        pass.changes.sort_by(|a, b| a.path.cmp(&b.path));
        pass
    }

    fn missing(&mut self, listing: &Listing, now: Instant, pass: &mut Pass) {
        let hidden = |path: &Path| path.ancestors().any(|above| listing.unreadable.contains_key(above));
        self.known.retain(|path, known| {
            if listing.files.contains_key(path) || hidden(path) {
                return true;
            }
            known.moving = None;
            let missing = now - *known.gone_since.get_or_insert(now);
            if missing < Self::GONE {
                soonest(&mut pass.again, Self::GONE.saturating_sub(missing));
                return true;
            }
            if known.told.is_some() {
                pass.changes.push(FileChange { path: path.clone(), contents: None });
            }
            false
        });
    }

    /// Tells an error once, and the end of it.
    fn unreadable(&mut self, unreadable: BTreeMap<PathBuf, io::Error>, pass: &mut Pass) {
        self.errors.retain(|path, _| {
            let still = unreadable.contains_key(path);
            let told = self.known.contains_key(path) || pass.changes.iter().any(|change| change.path == *path);
            if !still && !told {
                pass.changes.push(FileChange { path: path.clone(), contents: None });
            }
            still
        });
        for (path, error) in unreadable {
            let text = error.to_string();
            if self.errors.get(&path) != Some(&text) {
                self.errors.insert(path.clone(), text);
                pass.changes.push(FileChange { path, contents: Some(Err(error)) });
            }
        }
    }
}

enum Ready {
    Same,
    In(Duration),
    Now,
}

impl Known {
    fn ready(&mut self, stamp: Stamp, now: Instant, first: bool) -> Ready {
        self.gone_since = None;
        if self.read == Some(stamp) {
            self.moving = None;
            return Ready::Same;
        }
        if first {
            return Ready::Now;
        }
        let moving = self.moving.get_or_insert(Moving { stamp, since: now, began: now });
        if moving.stamp != stamp {
            moving.stamp = stamp;
            moving.since = now;
        }
        let needed = if stamp.size == 0 { Tracker::GONE } else { Tracker::SETTLED };
        let rested = now - moving.since;
        if rested >= needed || now - moving.began >= Tracker::RESTLESS {
            Ready::Now
        } else {
            Ready::In(needed.saturating_sub(rested))
        }
    }

    /// Takes what was read; `None` if it says nothing new.
    fn take(&mut self, path: &Path, stamp: Stamp, contents: io::Result<String>) -> Option<FileChange> {
        let mut hasher = DefaultHasher::new();
        contents.as_deref().map_err(ToString::to_string).hash(&mut hasher);
        let told = Some(hasher.finish());
        self.read = Some(stamp);
        self.moving = None;
        (std::mem::replace(&mut self.told, told) != told)
            .then(|| FileChange { path: path.to_path_buf(), contents: Some(contents) })
    }
}

/// Reads a file; `None` if it changed meanwhile.
fn read(path: &Path, stamp: &Stamp) -> Option<io::Result<String>> {
    let contents = fs::read_to_string(path);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && Stamp::of(&metadata) != *stamp => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => Some(contents),
    }
}

fn soonest(again: &mut Option<Duration>, pause: Duration) {
    *again = Some(again.map_or(pause, |other| other.min(pause)).max(Duration::from_millis(1)));
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        tracker: Tracker,
        now: Instant,
    }

    impl Bench {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let bench = Self { tracker: Tracker::new(vec![folder.path().to_path_buf()]), folder, now: Instant::now() };
            for (name, text) in files {
                bench.write(name, text);
            }
            bench
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.folder.path().join(name), text).unwrap();
        }

        fn remove(&self, name: &str) {
            fs::remove_file(self.folder.path().join(name)).unwrap();
        }

        /// A pass some milliseconds after the last one: names with their text, `-` for what is gone.
        fn pass_after(&mut self, milliseconds: u64) -> Vec<String> {
            self.now += Duration::from_millis(milliseconds);
            let changes = self.tracker.pass(self.now).changes;
            let name = |path: &Path| path.strip_prefix(self.folder.path()).unwrap().display().to_string();
            let show = |change: FileChange| match change.contents {
                Some(Ok(text)) => format!("{}={text}", name(&change.path)),
                Some(Err(_)) => format!("{}!", name(&change.path)),
                None => format!("{}-", name(&change.path)),
            };
            changes.into_iter().map(show).collect()
        }
    }

    #[test]
    fn the_first_pass_reads_everything_and_the_next_only_what_changed() {
        let mut bench = Bench::new(&[("a.yaml", "1"), ("b.json", "2"), ("c.txt", "3"), (".d.yaml", "4")]);
        assert_eq!(bench.pass_after(0), ["a.yaml=1", "b.json=2"]);
        assert!(bench.pass_after(1000).is_empty());
        bench.write("a.yaml", "one");
        assert!(bench.pass_after(0).is_empty(), "it is not settled");
        assert_eq!(bench.pass_after(20), ["a.yaml=one"]);
    }

    #[test]
    fn a_file_that_is_being_written_is_read_when_it_rests() {
        let mut bench = Bench::new(&[]);
        bench.pass_after(0);
        for size in 1..6 {
            bench.write("a.yaml", &"x".repeat(size));
            assert!(bench.pass_after(10).is_empty());
        }
        assert_eq!(bench.pass_after(20), ["a.yaml=xxxxx"]);
    }

    #[test]
    fn a_file_that_never_rests_is_read_after_a_second() {
        let mut bench = Bench::new(&[]);
        bench.pass_after(0);
        let mut seen = Vec::new();
        for size in 1..150 {
            bench.write("a.yaml", &"x".repeat(size));
            seen.extend(bench.pass_after(10));
        }
        assert_eq!(seen.len(), 1);
    }

    #[test]
    fn a_file_that_comes_back_at_once_was_never_gone() {
        let mut bench = Bench::new(&[("a.yaml", "1"), ("b.yaml", "2")]);
        bench.pass_after(0);
        bench.remove("a.yaml");
        bench.write("b.yaml", "");
        assert!(bench.pass_after(10).is_empty());
        bench.write("a.yaml", "one");
        bench.write("b.yaml", "2");
        assert!(bench.pass_after(80).is_empty());
        assert_eq!(bench.pass_after(20), ["a.yaml=one"], "the other says nothing new");
    }

    #[test]
    fn a_file_that_stays_away_is_gone() {
        let mut bench = Bench::new(&[("a.yaml", "1"), ("b.yaml", "2")]);
        bench.pass_after(0);
        bench.remove("a.yaml");
        bench.write("b.yaml", "");
        assert!(bench.pass_after(0).is_empty());
        assert_eq!(bench.pass_after(160), ["a.yaml-", "b.yaml="]);
        assert!(bench.pass_after(1000).is_empty());
    }

    #[test]
    fn what_is_no_text_is_told_as_an_error_once() {
        let mut bench = Bench::new(&[]);
        fs::write(bench.folder.path().join("a.yaml"), [0xff, 0xfe]).unwrap();
        assert_eq!(bench.pass_after(0), ["a.yaml!"]);
        assert!(bench.pass_after(1000).is_empty());
    }
}
