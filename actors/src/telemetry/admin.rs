//! The servers for those who run the gateway: admin pages, metrics, and probes. Each has a socket and a thread of its
//! own, so that a slow page keeps no probe waiting, and none of them a request.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Resource, Responder};
use serde_json::Value;

use super::Status;
use crate::printable::printable;

mod config_dump;
mod filter;
mod guard;
mod health;
mod layout;
mod logging;
mod overview;
mod pools;
mod survey;
mod tls;
mod words;

#[cfg(test)]
mod tests;

/// No script, no frame, nothing from elsewhere; forms go to the pages themselves.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages name themselves to nobody else. (`no-referrer` would make a browser send `Origin: null` with our own forms.)
const REFERRER_POLICY: &str = "same-origin";

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
                .add((header::REFERRER_POLICY, REFERRER_POLICY))
                .add((header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"))
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
    let guarded = web::scope("")
        .wrap(from_fn(guard::guard))
        .service(page("/", overview::get))
        .service(page("/tls", tls::get))
        .service(page("/pools", pools::get))
        .service(page("/logging", logging::get).put(logging::put).post(logging::post))
        .service(page("/config_dump", config_dump::get))
        .service(page("/style.css", style))
        // What a browser asks for by itself: there is none, and that is no error.
        .service(page("/favicon.ico", async || HttpResponse::NoContent()))
        .default_service(web::to(nowhere));
    pages.service(guarded);
}

fn metrics_page(pages: &mut ServiceConfig) {
    pages.service(page("/metrics", metrics));
}

fn probes(pages: &mut ServiceConfig) {
    pages
        .service(page("/healthz/ready", ready))
        .service(page("/healthz/live", async || HttpResponse::Ok().body("alive\n")));
}

/// Answers GET, and HEAD, which every server has to take (RFC 9110, 9.1).
fn page<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).get(handler.clone()).route(web::head().to(handler))
}

async fn nowhere(request: HttpRequest) -> HttpResponse {
    let pages =
        format!("there is no {}; there are /, /tls, /pools, /logging and /config_dump\n", printable(request.path()));
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(pages)
}

async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
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
