//! `postern probe` as users meet it: the real binary, real backends, and what it proposes put to the test.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use postern_outcomes::objects::GATEWAY;
use serde_json::Value;

mod backends;
mod cluster;
mod pages;
mod proposals;
mod urls;

fn postern(arguments: &[&str]) -> Output {
    run(&[], arguments)
}

fn run(environment: &[(&str, &OsStr)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(arguments).env_remove("RUST_LOG").envs(environment.iter().copied());
    command.output().expect("the binary runs")
}

/// Probes; the outcome.
fn probe(arguments: &[&str]) -> Value {
    probe_with(&[], arguments)
}

fn probe_with(environment: &[(&str, &OsStr)], arguments: &[&str]) -> Value {
    let output = run(environment, &[&["probe", "-o", "json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn word(outcome: &Value) -> &str {
    outcome["verdict"]["result"].as_str().expect("a word")
}

/// A folder with these objects, and a Gateway.
fn folder(objects: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("objects.yaml"), format!("{GATEWAY}{objects}")).expect("a file");
    folder
}

/// Puts objects in the place of the policies that are there.
fn apply(folder: &Path, yaml: &str) {
    let file = folder.join("objects.yaml");
    let objects = fs::read_to_string(&file).expect("a file");
    let others = objects.split("\n---\n").filter(|object| !object.contains("kind: BackendTLSPolicy"));
    fs::write(&file, others.collect::<Vec<_>>().join("\n---\n")).expect("a file");
    fs::write(folder.join("mended.yaml"), yaml).expect("a file");
}

#[test]
fn the_help_speaks_of_urls_as_one_says_it() {
    let help = String::from_utf8(postern(&["probe", "--help"]).stdout).expect("text");
    assert!(help.contains("a URL") && !help.contains("an URL"), "{help}");
}

#[test]
fn without_a_kubeconfig_that_is_said() {
    let output = run(&[("KUBECONFIG", OsStr::new("/nowhere/kubeconfig"))], &["probe", "service/a.b"]);
    let text = String::from_utf8(output.stderr).expect("text");
    let expected = "no way to the API server is known: there is no kubeconfig /nowhere/kubeconfig, which KUBECONFIG names, and \
                    this is no pod (give files with -f)";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_cannot_be_probed_is_told_in_one_line_with_code_2() {
    let folder = folder("");
    let path = folder.path().to_str().expect("UTF-8");
    for (arguments, expected) in [
        (&["https://127.0.0.1:1"][..], "127.0.0.1 can be no SNI: say with --hostname"),
        (&["http://localhost"], "write https://HOST:PORT"),
        (&["https://"], "write https://HOST:PORT"),
        (&["https://localhost:99999"], "write https://HOST:PORT"),
        (&["https://localhost:0"], "write https://HOST:PORT"),
        (&["https://[::1]:443x"], "write https://HOST:PORT"),
        (&["https://a_b.test"], "cannot be probed: the host: must be a DNS name"),
        (&["https://user@localhost"], "write https://HOST:PORT"),
        (&["https://localhost:x@localhost"], "write https://HOST:PORT"),
        (&["https://localhost", "-f", path], "a URL is probed by itself: leave -f out"),
        (&["a", "-f", path, "--ca", "x"], "--ca is for URLs"),
        (&["a", "-f", path], "no route of a Gateway leads to a, nor to any other backend"),
        (&["a", "-f", "/nowhere/at/all"], "no such file or folder"),
        (&["https://localhost", "--ca", "/nowhere/at/all"], "/nowhere/at/all: No such file"),
        (&["https://localhost", "--ca", "Cargo.toml"], "Cargo.toml: holds no PEM block"),
        (&["https://localhost", "--san", "example.com"], "DNS:example.com"),
        (&["https://localhost", "--san", "DNS:a_b"], "cannot be probed: --san: must be a DNS name"),
        (&["https://localhost", "--san", "URI:spiffe:a"], "cannot be probed: --san: must be an absolute URI"),
        (&["https://localhost", "--hostname", "a_b"], "cannot be probed: --hostname: must be a DNS name"),
        (&["https://localhost", "--alpn", "h2"], "cannot be probed: --alpn: h2 is not supported"),
        (&["https://localhost", "--pinned-sha256", "x"], "cannot be probed: --pinned-sha256: \"x\" is not"),
        (
            &["https://localhost", "--min-tls-version", "1.3", "--max-tls-version", "1.2"],
            "cannot be probed: --min-tls-version: 1.3 is above",
        ),
        (
            &["https://localhost", "--client-cert", "Cargo.toml", "--client-key", "Cargo.toml"],
            "cannot be probed: --client-cert: holds no PEM block",
        ),
        (
            &["https://localhost", "--system-ca-bundle", "Cargo.toml"],
            "cannot be probed: --system-ca-bundle: the system's CA certificates cannot be used",
        ),
        (&["https://localhost", "--client-cert", "x"], "--client-key"),
        (&["https://localhost", "--timeout", "0"], "more than 0"),
    ] {
        let output = postern(&[&["probe"], arguments].concat());
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}
