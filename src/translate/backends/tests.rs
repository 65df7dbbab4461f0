//! What a backendRef resolves to.
