//! The demo, as the real binary runs it.

use std::process::Command;

#[test]
fn the_demo_comes_out_as_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["demo", "--check", "--port", "0", "--dir"])
        .arg(folder.path())
        .output()
        .expect("the binary runs");
    let (text, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{text}\n{log}");
    for host in ["good.demo", "wrong-ca.demo", "expired.demo", "plaintext.demo"] {
        let line = text.lines().find(|line| line.starts_with(host)).expect("a line for each host");
        assert!(line.ends_with("as expected") && !line.contains("NOT"), "{line}");
    }
    assert!(folder.path().join("gateway.yaml").exists(), "the YAML stays in the folder that was named");
}

#[test]
fn what_cannot_be_had_is_said_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let mine = folder.path().join("good.yaml");
    std::fs::write(&mine, "mine").expect("written");
    let dir = folder.path().display().to_string();
    for (option, value, remedy) in [("--port", &port, "or 0 for any that is free"), ("--dir", &dir, "an empty folder")]
    {
        let output =
            Command::new(env!("CARGO_BIN_EXE_postern")).args(["demo", option, value]).output().expect("it runs");
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains(&format!("{option} {value}")) && log.contains(remedy), "{log}");
    }
    assert_eq!(std::fs::read_to_string(mine).expect("still there"), "mine");
}
