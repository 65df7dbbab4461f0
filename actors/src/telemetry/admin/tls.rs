//! `/tls`: how each backend is spoken to, and how the last handshake with it ended; the failing ones first. A page for
//! browsers, and for everybody else (or with `?format=json`) JSON.
//!
//! The JSON is an object of two lists. `handshakes` has an entry for each backend that was tried, in the order of their
//! names: `gateway`, `backend`, `port`, `policy`, `time`, `result`, `outdated`, `meaning`, `consecutiveFailures`,
//! `failingSince`, `endpoint`, `sni`, `detail` (all of the evidence in one line), `evidence` (`cause`, `demanded`,
//! `trusted`, `remedy`), `chain` (of what the peer presented, leaf first: `subject`, `issuer`, `subjectAltNames`,
//! `notBefore`, `notAfter`, `ca`, `sha256`), `established` (of the last that succeeded: `version`, `cipher`, `alpn`,
//! `resumed`, `peerNotAfter`), `lastFailure` (`time`, `result`, `endpoint`, `cause`, `remedy`, `outdated`) and `counts`
//! (`full`, `resumed`, `failed`). `backends` has an entry for each of the plan, the failing ones first: `gateway`,
//! `backend`, `port`, `policy`, `nearMiss` (`policy`, `message`), `tls` (`originate`, `unusable`, `plaintext`), `result`
//! (the word of the failure that is told of, else of the last handshake, or why there can be none), `troubles`, `remedy`,
//! and `identity` where there is one: `sni`, `names`, `anchors` (`origin`, `count`, and the first `certificates` with
//! `subject`, `issues` and `notAfter`, or `malformed`), `clientCertificate` (`reference`, `notAfter`), `minVersion`,
//! `maxVersion`, `alpn`, `resumption`, `pins`. Dates of certificates are in seconds since the Unix epoch.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;

use super::filter::{FAILING, Filter};
use super::health::Health;
use super::survey::{Surveyed, survey};
use super::{layout, pretty};
use crate::telemetry::Status;

mod backend;
mod handshake;
mod identity;
mod json;
mod page;

pub(super) async fn get(request: HttpRequest, status: Data<Status>, filter: Query<Filter>) -> HttpResponse {
    let now = Timestamp::now();
    let (plan, endpoints) = (status.plan(), status.endpoints());
    let backends = survey(&plan, &endpoints, status.telemetry.observations(), now);
    let html = match &*filter.format {
        "json" => false,
        "html" => true,
        _ => layout::reads_html(request.headers()),
    };
    if html {
        layout::page(&status, "/tls", "TLS to backends", &page::page(backends, &filter, now))
    } else {
        pretty(&json::of(&backends, &status.telemetry.observations().all(), &filter))
    }
}

fn is_wanted(surveyed: &Surveyed<'_>, filter: &Filter) -> bool {
    let by_result = match &*filter.result {
        "" => true,
        FAILING => surveyed.health == Health::Bad,
        word => surveyed.word() == word,
    };
    by_result && filter.takes(|| surveyed.text())
}
