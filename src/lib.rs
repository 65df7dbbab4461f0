//! What the configuration means, and the command line. How it runs is the crate `postern-actors`.
//!
//! | module | owns | must not know |
//! |---|---|---|
//! | [`resources`] | the Kubernetes objects we read, their validation, the Snapshot | what they mean |
//! | [`translate`] | Snapshot to Plan and Verdicts | IO, the clock, locks |
//! | [`status`] | conditions as the Gateway API has them | IO |
//! | [`provision`] | Gateway to the objects that serve it | IO, routes |
//! | [`cluster`] | a cluster as the source of a configuration, and what is written back | clients, routes |
//! | [`cli`] | arguments and wiring, one file a subcommand | how anything is decided |

pub mod cli;
pub mod cluster;
pub mod provision;
pub mod resources;
pub mod status;
pub mod translate;
