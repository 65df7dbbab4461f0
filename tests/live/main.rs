//! Live tests: the program itself between real clients and real TLS servers.

#![expect(unreachable_pub, reason = "modules of a test see each other")]

mod backend;
mod certificates;
mod client;
#[path = "../smuggling/corpus.rs"]
mod corpus;
mod drain;
mod forwarding;
mod gateway;
mod guide;
mod limits;
mod objects;
mod origination;
mod results;
mod serving;
mod smuggling;
mod stalls;
mod upgrades;
