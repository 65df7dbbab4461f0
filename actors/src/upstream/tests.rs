//! Live tests of the way to the backends: real sockets on port 0, real rustls on both sides.

mod bench;
mod certificates;
mod client_certificates;
mod endpoints;
mod outcomes;
mod path;
mod peer;
mod pools;
mod probe;
mod quiet;
mod refused;
mod rotation;
mod sessions;
mod trust;
