//! Who may ask the admin pages: not a page of somebody else in the browser of one who runs the gateway. It must not know
//! what the pages say.
//!
//! A foreign page can have a browser send requests here in two ways. By a name of its own that it lets resolve to this
//! address (DNS rebinding), it could read the answers: so no name but `localhost` is served. And it can send a form here
//! without reading the answer: so what changes something must come from a page of ours, or from no page.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(refusal) = judge(request.method(), request.uri(), request.headers()) {
        let response = HttpResponse::Forbidden().content_type("text/plain; charset=utf-8").body(refusal);
        return Ok(request.into_response(response));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn judge(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
    let hosts = || headers.get_all(header::HOST).map(|host| host.to_str().unwrap_or_default());
    if !uri.authority().map(Authority::as_str).into_iter().chain(hosts()).all(is_local) {
        return Err(
            "The admin pages are served under an IP address or localhost, and under no other name: a foreign page \
                    could read them by a name of its own. Ask for an IP address, or use kubectl port-forward.\n",
        );
    }
    if [Method::GET, Method::HEAD].contains(method) {
        return Ok(());
    }
    let foreign_site = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    if foreign_site {
        return Err("Refused: a page of another site sent this, as its Sec-Fetch-Site says.\n");
    }
    let foreign_origin = headers.get(header::ORIGIN).is_some_and(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        !authority.is_some_and(|authority| hosts().all(|host| host.eq_ignore_ascii_case(authority)))
    });
    if foreign_origin {
        return Err("Refused: a page of another site sent this, as its Origin is not the Host.\n");
    }
    Ok(())
}

/// Whether what is asked for is an IP address or `localhost`, which no foreign name server answers for (RFC 6761, 6.3).
fn is_local(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let host = authority.host().to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    address.parse::<std::net::IpAddr>().is_ok() || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
    use actix_web::http::{Method, Uri};

    use super::{is_local, judge};

    fn judged(method: &Method, fields: &[(&'static str, &'static str)]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        judge(method, &Uri::from_static("/logging"), &headers)
    }

    #[test]
    fn only_addresses_and_localhost_are_hosts_of_ours() {
        for host in
            ["127.0.0.1", "127.0.0.1:15000", "10.2.3.4:15000", "[::1]", "[::1]:15000", "localhost", "LocalHost:1"]
        {
            assert!(is_local(host), "{host}");
        }
        assert!(is_local("admin.localhost:15000"));
        for host in ["example.com", "localhost.example.com:15000", "notlocalhost", "127.0.0.1.example.com", "", "a b"] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn any_host_that_is_told_counts() {
        assert!(judged(&Method::GET, &[]).is_ok(), "HTTP/1.0");
        assert!(judged(&Method::GET, &[("host", "localhost")]).is_ok());
        assert!(judged(&Method::GET, &[("host", "localhost"), ("host", "evil.example")]).is_err());
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        assert!(judge(&Method::GET, &Uri::from_static("http://evil.example/"), &headers).is_err());
    }

    #[test]
    fn what_changes_something_comes_from_a_page_of_ours_or_from_none() {
        const HOST: (&str, &str) = ("host", "127.0.0.1:15000");
        const OURS: (&str, &str) = ("origin", "http://127.0.0.1:15000");
        for fields in [
            &[HOST][..],
            &[HOST, OURS],
            &[HOST, OURS, ("sec-fetch-site", "same-origin")],
            &[HOST, ("sec-fetch-site", "none")],
            &[("host", "localhost"), ("origin", "https://LOCALHOST")],
        ] {
            assert_eq!(judged(&Method::POST, fields), Ok(()), "{fields:?}");
            assert_eq!(judged(&Method::PUT, fields), Ok(()), "{fields:?}");
        }
        for fields in [
            &[HOST, ("sec-fetch-site", "cross-site")][..],
            &[HOST, OURS, ("sec-fetch-site", "same-site")],
            &[HOST, ("origin", "http://127.0.0.1:8080")],
            &[HOST, ("origin", "http://evil.example")],
            &[HOST, ("origin", "null")],
            &[HOST, ("origin", "")],
        ] {
            assert!(judged(&Method::POST, fields).is_err(), "{fields:?}");
            assert!(judged(&Method::PUT, fields).is_err(), "{fields:?}");
            assert_eq!(judged(&Method::GET, fields), Ok(()), "{fields:?}");
        }
    }
}
