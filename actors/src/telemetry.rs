//! What can be seen from outside: metrics, the access log and the admin pages.
//!
//! Each worker has a [`WorkerTelemetry`] of its own, so that counting touches no cache line of another thread; a scrape
//! merges them. It must not know how requests are served: it is told in records.

pub mod observer;
pub mod record;

pub use observer::{Acquisition, CloseReason, Observer, PoolState};
pub use record::{HandshakeRecord, RequestRecord, TlsInfo};
