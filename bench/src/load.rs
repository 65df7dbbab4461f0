//! The load generators of Debian, and what they say of a round. Whatever was not answered as it should is an error.

pub(crate) mod h2load;
pub(crate) mod wrk;

/// A round of load, every request of it answered well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answered {
    /// How many requests were answered.
    pub(crate) requests: u64,
    /// Requests a second.
    pub(crate) rate: f64,
}
