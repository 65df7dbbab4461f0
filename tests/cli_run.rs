//! `postern run` as users meet it: the real binary on port 0, files that change, signals.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that runs; killed when the test ends.
struct Gateway {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Gateway {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let any = "127.0.0.1:0";
        let mut child = Command::new(env!("CARGO_BIN_EXE_postern"))
            .args(["run", "--workers", "2", "--bind-address", "127.0.0.1", "--map-port", "80:0", "--map-port", "81:0"])
            .args(["--admin-address", any, "--metrics-address", any, "--ready-address", any, "-f"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let out = child.stdout.take().expect("a pipe");
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that holds a text.
    fn line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(why) => panic!("{text:?} was not said ({why}); {:#?}", self.seen),
            }
        }
    }

    /// The address that a line of the banner names.
    fn address(&mut self, text: &str) -> SocketAddr {
        let line = self.line(text);
        let after = line.split("http://").nth(1).expect("a URL");
        after.split('/').next().and_then(|address| address.parse().ok()).expect("an address")
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(done.success());
    }

    /// Waits for the end and gives the exit code.
    fn ends(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One request; the whole answer, if there is one.
fn get(address: SocketAddr, host: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

fn until_answer(address: SocketAddr, host: &str, path: &str, wanted: &str) {
    let deadline = Instant::now() + PATIENCE;
    let mut last = None;
    while Instant::now() < deadline {
        last = get(address, host, path);
        if last.as_deref().is_some_and(|answer| answer.contains(wanted)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{wanted:?} did not come; the last answer was {last:?}");
}

fn gateway(ports: &[u16]) -> String {
    let listener = |port: &u16| format!("  - {{name: p{port}, protocol: HTTP, port: {port}}}\n");
    let listeners: Vec<String> = ports.iter().map(listener).collect();
    let listeners = listeners.concat();
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: web}}\n\
         spec:\n  gatewayClassName: postern\n  listeners:\n{listeners}"
    )
}

fn redirect(name: &str, host: &str, target: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  \
         parentRefs: [{{name: web}}]\n  hostnames: [{host}]\n  rules:\n  - filters:\n    - type: RequestRedirect\n      \
         requestRedirect: {{hostname: {target}}}\n"
    )
}

#[test]
fn files_are_served_and_their_changes_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("gateway.yaml"), gateway(&[80])).expect("a file");
    fs::write(folder.path().join("route.yaml"), redirect("app", "a.example", "one.example")).expect("a file");
    let mut running = Gateway::start(folder.path(), &[]);
    let ready = running.address("ready");
    let address = running.address("listener p80");
    running.line("HTTPRoute default/app: a.example");
    running.line("curl -H 'host: a.example'");
    until_answer(address, "a.example", "/", "one.example");
    until_answer(ready, "localhost", "/healthz/ready", "200 OK");

    let route = folder.path().join("route.yaml");
    fs::write(&route, redirect("app", "a.example", "two.example")).expect("a file");
    until_answer(address, "a.example", "/", "two.example");

    fs::write(folder.path().join("gateway.yaml"), gateway(&[80, 81])).expect("a file");
    let other = running.address("+ listener");
    until_answer(other, "a.example", "/", "two.example");
    until_answer(address, "a.example", "/", "two.example");

    fs::write(&route, "kind: [").expect("a file");
    running.line("route.yaml:");
    until_answer(address, "a.example", "/", "two.example");
    fs::remove_file(&route).expect("a file");
    until_answer(address, "a.example", "/", "404");
}

#[test]
fn a_signal_ends_it_with_0_after_the_delay_in_which_it_is_not_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("gateway.yaml"), gateway(&[80])).expect("a file");
    let mut running = Gateway::start(folder.path(), &["--drain-delay", "1"]);
    let ready = running.address("ready");
    let address = running.address("listener p80");
    until_answer(ready, "localhost", "/healthz/ready", "200 OK");
    running.signal("-TERM");
    until_answer(ready, "localhost", "/healthz/ready", "503");
    assert!(get(address, "a.example", "/").is_some(), "it takes requests during the delay");
    assert_eq!(running.ends(), Some(0));
    assert!(get(address, "a.example", "/").is_none());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("gateway.yaml"), gateway(&[80])).expect("a file");
    let mut running = Gateway::start(folder.path(), &["--drain-delay", "600"]);
    let ready = running.address("ready");
    until_answer(ready, "localhost", "/healthz/ready", "200 OK");
    running.signal("-INT");
    until_answer(ready, "localhost", "/healthz/ready", "503");
    running.signal("-INT");
    assert_eq!(running.ends(), Some(1));
}

#[test]
fn a_port_that_is_in_use_is_told_and_the_rest_serves() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mapping = format!("82:{}", taken.local_addr().expect("an address").port());
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("gateway.yaml"), gateway(&[80, 82])).expect("a file");
    let mut running = Gateway::start(folder.path(), &["--map-port", &mapping]);
    let mut lines = [running.line("Gateway default/web, listener"), running.line("Gateway default/web, listener")];
    lines.sort();
    assert!(lines[0].contains("NOT BOUND") && lines[0].contains("in use by another process"), "{lines:?}");
    assert!(lines[1].contains("http://127.0.0.1:"), "{lines:?}");
}
