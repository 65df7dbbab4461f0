//! What must hold for every input of the parsers, the good ones and the others. Each module has a `check` that panics where
//! it does not hold, and `seeds` to begin from: the targets of `cargo fuzz` call the one, the bounded run of the tests both.
//!
//! | module | input |
//! |---|---|
//! | [`requests`] | the bytes of a client: heads, bodies, pipelines |
//! | [`responses`] | the bytes of a backend |
//! | [`pem`] | what a ConfigMap or a Secret holds for PEM |
//! | [`objects`] | a file of objects, beside good ones |

pub mod conversation;
#[path = "../../../tests/smuggling/corpus.rs"]
pub mod corpus;
pub mod mutation;
pub mod objects;
pub mod pem;
pub mod requests;
pub mod responses;

/// Something to check, by name: the check, and the inputs to begin from.
pub type Target = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>);

/// All of them.
pub const TARGETS: [Target; 4] = [
    ("requests", requests::check, requests::seeds),
    ("responses", responses::check, responses::seeds),
    ("pem", pem::check, pem::seeds),
    ("objects", objects::check, objects::seeds),
];
