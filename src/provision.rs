//! Gateway to the Kubernetes objects that serve it: ServiceAccount, RBAC, Service, Deployment and Lease.
//!
//! Pure: no IO, no clock. It must not know routes, nor who applies what it makes.

pub mod parameters;
