//! One request and the head of its response (RFC 9113 §8.3).

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use url::Position;

use super::Lease;
use super::incoming::Incoming;
use crate::exchange::{Answer, Request, Wire};
use crate::failure::{Failure, Kind};
use crate::http::AGENT;
use crate::leg::Leg;
use crate::report::invocation::shown_url;

/// Sends the request on a stream of its own and waits for the head of the response.
pub async fn ask(lease: Lease, wire: Wire<'_>, request: &Request<'_>) -> Result<Answer, Failure> {
    let Some(connection) = lease.connection() else {
        return Err(Failure::new(Kind::Http2, "there is no connection"));
    };
    let head = head(request)?;
    let mut send = connection.send.clone();
    let failed = |error: h2::Error| connection.note(&error);
    let (response, mut content) = send
        .send_request(head, request.body.is_none())
        .map_err(failed)?;
    if let Some(body) = request.body {
        let body = Bytes::copy_from_slice(body);
        content.send_data(body, true).map_err(failed)?;
    }
    let response = response.await;
    connection.meter.count(wire.live);
    let (head, body) = response.map_err(failed)?.into_parts();
    let received = connection.meter.received();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        leg: Leg::http2(Incoming::new(body, content, lease), received),
    })
}

fn head(request: &Request<'_>) -> Result<http::Request<()>, Failure> {
    let invalid = |error: &dyn std::fmt::Display| {
        Failure::new(
            Kind::Http2,
            format_args!("{}: {error}", shown_url(request.url)),
        )
    };
    let mut headers = request.headers.clone();
    let url = request.url;
    let host = match headers.remove(HOST) {
        Some(host) => Bytes::copy_from_slice(host.as_bytes()),
        None => Bytes::copy_from_slice(url[Position::BeforeHost..Position::AfterPort].as_bytes()),
    };
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(AGENT));
    let target: PathAndQuery = match &url[Position::BeforePath..Position::AfterQuery] {
        "" => PathAndQuery::from_static("/"),
        target => target.parse().map_err(|error| invalid(&error))?,
    };
    let scheme = match url.scheme() {
        "https" => Scheme::HTTPS,
        _ => Scheme::HTTP,
    };
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(&*host)
        .path_and_query(target);
    let mut head = http::Request::new(());
    *head.method_mut() = request.method.clone();
    *head.uri_mut() = uri.build().map_err(|error| invalid(&error))?;
    *head.headers_mut() = headers;
    Ok(head)
}
