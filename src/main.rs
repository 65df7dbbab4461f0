//! The binary: everything is in [`postern::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    postern::cli::main()
}
