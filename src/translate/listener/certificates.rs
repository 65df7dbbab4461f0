//! `tls.certificateRefs` of a listener: the Secrets, read once each, and what is wrong with them.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use postern_actors::plan::certificate::ServerCertificate;

use crate::resources::gateway::{Listener, SecretRef};
use crate::resources::{Gateway, Kind, NamespacedName, Object, ObjectRef, Snapshot};
use crate::status::reason;
use crate::translate::absence::Absent;
use crate::translate::certificates::server_certificate;
use crate::translate::expiry;
use crate::translate::findings::{Findings, Problem, grant_hint};
use crate::translate::grants::Grants;
use crate::translate::pem;
use crate::translate::secret_ref::{self, Refused};

/// Reads certificates, each Secret once however many listeners name it.
#[derive(Debug)]
pub(crate) struct Certificates<'a> {
    snapshot: &'a Snapshot,
    grants: &'a Grants,
    now: Timestamp,
    read: HashMap<NamespacedName, Result<Arc<ServerCertificate>, String>>,
}

/// What the references of one listener come to.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// In the order of the references.
    pub(crate) usable: Vec<Arc<ServerCertificate>>,
    /// One for each reference that cannot be used.
    pub(crate) problems: Vec<Problem>,
    /// What the references name and may name, whether it exists or not.
    pub(crate) secrets: Vec<NamespacedName>,
}

impl<'a> Certificates<'a> {
    /// Nothing is read yet.
    pub(crate) fn new(snapshot: &'a Snapshot, grants: &'a Grants, now: Timestamp) -> Self {
        Self { snapshot, grants, now, read: HashMap::new() }
    }

    /// Resolves the references of a listener that terminates TLS. Good ones are used although others are bad.
    pub(crate) fn resolve(
        &mut self,
        gateway: &Gateway,
        listener: &Listener,
        field: &str,
        findings: &mut Findings,
    ) -> Resolved {
        let mut resolved = Resolved::default();
        let references = listener.tls.as_ref().map_or(&[][..], |tls| &tls.certificate_refs);
        if references.is_empty() {
            resolved.problems.push(Problem::new(
                reason::INVALID_CERTIFICATE_REF,
                format!("{field}.tls.certificateRefs"),
                "protocol HTTPS needs at least one certificateRef",
                "name a Secret of type kubernetes.io/tls",
            ));
        }
        for (index, reference) in references.iter().enumerate() {
            let field = format!("{field}.tls.certificateRefs[{index}]");
            match self.certificate(gateway, reference, &field, &mut resolved.secrets) {
                Ok(certificate) => {
                    self.look_at_dates(&gateway.object_ref(), &field, &certificate, findings);
                    resolved.usable.push(certificate);
                }
                Err(problem) => resolved.problems.push(problem),
            }
        }
        resolved
    }

    fn certificate(
        &mut self,
        gateway: &Gateway,
        reference: &SecretRef,
        field: &str,
        secrets: &mut Vec<NamespacedName>,
    ) -> Result<Arc<ServerCertificate>, Problem> {
        let invalid = |message: String, hint: &str| Problem::new(reason::INVALID_CERTIFICATE_REF, field, message, hint);
        let home = gateway.metadata.namespace.as_str();
        let key = secret_ref::permitted(reference, home, self.grants).map_err(|refused| match refused {
            Refused::Kind => {
                let SecretRef { group, kind, name, .. } = reference;
                let message = format!("certificateRef {name}: kind {kind} of group {group:?} is not supported");
                invalid(message, "name a Secret of the core group (\"\")")
            }
            Refused::Grant(key) => Problem::new(
                reason::REF_NOT_PERMITTED,
                field,
                format!(
                    "no ReferenceGrant in namespace {} permits Gateways of namespace {home} to name Secret {key}",
                    key.namespace
                ),
                grant_hint("Gateway", home, "", "Secret", &key),
            ),
        })?;
        secrets.push(key.clone());
        let Some(secret) = self.snapshot.secrets.get(&key) else {
            let absent = Absent::of(self.snapshot, &self.snapshot.secrets, Kind::Secret, &key);
            let hint = absent.hint(
                |other| format!("write `namespace: {}`, and permit it by a ReferenceGrant there", other.namespace),
                "create it, or correct the name",
            );
            return Err(invalid(absent.cause(), &hint));
        };
        let read = self.read.entry(key).or_insert_with(|| server_certificate(secret).map(Arc::new));
        read.clone().map_err(|message| {
            invalid(
                message,
                "tls.crt holds the certificate chain in PEM, the leaf first, and tls.key the leaf's private key",
            )
        })
    }

    fn look_at_dates(
        &self,
        gateway: &ObjectRef,
        field: &str,
        certificate: &ServerCertificate,
        findings: &mut Findings,
    ) {
        let Some(leaf) = certificate.chain.first() else { return };
        if let Some(not_after) = pem::not_after(leaf) {
            expiry::look_at(not_after, &certificate.secret, self.now, (gateway, field), findings);
        }
    }
}
