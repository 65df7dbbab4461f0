//! What a policy's spec comes to: an identity, or why there is none. It must not know targets and Gateways.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use postern_actors::outcome::{HandshakeResult, Reason};
use postern_actors::plan::identity::{Bundle, ClientCertificate, PeerNames, SubjectAltName, TlsIdentity, Trust};
use postern_actors::plan::{AuthorityExpiry, Poison};
use rustls::pki_types::DnsName;

use super::Policy;
use super::attachment::section;
use super::authorities::{Authorities, AuthorityStore};
use crate::resources::backend_tls_policy::{SubjectAltName as WrittenName, TargetRef, Validation};
use crate::resources::{BackendTlsPolicy, NamespacedName};
use crate::translate::options::{self, Options};

/// Something in the spec that makes the policy invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) field: String,
    pub(super) cause: String,
    pub(super) hint: &'static str,
}

/// What a policy demands of a peer, before a Gateway adds what is its own.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) sni: Arc<str>,
    pub(super) names: PeerNames,
    /// `None`: what each Gateway takes for the system's roots.
    pub(super) bundle: Option<Arc<Bundle>>,
    pub(super) options: Options,
}

impl Template {
    pub(super) fn identity(&self, trust: Trust, client_certificate: Option<Arc<ClientCertificate>>) -> TlsIdentity {
        TlsIdentity {
            sni: Arc::clone(&self.sni),
            names: self.names.clone(),
            trust,
            client_certificate,
            min_version: self.options.min_version,
            max_version: self.options.max_version,
            alpn: self.options.alpn.clone(),
            resumption: self.options.resumption,
            pins: self.options.pins.clone(),
        }
    }
}

/// A policy's spec, judged by itself.
pub(super) struct Compiled {
    /// Not empty: the policy is invalid.
    pub(super) faults: Vec<Fault>,
    /// Of `caCertificateRefs`, where there are any.
    pub(super) authorities: Option<Arc<Authorities>>,
    /// Whether the system's roots are wanted. Whether they can be used depends on the Gateway.
    pub(super) wants_system: bool,
    /// Option keys of others.
    pub(super) foreign_options: Vec<String>,
    /// `None` if no Gateway can use the policy.
    pub(super) template: Option<Template>,
}

impl Compiled {
    pub(super) fn new(policy: Policy<'_>, store: &mut AuthorityStore<'_>) -> Self {
        match policy {
            Policy::Readable(policy) => Self::readable(policy, store),
            Policy::Unreadable(policy) => Self {
                faults: vec![Fault {
                    field: String::new(),
                    cause: format!("the policy cannot be read: {}", policy.error),
                    hint: "correct the field; until then the targets that could be made out get no traffic",
                }],
                authorities: None,
                wants_system: false,
                foreign_options: Vec::new(),
                template: None,
            },
        }
    }

    fn readable(policy: &BackendTlsPolicy, store: &mut AuthorityStore<'_>) -> Self {
        let validation = &policy.spec.validation;
        let mut faults = Vec::new();
        distinct(&policy.spec.target_refs, &mut faults);
        let sni = hostname(&validation.hostname, &mut faults);
        let names = names(&validation.subject_alt_names, &mut faults);
        let mut options = options::read(&policy.spec.options).unwrap_or_else(|errors| {
            faults.extend(errors.into_iter().map(|error| Fault {
                field: format!("spec.options[{}]", error.key),
                cause: error.cause,
                hint: "correct or remove the option",
            }));
            Options::default()
        });
        let foreign_options = std::mem::take(&mut options.foreign);
        let references = &validation.ca_certificate_refs;
        let authorities = (!references.is_empty()).then(|| store.resolve(&policy.metadata.namespace, references));
        let wants_system = wants_system(validation, &mut faults);
        let bundle = authorities.as_ref().and_then(|authorities| authorities.bundle.clone());
        let bundle = if wants_system { Some(None) } else { bundle.map(Some) };
        let template = match (faults.is_empty(), sni, bundle) {
            (true, Some(sni), Some(bundle)) => Some(Template { sni, names, bundle, options }),
            _ => None,
        };
        Self { faults, authorities, wants_system, foreign_options, template }
    }

    /// Every fault in one line.
    pub(super) fn fault_message(&self) -> String {
        let faults: Vec<_> =
            self.faults
                .iter()
                .map(|fault| {
                    if fault.field.is_empty() {
                        fault.cause.clone()
                    } else {
                        format!("{}: {}", fault.field, fault.cause)
                    }
                })
                .collect();
        faults.join("; ")
    }

    /// Why no certificate authority of `caCertificateRefs` is left, if that is so.
    pub(super) fn trust_message(&self) -> Option<String> {
        let authorities = self.authorities.as_ref()?;
        authorities.bundle.is_none().then(|| {
            format!("no CA certificate can be used: {}", reference_problems(authorities).collect::<Vec<_>>().join("; "))
        })
    }

    /// When the certificates of each good reference end.
    pub(super) fn expiries(&self, policy: &NamespacedName) -> Vec<AuthorityExpiry> {
        let policy: Arc<str> = Arc::from(policy.to_string());
        let references = self.authorities.iter().flat_map(|authorities| &authorities.references);
        references
            .filter_map(|reference| {
                let certificates = reference.content.as_ref().ok()?;
                Some(AuthorityExpiry {
                    policy: Arc::clone(&policy),
                    reference: Arc::clone(&reference.label),
                    not_after: certificates.iter().map(|certificate| certificate.facts.not_after).min()?,
                })
            })
            .collect()
    }

    /// What the policy demands, or what poisons every target.
    pub(super) fn into_template(self, policy: &str) -> Result<Template, Poison> {
        let (result, cause) = if self.faults.is_empty() {
            let cause = self.trust_message().unwrap_or_else(|| "no CA certificate can be used".into());
            (HandshakeResult::CaUnavailable, cause)
        } else {
            (HandshakeResult::PolicyInvalid, self.fault_message())
        };
        self.template.ok_or_else(|| poison(policy, result, &cause))
    }
}

/// What a policy that cannot be used makes of its targets.
pub(super) fn poison(policy: &str, result: HandshakeResult, cause: &str) -> Poison {
    Poison {
        reason: Reason::Handshake(result),
        message: Arc::from(format!("BackendTLSPolicy {policy}: {cause}")),
        policy: Some(Arc::from(policy)),
    }
}

/// Why what a Gateway takes for the system's roots cannot be used.
pub(super) fn system_message(cause: &str) -> String {
    format!("spec.validation.wellKnownCACertificates: the system's CA certificates cannot be used: {cause}")
}

/// One line for each reference that cannot be used.
pub(super) fn reference_problems(authorities: &Authorities) -> impl Iterator<Item = String> {
    authorities.references.iter().enumerate().filter_map(|(index, reference)| {
        let problem = reference.content.as_ref().err()?;
        Some(format!("spec.validation.caCertificateRefs[{index}]: {}", problem.cause))
    })
}

/// "sectionName must be specified [and unique] when targetRefs includes 2 or more references to the same target" (the
/// CRD's rules on targetRefs).
fn distinct(references: &[TargetRef], faults: &mut Vec<Fault>) {
    let mut targets = HashSet::new();
    let mut whole = HashSet::new();
    let mut sections = HashSet::new();
    for (index, reference) in references.iter().enumerate() {
        let target = (&reference.group, &reference.kind, &reference.name);
        let section = section(reference);
        let repeated = !sections.insert((target, section));
        let mixed = !targets.insert(target) && (section.is_none() || whole.contains(&target));
        if section.is_none() {
            whole.insert(target);
        }
        if repeated || mixed {
            faults.push(Fault {
                field: format!("spec.targetRefs[{index}]"),
                cause: format!("{} {} is selected twice", reference.kind, reference.name),
                hint: "give each reference to one target a sectionName of its own",
            });
        }
    }
}

/// "Hostname MUST be used as the SNI" (BackendTLSPolicyValidation.hostname): an IP address can be none (RFC 6066).
fn hostname(written: &str, faults: &mut Vec<Fault>) -> Option<Arc<str>> {
    let fault = |cause: String, hint| Fault { field: "spec.validation.hostname".into(), cause, hint };
    let host = written.to_ascii_lowercase();
    if is_address(&host) {
        faults.push(fault(
            format!("{written} is an IP address, which can be no server name (SNI)"),
            "write a DNS name of the backend's certificate",
        ));
        return None;
    }
    if !is_dns_name(&host) {
        faults
            .push(fault(format!("{written:?} is no DNS name without a wildcard"), "write a DNS name like example.com"));
        return None;
    }
    Some(Arc::from(host))
}

fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// As the CRD's pattern for a PreciseHostname has it, and as a TLS stack takes it (which refuses a last label of digits).
fn is_dns_name(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    host.split('.').all(label) && DnsName::try_from(host).is_ok()
}

fn names(written: &[WrittenName], faults: &mut Vec<Fault>) -> PeerNames {
    if written.is_empty() {
        return PeerNames::Sni;
    }
    let mut names = Vec::with_capacity(written.len());
    for (index, entry) in written.iter().enumerate() {
        match name(entry) {
            Ok(name) => names.push(name),
            Err((cause, hint)) => {
                faults.push(Fault { field: format!("spec.validation.subjectAltNames[{index}]"), cause, hint });
            }
        }
    }
    PeerNames::AnyOf(names)
}

fn name(entry: &WrittenName) -> Result<SubjectAltName, (String, &'static str)> {
    match entry.kind.as_str() {
        "Hostname" => {
            let written = entry.hostname.as_deref().unwrap_or_default();
            let host = written.to_ascii_lowercase();
            if is_address(&host) {
                return Err((
                    format!("{written} is an IP address, not a DNS name"),
                    "name a DNS SAN of the certificate",
                ));
            }
            if !is_dns_name(host.strip_prefix("*.").unwrap_or(&host)) {
                return Err((
                    format!("{written:?} is no DNS name (a leading *. is permitted)"),
                    "write a name like example.com or *.example.com",
                ));
            }
            Ok(SubjectAltName::Hostname(host))
        }
        "URI" => {
            let uri = entry.uri.as_deref().unwrap_or_default();
            let absolute = uri.split_once(':').is_some_and(|(scheme, rest)| {
                scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                    && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                    && !rest.is_empty()
            });
            if !absolute {
                return Err((
                    format!("{uri:?} is no absolute URI"),
                    "write a URI with its scheme, like spiffe://cluster.local/ns/default/sa/backend",
                ));
            }
            Ok(SubjectAltName::Uri(uri.to_owned()))
        }
        kind => Err((format!("type {kind:?} is not known"), "write Hostname or URI")),
    }
}

/// "exactly one of CACertificateRefs and WellKnownCACertificates" (the CRD's rules on validation). Says whether the
/// system's roots are wanted.
fn wants_system(validation: &Validation, faults: &mut Vec<Fault>) -> bool {
    let mut fault = |field: &str, cause: String, hint| faults.push(Fault { field: field.into(), cause, hint });
    let well_known = validation.well_known_ca_certificates.as_deref().filter(|value| !value.is_empty());
    match (well_known, validation.ca_certificate_refs.is_empty()) {
        (None, false) => {}
        (None, true) => fault(
            "spec.validation",
            "neither caCertificateRefs nor wellKnownCACertificates is given".into(),
            "refer to a ConfigMap with ca.crt, or write wellKnownCACertificates: System",
        ),
        (Some(_), false) => fault(
            "spec.validation",
            "caCertificateRefs and wellKnownCACertificates exclude each other".into(),
            "remove one of the two",
        ),
        (Some("System"), true) => return true,
        (Some(other), true) => fault(
            "spec.validation.wellKnownCACertificates",
            format!("{other:?} is not known"),
            "write System, the only set that is supported, or use caCertificateRefs",
        ),
    }
    false
}
