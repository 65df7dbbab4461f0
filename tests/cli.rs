//! The command line as users meet it: the real binary.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn postern(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern")).args(arguments).output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Standard error, which must be one line.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

const GOOD: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: postern
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: web}]
  rules:
  - filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
";

const TO_NOWHERE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: web}]
  rules:
  - backendRefs: [{name: missing, port: 80}]
";

fn gateway() -> &'static str {
    GOOD.split("---").next().expect("the first document")
}

#[test]
fn help_is_for_standard_output_and_every_command_has_one() {
    for arguments in [
        vec!["--help"],
        vec!["run", "--help"],
        vec!["check", "--help"],
        vec!["probe", "--help"],
        vec!["demo", "-h"],
        vec!["run", "-h"],
    ] {
        let output = postern(&arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(stdout(&output).contains("Example: postern"), "{arguments:?}");
        assert!(output.stderr.is_empty());
    }
    assert_eq!(stdout(&postern(&["--version"])).trim(), concat!("postern ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_command_line_is_one_line_and_exit_code_2() {
    let wrong = [
        (vec!["run", "--nonsense"], "unexpected argument '--nonsense' found (see postern run --help)"),
        (vec!["fly"], "unrecognized subcommand 'fly'"),
        (vec!["run"], "--file <PATH>"),
        (vec!["run", "-f", "/", "--map-port", "80"], "80:8080"),
        (vec!["run", "-f", "/", "--body-timeout", "0"], "'0' for '--body-timeout <SEC>': it has to be more than 0"),
        (vec!["run", "-f", "/nowhere/at/all.yaml"], "/nowhere/at/all.yaml: no such file or folder"),
        (vec!["check", "/nowhere/at/all.yaml"], "/nowhere/at/all.yaml: no such file or folder"),
    ];
    for (arguments, expected) in wrong {
        let output = postern(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let line = complaint(&output);
        assert!(line.starts_with("postern: ") && line.contains(expected), "{arguments:?}: {line}");
    }
}

#[test]
fn check_tells_statuses_and_exits_with_0_when_all_is_well() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.yaml"), GOOD).expect("a file");
    let path = folder.path().display().to_string();
    let output = postern(&["check", &path]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for expected in ["Gateway default/web", "listener http, 1 route", "HTTPRoute default/app", "0 errors, 0 warnings"] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colour is for terminals");
}

#[test]
fn check_names_the_file_and_the_line_of_an_error_and_run_once_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("all.yaml");
    fs::write(&file, format!("{}---{TO_NOWHERE}", gateway())).expect("a file");
    let path = file.display().to_string();
    let output = postern(&["check", &path]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("BackendNotFound"), "{text}");
    let last_line = fs::read_to_string(&file).expect("a file").lines().count();
    let named =
        text.lines().find_map(|line| line.trim().strip_prefix("at ")?.trim().rsplit_once(':')).expect("a place");
    assert_eq!(named.0, path);
    assert_eq!(named.1.parse(), Ok(last_line), "the reference is in the last line");
    assert_eq!(stdout(&postern(&["run", "--once", "-f", &path])), text);
}

#[test]
fn check_reads_standard_input_and_speaks_json() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["check", "-o", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let input = format!("{}---{TO_NOWHERE}", gateway());
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let objects = json["objects"].as_array().expect("objects");
    let names: Vec<_> = objects.iter().map(|object| (object["kind"].as_str(), object["name"].as_str())).collect();
    assert_eq!(names, [(Some("Gateway"), Some("web")), (Some("HTTPRoute"), Some("app"))]);
    let listener = &objects[0]["status"]["listeners"][0];
    assert_eq!(listener["attachedRoutes"], 1);
    let kind = serde_json::json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"});
    assert_eq!(listener["supportedKinds"], serde_json::json!([kind]));
    assert_eq!(listener["conditions"][0]["status"], "True");
    let parent = &objects[1]["status"]["parents"][0];
    assert_eq!(parent["parentRef"]["name"], "web");
    assert_eq!(parent["controllerName"], "gateway.postern.dev/controller");
    let problem = &json["problems"][0];
    assert_eq!((&problem["severity"], &problem["code"]), (&"error".into(), &"BackendNotFound".into()), "{problem}");
    assert_eq!(problem["file"], "standard input");
    assert!(problem["line"].as_u64() > Some(0), "{problem}");
    assert_eq!(json["errors"], 1);
}

#[test]
fn a_file_that_is_no_yaml_is_an_error_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("good.yaml"), GOOD).expect("a file");
    fs::write(folder.path().join("torn.yaml"), "kind: Gateway\nmetadata: {name: [").expect("a file");
    let output = postern(&["check", &folder.path().display().to_string()]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("torn.yaml:"), "{text}");
    assert!(text.contains("listener http, 1 route"), "the other file counts:\n{text}");
}

#[test]
fn a_folder_without_objects_is_a_warning_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("gateway.txt"), GOOD).expect("a file");
    let path = folder.path().display().to_string();
    let output = postern(&["check", &path]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("warning NoObjects") && text.contains(&path) && text.contains("*.yml"), "{text}");
}

#[test]
fn a_slip_that_leaves_a_backend_in_plaintext_is_an_error() {
    let objects = format!(
        "{}---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: app}}
spec:
  parentRefs: [{{name: web}}]
  rules:
  - backendRefs: [{{name: shop, port: 443}}]
---
apiVersion: v1
kind: Service
metadata: {{name: shop}}
spec: {{ports: [{{name: https, port: 443}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: shop}}
spec:
  targetRefs: [{{group: \"\", kind: Service, name: shop}}]
  validation: {{hostname: shop.test, wellKnownCACertificates: System}}
",
        gateway()
    );
    for (from, to, expected) in [
        ("kind: BackendTLSPolicy", "kind: BackendTLSPolcy", "did you mean `kind: BackendTLSPolicy`?"),
        ("kind: Service, name: shop", "kind: Service, name: shopp", "did you mean `name: shop`?"),
        ("kind: Service, name: shop", "kind: Servce, name: shop", "port 443 (https), go in plaintext"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("all.yaml"), objects.replace(from, to)).expect("a file");
        let output = postern(&["check", &folder.path().display().to_string()]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected) && text.contains("BackendTLSPolicy default/shop"), "{text}");
    }
}
