//! The front side: per-thread listener actors and the downstream connection loops.
//!
//! A request never leaves the thread that accepted it. This room must not know Kubernetes, nor what a certificate means;
//! it asks [`crate::upstream`] for connections and tells [`crate::telemetry`] what happened.

mod actor;
mod admission;
mod alarm;
pub mod answer;
mod client;
mod connection;
mod dispatch;
mod downstream;
mod exchange;
mod forward;
mod head;
mod http2;
mod linger;
pub mod message;
mod patience;
mod pump;
mod response;
mod settings;
mod stream;
mod tls;
mod trusted_hops;
mod tunnel;
mod worker;

pub use actor::ListenerActor;
pub use message::{AnnounceDrain, Apply, BoundSocket, Drain, EndpointsChanged};
pub use settings::{Http2Settings, WorkerSettings};
pub use trusted_hops::{TrustedHop, TrustedHops};
