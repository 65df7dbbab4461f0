//! nginx as a proxy.

use std::fmt::Write as _;
use std::process::Command;

use super::{Place, Task, routes};
use crate::backend::{nginx, nginx_places, nginx_user};
use crate::certificates::BACKEND;
use crate::process;

pub(super) fn command(task: &Task<'_>, place: &Place, core: usize) -> anyhow::Result<Command> {
    let configuration = place.write("nginx.conf", written(task, place))?;
    Ok(nginx(process::pinned(core, "nginx"), &configuration, &place.folder))
}

fn written(task: &Task<'_>, place: &Place) -> String {
    let folder = place.folder.display();
    let mut text = format!(
        "{user}worker_processes 1;\nworker_rlimit_nofile 65536;\nerror_log {folder}/nginx.error.log;\npid {folder}/nginx.pid;\n\
         events {{ worker_connections 16384; }}\nhttp {{\n{places}",
        user = nginx_user(),
        places = nginx_places(&place.folder),
    );
    let log = if task.access_log { format!("{folder}/access.log combined") } else { "off".to_owned() };
    let reuse = if task.resumption { "on" } else { "off" };
    let _ = write!(
        text,
        "  access_log {log};
  keepalive_requests 1000000000;
  upstream backend {{ server {backend}; keepalive 256; keepalive_requests 1000000000; }}
  proxy_http_version 1.1;
  proxy_set_header Connection \"\";
  proxy_set_header Host $host;
{forwarded}  proxy_ssl_verify on;
  proxy_ssl_trusted_certificate {authority};
  proxy_ssl_name {BACKEND};
  proxy_ssl_server_name on;
  proxy_ssl_protocols TLSv1.2 TLSv1.3;
  proxy_ssl_session_reuse {reuse};
",
        backend = task.backend,
        authority = task.certificates.authority.display(),
        forwarded = if task.forwarded {
            "  proxy_set_header X-Forwarded-For $remote_addr;\n  proxy_set_header X-Forwarded-Proto $scheme;\n  \
             proxy_set_header X-Forwarded-Host $http_host;\n  proxy_set_header X-Request-Id $request_id;\n"
        } else {
            ""
        },
    );
    let listen = format!("listen {} backlog=4096;", place.plain);
    if task.routes == 1 {
        let _ = writeln!(text, "  server {{\n    {listen}\n    location / {{ proxy_pass https://backend; }}\n  }}");
    } else {
        text.push_str("  server_names_hash_max_size 8192;\n");
        for (index, (host, range)) in routes::hosts(task.routes).enumerate() {
            // The parameters of a socket are written once.
            let listen = if index == 0 { listen.clone() } else { format!("listen {};", place.plain) };
            let _ = writeln!(text, "  server {{\n    {listen}\n    server_name {host};");
            for route in range {
                let _ = writeln!(text, "    location {} {{ proxy_pass https://backend; }}", routes::path(route));
            }
            text.push_str("  }\n");
        }
    }
    if task.tls_in_front {
        let front = &task.certificates.front;
        let _ = writeln!(
            text,
            "  server {{\n    listen {} ssl http2;\n    ssl_certificate {};\n    ssl_certificate_key {};\n    \
             location / {{ proxy_pass https://backend; }}\n  }}",
            place.tls,
            front.certificate.display(),
            front.key.display()
        );
    }
    text.push_str("}\n");
    text
}
