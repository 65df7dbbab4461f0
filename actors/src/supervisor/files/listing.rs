//! What is there: one look at files and folders, without reading them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::folder_of;

/// Device and inode.
pub type FileId = (u64, u64);

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    id: FileId,
    pub(super) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            id: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What was found under the paths.
#[derive(Debug, Default)]
pub struct Listing {
    /// Files by path.
    pub files: BTreeMap<PathBuf, Stamp>,
    /// Paths that could not be looked at; what was known below them may still be there.
    pub unreadable: BTreeMap<PathBuf, io::Error>,
    /// The folders to watch: those asked for, and those of the files asked for.
    pub watch: BTreeMap<PathBuf, FileId>,
}

/// Looks at `paths`: a file as it is, a folder with everything below it that ends in `.yaml`, `.yml` or `.json`. Names
/// that begin with a dot are skipped (a ConfigMap mount keeps its data twice: under `..data` and by links to it).
pub fn look(paths: &[PathBuf]) -> Listing {
    let mut listing = Listing::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                listing.watch.insert(path.clone(), (metadata.dev(), metadata.ino()));
                folder(path, &metadata, &mut BTreeSet::new(), &mut listing);
            }
            Ok(metadata) => {
                listing.files.insert(path.clone(), Stamp::of(&metadata));
                watch_folder_of(path, &mut listing);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => watch_folder_of(path, &mut listing),
            Err(error) => {
                listing.unreadable.insert(path.clone(), error);
            }
        }
    }
    listing
}

fn watch_folder_of(path: &Path, listing: &mut Listing) {
    let folder = folder_of(path);
    if let Ok(metadata) = fs::metadata(&folder) {
        listing.watch.insert(folder, (metadata.dev(), metadata.ino()));
    }
}

fn folder(path: &Path, metadata: &Metadata, above: &mut BTreeSet<FileId>, listing: &mut Listing) {
    let id = (metadata.dev(), metadata.ino());
    if !above.insert(id) {
        return; // a link to a folder above
    }
    match fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries.iter().for_each(|found| entry(&found.path(), above, listing)),
        Err(error) => {
            listing.unreadable.insert(path.to_path_buf(), error);
        }
    }
    above.remove(&id);
}

fn entry(path: &Path, above: &mut BTreeSet<FileId>, listing: &mut Listing) {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    if hidden {
        return;
    }
    let manifest = path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => folder(path, &metadata, above, listing),
        Ok(metadata) if manifest && metadata.is_file() => {
            listing.files.insert(path.to_path_buf(), Stamp::of(&metadata));
        }
        Err(error) if manifest && error.kind() != io::ErrorKind::NotFound => {
            listing.unreadable.insert(path.to_path_buf(), error);
        }
        Ok(_) | Err(_) => {}
    }
}
