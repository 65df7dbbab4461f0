//! Live tests: the program itself between real clients and real TLS servers.

mod backend;
mod certificates;
mod client;
mod gateway;
mod objects;
mod origination;
mod results;
mod serving;
