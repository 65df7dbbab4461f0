//! How a proxy says which generation of its Gateway it serves: an annotation of the Lease that the controller makes for
//! the Gateway. One small write a generation, and none that would say what stands there already.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message, WrapFuture as _};
use kube::Client;
use kube::api::{GetParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::life::{Backoff, jittered};
use super::resource::Resource;

/// The annotation: `UID/GENERATION` of the Gateway that at least one of its proxies serves.
pub const ANNOTATION: &str = "gateway.postern.dev/applied";

/// `Lease`
pub const LEASES: Resource =
    Resource { group: "coordination.k8s.io", versions: &["v1"], kind: "Lease", plural: "leases" };

/// Every worker serves this generation of the Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Applied {
    /// `metadata.uid` of the Gateway.
    pub uid: String,
    /// `metadata.generation` of the Gateway.
    pub generation: i64,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.uid, self.generation)
    }
}

/// Text that no proxy wrote.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not UID/GENERATION")]
pub struct Malformed;

impl FromStr for Applied {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (uid, generation) = text.split_once('/').ok_or(Malformed)?;
        Ok(Self { uid: uid.to_owned(), generation: generation.parse().map_err(|_| Malformed)? })
    }
}

/// Tells it.
pub struct AppliedReporter {
    client: Client,
    namespace: Arc<str>,
    lease: Arc<str>,
    wanted: Option<Applied>,
    told: Option<Applied>,
    busy: bool,
    backoff: Backoff,
}

/// How often it is looked, at the most, whether it still says so.
const LOOK_EVERY: Duration = Duration::from_mins(2);
/// What one request may take.
const REQUEST: Duration = Duration::from_secs(10);

impl AppliedReporter {
    /// A reporter that writes to this Lease.
    pub fn new(client: Client, namespace: &str, lease: &str) -> Self {
        Self {
            client,
            namespace: namespace.into(),
            lease: lease.into(),
            wanted: None,
            told: None,
            busy: false,
            backoff: Backoff::default(),
        }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        let Some(wanted) = self.wanted.clone().filter(|wanted| !self.busy && self.told.as_ref() != Some(wanted)) else {
            return;
        };
        self.busy = true;
        let (client, namespace, lease) = (self.client.clone(), self.namespace.clone(), self.lease.clone());
        let value = wanted.clone();
        let work = async move {
            let telling = tell(&client, &namespace, &lease, &value);
            timeout(REQUEST, telling).await.map_err(|_| "no answer in time".to_owned())?
        };
        ctx.spawn(work.into_actor(self).map(move |outcome, actor, ctx| {
            actor.busy = false;
            match outcome {
                Ok(()) => {
                    actor.told = Some(wanted);
                    actor.backoff = Backoff::default();
                    actor.begin(ctx);
                }
                Err(cause) => {
                    tracing::debug!(cause, "could not say which generation is served; tried again");
                    ctx.run_later(jittered(actor.backoff.after(Duration::ZERO)), Self::begin);
                }
            }
        }));
    }
}

async fn tell(client: &Client, namespace: &str, lease: &str, applied: &Applied) -> Result<(), String> {
    let request = LEASES.request(LEASES.versions[0], Some(namespace));
    let get = request.get(lease, &GetParams::default()).map_err(|error| error.to_string())?;
    let live: Value = client.request(get).await.map_err(|error| super::cause(&error))?;
    let written = live["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or_default();
    if !is_news(written, applied) {
        return Ok(());
    }
    let patch = json!({
        "metadata": {
            "resourceVersion": live["metadata"]["resourceVersion"],
            "annotations": { ANNOTATION: applied.to_string() },
        },
    });
    let parameters = PatchParams { field_manager: Some("postern-proxy".into()), ..PatchParams::default() };
    let patch = request.patch(lease, &parameters, &Patch::Merge(&patch)).map_err(|error| error.to_string())?;
    client.request::<Value>(patch).await.map(drop).map_err(|error| super::cause(&error))
}

/// Whether another proxy has not said it already, or something newer of the same Gateway.
fn is_news(written: &str, applied: &Applied) -> bool {
    written
        .parse()
        .map_or(true, |written: Applied| written.uid != applied.uid || written.generation < applied.generation)
}

impl Actor for AppliedReporter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Somebody may have taken the annotation, or the Lease, away.
        ctx.run_interval(jittered(LOOK_EVERY), |actor, ctx| {
            actor.told = None;
            actor.begin(ctx);
        });
    }
}

impl Handler<Applied> for AppliedReporter {
    type Result = ();

    fn handle(&mut self, applied: Applied, ctx: &mut Self::Context) {
        self.wanted = Some(applied);
        self.begin(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let applied = Applied { uid: "0d9c".into(), generation: 7 };
        assert_eq!(applied.to_string(), "0d9c/7");
        assert_eq!("0d9c/7".parse(), Ok(applied));
        for malformed in ["", "0d9c", "0d9c/", "0d9c/x"] {
            assert_eq!(malformed.parse::<Applied>(), Err(Malformed));
        }
    }

    #[test]
    fn only_what_is_news_is_written() {
        let applied = Applied { uid: "a".into(), generation: 3 };
        for (written, news) in [("", true), ("a/2", true), ("a/3", false), ("a/4", false), ("b/9", true)] {
            assert_eq!(is_news(written, &applied), news, "{written}");
        }
    }
}
