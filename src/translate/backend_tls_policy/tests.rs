//! Which policy a port obeys, and what is said of it.
