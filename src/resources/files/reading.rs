//! One file's text to its entries and problems, with what it held before to fall back on.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Code, Entry, File, FileProblem, Held};
use crate::resources::ObjectRef;
use crate::resources::document::{self, Document, Lines};
use crate::resources::ingest::{AnyObject, Ingested, Rejection, Skip, ingest};
use crate::resources::schema::Violation;

/// A file that the system would not give.
pub(super) fn unreadable(path: &Path, error: &io::Error, before: Option<&File>) -> File {
    let hides_policies = before.is_none_or(|before| before.hides_policies);
    let File { fingerprint, entries, .. } = before.cloned().unwrap_or_default();
    let kept = if entries.is_empty() { "" } else { "; what it held before stays in effect" };
    let hint = match error.kind() {
        io::ErrorKind::InvalidData => "save it as UTF-8",
        io::ErrorKind::PermissionDenied => "let this user read it",
        _ => "",
    };
    let problem = FileProblem::new(Code::FileUnreadable, path, 0, format!("cannot be read: {error}{kept}")).hint(hint);
    File { fingerprint, hides_policies, entries, problems: vec![problem] }
}

pub(super) fn read(path: &Path, text: &str, fingerprint: u64, before: Option<&File>) -> File {
    let mut reading = Reading {
        path,
        before,
        hides_policies: false,
        entries: Vec::new(),
        problems: Vec::new(),
        passed: BTreeMap::new(),
    };
    match document::read(text) {
        Ok(documents) => documents.into_iter().for_each(|document| reading.take(document)),
        Err(error) => {
            reading.entries = before.map(|before| before.entries.clone()).unwrap_or_default();
            let never_read = before.is_none_or(|before| before.hides_policies);
            reading.hides_policies = never_read && text.to_ascii_lowercase().contains("backendtlspolic");
            reading.problems.push(FileProblem::syntax(path, &error, !reading.entries.is_empty()));
        }
    }
    reading.finish(fingerprint)
}

struct Reading<'a> {
    path: &'a Path,
    before: Option<&'a File>,
    hides_policies: bool,
    entries: Vec<Entry>,
    problems: Vec<FileProblem>,
    /// Kinds that were passed over, with what would mend it: where the first one is, and how many there are.
    passed: BTreeMap<(Code, String, String), (usize, usize)>,
}

impl Reading<'_> {
    fn take(&mut self, document: Document) {
        let lines = Arc::new(document.lines);
        match ingest(document.value) {
            Ingested::Accepted { object, warnings } => {
                let name = object.object_ref();
                self.report(warnings, Some(&name), &lines, false);
                // A version that says the same is the same object: nothing downstream has to look at it again.
                let held = match self.last_good(&name) {
                    Some(Held::Good(before)) if before == object => Held::Good(before),
                    _ => Held::Good(object),
                };
                self.entries.push(Entry { object: name, held, lines });
            }
            Ingested::Rejected(rejection) => self.refuse(rejection, lines),
            Ingested::Skipped(skip) => {
                let code = match skip {
                    Skip::NoObject => Code::NoObject,
                    Skip::Incomplete { .. } => Code::InvalidObject,
                    Skip::UnknownKind { .. } => Code::UnknownKind,
                    Skip::UnknownVersion { .. } => Code::UnknownVersion,
                };
                self.passed.entry((code, skip.to_string(), skip.hint())).or_insert((lines.line(), 0)).1 += 1;
            }
        }
    }

    fn refuse(&mut self, rejection: Rejection, lines: Arc<Lines>) {
        let Rejection { kind, object, mut violations, warnings, unreadable, hides_targets } = rejection;
        let last_good = object.as_ref().and_then(|name| self.last_good(name));
        if let (Some(Held::Good(AnyObject::BackendTlsPolicy(good))), Some(edited)) = (&last_good, &unreadable)
            && let Some(beside) = edited.beside(good)
        {
            let object = ObjectRef { kind, name: beside.metadata.key() };
            self.entries.push(Entry { object, held: Held::Unreadable(Arc::new(beside)), lines: lines.clone() });
        }
        let held = last_good.or(unreadable.map(Held::Unreadable));
        if matches!(held, Some(Held::Good(_))) {
            for violation in &mut violations {
                violation.message.push_str("; the version before stays in effect");
            }
        }
        if let (Some(Held::Unreadable(_)), Some(first)) = (&held, violations.first_mut()) {
            // What it may be meant for gets nothing from the start on; what got plaintext before, goes on.
            let never_read = self.before.is_none_or(|before| before.hides_policies);
            self.hides_policies |= hides_targets && never_read;
            first.message.push_str(match (hides_targets, never_read) {
                (false, _) => "; until the policy can be read, what it targets gets no request (500)",
                (true, true) => "; until its targets can be read, no backend without a policy gets a request (500)",
                (true, false) => "; until its targets can be read, it changes nothing: no backend gets TLS by it",
            });
        }
        if object.is_none() {
            for violation in &mut violations {
                violation.message = format!("{kind}: {}", violation.message);
            }
        }
        self.report(warnings, object.as_ref(), &lines, false);
        self.report(violations, object.as_ref(), &lines, true);
        if let (Some(object), Some(held)) = (object, held) {
            self.entries.push(Entry { object, held, lines });
        }
    }

    fn report(&mut self, violations: Vec<Violation>, object: Option<&ObjectRef>, lines: &Lines, refused: bool) {
        for violation in violations {
            let code = match violation.field.as_str() {
                _ if refused => Code::InvalidObject,
                _ if violation.message.starts_with("unknown field") => Code::UnknownField,
                _ => Code::InvalidStatus,
            };
            let line = lines.of(&violation.field);
            self.problems.push(FileProblem::violation(code, self.path, line, violation).about(object));
        }
    }

    /// The last good version of an object in this file.
    fn last_good(&self, object: &ObjectRef) -> Option<Held> {
        let entries = self.before.map_or(&[] as &[Entry], |before| &before.entries);
        let good = |entry: &&Entry| entry.object == *object && matches!(entry.held, Held::Good(_));
        entries.iter().rev().find(good).map(|entry| entry.held.clone())
    }

    fn finish(mut self, fingerprint: u64) -> File {
        for ((code, message, hint), (line, count)) in self.passed {
            let message = if count > 1 { format!("{message} ({count} times in this file)") } else { message };
            self.problems.push(FileProblem::new(code, self.path, line, message).hint(hint));
        }
        File {
            fingerprint: Some(fingerprint),
            hides_policies: self.hides_policies,
            entries: self.entries,
            problems: self.problems,
        }
    }
}
