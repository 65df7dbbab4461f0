//! The program itself, run on objects in a folder of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::client;

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// A running gateway; it is killed when it is dropped.
pub struct Gateway {
    child: Child,
    folder: tempfile::TempDir,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// Runs the gateway on these objects and waits until it is ready.
    pub fn start(objects: &str) -> Self {
        Self::start_with(objects, &[])
    }

    /// The same with further arguments.
    pub fn start_with(objects: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("objects.yaml"), objects).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command.args(["run", "--workers", "2", "--bind-address", "127.0.0.1", "-f"]).arg(folder.path());
        for address in ["--admin-address", "--metrics-address", "--ready-address"] {
            command.args([address, "127.0.0.1:0"]);
        }
        for port in ["80", "81", "443"] {
            command.args(["--map-port", &format!("{port}:0")]);
        }
        command.args(arguments).env_remove("RUST_LOG").env_remove("LOG_FORMAT");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().unwrap(), &lines);
        collect(child.stderr.take().unwrap(), &lines);
        let gateway = Self { child, folder, lines };
        gateway.wait_for("a ready gateway", || {
            let ready = gateway.find_line(|line| line.trim_start().starts_with("ready "))?;
            let address = address_in(&ready)?;
            (client::get(address, "localhost", "/healthz/ready").status == 200).then_some(())
        });
        gateway
    }

    /// Where the listener port of any Gateway is bound now.
    pub fn address(&self, port: u16) -> SocketAddr {
        let mark = format!(", port {port},");
        self.wait_for("a bound port", || {
            let lines = self.lines.lock().unwrap();
            let told = lines.iter().rfind(|line| line.contains(&mark) && address_in(line).is_some())?;
            if told.starts_with('-') { None } else { address_in(told) }
        })
    }

    /// A scrape.
    pub fn metrics(&self) -> String {
        self.page("metrics", "/metrics")
    }

    /// Where `admin`, `metrics` or `ready` is.
    pub fn url(&self, server: &str) -> String {
        format!("http://{}/", self.server(server))
    }

    fn server(&self, server: &str) -> SocketAddr {
        let line = self.find_line(|line| line.trim_start().starts_with(server)).expect("a banner");
        address_in(&line).expect("an address")
    }

    /// A page of `admin`, `metrics` or `ready`.
    pub fn page(&self, server: &str, path: &str) -> String {
        let response = client::get(self.server(server), "localhost", path);
        assert_eq!(response.status, 200, "{response:?}");
        let chunked = response.head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        if chunked { unchunk(&response.body) } else { response.body }
    }

    /// Writes a file of objects beside those of the start, as a whole: one that is written in its place is empty for a
    /// moment, and an empty file holds no objects.
    pub fn write(&self, name: &str, objects: &str) {
        let unfinished = self.path("unfinished");
        std::fs::write(&unfinished, objects).unwrap();
        std::fs::rename(&unfinished, self.path(name)).unwrap();
    }

    /// Writes a file as a whole and waits until every worker serves what it says, which must be something new.
    pub fn apply(&self, name: &str, objects: &str) {
        let before = self.applied();
        self.write(name, objects);
        self.wait_for("applied change", || (self.applied() > before).then_some(()));
    }

    fn applied(&self) -> u64 {
        self.metric("postern_config_applies_total", &["result=\"success\""]) as u64
    }

    /// The sum of the series of a metric that have these labels.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let metrics = self.metrics();
        let series = metrics.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// A figure of the memory of the process, for example `VmRSS`, in bytes.
    pub fn memory(&self, figure: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let figure = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
        figure.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// A file in the folder of objects.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the process to end of itself, and gives its code.
    pub fn wait_for_end(mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the gateway does not end:\n{}", self.output());
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits for a line of its output.
    pub fn wait_for_log(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for("a line", || self.find_line(&wanted))
    }

    /// Polls until there is something.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < deadline, "no {what} in time:\n{}", self.output());
            std::thread::sleep(PAUSE);
        }
    }

    fn find_line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.lines.lock().unwrap().iter().find(|line| wanted(line)).cloned()
    }

    /// Everything it has written.
    pub fn output(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl std::io::Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}

/// The address of the first URL of a line.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("://")?;
    rest.split('/').next()?.parse().ok()
}

fn unchunk(body: &str) -> String {
    let (mut text, mut rest) = (String::new(), body);
    while let Some((size, data)) = rest.split_once("\r\n") {
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else { break };
        text.push_str(&data[..size]);
        rest = &data[size + 2..];
    }
    text
}
