//! The back side: endpoints, TLS identities, verification, connectors and pools. One [`Upstreams`] a worker thread;
//! nothing in it is shared between threads.
//!
//! It must not know routes and listeners: it is asked for a connection to a [`Backend`](crate::plan::Backend) and gives
//! one, or says in a closed word why not.

pub mod failure;

pub use failure::UpstreamFailure;
