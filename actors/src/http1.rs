//! HTTP/1 as bytes: heads that are parsed in place and written on without header maps, and the framing of bodies.
//!
//! Shared by the front and the back side. No IO, no clock, no plan: bytes in, bytes out. Heads stay bytes because a
//! header map per request (its allocations, its hashing and the loss of the order of fields) is what a proxy pays most
//! for besides system calls.

pub mod body;
pub mod chunked;
pub mod field;
pub mod request;
pub mod response;

pub use body::{BodyDecoder, Framing};
pub use field::{Field, Fields, Known};
pub use request::{HeadError, HeadLimits, RequestHead};
pub use response::ResponseHead;
