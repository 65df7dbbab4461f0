//! Where the configuration comes from: objects of files or a cluster, or what a running gateway dumps.

use std::time::Duration;

use postern_actors::plan::{Endpoints, Plan, described};
use serde_json::Value;

use crate::cli::Refusal;
use crate::cli::given::{Given, GivenArguments};

/// What a request is explained by.
pub(super) struct Source {
    pub(super) plan: Plan,
    pub(super) endpoints: Endpoints,
    /// Of the plan, with the certificates that a dumped plan has lost.
    pub(super) description: Value,
    /// The objects; none in a dump.
    pub(super) given: Option<Given>,
}

/// The largest dump, in bytes.
const LARGEST: usize = 1 << 30;
/// What fetching it may take.
const LIMIT: Duration = Duration::from_secs(30);

impl Source {
    /// Reads it. It is an error if nothing can be read.
    pub(super) async fn read(given: &GivenArguments, dump: Option<&str>) -> Result<Self, Refusal> {
        let Some(place) = dump else {
            let mut given = given.read().await?;
            let plan = std::mem::take(&mut given.translation.plan);
            let endpoints = std::mem::take(&mut given.translation.endpoints);
            let description = plan.describe();
            return Ok(Self { plan, endpoints, description, given: Some(given) });
        };
        let text = if place.contains("://") { fetch(place).await } else { read_file(place) };
        Self::of_dump(&text.map_err(|error| Refusal(format!("{place}: {error}")))?)
            .map_err(|error| Refusal(format!("{place} is no dump of a configuration: {error}")))
    }

    fn of_dump(text: &[u8]) -> Result<Self, String> {
        let description: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let plan = Plan::from_description(&description)?;
        Ok(Self { plan, endpoints: described::endpoints(&description)?, description, given: None })
    }
}

fn read_file(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| error.to_string())
}

/// The admin port of a gateway, or the page itself.
async fn fetch(url: &str) -> Result<Vec<u8>, String> {
    if !url.starts_with("http://") {
        return Err("an admin port speaks http".to_owned());
    }
    let base = url.trim_end_matches('/');
    let page = if base.ends_with("/config_dump") { base.to_owned() } else { format!("{base}/config_dump") };
    let client = awc::Client::builder().timeout(LIMIT).finish();
    let mut response = client.get(page).send().await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("it answered {}", response.status()));
    }
    let body = response.body().limit(LARGEST).await.map_err(|error| error.to_string())?;
    Ok(body.to_vec())
}
