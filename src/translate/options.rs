//! Options of a BackendTLSPolicy.
