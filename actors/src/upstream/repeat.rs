//! Whether a request can be sent again, which decides how closely a pooled connection is looked at before it is used.

/// What becomes of a request if the pooled connection turns out to be dead once it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It can be sent again: what the reactor has heard of the connection is enough, which costs no system call.
    Possible,
    /// It cannot, having a body or an effect: the kernel is asked, which costs one.
    Impossible,
}
