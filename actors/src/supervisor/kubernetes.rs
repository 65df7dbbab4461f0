//! The API server: following objects, writing objects and statuses, and who may write.
//!
//! | module | owns |
//! |---|---|
//! | [`resource`] | how kinds and single objects are addressed |
//! | [`list`] | everything that a target names, as of now |
//! | [`watch`] | one actor a watch: list, watch, resume, and what to do without the kind |
//! | [`watches`] | which watches there are |
//! | [`writer`] | patches, in order and only as the leader |
//! | [`leader`] | who of the replicas may write, by a Lease |
//! | [`applied`] | how a proxy says which generation of its Gateway it serves |
//! | [`events`] | Events on handshakes that begin to fail, and recover |
//!
//! Only here are clients of Kubernetes held. It must not know what an object means.

#[cfg(test)]
mod api_server;
pub mod applied;
pub mod events;
pub mod leader;
pub mod list;
pub mod resource;
pub mod watch;
pub mod watches;
pub mod writer;

use std::time::Duration;

pub use kube::Client;

/// What a connection to the API server may take.
const CONNECT: Duration = Duration::from_secs(5);

/// A client by the environment: that of the pod, or else the kubeconfig of the user.
pub async fn connect() -> Result<Client, String> {
    client(config().await?)
}

/// A client whose every request is answered, or fails, within a time: for who must know that he is cut off.
pub async fn connect_within(limit: Duration) -> Result<Client, String> {
    let mut config = config().await?;
    config.read_timeout = Some(limit);
    config.write_timeout = Some(limit);
    config.connect_timeout = Some(limit);
    client(config)
}

async fn config() -> Result<kube::Config, String> {
    let mut config = kube::Config::infer().await.map_err(|error| error.to_string())?;
    // Every loop here has a pause of its own, and has to know of each failure.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    Ok(config)
}

fn client(config: kube::Config) -> Result<Client, String> {
    Client::try_from(config).map_err(|error| error.to_string())
}

/// An error with what caused it, in one line; of what the API server refuses, its own words.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(kube::Error::Api(status)) = error.downcast_ref() {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
