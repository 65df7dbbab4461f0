//! BackendTLSPolicy: which policy a port obeys, and what it comes to.
