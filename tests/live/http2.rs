//! HTTP/2 in front, between real clients (the crate `h2`, and frames written by hand) and real backends.

mod client;
mod floods;
mod frames;
mod limits;
mod serving;
