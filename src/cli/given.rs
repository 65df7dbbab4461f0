//! What a command is given to look at once: the objects of files, or else of the cluster, and what they come to.

use std::path::PathBuf;

use clap::Args;
use postern_actors::supervisor::kubernetes::list::read_once;
use postern_actors::supervisor::kubernetes::{Client, connect};

use super::Refusal;
use super::cluster::{ClusterArguments, gateway};
use super::configuration::{FileConfiguration, settings, sources};
use super::diagnostic::Diagnostic;
use crate::cluster::once::{Next, Once};
use crate::resources::{NamespacedName, Severity, Snapshot};
use crate::translate::backends::BackendUse;
use crate::translate::{Settings, Translation};

/// Where the objects are.
#[derive(Debug, Args)]
pub(crate) struct GivenArguments {
    /// File, folder (*.yaml, *.yml, *.json) or - (standard input); repeatable [default: the cluster of the kubeconfig]
    #[arg(short, long = "file", value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// This Gateway alone
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = gateway)]
    pub(crate) gateway: Option<NamespacedName>,
    /// CA certificates (PEM) for wellKnownCACertificates: System
    #[arg(long, value_name = "FILE")]
    pub(crate) system_ca_bundle: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArguments,
}

/// What was given.
#[derive(Debug)]
pub(crate) struct Given {
    /// Every object.
    pub snapshot: Snapshot,
    /// What they come to.
    pub translation: Translation,
    /// Everything that is not as hoped: of the objects, and of reading them.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that it is from, if it is from files.
    pub files: Option<FileConfiguration>,
}

impl GivenArguments {
    /// Reads and translates once. It is an error if a path is not there, or a cluster cannot be read.
    pub(crate) async fn read(&self) -> Result<Given, Refusal> {
        self.translated(None).await
    }

    /// The same, with a backend that counts as used.
    pub(crate) async fn read_with(&self, used: BackendUse) -> Result<Given, Refusal> {
        self.translated(Some(used)).await
    }

    async fn translated(&self, also_used: Option<BackendUse>) -> Result<Given, Refusal> {
        let (gateway, bundle) = (self.gateway.clone(), self.system_ca_bundle.as_deref());
        if self.files.is_empty() {
            let unknown = |error| {
                let why = no_kubeconfig().unwrap_or(error);
                Refusal(format!("no way to the API server is known: {why} (give files with -f)"))
            };
            let client = connect().await.map_err(unknown)?;
            let settings = Settings { also_used, ..self.cluster.settings(gateway, bundle) };
            return of_cluster(&client, settings).await;
        }
        let settings = Settings { gateway, also_used, ..settings(bundle) };
        let configuration = FileConfiguration::read_once(&sources(&self.files)?, settings);
        let translation = configuration.translate_now();
        let diagnostics = configuration.diagnostics(&translation.verdicts);
        let snapshot = configuration.snapshot().clone();
        Ok(Given { snapshot, translation, diagnostics, files: Some(configuration) })
    }
}

/// Says that there is no kubeconfig, if that is so, and this is no pod.
fn no_kubeconfig() -> Option<String> {
    let named = std::env::var_os("KUBECONFIG").filter(|named| !named.is_empty());
    let files: Vec<_> = match &named {
        Some(named) => std::env::split_paths(named).collect(),
        None => vec![std::env::home_dir()?.join(".kube/config")],
    };
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() || files.iter().any(|file| file.exists()) {
        return None;
    }
    let files = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" or ");
    let by = if named.is_some() { ", which KUBECONFIG names" } else { ", and KUBECONFIG names none" };
    Some(format!("there is no kubeconfig {files}{by}, and this is no pod"))
}

async fn of_cluster(client: &Client, settings: Settings) -> Result<Given, Refusal> {
    let mut once = Once::new(settings);
    let translation = loop {
        match once.next(jiff::Timestamp::now()).map_err(|error| Refusal(error.to_string()))? {
            Next::Read(targets) => {
                for told in read_once(client, targets).await {
                    once.take(told);
                }
            }
            Next::Whole(translation) => break *translation,
        }
    };
    let findings = translation.verdicts.findings.iter().map(Diagnostic::from);
    let diagnostics = once.unread().map(unread).chain(findings).collect();
    Ok(Given { snapshot: once.snapshot().clone(), translation, diagnostics, files: None })
}

/// The code of what of a cluster could not be read.
pub(crate) const UNREAD: &str = "Unread";

/// What of a cluster could not be read.
fn unread(message: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        code: UNREAD.to_owned(),
        object: String::new(),
        field: String::new(),
        file: None,
        line: None,
        message,
        hint: String::new(),
    }
}
