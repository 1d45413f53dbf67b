//! `GET /`: the web client and what it loads, all of it in the binary.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, StatusCode};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Nothing from elsewhere, nothing inline, and no text that becomes markup
/// (CSP Level 3, Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

macro_rules! script {
    ($name:literal) => {
        (
            concat!("/page/", $name),
            JAVASCRIPT,
            include_str!(concat!("../page/", $name)),
        )
    };
}

const ICON: &str = include_str!("../page/icon.svg");

/// Path, media type, content.
const FILES: [(&str, &str, &str); 21] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/favicon.ico", SVG, ICON),
    ("/page/icon.svg", SVG, ICON),
    ("/page/style.css", CSS, include_str!("../page/style.css")),
    script!("app.js"),
    script!("connection.js"),
    script!("detail.js"),
    script!("dom.js"),
    script!("format.js"),
    script!("json.js"),
    script!("list.js"),
    script!("parser.js"),
    script!("problem.js"),
    script!("row.js"),
    script!("send.js"),
    script!("source.js"),
    script!("store.js"),
    script!("summary.js"),
    script!("theme.js"),
    script!("token.js"),
    script!("view.js"),
];

/// Whether one of the page's files is there.
pub(super) fn is_at(path: &str) -> bool {
    FILES.iter().any(|(taken, ..)| *taken == path)
}

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new();
    for (path, media_type, content) in FILES {
        let tag = entity_tag(content);
        let answer = async move |headers: HeaderMap| respond(&headers, media_type, content, &tag);
        router = router.route(path, get(answer));
    }
    router
}

/// The same for the same content, whatever the server and its uptime.
fn entity_tag(content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

fn respond(
    headers: &HeaderMap,
    media_type: &'static str,
    content: &'static str,
    tag: &str,
) -> Response {
    let common = [
        (ETAG, tag),
        // Kept, but asked for each time: a new server comes with a new page.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`, which lets browsers send `Origin: null` with a POST.
        (REFERRER_POLICY, "same-origin"),
    ];
    if is_known(headers, tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(CONTENT_TYPE, media_type)], content).into_response()
}

/// Whether `If-None-Match` names this content (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_known_tags() {
        #[rustfmt::skip]
        let table: &[(&[&str], bool)] = &[
            (&[], false),
            (&["\"a\""], true),
            (&["W/\"a\""], true),
            (&["\"b\", \"a\""], true),
            (&["\"b\"", "\"a\""], true),
            (&["*"], true),
            (&["\"b\""], false),
            (&["a"], false),
        ];
        for (values, known) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(IF_NONE_MATCH, value.parse().unwrap());
            }
            assert_eq!(is_known(&headers, "\"a\""), *known, "{values:?}");
        }
    }
}
