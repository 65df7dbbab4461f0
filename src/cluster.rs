//! A cluster as the source of a configuration: what the watches tell becomes a Snapshot, and what a translation says
//! becomes what is written.
//!
//! | module | owns |
//! |---|---|
//! | [`kinds`] | which kinds are watched, and how they are addressed |
//! | [`state`] | every object that was told, as far as it can be read |
//! | [`wanted`] | which Secrets and ConfigMaps are watched by name |
//! | [`proxy`] | the configuration of the proxies of one Gateway |
//! | [`once`] | a cluster that is read once |
//! | [`controller`] | what the controller makes of it |
//! | [`owned`] | the objects that the controller has made |
//! | [`news`] | what a user should know, for the log |
//! | [`plaintext`] | what is looked at before a backend gets plaintext |
//! | [`refusal`] | what the status says of what cannot be read |
//! | [`statuses`] | the statuses that objects have |
//! | [`writes`] | what is to be written |
//!
//! Pure: clients and watches belong to `postern_actors::supervisor`.

pub mod controller;
pub mod kinds;
mod news;
pub mod once;
mod owned;
mod plaintext;
pub mod proxy;
mod refusal;
pub mod state;
mod statuses;
mod wanted;
mod writes;
