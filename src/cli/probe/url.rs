//! A peer by its URL: written down as the objects that would stand for it, and translated as these are, so that nothing is
//! judged in another way than in a file or a cluster. What is told of it speaks of its options all the same.

mod options;
mod remedy;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use http::Uri;
use postern_actors::plan::identity::Der;
use postern_actors::plan::{Backend, EndpointSource, Tls};
use postern_actors::upstream::RefusedAddresses;
use postern_actors::upstream::probe::Report;

use super::super::Refusal;
use super::super::configuration::{FileConfiguration, settings};
use super::{Subject, manifest};
use crate::resources::backend_tls_policy::{
    BackendTlsPolicySpec, CaCertificateRef, PolicyStatus, SubjectAltName, TargetRef, Validation,
};
use crate::resources::{AGENTGATEWAY_GROUP, BackendTlsPolicy, Metadata, NamespacedName};
use crate::translate::backends::{BackendKind, BackendTarget, BackendUse};
use crate::translate::options::PREFIX;
use crate::translate::{Settings, pem};

const SCHEME: &str = "https://";
/// The Gateway that uses it; it is never printed.
const GATEWAY: &str = "probe";

/// What the policy of a URL says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for URLs")]
pub(super) struct UrlArguments {
    /// CA certificates (PEM) that vouch for the peer; repeatable [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// The SNI, and the name that the certificate must carry [default: the host of the URL]
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// A name that the certificate must carry instead, DNS:NAME or URI:URI; repeatable, one is enough
    #[arg(long, value_name = "TYPE:VALUE", value_parser = subject_alt_name)]
    san: Vec<SubjectAltName>,
    /// A client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// The lowest TLS version to offer
    #[arg(long, value_name = "VERSION", value_parser = ["1.2", "1.3"])]
    min_tls_version: Option<String>,
    /// The highest TLS version to offer
    #[arg(long, value_name = "VERSION", value_parser = ["1.2", "1.3"])]
    max_tls_version: Option<String>,
    /// Protocols to offer by ALPN, comma-separated; empty offers none [default: http/1.1]
    #[arg(long, value_name = "PROTOCOLS")]
    alpn: Option<String>,
    /// Base64 SHA-256 of the keys that the certificate may have, comma-separated
    #[arg(long, value_name = "PINS")]
    pinned_sha256: Option<String>,
    /// Connect to this address in place of those of the host
    #[arg(long, value_name = "IP")]
    resolve: Option<IpAddr>,
}

/// The objects that stand for a URL.
pub(super) struct Objects {
    url: String,
    /// The files of --ca.
    authorities: Vec<PathBuf>,
    /// The file of the client certificate, which is in none of them.
    pub(super) client_certificate: Option<PathBuf>,
    /// Those beside the policy.
    pub(super) documents: Vec<String>,
}

/// Whether it is a URL that is to be probed.
pub(super) fn is_one(text: &str) -> bool {
    text.contains("://")
}

fn subject_alt_name(text: &str) -> Result<SubjectAltName, String> {
    match text.split_once(':') {
        Some(("DNS", name)) => {
            Ok(SubjectAltName { kind: "Hostname".into(), hostname: Some(name.to_ascii_lowercase()), uri: None })
        }
        Some(("URI", uri)) => Ok(SubjectAltName { kind: "URI".into(), hostname: None, uri: Some(uri.into()) }),
        _ => Err("write it as DNS:example.com or URI:spiffe://example.com/name".into()),
    }
}

impl Objects {
    /// Has a report speak of the URL, and not of the objects that stand for it.
    pub(super) fn stand_in(&self, report: &mut Report) {
        report.backend.clone_from(&self.url);
        (report.gateway, report.policy) = (Arc::default(), Arc::default());
        let file = self.client_certificate.as_ref().map(|path| Arc::from(path.display().to_string()));
        if let (Some(offer), Some(file)) = (&mut report.offer, file) {
            offer.client_certificate = Some(file);
        }
        report.verdict.remedy = remedy::remedy(report);
        report.verdict.meaning = remedy::of_options(&report.verdict.meaning);
        if let Some(anchors) = report.anchors.as_mut().filter(|_| !self.authorities.is_empty()) {
            let files: Vec<_> = self.authorities.iter().map(|path| path.display().to_string()).collect();
            anchors.origin = format!("--ca {}", files.join(", "));
        }
    }
}

impl UrlArguments {
    /// The first option of these that was given.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        [
            ("--ca", !self.ca.is_empty()),
            ("--hostname", self.hostname.is_some()),
            ("--san", !self.san.is_empty()),
            ("--client-cert", self.client_cert.is_some()),
            ("--min-tls-version", self.min_tls_version.is_some()),
            ("--max-tls-version", self.max_tls_version.is_some()),
            ("--alpn", self.alpn.is_some()),
            ("--pinned-sha256", self.pinned_sha256.is_some()),
            ("--resolve", self.resolve.is_some()),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }

    /// The peer of a URL.
    pub(super) fn subject(&self, url: &str, system_ca_bundle: Option<&Path>) -> Result<Subject, Refusal> {
        let (host, port) = authority(url)?;
        let hostname = self.hostname.clone().unwrap_or_else(|| host.clone()).to_ascii_lowercase();
        if hostname.parse::<IpAddr>().is_ok() {
            return Err(Refusal(format!("{hostname} can be no SNI: say with --hostname what the peer is called")));
        }
        let name = NamespacedName::new("default", if is_name(&host) { &*host } else { "backend" });
        let authorities = self.authorities()?;
        let policy = self.policy(&name, hostname, !authorities.is_empty());
        let mut documents = vec![manifest::backend(&name, &host, port)];
        if !authorities.is_empty() {
            documents.push(manifest::config_map(&bundle(&name), "", &authorities));
        }
        let mut all = documents.clone();
        all.extend([manifest::policy(&policy), self.gateway()?]);
        let text = (PathBuf::from(url), Arc::from(manifest::documents(&all)));
        let target = BackendTarget { kind: BackendKind::AgentgatewayBackend, name, port: None };
        let usage = BackendUse { gateway: NamespacedName::new("default", GATEWAY), target };
        let settings = Settings { also_used: Some(usage), ..settings(system_ca_bundle) };
        let configuration = FileConfiguration::read_once(&(Vec::new(), vec![text]), settings);
        let translation = configuration.translate_now();
        let Some(backend) = translation.plan.backends.into_values().next() else {
            let diagnostics = configuration.diagnostics(&translation.verdicts);
            let why = diagnostics.first().map(|diagnostic| format!("{}: {}", diagnostic.field, diagnostic.message));
            return Err(Refusal(format!("{url} cannot be probed: {}", options::named(&why.unwrap_or_default()))));
        };
        // Nothing but the options has decided that.
        if let Tls::Poisoned(poison) = &backend.tls {
            return Err(Refusal(format!("{url} cannot be probed: {}", options::named(&poison.message))));
        }
        let backend = match self.resolve {
            Some(address) => {
                let endpoints = EndpointSource::Host { host: address.to_string().into(), port };
                Arc::new(Backend { id: backend.id.clone(), endpoints, tls: backend.tls.clone(), near_miss: None })
            }
            None => backend,
        };
        Ok(Subject {
            backend,
            endpoints: [].into(),
            policy: Some(Arc::new(policy)),
            place: None,
            at_hand: Vec::new(),
            refused: RefusedAddresses::default(),
            url: Some(Objects {
                url: url.to_owned(),
                authorities: self.ca.clone(),
                client_certificate: self.client_cert.clone(),
                documents,
            }),
        })
    }

    fn policy(&self, name: &NamespacedName, hostname: String, own_authorities: bool) -> BackendTlsPolicy {
        let options = [
            ("min-tls-version", &self.min_tls_version),
            ("max-tls-version", &self.max_tls_version),
            ("alpn", &self.alpn),
            ("pinned-sha256", &self.pinned_sha256),
        ];
        let options = options.into_iter().filter_map(|(key, value)| Some((format!("{PREFIX}/{key}"), value.clone()?)));
        let reference =
            CaCertificateRef { group: String::new(), kind: "ConfigMap".into(), name: bundle(name).name.to_string() };
        BackendTlsPolicy {
            metadata: Metadata {
                name: name.name.to_string(),
                namespace: name.namespace.to_string(),
                ..Metadata::default()
            },
            spec: BackendTlsPolicySpec {
                target_refs: vec![TargetRef {
                    group: AGENTGATEWAY_GROUP.into(),
                    kind: "AgentgatewayBackend".into(),
                    name: name.name.to_string(),
                    section_name: None,
                }],
                validation: Validation {
                    ca_certificate_refs: if own_authorities { vec![reference] } else { Vec::new() },
                    well_known_ca_certificates: (!own_authorities).then(|| "System".into()),
                    hostname,
                    subject_alt_names: self.san.clone(),
                },
                options: options.collect::<BTreeMap<_, _>>(),
            },
            status: PolicyStatus::default(),
        }
    }

    /// The certificates of --ca.
    fn authorities(&self) -> Result<Vec<Der>, Refusal> {
        let mut all = Vec::new();
        for path in &self.ca {
            let certificates = pem::certificates(read(path)?.as_bytes());
            let refuse = |error| Refusal(format!("{}: {error}", path.display()));
            all.extend(certificates.map_err(refuse)?.into_iter().map(|certificate| certificate.der));
        }
        Ok(all)
    }

    /// The Gateway, with the client certificate.
    fn gateway(&self) -> Result<String, Refusal> {
        let gateway = format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: {GATEWAY}}}\nspec:\n  \
             gatewayClassName: postern\n  listeners: [{{name: http, protocol: HTTP, port: 80}}]\n"
        );
        let (Some(certificate), Some(key)) = (&self.client_cert, &self.client_key) else {
            return Ok(gateway);
        };
        let (certificate, key) = (manifest::scalar(&read(certificate)?), manifest::scalar(&read(key)?));
        Ok(format!(
            "{gateway}  tls: {{backend: {{clientCertificateRef: {{name: {GATEWAY}}}}}}}\n---\napiVersion: v1\nkind: Secret\n\
             metadata: {{name: {GATEWAY}}}\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: {certificate}\n  tls.key: {key}\n"
        ))
    }
}

/// The ConfigMap of --ca.
fn bundle(name: &NamespacedName) -> NamespacedName {
    NamespacedName::new(&*name.namespace, format!("{}-ca", name.name))
}

/// Whether objects can be called so.
fn is_name(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

fn authority(url: &str) -> Result<(String, u16), Refusal> {
    let wrong = || Refusal(format!("{url} is no URL to probe: write https://HOST:PORT"));
    let uri: Uri = url.strip_prefix(SCHEME).and_then(|_| url.parse().ok()).ok_or_else(wrong)?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    let port = match uri.authority().and_then(|authority| authority.as_str().strip_prefix(host)).ok_or_else(wrong)? {
        "" => 443,
        port => port.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port > 0).ok_or_else(wrong)?,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    Ok((host, port))
}

fn read(path: &Path) -> Result<String, Refusal> {
    std::fs::read_to_string(path).map_err(|error| Refusal(format!("{}: {error}", path.display())))
}
