//! Who may talk to a server without authentication.
//!
//! A page of any site can make its visitor's browser send requests to this
//! machine. `Host` tells it where the name was made to point here (DNS
//! rebinding), `Origin` where it writes across origins.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use std::net::IpAddr;

use crate::config::Cors;
use crate::http::cors;
use crate::http::problem::Problem;
use crate::http::publish::discard_rest;
use crate::http::router::App;
use crate::metrics::Refusal;

pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    if request.version() == Version::HTTP_11 && !headers.contains_key(HOST) {
        // RFC 9112 §3.2.
        app.hub.metrics().refuse(Refusal::Host);
        return Problem::bad_request("HTTP/1.1 needs a `Host`; send one").into_response();
    }
    match judge(request.method(), uri, headers, app.on_loopback, &app.cors) {
        Ok(()) => next.run(request).await,
        Err((cause, problem)) => {
            app.hub.metrics().refuse(cause);
            discard_rest(request.into_body()).await;
            problem.into_response()
        }
    }
}

fn judge(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    on_loopback: bool,
    cors: &Cors,
) -> Result<(), (Refusal, Problem)> {
    let host = requested_host(uri, headers).map_err(|problem| (Refusal::Host, problem))?;
    if on_loopback && host.as_ref().is_some_and(|host| !is_loopback(host.host())) {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "`Host` is not a name of this machine; use 127.0.0.1, [::1] or localhost",
        );
        return Err((Refusal::Host, problem));
    }
    // What changes nothing (RFC 9110 §9.2.1), a preflight among it.
    if method.is_safe() {
        return Ok(());
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let own = |origin: &http::HeaderValue| {
        let origin: Uri = origin.to_str().ok()?.parse().ok()?;
        let authority = origin.authority()?;
        let host = host.as_ref()?;
        (authority.as_str().eq_ignore_ascii_case(host.as_str())).then_some(())
    };
    if origins.any(|origin| own(origin).is_none() && !cors::allows(cors, origin)) {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "`Origin` is not this server's; publish from a page of its own, or without a browser, \
             or allow the origin with --cors-origin",
        );
        return Err((Refusal::Origin, problem));
    }
    Ok(())
}

/// The authority asked for: of the absolute form where given (RFC 9112 §3.2.2),
/// else of `Host`; `None` for an HTTP/1.0 request without one.
fn requested_host(uri: &Uri, headers: &HeaderMap) -> Result<Option<Authority>, Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Problem::bad_request("two `Host` headers; send one"));
    }
    if let Some(authority) = uri.authority() {
        return Ok(Some(authority.clone()));
    }
    host.map(|host| {
        Authority::try_from(host.as_bytes())
            .map_err(|_| Problem::bad_request("`Host` is not a host and port; correct it"))
    })
    .transpose()
}

fn is_loopback(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let name = name.strip_suffix('.').unwrap_or(name);
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_hosts_and_origins() {
        #[rustfmt::skip]
        let table: &[(&str, &str, &str, bool)] = &[
            // method  host               origin                   allowed
            ("GET",  "127.0.0.1:8080",  "",                       true),
            ("GET",  "localhost",       "",                       true),
            ("GET",  "LOCALHOST:1",     "",                       true),
            ("GET",  "app.localhost:1", "",                       true),
            ("GET",  "[::1]:8080",      "",                       true),
            ("GET",  "127.9.9.9",       "",                       true),
            ("GET",  "",                "",                       true),
            ("GET",  "evil.example",    "",                       false),
            ("GET",  "127.0.0.1.evil.example:8080", "",           false),
            ("GET",  "192.168.0.1",     "",                       false),
            ("POST", "evil.example",    "",                       false),
            ("POST", "localhost:8080",  "",                       true),
            ("POST", "localhost:8080",  "http://localhost:8080",  true),
            ("POST", "localhost:8080",  "http://LOCALHOST:8080",  true),
            ("POST", "localhost:8080",  "http://localhost:3000",  false),
            ("POST", "localhost:8080",  "http://evil.example",    false),
            ("POST", "localhost:8080",  "null",                   false),
            ("POST", "",                "http://evil.example",    false),
            ("POST", "localhost:8080",  "https://app.example",    true),
            ("POST", "evil.example",    "https://app.example",    false),
            ("GET",  "localhost:8080",  "http://evil.example",    true),
            ("OPTIONS", "localhost:8080", "http://evil.example",  true),
            ("DELETE",  "localhost:8080", "http://evil.example",  false),
            ("PATCH",   "localhost:8080", "http://evil.example",  false),
        ];
        for (method, host, origin, allowed) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in [(HOST, host), (ORIGIN, origin)] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let method = method.parse().unwrap();
            let cors = Cors {
                origins: vec!["https://app.example".to_owned()],
                ..Cors::default()
            };
            let verdict = judge(&method, &Uri::from_static("/events"), &headers, true, &cors);
            assert_eq!(verdict.is_ok(), *allowed, "{method} {host} {origin}");
        }
    }

    #[test]
    fn elsewhere_than_on_loopback_any_host_will_do() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "hub.example".parse().unwrap());
        let uri = Uri::from_static("/events");
        assert!(judge(&Method::GET, &uri, &headers, false, &Cors::default()).is_ok());
    }
}
