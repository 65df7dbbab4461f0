//! From a backend to a connection: an idle one where there is one, else a new one, tried at another endpoint where TCP
//! does not reach the first. A failure of TLS is final: it is never tried elsewhere, and never turns into plaintext.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Upstreams;
use super::channel::Channel;
use super::classify::Classified;
use super::connection::UpstreamConnection;
use super::connector::DialFailure;
use super::destination::Destination;
use super::failure::UpstreamFailure;
use super::pool::Pool;
use super::repeat::Repeat;
use super::search::Search;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::{Backend, Poison, Tls};
use crate::telemetry::{Acquisition, Evidence, HandshakeRecord};

impl Upstreams {
    /// A connection to the backend, or the reason why there is none. Every attempt is told to the observer.
    ///
    /// Dropping the future gives the attempt up.
    pub async fn acquire(self: &Rc<Self>, backend: &Arc<Backend>) -> Result<UpstreamConnection, UpstreamFailure> {
        self.acquire_for(backend, Repeat::Possible).await
    }

    /// The same. One for a request that cannot be sent again is looked at more closely where it is a pooled one.
    pub async fn acquire_for(
        self: &Rc<Self>,
        backend: &Arc<Backend>,
        repeat: Repeat,
    ) -> Result<UpstreamConnection, UpstreamFailure> {
        if let Tls::Poisoned(poison) = &backend.tls {
            return Err(self.poisoned(backend, poison));
        }
        let now = Instant::now();
        let destination = self.destination(backend);
        let located = destination.is_located(&self.resolver, &self.registry, now);
        if located
            && let Some(pool) = destination.used_pool(&self.random, now)
            && let Some(channel) = pool.take(backend, &self.registry, now, repeat)
        {
            return Ok(self.reused(channel, &pool));
        }
        Box::pin(self.establish(backend, &destination, located, repeat)).await
    }

    async fn establish(
        self: &Rc<Self>,
        backend: &Arc<Backend>,
        destination: &Rc<Destination>,
        located: bool,
        repeat: Repeat,
    ) -> Result<UpstreamConnection, UpstreamFailure> {
        let profile = match self.profile(destination) {
            Ok(profile) => profile,
            Err(error) => {
                let failure = DialFailure::from(Classified::new(error.result(), error.to_string()));
                return Err(self.failed(backend, None, &failure, None));
            }
        };
        let mut dns = None;
        if !located {
            let begin = Instant::now();
            let found = destination.locate(&self.resolver, &self.registry).await;
            dns = Some(begin.elapsed());
            if let Err(cause) = found {
                let failure = DialFailure::from(Classified::new(HandshakeResult::DnsFailure, cause));
                return Err(self.failed(backend, None, &failure, dns));
            }
        }
        if let Some(cause) = destination.refusal() {
            let failure = DialFailure::from(Classified::new(HandshakeResult::TcpUnreachable, cause));
            return Err(self.failed(backend, None, &failure, dns));
        }
        Search::new(self, backend, destination, profile.as_ref(), dns, repeat).run().await
    }

    pub(super) fn reused(&self, channel: Box<Channel>, pool: &Rc<Pool>) -> UpstreamConnection {
        self.registry.observer.acquired(&channel.owner.id, Acquisition::Reused);
        UpstreamConnection::new(channel, pool, &self.registry, true)
    }

    fn poisoned(&self, backend: &Backend, poison: &Poison) -> UpstreamFailure {
        if let Reason::Handshake(result) = poison.reason {
            self.registry.observer.handshake(&HandshakeRecord {
                backend: &backend.id,
                configured: &backend.tls,
                policy: poison.policy.as_deref().unwrap_or_default(),
                endpoint: None,
                sni: "",
                result,
                tls: None,
                dns: None,
                tcp: None,
                handshake: None,
                evidence: &Evidence::of(result, &*poison.message),
            });
        }
        UpstreamFailure {
            reason: poison.reason,
            certificate_error: None,
            message: poison.message.to_string(),
            endpoint: None,
        }
    }

    /// Tells the observer of a failed attempt, and says it in the words of the request path.
    pub(super) fn failed(
        &self,
        backend: &Backend,
        endpoint: Option<SocketAddr>,
        failure: &DialFailure,
        dns: Option<Duration>,
    ) -> UpstreamFailure {
        let result = failure.classified.result;
        match &backend.tls {
            Tls::Originate { policy, identity } => self.registry.observer.handshake(&HandshakeRecord {
                backend: &backend.id,
                configured: &backend.tls,
                policy,
                endpoint,
                sni: &identity.sni,
                result,
                tls: None,
                dns,
                tcp: failure.tcp,
                handshake: failure.handshake,
                evidence: &failure.evidence,
            }),
            Tls::Plaintext | Tls::Poisoned(_) => {
                let reason = Reason::Handshake(result);
                self.registry.observer.plaintext_connect(&backend.id, reason, failure.tcp.unwrap_or_default());
            }
        }
        failure.at(endpoint)
    }
}
