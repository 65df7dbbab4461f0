//! `/logging`: the level of the log, told and set. For curl as text: GET tells it, PUT sets it. For browsers a page with a
//! form, which POSTs.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use maud::{Markup, html};
use serde::Deserialize;

use super::health::Health;
use super::layout::{self, reads_html};
use crate::telemetry::{LogLevel, Status};

const PATH: &str = "/logging";
const FIXED: &str = "the level of the log is fixed\n";

/// Directives that are often wanted, and what for.
const SUGGESTIONS: [(&str, &str); 5] = [
    ("info,actix_server=warn", "what a gateway begins with"),
    ("warn", "only what is wrong"),
    ("error,handshake=warn", "failed handshakes, and errors"),
    ("info,rustls=debug", "each step of TLS as well"),
    ("debug", "everything, in a test"),
];

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    directives: String,
}

pub(super) async fn get(request: HttpRequest, status: Data<Status>) -> HttpResponse {
    match status.log_level() {
        Some(level) if reads_html(request.headers()) => page(&status, level, StatusCode::OK, None),
        Some(level) => told(level),
        None => fixed(&request, &status),
    }
}

pub(super) async fn put(status: Data<Status>, directives: String) -> HttpResponse {
    let Some(level) = status.log_level() else { return HttpResponse::NotFound().body(FIXED) };
    match level.set(directives.trim()) {
        Ok(()) => told(level),
        Err(error) => HttpResponse::BadRequest().body(error + "\n"),
    }
}

pub(super) async fn post(request: HttpRequest, status: Data<Status>, wanted: Form<Wanted>) -> HttpResponse {
    let Some(level) = status.log_level() else { return fixed(&request, &status) };
    match level.set(wanted.directives.trim()) {
        Ok(()) => HttpResponse::SeeOther().insert_header((LOCATION, PATH)).body(level.get() + "\n"),
        Err(error) if reads_html(request.headers()) => {
            page(&status, level, StatusCode::BAD_REQUEST, Some((&wanted.directives, &error)))
        }
        Err(error) => HttpResponse::BadRequest().body(error + "\n"),
    }
}

fn told(level: &dyn LogLevel) -> HttpResponse {
    HttpResponse::Ok().body(level.get() + "\n")
}

fn fixed(request: &HttpRequest, status: &Status) -> HttpResponse {
    if !reads_html(request.headers()) {
        return HttpResponse::NotFound().body(FIXED);
    }
    let content = html! { p { "The level of the log is fixed: this process was started without a way to change it." } };
    layout::with_status(StatusCode::NOT_FOUND, status, PATH, "Log level", &content)
}

/// `refused` is what was asked for, and why it cannot be.
fn page(status: &Status, level: &dyn LogLevel, code: StatusCode, refused: Option<(&str, &str)>) -> HttpResponse {
    let current = level.get();
    let content = html! {
        @if let Some((directives, why)) = refused {
            p role="alert" { (Health::Bad.says(html! { "Not set: " code { (directives) } ": " (why) })) }
        }
        p { "In force: " code #current { (current) } }
        form method="post" action=(PATH) {
            label for="directives" { "Directives, separated by commas" }
            input #directives name="directives" required value=(refused.map_or(&*current, |(asked, _)| asked))
                autocomplete="off" autocapitalize="off" spellcheck="false";
            button { "Set" }
        }
        h2 { "Suggestions" }
        (suggestions())
        p.note {
            "A directive is a level (" code { "error" } ", " code { "warn" } ", " code { "info" } ", " code { "debug" } ", "
            code { "trace" } ", " code { "off" } ") or " code { "target=level" }
            ", where a target is a part of the program. What is set here lasts until the process ends, and is this process's alone."
        }
    };
    layout::with_status(code, status, PATH, "Log level", &content)
}

fn suggestions() -> Markup {
    html! {
        form.suggestions method="post" action=(PATH) {
            ul {
                @for (directives, what_for) in SUGGESTIONS {
                    li { button name="directives" value=(directives) { code { (directives) } } " " (what_for) }
                }
            }
        }
    }
}
