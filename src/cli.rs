//! Arguments and wiring, one file a subcommand.
