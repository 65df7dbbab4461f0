//! How handshakes with a backend go, step by step. Every step is the request path's own: its resolver, its dialler, its
//! profiles, its verifier and its words; what is here only asks and writes down.
//!
//! It must not know the objects from which an identity was made, nor how a report is shown.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use futures_util::StreamExt as _;
use rustls::time_provider::TimeProvider;
use tokio::time::Instant;

use super::anchors::Anchors;
use super::connector::Line;
use super::profile::{ProfileError, TlsProfile};
use super::resolver::Resolver;
use super::settings::UpstreamSettings;
use crate::outcome::HandshakeResult;
use crate::plan::identity::{Bundle, TlsVersion};
use crate::plan::{Backend, Endpoint, EndpointSource, Tls, TlsIdentity};

mod attempt;
mod mend;
mod peer;
pub mod report;
mod trust;

pub use mend::Mended;
pub use report::Report;

use attempt::Attempt;
use report::{EndpointReport, Milliseconds, Offer, Resolution, Verdict, VersionReport};

/// How many endpoints are tried at a time.
const AT_A_TIME: usize = 8;

/// Who probes.
#[derive(Clone)]
pub struct Probe {
    /// As those of the gateway.
    pub settings: UpstreamSettings,
    /// Where names are looked up.
    pub resolver: Rc<Resolver>,
    /// The time by which certificates are judged.
    pub clock: Arc<dyn TimeProvider>,
    /// What a policy could refer to besides, one bundle for each object: looked at before anything is taken from the peer.
    pub at_hand: Vec<Arc<Bundle>>,
    /// Whether a request, `GET /`, is sent on each connection, and its status is read.
    pub request: bool,
}

impl Probe {
    /// With the system's resolver and clock.
    pub fn new(settings: UpstreamSettings, request: bool) -> Self {
        let resolver = Resolver::system(settings.connect_timeout);
        let clock = Arc::new(rustls::time_provider::DefaultTimeProvider);
        Self { settings, resolver, clock, at_hand: Vec::new(), request }
    }

    /// Probes a backend; `endpoints` are those of its Service, where it has one. Must be used inside of a `LocalSet`.
    ///
    /// No connection is made to a backend that is poisoned.
    pub async fn run(&self, backend: &Backend, endpoints: &[Endpoint]) -> Report {
        let mut report = Report::of(backend);
        let profile = match &backend.tls {
            Tls::Poisoned(poison) => {
                report.verdict = Verdict::poisoned(poison);
                return report;
            }
            Tls::Plaintext => None,
            Tls::Originate { identity, .. } => {
                report.offer = Some(Offer::of(identity));
                match self.profile(identity) {
                    Ok(profile) => Some(profile),
                    Err(error) => {
                        report.verdict = Verdict::of(error.result(), error.to_string());
                        return report;
                    }
                }
            }
        };
        let (addresses, resolution) = self.locate(&backend.endpoints, endpoints).await;
        let failed = resolution.as_ref().and_then(|resolution| resolution.failure(&self.settings.refused));
        report.resolution = resolution;
        if let Some((result, cause)) = failed {
            report.verdict = Verdict::of(result, cause);
            return report;
        }
        if addresses.is_empty() {
            report.verdict = Verdict::no_endpoint(backend);
            return report;
        }
        let attempts = self.attempts(&addresses, profile.as_ref()).await;
        let decisive = decisive(&backend.endpoints, &attempts);
        report.verdict = decisive.verdict().among(&attempts, &backend.endpoints);
        if let Some(profile) = &profile {
            report.endpoints = attempts.iter().map(|attempt| EndpointReport::of(attempt, profile)).collect();
            report.anchors = Some(trust::anchors(profile, &decisive.chain));
            self.look_closer(&mut report, decisive, profile).await;
        } else {
            report.endpoints = attempts.iter().map(EndpointReport::plaintext).collect();
        }
        report
    }

    /// Where the backend is, and how its name led there.
    async fn locate(&self, source: &EndpointSource, endpoints: &[Endpoint]) -> (Vec<SocketAddr>, Option<Resolution>) {
        let EndpointSource::Host { host, port } = source else {
            return (endpoints.iter().map(|endpoint| endpoint.address).collect(), None);
        };
        let begin = Instant::now();
        let found = self.resolver.resolve(host).await;
        let resolution = Resolution::new(host, &found, begin.elapsed(), &self.settings.refused);
        let permitted = |address: &&IpAddr| self.settings.refused.why(**address).is_none();
        let found = found.unwrap_or_default();
        (found.iter().filter(permitted).map(|ip| SocketAddr::new(*ip, *port)).collect(), Some(resolution))
    }

    async fn attempts(&self, addresses: &[SocketAddr], profile: Option<&Rc<TlsProfile>>) -> Vec<Attempt> {
        let attempts = addresses.iter().map(|address| self.attempt(self.line(*address, profile)));
        futures_util::stream::iter(attempts).buffered(AT_A_TIME).collect().await
    }

    /// What only one endpoint is asked: the versions, resumption, and what would mend a failure.
    async fn look_closer(&self, report: &mut Report, decisive: &Attempt, profile: &Rc<TlsProfile>) {
        // Whoever is silent would be so again, each time until the limit.
        if decisive.unreached || decisive.result == HandshakeResult::Timeout {
            return;
        }
        let address = decisive.line.address;
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            report.versions.push(self.version(address, version, &profile.identity).await);
        }
        if decisive.result == HandshakeResult::Ok {
            report.resumed = self.resumes(decisive, profile).await;
        } else if let Some((index, subject)) = self.lacking(decisive, profile) {
            report.lacking = Some(index);
            report.verdict.remedy = format!(
                "Have the backend send the certificate of the intermediate CA `{subject}` along with its own: so it would \
                 end at a CA that is trusted."
            );
        } else {
            report.mended = self.mend(decisive, report.others_pass(), profile).await;
        }
    }

    /// One version alone, if the identity permits it.
    async fn version(&self, address: SocketAddr, version: TlsVersion, identity: &TlsIdentity) -> VersionReport {
        if !(identity.min_version..=identity.max_version).contains(&version) {
            return VersionReport { version: version.as_str(), result: None, time: None };
        }
        let narrowed = TlsIdentity { min_version: version, max_version: version, ..identity.clone() };
        let (result, time) = match self.profile(&Arc::new(narrowed)) {
            Ok(profile) => {
                let attempt = self.attempt(self.line(address, Some(&profile))).await;
                (attempt.result, attempt.handshake)
            }
            Err(error) => (error.result(), None),
        };
        VersionReport { version: version.as_str(), result: Some(result), time: time.map(Milliseconds) }
    }

    /// Whether a second connection resumes the session of the first; `None` where it is not to, or cannot be made.
    async fn resumes(&self, first: &Attempt, profile: &TlsProfile) -> Option<bool> {
        if !profile.identity.resumption {
            return None;
        }
        let second = self.attempt(first.line.clone()).await;
        second.tls.map(|tls| tls.resumed)
    }

    fn line(&self, address: SocketAddr, profile: Option<&Rc<TlsProfile>>) -> Rc<Line> {
        Line::new(address, profile.cloned(), &self.settings)
    }

    fn profile(&self, identity: &Arc<TlsIdentity>) -> Result<Rc<TlsProfile>, ProfileError> {
        let anchors = Arc::new(Anchors::new(&identity.trust));
        TlsProfile::new(identity, anchors, &self.clock).map(Rc::new)
    }
}

/// The attempt that has the last word: the first that fails, or the first.
///
/// As on the request path, each endpoint of a Service counts, and of the addresses of a name one that answers by TCP. If none
/// does, it is the last to fail, where a missing route says less than anything else.
fn decisive<'a>(source: &EndpointSource, attempts: &'a [Attempt]) -> &'a Attempt {
    let failed = |attempt: &&Attempt| attempt.result != HandshakeResult::Ok;
    let told = match source {
        EndpointSource::Service(_) => attempts.iter().find(failed),
        EndpointSource::Host { .. } => {
            let mut reached = attempts.iter().filter(|attempt| !attempt.unreached).peekable();
            if reached.peek().is_some() {
                reached.clone().find(failed).or_else(|| reached.next())
            } else {
                let last = |attempt: &&Attempt| (attempt.result != HandshakeResult::TcpUnreachable, attempt.tcp);
                attempts.iter().max_by_key(last)
            }
        }
    };
    told.unwrap_or(&attempts[0])
}
