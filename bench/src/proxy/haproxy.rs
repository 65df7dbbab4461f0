//! HAProxy.

use std::fmt::Write as _;
use std::fs::File;
use std::process::Command;

use super::{Place, Task, routes};
use crate::certificates::BACKEND;
use crate::process;

pub(super) fn command(task: &Task<'_>, place: &Place, core: usize) -> anyhow::Result<Command> {
    if task.routes > 1 {
        let mut map = String::new();
        for route in 0..task.routes {
            let _ = writeln!(map, "{}{} backend", routes::host(route), routes::path(route));
        }
        place.write("routes.map", map)?;
    }
    let configuration = place.write("haproxy.cfg", written(task, place))?;
    let mut command = process::pinned(core, "haproxy");
    command.arg("-db").arg("-f").arg(configuration);
    command.stdout(File::create(place.folder.join("access.log"))?);
    Ok(command)
}

fn written(task: &Task<'_>, place: &Place) -> String {
    let mut text = String::from("global\n  nbthread 1\n  maxconn 12000\n  no strict-limits\n");
    if task.access_log {
        text.push_str("  log stdout format raw local0 info\n");
    }
    text.push_str(
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  http-reuse always\n",
    );
    if task.access_log {
        text.push_str("  log global\n  option httplog\n");
    }
    if task.forwarded {
        text.push_str("  option forwardfor\n  unique-id-format %[uuid()]\n  unique-id-header X-Request-Id\n");
    }
    let _ = writeln!(text, "frontend front\n  bind {} backlog 4096", place.plain);
    if task.tls_in_front {
        let pair = task.certificates.front.both.display();
        let _ = writeln!(text, "  bind {} ssl crt {pair} alpn h2,http/1.1", place.tls);
    }
    if task.forwarded {
        text.push_str(
            "  http-request set-header X-Forwarded-Host %[req.hdr(Host)]\n  \
             http-request set-header X-Forwarded-Proto http if !{ ssl_fc }\n  \
             http-request set-header X-Forwarded-Proto https if { ssl_fc }\n",
        );
    }
    if task.routes == 1 {
        text.push_str("  default_backend backend\n");
    } else {
        let map = place.folder.join("routes.map");
        let _ = writeln!(text, "  use_backend %[base,map_beg({})]", map.display());
    }
    let _ = writeln!(
        text,
        "backend backend\n  server backend {} ssl verify required ca-file {} sni str({BACKEND}) verifyhost {BACKEND} \
         pool-max-conn 256 pool-purge-delay 60s{}",
        task.backend,
        task.certificates.authority.display(),
        if task.resumption { "" } else { " no-ssl-reuse" },
    );
    text
}
