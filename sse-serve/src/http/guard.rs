//! Who may talk to a server, and as whom.
//!
//! A page of any site can make its visitor's browser send requests to this
//! machine. `Host` tells it where the name was made to point here (DNS
//! rebinding), `Origin` where it writes across origins. With authentication a
//! page of another site has no credential, but for a cookie, which a browser
//! sends on its own.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use std::net::IpAddr;

use crate::config::Cors;
use crate::http::auth::{Caller, Carrier, Rejected};
use crate::http::problem::Problem;
use crate::http::publish::discard_rest;
use crate::http::router::App;
use crate::http::{cors, page};
use crate::hub::NAME_MAX;
use crate::metrics::Refusal;

/// Names the user that a proxy has authenticated.
const USER: &str = "x-user-id";

type Refused = (Refusal, Problem);

pub(super) async fn check(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match identify(&app, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err((cause, problem)) => {
            app.hub.metrics().refuse(cause);
            discard_rest(request.into_body()).await;
            problem.into_response()
        }
    }
}

/// Whose request it is, or why it goes no further.
fn identify(app: &App, request: &Request) -> Result<Caller, Refused> {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    if request.version() == Version::HTTP_11 && !headers.contains_key(HOST) {
        // RFC 9112 §3.2.
        let problem = Problem::bad_request("HTTP/1.1 needs a `Host`; send one");
        return Err((Refusal::Host, problem));
    }
    let only_loopback = app.on_loopback && app.auth.is_none();
    judge(method, uri, headers, only_loopback, &app.cors)?;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let user = user(app, peer.map(|peer| peer.0.ip()), headers)?;
    let Some(auth) = app.auth.as_ref().filter(|_| !is_open(uri.path())) else {
        return Ok(Caller { grant: None, user });
    };
    let found = auth.authenticate(uri, headers, Instant::now());
    let (grant, carrier) = found.map_err(|cause| {
        tracing::debug!(
            peer = peer.map(|peer| tracing::field::display(peer.0)),
            path = uri.path(),
            ?cause,
            "not authenticated"
        );
        rejection(cause)
    })?;
    if carrier == Carrier::Cookie && !method.is_safe() {
        check_forgery(uri, headers, &app.cors)?;
    }
    Ok(Caller {
        grant: Some(grant),
        user,
    })
}

/// What answers without a credential: nothing of it tells of events.
fn is_open(path: &str) -> bool {
    path == "/health" || path == "/ready" || page::is_at(path)
}

/// The answer of RFC 6750 §3.
fn rejection(cause: Rejected) -> Refused {
    let unauthorized = |detail: String| Problem::new(StatusCode::UNAUTHORIZED, detail);
    match cause {
        Rejected::Missing => (
            Refusal::Unauthenticated,
            unauthorized(
                "this needs a credential; send `Authorization: Bearer` and a token, or a ticket \
                 of POST /ticket"
                    .to_owned(),
            )
            .with_challenge(r#"Bearer realm="sse-serve""#),
        ),
        Rejected::Malformed(detail) => (
            Refusal::Credential,
            Problem::bad_request(detail)
                .with_challenge(r#"Bearer realm="sse-serve", error="invalid_request""#),
        ),
        Rejected::Invalid(reason) => (
            Refusal::Credential,
            unauthorized(format!("the credential is not good: {reason}"))
                .with_challenge(r#"Bearer realm="sse-serve", error="invalid_token""#),
        ),
        Rejected::Expired => (
            Refusal::Expired,
            unauthorized("the credential has expired; get another".to_owned()).with_challenge(
                r#"Bearer realm="sse-serve", error="invalid_token", error_description="expired""#,
            ),
        ),
    }
}

/// The user named by a proxy that may name one.
fn user(app: &App, peer: Option<IpAddr>, headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let is_trusted = peer.is_some_and(|peer| {
        let peer = peer.to_canonical();
        app.trusted_proxies.iter().any(|net| net.contains(&peer))
    });
    let mut users = headers.get_all(USER).iter();
    let Some(user) = users.next().filter(|_| is_trusted) else {
        return Ok(None);
    };
    let name = user.to_str().ok();
    let name = name.filter(|name| (1..=NAME_MAX).contains(&name.len()) && users.next().is_none());
    name.map(|name| Some(name.to_owned())).ok_or_else(|| {
        let detail = "`X-User-ID` must be one name of 1 to 256 characters of ASCII; correct the \
                      proxy";
        (Refusal::Credential, Problem::bad_request(detail))
    })
}

fn judge(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    only_loopback: bool,
    cors: &Cors,
) -> Result<(), Refused> {
    let host = requested_host(uri, headers).map_err(|problem| (Refusal::Host, problem))?;
    if only_loopback && host.as_ref().is_some_and(|host| !is_loopback(host.host())) {
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
    if origins.any(|origin| !is_own(origin, host.as_ref()) && !cors::allows(cors, origin)) {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "`Origin` is not this server's; publish from a page of its own, or without a browser, \
             or allow the origin with --cors-origin",
        );
        return Err((Refusal::Origin, problem));
    }
    Ok(())
}

/// A cookie alone says nothing of whose page made the browser ask.
fn check_forgery(uri: &Uri, headers: &HeaderMap, cors: &Cors) -> Result<(), Refused> {
    let host = requested_host(uri, headers).map_err(|problem| (Refusal::Host, problem))?;
    let mut origins = headers.get_all(ORIGIN).iter().peekable();
    let is_named = origins.peek().is_some();
    let with_credentials = |origin| cors.credentials && cors::allows(cors, origin);
    if is_named && origins.all(|origin| is_own(origin, host.as_ref()) || with_credentials(origin)) {
        return Ok(());
    }
    let problem = Problem::new(
        StatusCode::FORBIDDEN,
        "a cookie does this only from a page of this server, or of an origin allowed with \
         --cors-origin and --cors-credentials; send `Authorization: Bearer` instead",
    );
    Err((Refusal::Origin, problem))
}

fn is_own(origin: &HeaderValue, host: Option<&Authority>) -> bool {
    let origin: Option<Uri> = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    let authority = origin.as_ref().and_then(Uri::authority);
    authority
        .zip(host)
        .is_some_and(|(authority, host)| authority.as_str().eq_ignore_ascii_case(host.as_str()))
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
        // Without userinfo (RFC 9110 §7.2).
        let authority = Authority::try_from(host.as_bytes()).ok();
        authority
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(|| Problem::bad_request("`Host` is not a host and port; correct it"))
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
            ("GET",  "evil@localhost",  "",                       false),
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
    fn the_table_of_forgeries() {
        let app = "https://app.example";
        #[rustfmt::skip]
        let table = [
            // origin                   allowed origin  credentials  passes
            ("http://hub.example",      None,           false,       true),
            ("",                        None,           false,       false),
            ("null",                    None,           false,       false),
            ("http://evil.example",     None,           false,       false),
            ("http://hub.example:81",   None,           false,       false),
            ("https://app.example",     Some(app),      false,       false),
            ("https://app.example",     Some(app),      true,        true),
            ("https://evil.example",    Some(app),      true,        false),
            ("https://evil.example",    Some("*"),      false,       false),
        ];
        for (origin, allowed, credentials, passes) in table {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "hub.example".parse().unwrap());
            if !origin.is_empty() {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            let cors = Cors {
                origins: allowed.into_iter().map(ToOwned::to_owned).collect(),
                credentials,
            };
            let verdict = check_forgery(&Uri::from_static("/trigger"), &headers, &cors);
            assert_eq!(verdict.is_ok(), passes, "{origin} where {allowed:?} may");
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
