//! The configuration that files make: what the supervisor of the crate `postern-actors` is given to translate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use postern_actors::plan::{Endpoints, Plan, ServicePort};
use postern_actors::supervisor::configuration::Pending;
use postern_actors::supervisor::files::{FileChange, read_once};
use postern_actors::supervisor::{Configuration, Effect, FileEvents};

use super::Refusal;
use super::diagnostic::{Diagnostic, show_path};
use crate::resources::files::{FileProblem, FileSet};
use crate::resources::{EndpointSlice, ObjectRef, Severity, Snapshot};
use crate::status::Verdicts;
use crate::translate::{Settings, Translation, endpoints, translate};

/// The controller name of our GatewayClasses.
pub(crate) const CONTROLLER_NAME: &str = "gateway.postern.dev/controller";
/// The classes that are ours without a GatewayClass object.
const CLASS_NAMES: [&str; 2] = ["postern", "agentgateway"];

/// What is said of a translation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// The status of every object.
    pub verdicts: Verdicts,
    /// Everything that is not as hoped, the graver first within a file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Settings of a translation of files.
pub(crate) fn settings(system_ca_bundle: Option<&Path>) -> Settings {
    let roots = postern_actors::upstream::system_roots::load(system_ca_bundle);
    Settings::of_files(CONTROLLER_NAME, CLASS_NAMES, roots)
}

/// Refuses a path that is not there: the one thing about files that is an error of the command line.
pub(crate) fn existing(paths: &[PathBuf]) -> Result<(), Refusal> {
    for path in paths.iter().filter(|path| *path != Path::new("-")) {
        if let Err(error) = std::fs::metadata(path) {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
                std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                _ => error.to_string(),
            };
            return Err(Refusal(format!("{}: {why}", path.display())));
        }
    }
    Ok(())
}

/// The paths to look at, apart from standard input, and what standard input holds if it was asked for.
pub(crate) type Sources = (Vec<PathBuf>, Vec<(PathBuf, Arc<str>)>);

/// Takes standard input in where a path is `-`.
pub(crate) fn sources(paths: &[PathBuf]) -> Result<Sources, Refusal> {
    existing(paths)?;
    let (stdin, files): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| path == Path::new("-"));
    let fixed = match stdin.into_iter().next() {
        Some(path) => {
            let text = std::io::read_to_string(std::io::stdin())
                .map_err(|error| Refusal(format!("standard input cannot be read: {error}")))?;
            vec![(path, Arc::from(text))]
        }
        None => Vec::new(),
    };
    Ok((files, fixed))
}

/// Objects of files, and how they are translated.
#[derive(Debug)]
pub(crate) struct FileConfiguration {
    asked: Vec<PathBuf>,
    files: FileSet,
    paths: BTreeSet<PathBuf>,
    settings: Settings,
    snapshot: Snapshot,
    problems: Vec<FileProblem>,
}

impl FileConfiguration {
    /// No objects yet. `asked` are the paths that a user gave.
    pub(crate) fn new(settings: Settings, asked: Vec<PathBuf>) -> Self {
        Self {
            asked,
            files: FileSet::default(),
            paths: BTreeSet::new(),
            settings,
            snapshot: Snapshot::default(),
            problems: Vec::new(),
        }
    }

    /// The objects of files as of now, and of text that was read already.
    pub(crate) fn read_once((paths, fixed): &Sources, settings: Settings) -> Self {
        let asked = paths.iter().chain(fixed.iter().map(|(path, _)| path)).cloned().collect();
        let mut events = read_once(paths);
        let fixed = fixed.iter().map(|(path, text)| (path.clone(), text.to_string()));
        events.changes.extend(fixed.map(|(path, text)| FileChange { path, contents: Some(Ok(text)) }));
        let mut configuration = Self::new(settings, asked);
        configuration.change(events);
        configuration
    }

    /// The objects as of the last change.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn take(&mut self, events: FileEvents) {
        if events.whole {
            let told: BTreeSet<_> = events.changes.iter().map(|change| change.path.clone()).collect();
            for path in self.paths.difference(&told) {
                self.files.remove(path);
            }
            self.paths.retain(|path| told.contains(path));
        }
        for change in events.changes {
            if let Some(contents) = change.contents {
                self.paths.insert(change.path.clone());
                self.files.update(&change.path, contents);
            } else {
                self.paths.remove(&change.path);
                self.files.remove(&change.path);
            }
        }
    }

    /// What the objects come to, as of now.
    pub(crate) fn translate_now(&self) -> Translation {
        translate(&self.snapshot, &self.settings, jiff::Timestamp::now())
    }

    /// What should be known of the files and of what they come to.
    pub(crate) fn diagnostics(&self, verdicts: &Verdicts) -> Vec<Diagnostic> {
        let problems = self.problems.iter().map(problem);
        let findings = verdicts.findings.iter().map(|finding| {
            let origin = self.files.origin(&finding.object, &finding.field);
            Diagnostic {
                file: origin.as_ref().map(|origin| show_path(&origin.file)),
                line: origin.as_ref().map(|origin| origin.line),
                ..Diagnostic::from(finding)
            }
        });
        problems.chain(findings).chain(self.no_objects()).collect()
    }

    /// Where an object is written, as `FILE:LINE`.
    pub(crate) fn place(&self, object: &ObjectRef) -> Option<String> {
        let origin = self.files.origin(object, "")?;
        Some(format!("{}:{}", show_path(&origin.file), origin.line))
    }

    /// A folder of other things, or the wrong one, would pass for a configuration in which all is well.
    fn no_objects(&self) -> Option<Diagnostic> {
        let broken = self.problems.iter().any(|problem| problem.severity == Severity::Error);
        if broken || self.snapshot != Snapshot::default() {
            return None;
        }
        let asked: Vec<_> = self.asked.iter().map(|path| show_path(path)).collect();
        Some(Diagnostic {
            severity: Severity::Error,
            code: "NoObjects".to_owned(),
            object: String::new(),
            field: String::new(),
            file: None,
            line: None,
            message: format!("there is not a single object in {}", asked.join(", ")),
            hint: "of folders the files *.yaml, *.yml and *.json are read, at any depth".to_owned(),
        })
    }
}

fn problem(problem: &FileProblem) -> Diagnostic {
    Diagnostic {
        severity: problem.severity,
        code: problem.code.as_str().to_owned(),
        object: problem.object.as_ref().map(ToString::to_string).unwrap_or_default(),
        field: problem.field.clone(),
        file: Some(show_path(&problem.file)),
        line: (problem.line > 0).then_some(problem.line),
        message: problem.message.clone(),
        hint: problem.hint.clone(),
    }
}

/// Whether two snapshots differ in nothing but the addresses of their EndpointSlices, and neither is empty.
fn differs_in_addresses_only(before: &Snapshot, after: &Snapshot) -> bool {
    if (before == &Snapshot::default()) != (after == &Snapshot::default()) {
        return false;
    }
    // To which ports of which Service a slice belongs is told of in a translation.
    let of_services = |snapshot: &Snapshot| -> BTreeSet<_> {
        let slices = snapshot.endpoint_slices.values();
        let ports = |slice: &EndpointSlice| slice.ports.iter().map(|port| port.name.clone()).collect::<Vec<_>>();
        slices.map(|slice| (slice.metadata.key(), slice.metadata.labels.clone(), ports(slice))).collect()
    };
    if of_services(before) != of_services(after) {
        return false;
    }
    let but_addresses = Snapshot { endpoint_slices: after.endpoint_slices.clone(), ..before.clone() };
    but_addresses == *after
}

impl Configuration for FileConfiguration {
    type Change = FileEvents;
    type Report = Report;

    fn change(&mut self, events: FileEvents) -> Effect {
        self.take(events);
        let snapshot = self.files.snapshot();
        let problems = self.files.problems();
        let effect = if problems != self.problems {
            Effect::Everything
        } else if snapshot == self.snapshot {
            Effect::Nothing
        } else if differs_in_addresses_only(&self.snapshot, &snapshot) {
            Effect::Endpoints
        } else {
            Effect::Everything
        };
        self.snapshot = snapshot;
        self.problems = problems;
        effect
    }

    fn translate(&mut self) -> Result<(Plan, Endpoints, Report), Pending> {
        let Translation { plan, endpoints, verdicts, .. } = self.translate_now();
        let diagnostics = self.diagnostics(&verdicts);
        Ok((plan, endpoints, Report { verdicts, diagnostics }))
    }

    fn endpoints(&mut self, ports: &mut dyn Iterator<Item = &ServicePort>) -> Endpoints {
        endpoints::endpoints(&self.snapshot, ports.cloned())
    }
}
