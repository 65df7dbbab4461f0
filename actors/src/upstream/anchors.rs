//! The anchors of a policy, made ready for verification: which certificates may be presented as themselves, and which
//! may issue at a given time. It must not know names, pins or connections.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::certificate::{Facts, day};
use crate::plan::Trust;
use crate::plan::identity::Der;

/// The anchors of one [`Trust`].
///
/// webpki checks neither dates nor basicConstraints of an anchor, so what may issue is decided here: the plan says which
/// certificates may, and this type leaves out those that are not inside their dates at the time of the handshake.
#[derive(Debug)]
pub struct Anchors {
    presentable: HashSet<Der>,
    issuers: Vec<Issuer>,
    described: Vec<String>,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Issuer {
    anchor: TrustAnchor<'static>,
    /// RFC 4514; empty for the roots of `webpki-roots`.
    subject: String,
    /// Inclusive, in seconds since the Unix epoch; the roots of `webpki-roots` carry no dates.
    not_before: i64,
    /// Inclusive.
    not_after: i64,
}

/// The store of the issuers that are valid from one boundary of their dates to the next.
#[derive(Debug)]
struct Current {
    from: i64,
    until: i64,
    roots: Arc<RootCertStore>,
}

/// How many anchors a log line names.
const DESCRIBED: usize = 8;

impl Anchors {
    /// Reads the certificates. One that does not parse may still be presented byte for byte, and issues nothing.
    pub fn new(trust: &Trust) -> Self {
        match trust {
            Trust::System(roots) if roots.certificates.is_empty() => Self {
                presentable: HashSet::new(),
                issuers: webpki_roots::TLS_SERVER_ROOTS
                    .iter()
                    .map(|anchor| Issuer {
                        anchor: anchor.clone(),
                        subject: String::new(),
                        not_before: i64::MIN,
                        not_after: i64::MAX,
                    })
                    .collect(),
                described: vec![format!("the system's roots ({})", roots.origin)],
                current: Mutex::new(None),
            },
            Trust::System(roots) => Self {
                presentable: HashSet::new(),
                issuers: roots.certificates.iter().filter_map(Issuer::read).collect(),
                described: vec![format!("the system's roots ({})", roots.origin)],
                current: Mutex::new(None),
            },
            Trust::Bundle(bundle) => Self {
                presentable: bundle.issuers.iter().chain(&bundle.leaves).cloned().collect(),
                issuers: bundle.issuers.iter().filter_map(Issuer::read).collect(),
                described: bundle
                    .issuers
                    .iter()
                    .map(|der| describe(der, "may issue"))
                    .chain(bundle.leaves.iter().map(|der| describe(der, "stands for itself only")))
                    .take(DESCRIBED)
                    .collect(),
                current: Mutex::new(None),
            },
        }
    }

    /// Whether the peer that presents exactly this certificate is vouched for. Never for the system's roots.
    pub fn stands_for_itself(&self, certificate: &[u8]) -> bool {
        self.presentable.contains(certificate)
    }

    /// The anchors that may issue at `now` (seconds since the Unix epoch).
    pub fn issuing_at(&self, now: i64) -> Arc<RootCertStore> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &*current
            && (current.from..current.until).contains(&now)
        {
            return current.roots.clone();
        }
        let boundaries = || {
            let ends = self.issuers.iter().map(|issuer| issuer.not_after.saturating_add(1));
            self.issuers.iter().map(|issuer| issuer.not_before).chain(ends)
        };
        let roots = self
            .issuers
            .iter()
            .filter(|issuer| (issuer.not_before..=issuer.not_after).contains(&now))
            .map(|issuer| issuer.anchor.clone())
            .collect::<RootCertStore>();
        let roots = Arc::new(roots);
        *current = Some(Current {
            from: boundaries().filter(|boundary| *boundary <= now).max().unwrap_or(i64::MIN),
            until: boundaries().filter(|boundary| *boundary > now).min().unwrap_or(i64::MAX),
            roots: roots.clone(),
        });
        roots
    }

    /// The end of the first issuer that ends after `now`, inclusive, in seconds since the Unix epoch.
    pub fn next_expiry(&self, now: i64) -> Option<i64> {
        self.issuers.iter().map(|issuer| issuer.not_after).filter(|end| *end >= now && *end != i64::MAX).min()
    }

    /// `notBefore` and `notAfter` of an issuer of this name, if there is one and none is inside of them at `now`.
    pub fn outside_its_dates(&self, subject: &str, now: i64) -> Option<(i64, i64)> {
        let named = || self.issuers.iter().filter(|issuer| issuer.subject == subject);
        let is_valid = |issuer: &Issuer| (issuer.not_before..=issuer.not_after).contains(&now);
        let ended = named().next().filter(|_| !named().any(is_valid))?;
        Some((ended.not_before, ended.not_after))
    }

    /// The anchors for the log: subjects, dates and what each may do.
    pub fn describe(&self) -> String {
        if self.described.is_empty() { "none".into() } else { self.described.join("; ") }
    }
}

impl Issuer {
    fn read(der: &Der) -> Option<Self> {
        let facts = Facts::read(der).ok()?;
        let mut store = RootCertStore::empty();
        store.add(CertificateDer::from_slice(der)).ok()?;
        let Facts { subject, not_before, not_after, .. } = facts;
        Some(Self { anchor: store.roots.pop()?, subject, not_before, not_after })
    }
}

fn describe(der: &Der, role: &str) -> String {
    match Facts::read(der) {
        Ok(facts) => format!("{} ({role}, {} to {})", facts.subject, day(facts.not_before), day(facts.not_after)),
        Err(cause) => format!("a certificate that does not parse ({cause})"),
    }
}
