//! Who of the replicas of a controller may write: the one that holds a Lease. It is renewed in time, given back at an
//! orderly end, and taken over within its duration from one that died.

use std::time::Duration;

use actix::Recipient;
use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::super::life::jittered;
use super::writer::Leading;

/// How long a holder that does not renew is still the holder, in seconds. Who takes over does so within this time.
const DURATION: u64 = 9;
/// How long before its end the holder renews, in seconds. A request may take no longer, so that who cannot renew steps
/// down before another one can take over.
const GRACE: u64 = 3;
/// What a request of the election may take.
pub const REQUEST: Duration = Duration::from_millis(2500);
/// The pause after a request that failed.
const PAUSE: Duration = Duration::from_millis(500);
/// What giving the Lease back may take.
const RELEASE: Duration = Duration::from_secs(3);

/// The Lease, and who we are.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub lease: String,
    /// Of this process, among all replicas: the name of the pod.
    pub identity: String,
}

/// Takes part until `stop` is dropped, and then gives the Lease back. Who has no contact to the API server does not lead.
/// The client has to answer within [`REQUEST`].
pub async fn take_part(client: Client, candidate: Candidate, told: Recipient<Leading>, stop: oneshot::Receiver<()>) {
    tokio::select! {
        () = elect(&client, &candidate, &told) => {}
        _ = stop => {}
    }
    told.do_send(Leading(false));
    if let Ok(manager) = manager(&client, &candidate).await
        && timeout(RELEASE, manager.release()).await.is_err()
    {
        tracing::warn!(lease = candidate.lease, "the Lease could not be given back; it ends by itself");
    }
}

async fn elect(client: &Client, candidate: &Candidate, told: &Recipient<Leading>) {
    let mut cause = String::new();
    while told.connected() {
        // It knows nothing of what an earlier one held, so that it says anew who leads.
        let ended = match manager(client, candidate).await {
            Ok(manager) => follow(&manager, candidate, told).await,
            Err(error) => error,
        };
        told.do_send(Leading(false));
        if ended != cause {
            tracing::warn!(lease = candidate.lease, error = ended, "the election goes on without this process for now");
            cause = ended;
        }
        sleep(jittered(PAUSE)).await;
    }
}

/// Tells each change until the API server does not answer.
async fn follow(manager: &LeaseManager, candidate: &Candidate, told: &Recipient<Leading>) -> String {
    loop {
        match manager.changed().await {
            Ok(leading) => {
                tracing::info!(lease = candidate.lease, leading, "election");
                told.do_send(Leading(leading));
            }
            Err(error) => return super::cause(&error),
        }
    }
}

async fn manager(client: &Client, candidate: &Candidate) -> Result<LeaseManager, String> {
    LeaseManagerBuilder::new(client.clone(), candidate.lease.as_str())
        .with_namespace(candidate.namespace.as_str())
        .with_identity(candidate.identity.as_str())
        .with_duration(DURATION)
        .with_grace(GRACE)
        .with_field_manager(format!("postern-{}", candidate.identity))
        .build()
        .await
        .map_err(|error| super::cause(&error))
}
