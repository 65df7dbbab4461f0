//! What all pages have in common: head, navigation, tables. It must not know what a page is about.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, HeaderMap, VARY};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::words;
use crate::telemetry::Status;

/// Links of the navigation: where, and what it says.
const OVERVIEW: (&str, &str) = ("/", "Overview");
const OF_PROXIES: [(&str, &str); 2] = [("/tls", "TLS to backends"), ("/pools", "Pools")];
const LOG_LEVEL: (&str, &str) = ("/logging", "Log level");
const CONFIG_DUMP: (&str, &str) = ("/config_dump", "Config dump (JSON)");

/// A page in its frame. `path` is the page's own.
pub(super) fn page(status: &Status, path: &str, title: &str, content: &Markup) -> HttpResponse {
    with_status(StatusCode::OK, status, path, title, content)
}

/// The same, under another status code.
pub(super) fn with_status(
    code: StatusCode,
    status: &Status,
    path: &str,
    title: &str,
    content: &Markup,
) -> HttpResponse {
    let of_proxies = if is_controller(status) { &[][..] } else { &OF_PROXIES };
    let links = [OVERVIEW].into_iter().chain(of_proxies.iter().copied()).chain([LOG_LEVEL, CONFIG_DUMP]);
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " – Postern" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    p.name { "Postern " span.version { (status.telemetry.version()) } }
                    nav aria-label="Pages" {
                        ul {
                            @for (href, name) in links {
                                li { a href=(href) aria-current=[(href == path).then_some("page")] { (name) } }
                            }
                        }
                    }
                }
                main #content tabindex="-1" {
                    h1 { (title) }
                    (content)
                }
                footer {
                    p { "As of " (words::second(Timestamp::now().as_second())) ". Load the page again for what is true now." }
                }
            }
        }
    };
    HttpResponse::build(code)
        .content_type("text/html; charset=utf-8")
        .insert_header((VARY, "Accept"))
        .body(document.into_string())
}

/// Whether the process is a controller, which serves no traffic.
pub(super) fn is_controller(status: &Status) -> bool {
    status.telemetry.is_leader().is_some()
}

/// Whether who asks reads HTML, as browsers say of themselves.
pub(super) fn reads_html(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(ACCEPT).filter_map(|accept| accept.to_str().ok()).flat_map(|accept| accept.split(','));
    let mut types = ranges.map(|range| range.split(';').next().unwrap_or_default().trim());
    types.any(|name| name.eq_ignore_ascii_case("text/html"))
}

/// A table that becomes a list of cards where the screen is narrow; the first cell of a row names it. The roles say again
/// what the elements are, since a table that is laid out as blocks is none for some screen readers.
pub(super) fn table<const N: usize>(
    caption: &str,
    head: [&str; N],
    rows: impl IntoIterator<Item = [Markup; N]>,
) -> Markup {
    html! {
        div.scroll {
            table role="table" {
                caption { (caption) }
                thead role="rowgroup" {
                    tr role="row" { @for name in head { th scope="col" role="columnheader" { (name) } } }
                }
                tbody role="rowgroup" {
                    @for row in rows {
                        tr role="row" {
                            @for (at, (name, cell)) in head.iter().zip(row).enumerate() {
                                @if at == 0 {
                                    th scope="row" role="rowheader" data-label=(name) { div { (cell) } }
                                } @else {
                                    td role="cell" data-label=(name) { div { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Names with what they stand for.
pub(super) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, Markup)>) -> Markup {
    html! {
        dl.facts { @for (name, what) in facts { div { dt { (name) } dd { (what) } } } }
    }
}

/// An element's id, and the fragment of a link to it, made of a name: what is neither is written in hexadecimal digits.
pub(super) fn anchor(name: &str) -> String {
    let mut anchor = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() || "-./:".contains(character) {
            anchor.push(character);
        } else {
            let _ = write!(anchor, "_{:x}_", u32::from(character));
        }
    }
    anchor
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT, HeaderMap, HeaderValue};

    use super::{anchor, reads_html};

    #[test]
    fn browsers_read_html_and_nobody_else() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("application/json, Text/HTML;q=0.5", true),
            ("*/*", false),
            ("application/json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(reads_html(&headers), html, "{accept}");
        }
        assert!(!reads_html(&HeaderMap::new()));
    }

    #[test]
    fn an_anchor_needs_no_escape_and_is_another_for_another_name() {
        assert_eq!(anchor("ns/gw/Service/ns/a:8443"), "ns/gw/Service/ns/a:8443");
        assert_eq!(anchor("a \"<b>\u{e9}_"), "a_20__22__3c_b_3e__e9__5f_");
    }
}
