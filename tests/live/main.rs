//! Live tests: the program itself between real clients and real TLS servers.

#![expect(unreachable_pub, reason = "modules of a test see each other")]

mod client;
#[path = "../smuggling/corpus.rs"]
mod corpus;
mod drain;
mod explain;
mod forwarding;
mod gateway;
mod guide;
mod http2;
mod killed_backend;
mod limits;
mod load;
mod origination;
mod probe;
mod reload;
mod results;
mod rotation;
mod serving;
mod slow;
mod smuggling;
mod stalls;
mod streaming;
mod upgrades;
