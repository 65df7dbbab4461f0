//! The backend: an nginx that speaks nothing but TLS 1.3, with one cipher suite and one key exchange, and serves files.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::certificates::Pair;
use crate::process::{self, Process};

/// The sizes of the files `/1k`, `/1m` and `/1g`.
pub(crate) const FILES: [(&str, u64); 3] = [("1k", 1 << 10), ("1m", 1 << 20), ("1g", 1 << 30)];

/// How it treats connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// They stay open.
    Kept,
    /// It closes each after one response, and resumes no session.
    FullHandshakeEach,
    /// It closes each after one response, and gives tickets.
    ResumedHandshakeEach,
}

/// A backend that runs.
#[derive(Debug)]
pub(crate) struct Backend {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    log: PathBuf,
    _process: Process,
}

/// What the backend saw of its connections, one count a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Requests that came first on a connection whose handshake was whole.
    pub(crate) full: u64,
    /// Requests that came first on a connection whose session was resumed.
    pub(crate) resumed: u64,
    /// Requests that came on a connection that had carried one.
    pub(crate) reused: u64,
}

impl Backend {
    /// Starts it on `address`; `folder` must not be another backend's.
    pub(crate) fn start(
        address: SocketAddr,
        connections: Connections,
        pair: &Pair,
        core: usize,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let files = folder.join("files");
        fs::create_dir_all(&files)?;
        for (name, size) in FILES {
            File::create(files.join(name))?.set_len(size)?;
        }
        let log = folder.join("handshakes.log");
        let configuration = folder.join("backend.conf");
        fs::write(&configuration, written(address, connections, pair, folder, &log))?;
        let mut process =
            Process::start("backend", nginx(process::pinned(core, "nginx"), &configuration, folder), folder)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(address).is_err() {
            process.check()?;
            ensure!(Instant::now() < deadline, "the backend does not listen: {}", process.last_words());
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { address, log, _process: process })
    }

    /// What it saw so far. Its log is written within a tenth of a second.
    pub(crate) fn seen(&self) -> anyhow::Result<Seen> {
        thread::sleep(Duration::from_millis(300));
        let log = fs::read_to_string(&self.log).context("the backend's log")?;
        Ok(count(&log))
    }
}

impl Seen {
    /// What it saw since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            full: self.full - earlier.full,
            resumed: self.resumed - earlier.resumed,
            reused: self.reused - earlier.reused,
        }
    }
}

/// Lines of `$connection_requests $ssl_session_reused`: `r` says that the session was resumed, `.` that it was not.
fn count(log: &str) -> Seen {
    let mut seen = Seen::default();
    for line in log.lines() {
        match line {
            "1 ." => seen.full += 1,
            "1 r" => seen.resumed += 1,
            _ => seen.reused += 1,
        }
    }
    seen
}

/// `nginx` with this configuration, in the foreground; nothing is written outside of `folder`.
pub(crate) fn nginx(mut nginx: Command, configuration: &Path, folder: &Path) -> Command {
    nginx.arg("-c").arg(configuration).arg("-e").arg(folder.join("nginx.error.log"));
    nginx.arg("-p").arg(folder).arg("-g").arg("daemon off;");
    nginx
}

/// The lines of an nginx configuration that keep it within `folder`.
pub(crate) fn nginx_places(folder: &Path) -> String {
    let folder = folder.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/{kind}_temp;\n"));
    temporary.concat()
}

/// Workers of a master that is root would be `nobody`, who cannot read our folder.
pub(crate) fn nginx_user() -> &'static str {
    if rustix::process::geteuid().is_root() { "user root;\n" } else { "" }
}

fn written(address: SocketAddr, connections: Connections, pair: &Pair, folder: &Path, log: &Path) -> String {
    let connections = match connections {
        Connections::Kept => {
            "  keepalive_timeout 1h;\n  keepalive_requests 1000000000;\n  access_log off;\n".to_owned()
        }
        Connections::FullHandshakeEach | Connections::ResumedHandshakeEach => {
            let tickets = if connections == Connections::ResumedHandshakeEach { "on" } else { "off" };
            let log = log.display();
            format!(
                "  keepalive_timeout 0;\n  ssl_session_tickets {tickets};\n  ssl_session_cache off;\n  \
                 log_format handshakes '$connection_requests $ssl_session_reused';\n  \
                 access_log {log} handshakes buffer=64k flush=100ms;\n"
            )
        }
    };
    format!(
        "{user}worker_processes 1;\nworker_rlimit_nofile 16384;\nerror_log {folder}/nginx.error.log;\n\
         pid {folder}/nginx.pid;\nevents {{ worker_connections 8192; }}\nhttp {{\n{places}{connections}\
         \x20 ssl_protocols TLSv1.3;\n  ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;\n  ssl_ecdh_curve X25519;\n\
         \x20 server {{\n    listen {address} ssl backlog=4096;\n    ssl_certificate {certificate};\n    \
         ssl_certificate_key {key};\n    root {folder}/files;\n    \
         location ~ ^/r[0-9]+(/.*)$ {{ alias {folder}/files$1; }}\n  }}\n}}\n",
        user = nginx_user(),
        folder = folder.display(),
        places = nginx_places(folder),
        certificate = pair.certificate.display(),
        key = pair.key.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_are_counted_apart() {
        let seen = count("1 .\n1 r\n2 r\n1 r\n3 .\n");
        assert_eq!(seen, Seen { full: 1, resumed: 2, reused: 2 });
        assert_eq!(seen.since(Seen { full: 1, resumed: 1, reused: 0 }), Seen { full: 0, resumed: 1, reused: 2 });
    }

    #[test]
    fn only_a_backend_for_resumption_gives_tickets() {
        let pair = Pair { certificate: "c".into(), key: "k".into(), both: "b".into() };
        let text = |connections| {
            written("127.0.0.1:1".parse().unwrap(), connections, &pair, Path::new("/f"), Path::new("/f/log"))
        };
        assert!(text(Connections::FullHandshakeEach).contains("ssl_session_tickets off;"));
        assert!(text(Connections::ResumedHandshakeEach).contains("ssl_session_tickets on;"));
        assert!(!text(Connections::Kept).contains("keepalive_timeout 0"));
    }
}
