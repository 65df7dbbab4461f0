//! The log: on standard error, so that standard output is for what was asked for.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use postern_actors::telemetry::LogLevel;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// How log lines look. (A comment on a value would make every help a long one.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl From<LogFormat> for postern_actors::telemetry::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// The level of the log, which the admin page changes.
pub(crate) struct Level(reload::Handle<EnvFilter, Registry>);

impl LogLevel for Level {
    fn get(&self) -> String {
        self.0.with_current(ToString::to_string).unwrap_or_default()
    }

    fn set(&self, directives: &str) -> Result<(), String> {
        for directive in directives.split(',').filter(|directive| !directive.is_empty()) {
            // What comes without its level would be taken for the lowest one.
            if directive.trim_end().ends_with('=') {
                return Err(format!("`{directive}`: a level is missing: error, warn, info, debug, trace or off"));
            }
            directive.parse::<Directive>().map_err(|error| format!("`{directive}`: {error}"))?;
        }
        let filter = EnvFilter::try_new(directives).map_err(|error| error.to_string())?;
        self.0.reload(filter).map_err(|error| error.to_string())
    }
}

/// Begins to log at the level that `RUST_LOG` names, or else the given one.
pub(crate) fn begin(format: LogFormat, level: &str) -> Level {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},actix_server=warn")));
    let (filter, handle) = reload::Layer::new(filter);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => registry.with(lines.with_ansi(std::io::stderr().is_terminal())).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_current_span(false)).init(),
    }
    Level(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_that_cannot_be_is_named() {
        let (layer, handle) = reload::Layer::<_, Registry>::new(EnvFilter::new("info"));
        let level = Level(handle);
        for (directives, named) in
            [("info,nonsense=", "`nonsense=`"), ("info,postern=loud", "`postern=loud`"), ("=", "`=`")]
        {
            let refusal = level.set(directives).expect_err("it cannot be");
            assert!(refusal.starts_with(named), "{refusal}");
            assert_eq!(level.get(), "info");
        }
        assert_eq!(level.set("warn,rustls=error"), Ok(()));
        assert!(level.get().contains("rustls=error"));
        drop(layer);
    }
}
