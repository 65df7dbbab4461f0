//! Postern, on a folder of Kubernetes YAML.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Place, Task, routes};
use crate::certificates::BACKEND;
use crate::process;

pub(super) fn command(task: &Task<'_>, place: &Place, core: usize, binary: &Path) -> anyhow::Result<Command> {
    let folder = place.folder.join("objects");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("gateway.yaml"), gateway(task)?)?;
    fs::write(folder.join("backend.yaml"), backend(task)?)?;
    fs::write(folder.join("routes.yaml"), http_routes(task.routes, task.backends))?;

    let mut command = process::pinned(core, binary);
    command.arg("run").arg("-f").arg(folder).args(["--workers", "1", "--bind-address", "127.0.0.1"]);
    command.arg("--map-port").arg(format!("80:{}", place.plain.port()));
    if task.tls_in_front {
        command.arg("--map-port").arg(format!("443:{}", place.tls.port()));
    }
    for page in ["--admin-address", "--ready-address"] {
        command.args([page, "127.0.0.1:0"]);
    }
    command.arg("--metrics-address").arg(place.metrics.to_string());
    // Its own default is half of the descriptors, since each connection may need another one to a backend.
    command.args(["--max-connections", "16384"]);
    command.args(["--drain-timeout", "1"]).env_remove("LOG_FORMAT").env_remove("RUST_LOG");
    if task.access_log {
        command.stdout(File::create(place.folder.join("access.log"))?);
    } else {
        if can_switch_its_log_off(binary)? {
            command.args(["--access-log", "off"]);
        }
        command.stdout(Stdio::null());
    }
    Ok(command)
}

/// Whether this binary has the option at all: an older one only has its output thrown away.
fn can_switch_its_log_off(binary: &Path) -> anyhow::Result<bool> {
    let help = Command::new(binary).args(["run", "--help"]).output().context("postern run --help")?;
    Ok(String::from_utf8_lossy(&help.stdout).contains("--access-log"))
}

fn gateway(task: &Task<'_>) -> anyhow::Result<String> {
    let mut text = String::from(
        "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front}
spec:
  gatewayClassName: postern
  listeners:
  - {name: http, port: 80, protocol: HTTP}
",
    );
    if task.tls_in_front {
        let front = &task.certificates.front;
        let _ = write!(
            text,
            "  - {{name: https, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: front}}]}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: front}}
type: kubernetes.io/tls
data:
  tls.crt: {}
  tls.key: {}
",
            STANDARD.encode(fs::read(&front.certificate)?),
            STANDARD.encode(fs::read(&front.key)?),
        );
    }
    Ok(text)
}

fn backend(task: &Task<'_>) -> anyhow::Result<String> {
    let authority = fs::read_to_string(&task.certificates.authority)?.trim_end().replace('\n', "\n    ");
    let options = if task.resumption { "" } else { "  options: {gateway.postern.dev/session-resumption: \"false\"}\n" };
    let mut text = format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: authority}}
data:
  ca.crt: |
    {authority}
"
    );
    for backend in 0..task.backends {
        let name = name(backend);
        let _ = write!(
            text,
            "---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{name: https, port: 443}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: https, port: {port}}}]
endpoints: [{{addresses: [\"{ip}\"]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: \"\", kind: Service, name: {name}}}]
  validation:
    caCertificateRefs: [{{group: \"\", kind: ConfigMap, name: authority}}]
    hostname: {BACKEND}
{options}",
            port = task.backend.port(),
            ip = task.backend.ip(),
        );
    }
    Ok(text)
}

fn name(backend: usize) -> String {
    format!("backend-{backend}")
}

fn http_routes(count: usize, backends: usize) -> String {
    let mut text = String::new();
    for route in 0..count {
        let backend = name(route % backends);
        let (hostnames, matches) = if count == 1 {
            (String::new(), String::new())
        } else {
            let path = format!("[{{path: {{type: PathPrefix, value: {}}}}}]", routes::path(route));
            (format!("  hostnames: [{}]\n", routes::host(route)), format!("matches: {path}, "))
        };
        let _ = write!(
            text,
            "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: route-{route}}}
spec:
  parentRefs: [{{name: front}}]
{hostnames}  rules: [{{{matches}backendRefs: [{{name: {backend}, port: 443}}]}}]
"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_route_takes_everything_and_many_are_told_apart() {
        let one = http_routes(1, 1);
        assert!(!one.contains("hostnames") && !one.contains("matches"));
        let many = http_routes(10_000, 1);
        assert_eq!(many.matches("kind: HTTPRoute").count(), 10_000);
        assert!(http_routes(3, 2).contains("{name: backend-1, port: 443}"));
        assert!(many.contains(
            "hostnames: [h099.front.test]\n  rules: [{matches: [{path: {type: PathPrefix, value: /r09999}}]"
        ));
    }
}
