//! What holds for every page, over a plan in which every name and every text of a stranger is hostile.

use std::collections::BTreeSet;

use super::strangers::{Hostile, SCRIPT};
use super::*;

const PAGES: [&str; 6] =
    ["/", "/tls", "/pools", "/logging", "/?q=%3Cscript%3E", "/tls?q=%3Cscript%3E&result=%3Cscript%3E"];

#[actix_web::test]
async fn what_strangers_wrote_is_text() {
    let hostile = Hostile::start();
    for path in PAGES {
        let shown = page(hostile.running.admin, path).await;
        assert!(shown.texts("script").is_empty() && shown.texts("b").is_empty(), "{path}:\n{}", shown.text);
        assert!(!shown.text.contains("<script"), "{path}");
        assert!(shown.attributes("*", "onclick").is_empty(), "{path}");
        let is_quoted = shown.text.contains("&lt;script&gt;");
        assert!(is_quoted || ["/logging"].contains(&path), "{path} tells of none");
    }
    let overview = page(hostile.running.admin, "/").await.only("main");
    assert!(overview.contains("presents to clients, expired"), "{overview}");
    for source in [
        "gateway", "listener", "hostname", "route", "backend", "policy", "poison", "contact", "waits", "secret",
        "cause", "path",
    ] {
        assert!(overview.contains(&format!("{SCRIPT}{source}")), "{source} in\n{overview}");
    }
    let tls = page(hostile.running.admin, "/tls").await.only("main");
    for source in [
        "gateway",
        "backend",
        "policy",
        "poison",
        "sni",
        "name",
        "alpn",
        "reference",
        "origin",
        "subject",
        "uri",
        "cause",
        "remedy",
        "demanded",
    ] {
        assert!(tls.contains(&format!("{SCRIPT}{source}")), "{source} in\n{tls}");
    }
    assert_eq!(page(hostile.running.admin, "/?q=%3Cscript%3E").await.attributes("input", "value"), ["<script>"]);
}

#[actix_web::test]
async fn every_link_leads_somewhere() {
    let hostile = Hostile::start();
    let mut followed = BTreeSet::new();
    for path in PAGES {
        let shown = page(hostile.running.admin, path).await;
        let links = [("a", "href"), ("link", "href"), ("form", "action")];
        for link in links.iter().flat_map(|(element, attribute)| shown.attributes(element, attribute)) {
            let (target, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = if target.is_empty() { path } else { target };
            if !followed.insert((target.to_owned(), fragment.to_owned())) {
                continue;
            }
            assert_eq!(get(hostile.running.admin, target).await.0, 200, "{link} of {path}");
            if !fragment.is_empty() {
                let there = page(hostile.running.admin, target).await.attributes("[id]", "id");
                assert!(there.iter().any(|id| id == fragment), "{link} of {path} among {there:?}");
            }
        }
    }
    assert!(followed.len() > 8, "{followed:?}");
}

/// Landmarks, a heading, headers of tables, names of fields, ids that are unique.
#[actix_web::test]
async fn every_page_can_be_read_without_seeing_it() {
    let hostile = Hostile::start();
    for path in PAGES {
        let shown = page(hostile.running.admin, path).await;
        for once in ["html[lang=en]", "title", "header", "nav", "main", "h1", "footer", "nav [aria-current=page]"] {
            shown.only(once);
        }
        assert_eq!(shown.attributes("a.skip", "href"), ["#content"], "{path}");
        let count = |selector: &str| shown.texts(selector).len();
        assert_eq!(count("table"), count("table > caption"), "{path}");
        assert_eq!(count("tbody tr"), count("tbody tr > th[scope=row]"), "{path}");
        assert_eq!(count("thead th"), count("thead th[scope=col]"), "{path}");
        assert_eq!(count("input, select"), count("label input, label select, label[for] + input[id]"), "{path}");
        assert_eq!(count(".sign"), count(".sign[aria-hidden=true]"), "{path}");
        let ids = shown.attributes("[id]", "id");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: {ids:?}");
        for reference in shown.attributes("[aria-labelledby]", "aria-labelledby") {
            assert!(ids.contains(&reference), "{reference} on {path}");
        }
        assert!(shown.attributes("*", "style").is_empty(), "{path}: the policy forbids it");
    }
}

/// Not as bytes, and in no encoding of them.
#[actix_web::test]
async fn no_page_holds_a_key() {
    let hostile = Hostile::start();
    let traces = hostile.traces();
    for path in PAGES.into_iter().chain(["/config_dump", "/tls?format=json"]) {
        let shown = match path {
            "/config_dump" | "/tls?format=json" => get(hostile.running.admin, path).await.1,
            _ => page(hostile.running.admin, path).await.text,
        };
        for (encoding, trace) in &traces {
            assert!(!shown.contains(trace), "{encoding} of a key on {path}");
        }
    }
    let dump = get(hostile.running.admin, "/config_dump").await.1;
    assert!(dump.contains("<b>reference") && dump.contains("<b>secret"), "the plan holds both certificates: {dump}");
}

#[actix_web::test]
async fn no_name_but_localhost_is_served() {
    let running = Running::serving(plan([("a", originate())]));
    let port = running.admin.port();
    for path in ["/", "/tls", "/pools", "/logging", "/config_dump", "/style.css", "/nowhere"] {
        for (host, allowed) in
            [("rebound.example", false), ("localhost", true), ("a.localhost", true), ("127.0.0.1", true)]
        {
            let request = awc::Client::new().get(format!("http://{}{path}", running.admin));
            let mut response =
                request.insert_header(("host", format!("{host}:{port}"))).send().await.expect("an answer");
            let body = response.body().limit(1 << 24).await.expect("a body");
            assert_eq!(response.status() == StatusCode::FORBIDDEN, !allowed, "{path} as {host}");
            assert_eq!(String::from_utf8_lossy(&body).contains("under no other name"), !allowed, "{path} as {host}");
            assert!(response.headers().contains_key("content-security-policy"), "{path} as {host}");
        }
    }
    let scrape = awc::Client::new().get(format!("http://{}/metrics", running.metrics));
    let scrape = scrape.insert_header(("host", "postern.svc")).send().await.expect("an answer");
    assert_eq!(scrape.status(), StatusCode::OK, "metrics are for everybody");
}
