//! The level of the log, by curl and by a browser.

use super::*;

fn start() -> Running {
    Running::start(Some(Box::new(Level(Mutex::new("info".into())))))
}

/// As a form sends it.
async fn post(
    address: SocketAddr,
    body: &'static str,
    headers: &[(&'static str, String)],
) -> (u16, Option<String>, String) {
    let mut request = awc::Client::builder().disable_redirects().finish().post(format!("http://{address}/logging"));
    request = request.insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded"));
    for (name, value) in headers {
        request = request.insert_header((*name, value.as_str()));
    }
    let mut response = request.send_body(body).await.expect("an answer");
    let location = response.headers().get(LOCATION).map(|location| location.to_str().expect("text").to_owned());
    let body = response.body().await.expect("a body");
    (response.status().as_u16(), location, String::from_utf8(body.to_vec()).expect("text"))
}

#[actix_web::test]
async fn curl_is_told_it_and_sets_it_as_text() {
    let running = start();
    assert_eq!(get(running.admin, "/logging").await, (200, "info\n".into()));
    assert_eq!(put(running.admin, "/logging", "postern=debug\n").await, (200, "postern=debug\n".into()));
    assert_eq!(put(running.admin, "/logging", "two words").await, (400, "a directive has no spaces\n".into()));
    assert_eq!(get(running.admin, "/logging").await, (200, "postern=debug\n".into()));
    assert_eq!(get(Running::start(None).admin, "/logging").await.0, 404);
}

#[actix_web::test]
async fn a_browser_has_a_form() {
    let running = start();
    assert_eq!(page(running.admin, "/logging").await.only("#current"), "info");
    let ours = |site: &str| {
        [
            ("origin", format!("http://{}", running.admin)),
            ("sec-fetch-site", site.to_owned()),
            ("accept", "text/html".to_owned()),
        ]
    };
    let (status, location, _) = post(running.admin, "directives=postern%3Ddebug%2Cinfo", &ours("same-origin")).await;
    assert_eq!((status, location.as_deref()), (303, Some("/logging")));
    let shown = page(running.admin, "/logging").await;
    assert_eq!(shown.only("#current"), "postern=debug,info");
    assert_eq!(shown.attributes("#directives", "value"), ["postern=debug,info"]);

    let (status, _, refused) = post(running.admin, "directives=%3Cscript%3E+x", &ours("same-origin")).await;
    assert_eq!(status, 400);
    assert!(refused.contains("a directive has no spaces") && !refused.contains("<script"), "{refused}");
    assert_eq!(get(running.admin, "/logging").await.1, "postern=debug,info\n");

    for directives in shown.attributes("button[name=directives]", "value") {
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("directives", &directives).finish();
        assert_eq!(post(running.admin, body.leak(), &ours("same-origin")).await.0, 303);
        assert_eq!(get(running.admin, "/logging").await.1, directives + "\n");
    }
    assert_eq!(page(Running::start(None).admin, "/logging").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn another_sites_page_sets_nothing() {
    let running = start();
    for headers in [
        vec![("sec-fetch-site", "cross-site".to_owned())],
        vec![("sec-fetch-site", "same-site".to_owned())],
        vec![(ORIGIN.as_str(), "http://evil.example".to_owned())],
        vec![(ORIGIN.as_str(), "null".to_owned())],
        vec![("sec-fetch-site", "same-origin".to_owned()), (ORIGIN.as_str(), "http://localhost:1".to_owned())],
    ] {
        let (status, _, why) = post(running.admin, "directives=debug", &headers).await;
        assert_eq!(status, 403, "{headers:?}");
        assert!(why.starts_with("Refused: a page of another site sent this"), "{why}");
    }
    assert_eq!(get(running.admin, "/logging").await.1, "info\n");
    let from_no_page = [("sec-fetch-site", "none".to_owned())];
    assert_eq!(post(running.admin, "directives=debug", &from_no_page).await.0, 303);
    assert_eq!(post(running.admin, "directives=warn", &[]).await.0, 303);
    assert_eq!(get(running.admin, "/logging").await.1, "warn\n");
}
