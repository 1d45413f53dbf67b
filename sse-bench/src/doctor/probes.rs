//! Requests beside the stream itself: what other clients ask for.

use std::sync::Arc;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_ENCODING, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sse_core::lint::LintKind;

use super::finding::{Area, Finding, Grade};
use super::listen::Line;
use crate::connect::{Connector, Link};
use crate::cors::{Allows, Cors, STRANGER};
use crate::exchange::Request;
use crate::live::Live;

const CODINGS: &str = "gzip, deflate, br, zstd";

fn headers(line: &Line, more: &[(HeaderName, &'static str)]) -> HeaderMap {
    let mut headers = line.target.headers.clone();
    headers
        .entry(ACCEPT)
        .or_insert(HeaderValue::from_static("text/event-stream"));
    for (name, value) in more {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

async fn ask(
    line: &Line,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(u16, HeaderMap), String> {
    let request = Request {
        slot: 0,
        method,
        url: &line.target.url,
        headers,
        body: None,
    };
    match line.ask(&request).await {
        Ok(answer) => Ok((answer.status.as_u16(), answer.headers)),
        Err(failure) => Err(failure.detail),
    }
}

fn value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the stream is compressed for those who take it so, as browsers do.
pub(super) async fn compression(line: &Line) -> Finding {
    let area = Area::Compression;
    let headers = headers(line, &[(ACCEPT_ENCODING, CODINGS)]);
    match ask(line, &Method::GET, &headers).await {
        Err(reason) => Finding::new(Grade::Note, area, "cannot tell", reason),
        Ok((_, answer)) => match value(&answer, &CONTENT_ENCODING) {
            None | Some("identity") => {
                let evidence = format!("no content coding in answer to Accept-Encoding: {CODINGS}");
                Finding::new(Grade::Ok, area, "not compressed", evidence)
            }
            Some(coding) => {
                let what = "compressed for those who take it, as browsers do";
                let evidence = format!("Content-Encoding: {coding}");
                Finding::new(Grade::Warning, area, what, evidence)
                    .mend(LintKind::Compressed.mend(), LintKind::Compressed.source())
            }
        },
    }
}

/// Whether pages of other origins may read the stream.
pub(super) async fn cors(line: &Line) -> Finding {
    let area = Area::Cors;
    let sent = headers(line, &[(ORIGIN, STRANGER)]);
    let answer = match ask(line, &Method::GET, &sent).await {
        Ok((_, answer)) => answer,
        Err(reason) => return Finding::new(Grade::Note, area, "cannot tell", reason),
    };
    let cors = Cors::of(&answer);
    let what = match &cors.allows {
        Allows::Nobody => {
            let what = "for pages of its own origin alone";
            let evidence = "no Access-Control-Allow-Origin in answer to another origin";
            return Finding::new(Grade::Note, area, what, evidence);
        }
        Allows::Anyone | Allows::WhoeverAsks => "for pages of any origin",
        Allows::One(_) => "for pages of one other origin",
        Allows::Unmatchable(_) => "for no page of another origin",
    };
    let evidence = match &cors.allows {
        Allows::WhoeverAsks => "the Origin is repeated in Access-Control-Allow-Origin".to_owned(),
        other => {
            let value = other.value().unwrap_or_default();
            format!("Access-Control-Allow-Origin: {value}")
        }
    };
    if let Some(flaw) = cors.flaw() {
        let grade = if flaw.breaks_a_rule() {
            Grade::Problem
        } else {
            Grade::Warning
        };
        let evidence = format!("{evidence}: {}", flaw.words());
        return Finding::new(grade, area, what, evidence).mend(flaw.mend(), flaw.source());
    }
    let preflight = preflight(line).await;
    Finding::new(Grade::Ok, area, what, format!("{evidence}; {preflight}"))
}

/// What is answered before a request that a page on `fetch()` makes to resume.
async fn preflight(line: &Line) -> String {
    let fields = "authorization, cache-control, last-event-id";
    let asked = [
        (ORIGIN, STRANGER),
        (ACCESS_CONTROL_REQUEST_METHOD, "GET"),
        (ACCESS_CONTROL_REQUEST_HEADERS, fields),
    ];
    match ask(line, &Method::OPTIONS, &headers(line, &asked)).await {
        Ok((status, answer)) => match value(&answer, &ACCESS_CONTROL_ALLOW_HEADERS) {
            Some(fields) => format!("a preflight is answered {status}, for {fields}"),
            None => format!("a preflight is answered {status}, and allows no header field"),
        },
        Err(reason) => reason,
    }
}

/// Which versions of HTTP there are.
pub(super) async fn versions(line: &Line) -> Finding {
    let area = Area::Http;
    let url = &line.target.url;
    let transport = &line.target.transport;
    if url.scheme() != "https" {
        let evidence =
            "without TLS browsers speak no HTTP/2: at most six streams to a host at once";
        return Finding::new(Grade::Note, area, "HTTP/1.1 alone in browsers", evidence);
    }
    let mut offering = transport.clone();
    offering.http2 = None;
    offering.tls = offering.tls.map(|tls| {
        let mut tls = (*tls).clone();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(tls)
    });
    let link = match transport.resolve(url).await {
        Ok(addresses) => {
            let connector = Connector::new(&offering, url, addresses);
            connector.connect(url, 0, &Live::default()).await
        }
        Err(failure) => Err(failure),
    };
    match link {
        Err(failure) => Finding::new(Grade::Note, area, "cannot tell", failure.detail),
        Ok(Link::Http1(stream)) if stream.protocol() == Some(b"h2") => {
            let evidence = "ALPN chose h2; a browser shares one connection among its streams";
            Finding::new(Grade::Ok, area, "HTTP/2", evidence)
        }
        Ok(_) => {
            let evidence = "ALPN chose no h2: a browser opens at most six streams to a host";
            Finding::new(Grade::Warning, area, "no HTTP/2", evidence)
                .mend("offer HTTP/2", "HTML §9.2.7; RFC 9113 §3.2")
        }
    }
}
