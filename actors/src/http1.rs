//! HTTP/1 as bytes: heads that are parsed in place and written on without header maps, and the framing of bodies.
//!
//! Shared by the front and the back side. No IO, no clock, no plan: bytes in, bytes out. Heads stay bytes because a
//! header map per request (its allocations, its hashing and the loss of the order of fields) is what a proxy pays most
//! for besides system calls.
//!
//! Strict where two recipients could read the same bytes in two ways, since that is what request smuggling lives on: such
//! a head is refused, never repaired.

mod authority;
pub mod body;
pub mod chunked;
pub mod error;
pub mod field;
pub mod request;
pub mod response;

pub use body::{BodyDecoder, Framing};
pub use error::HeadError;
pub use field::{Field, Fields, Known};
pub use request::{HeadLimits, RequestHead};
pub use response::ResponseHead;
