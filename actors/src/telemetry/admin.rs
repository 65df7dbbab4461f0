//! The servers for those who run the gateway: admin pages, metrics, and probes. Each has a socket and a thread of its
//! own, so that a slow page keeps no probe waiting, and none of them a request.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};
use serde_json::{Value, json};

use super::Status;

mod page;

#[cfg(test)]
mod tests;

/// No script, no frame, no form, nothing from elsewhere.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("admin/style.css");

/// Servers that run.
#[derive(Debug)]
pub struct Servers {
    handles: Vec<ServerHandle>,
}

impl Servers {
    /// Ends them, when the answers that they have begun are written.
    pub async fn stop(&self) {
        for handle in &self.handles {
            handle.stop(true).await;
        }
    }
}

/// Serves on those sockets that are given. To be called on a thread with an actix system, which it needs to live.
pub fn serve(
    admin: Option<TcpListener>,
    metrics: Option<TcpListener>,
    ready: Option<TcpListener>,
    status: &Arc<Status>,
) -> io::Result<Servers> {
    let servers: [(_, fn(&mut ServiceConfig)); 3] = [(admin, admin_pages), (metrics, metrics_page), (ready, probes)];
    let mut handles = Vec::new();
    for (socket, pages) in servers {
        let Some(socket) = socket else { continue };
        let status = Data::from(status.clone());
        let server = HttpServer::new(move || {
            let headers = DefaultHeaders::new()
                .add((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
                .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .add((header::REFERRER_POLICY, "no-referrer"))
                .add((header::CACHE_CONTROL, "no-store"));
            App::new().wrap(headers).app_data(status.clone()).configure(pages)
        });
        let server = server.workers(1).shutdown_timeout(1).disable_signals().listen(socket)?.run();
        handles.push(server.handle());
        actix_rt::spawn(server);
    }
    Ok(Servers { handles })
}

fn admin_pages(pages: &mut ServiceConfig) {
    pages
        .service(web::resource("/").get(overview))
        .service(web::resource("/style.css").get(style))
        .service(web::resource("/config_dump").get(config_dump))
        .service(web::resource("/tls").get(tls))
        .service(web::resource("/logging").get(log_level).put(set_log_level));
}

fn metrics_page(pages: &mut ServiceConfig) {
    pages.service(web::resource("/metrics").get(metrics));
}

fn probes(pages: &mut ServiceConfig) {
    pages
        .service(web::resource("/healthz/ready").get(ready))
        .service(web::resource("/healthz/live").get(async || HttpResponse::Ok().body("alive\n")));
}

async fn overview(status: Data<Status>) -> HttpResponse {
    let html = page::overview(&status);
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html)
}

async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}

async fn config_dump(status: Data<Status>) -> HttpResponse {
    let mut dump = status.plan().describe();
    let endpoints = status.endpoints();
    let endpoints: BTreeMap<String, Vec<String>> = endpoints
        .iter()
        .map(|(service, endpoints)| {
            let addresses = endpoints.iter().map(|endpoint| endpoint.address.to_string()).collect();
            (format!("{}/{}:{}", service.namespace, service.name, service.port), addresses)
        })
        .collect();
    dump["endpoints"] = json!(endpoints);
    pretty(&dump)
}

async fn tls(status: Data<Status>) -> HttpResponse {
    let observations = status.telemetry.observations().all();
    let handshakes: Vec<_> = observations
        .iter()
        .map(|(backend, last)| {
            json!({
                "gateway": backend.gateway,
                "backend": backend.backend,
                "port": backend.port,
                "policy": last.policy,
                "time": last.time.to_string(),
                "result": last.result,
                "consecutiveFailures": last.consecutive_failures,
                "endpoint": last.endpoint.map(|endpoint| endpoint.to_string()),
                "sni": last.sni,
                "detail": last.evidence.to_string(),
                "established": last.tls.as_ref().map(|tls| json!({
                    "version": tls.version,
                    "cipher": tls.cipher,
                    "alpn": tls.alpn,
                    "resumed": tls.resumed,
                    "peerNotAfter": tls.peer_not_after,
                })),
            })
        })
        .collect();
    pretty(&json!({ "handshakes": handshakes }))
}

async fn log_level(status: Data<Status>) -> HttpResponse {
    match status.log_level() {
        Some(level) => HttpResponse::Ok().body(level.get() + "\n"),
        None => HttpResponse::NotFound().body("the level of the log is fixed\n"),
    }
}

async fn set_log_level(status: Data<Status>, directives: String) -> HttpResponse {
    let Some(level) = status.log_level() else {
        return HttpResponse::NotFound().body("the level of the log is fixed\n");
    };
    match level.set(directives.trim()) {
        Ok(()) => HttpResponse::Ok().body(level.get() + "\n"),
        Err(error) => HttpResponse::BadRequest().body(error + "\n"),
    }
}

async fn metrics(status: Data<Status>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(status.telemetry.render())
}

async fn ready(status: Data<Status>) -> HttpResponse {
    let waits_for = status.readiness.waits_for();
    if waits_for.is_empty() {
        HttpResponse::Ok().body("ready\n")
    } else {
        HttpResponse::ServiceUnavailable().body(waits_for.join("\n") + "\n")
    }
}

fn pretty(value: &Value) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(format!("{value:#}\n"))
}
