//! The front side: per-thread listener actors and the downstream connection loops.
