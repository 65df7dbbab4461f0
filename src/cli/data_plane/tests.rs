use std::time::Duration;

use clap::{Args as _, Command, FromArgMatches as _};
use postern_actors::http1::request::MAX_FIELDS;
use postern_actors::listener::WorkerSettings;

use super::DataPlane;

const README: &str = include_str!("../../../README.md");

fn command() -> Command {
    DataPlane::augment_args(Command::new("data-plane"))
}

fn parse(arguments: &[&str]) -> Result<DataPlane, String> {
    let arguments = std::iter::once(&"data-plane").chain(arguments);
    let matches = command().try_get_matches_from(arguments).map_err(|error| error.to_string())?;
    DataPlane::from_arg_matches(&matches).map_err(|error| error.to_string())
}

#[test]
fn without_options_the_settings_are_the_defaults() {
    let settings = parse(&[]).unwrap().settings(1, 1024);
    let expected = WorkerSettings { max_connections: 480, ..WorkerSettings::default() };
    assert_eq!(settings, expected);
}

#[test]
fn every_option_reaches_the_settings() {
    let times = [
        ("--header-timeout", (|settings| settings.head_timeout) as fn(&WorkerSettings) -> Duration),
        ("--idle-timeout", |settings| settings.idle_timeout),
        ("--body-timeout", |settings| settings.body_timeout),
        ("--connect-timeout", |settings| settings.upstream.connect_timeout),
        ("--handshake-timeout", |settings| settings.upstream.handshake_timeout),
        ("--acquire-timeout", |settings| settings.upstream.acquire_timeout),
        ("--response-timeout", |settings| settings.response_timeout),
        ("--response-body-timeout", |settings| settings.response_body_timeout),
        ("--tunnel-timeout", |settings| settings.tunnel_timeout),
        ("--upstream-idle-timeout", |settings| settings.upstream.idle_timeout),
        ("--upstream-max-age", |settings| settings.upstream.max_age),
    ];
    for (option, setting) in times {
        let settings = parse(&[option, "1.5"]).unwrap().settings(1, 1024);
        assert_eq!(setting(&settings), Duration::from_millis(1500), "{option}");
    }
    let numbers = [
        ("--max-header-bytes", (|settings| settings.head.bytes) as fn(&WorkerSettings) -> usize),
        ("--max-header-bytes", |settings| settings.http2.max_header_list_bytes as usize),
        ("--max-header-fields", |settings| settings.head.fields),
        ("--max-target-bytes", |settings| settings.head.target),
        ("--max-connections", |settings| settings.max_connections),
        ("--max-upstream-connections", |settings| settings.upstream.limit_per_endpoint),
        ("--http2-max-streams", |settings| settings.http2.max_concurrent_streams as usize),
    ];
    for (option, setting) in numbers {
        assert_eq!(setting(&parse(&[option, "77"]).unwrap().settings(1, 1024)), 77, "{option}");
    }
    let hops = parse(&["--trusted-hop", "10.0.0.0/8", "--trusted-hop", "::1"]).unwrap().settings(1, 1024).trusted_hops;
    assert!(hops.contains("10.1.2.3".parse().unwrap()) && hops.contains("::1".parse().unwrap()));
    assert!(parse(&[]).unwrap().logs_requests());
    assert!(!parse(&["--access-log", "off"]).unwrap().logs_requests());
}

#[test]
fn connections_are_shared_out_among_the_workers() {
    let share = |arguments: &[&str]| parse(arguments).unwrap().settings(4, 1024).max_connections;
    assert_eq!(share(&["--max-connections", "400"]), 100);
    assert_eq!(share(&["--max-connections", "2"]), 1, "a worker that takes nobody would be no worker");
    assert_eq!(share(&[]), 120);
}

#[test]
fn no_limit_may_be_zero_and_the_refusal_names_the_option() {
    for argument in command().get_arguments() {
        let option = format!("--{}", argument.get_long().expect("a long name"));
        let error = parse(&[&option, "0"]).expect_err(&option);
        assert!(error.contains("invalid value '0'") && error.contains(&option), "{error}");
    }
    let too_many = (MAX_FIELDS + 1).to_string();
    assert!(parse(&["--max-header-fields", &too_many]).unwrap_err().contains(&format!("1..={MAX_FIELDS}")));
}

/// The row of an option's table has its name first and its default second.
#[test]
fn the_readme_has_every_option_with_its_default() {
    for argument in command().get_arguments() {
        let option = format!("`--{}", argument.get_long().expect("a long name"));
        let row = README.lines().find(|line| {
            line.strip_prefix("| ").and_then(|row| row.strip_prefix(&option)).is_some_and(|rest| {
                rest.starts_with(['`', ' ']) // the whole name
            })
        });
        let row = row.unwrap_or_else(|| panic!("{option} has no row in the README"));
        if let [default] = argument.get_default_values() {
            let cell = row.split('|').nth(2).expect("a second column").trim();
            assert_eq!(cell, default.to_str().expect("text"), "{row}");
        }
    }
}
