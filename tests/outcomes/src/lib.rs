//! Backends that do TLS right and wrong, and the objects that lead a gateway to them. The live tests use them one by one; all
//! together they are a backend for every result that a handshake can have, which the program `postern-outcomes` serves.
//! Of the gateway it knows the words for results, and nothing else.

pub mod backend;
pub mod certificates;
pub mod objects;
pub mod outcomes;
