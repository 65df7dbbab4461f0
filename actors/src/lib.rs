//! How Postern runs. What the configuration *means* is decided in the root package, which hands this crate an
//! immutable [`plan::Plan`]; this crate binds the sockets, matches requests, originates TLS and says how it went.
//!
//! | module | owns | must not know |
//! |---|---|---|
//! | [`plan`] | the immutable runtime plan and its matching | tokio, actix, kube, rustls, a clock |
//! | [`certificate`] | what one certificate says of itself | who trusts it |
//! | [`printable`] | text of strangers as it may be shown | where it is shown |
//! | [`outcome`] | the closed sets of words that say how a request or a handshake ended | anything that does IO |
//! | [`supervisor`] | watches, configuration, the workers' lives | how a request is served |
//! | [`http1`] | heads and framing of HTTP/1 as bytes | IO, the plan |
//! | [`listener`] | per-thread listener actors, the downstream connection loops | Kubernetes, certificates' meaning |
//! | [`upstream`] | endpoints, TLS identities, verification, connectors, pools | routes and listeners |
//! | [`telemetry`] | metrics, access log, admin pages | how requests are served |

pub mod certificate;
pub mod http1;
pub mod listener;
pub mod outcome;
pub mod plan;
pub mod printable;
pub mod supervisor;
pub mod telemetry;
pub mod upstream;
