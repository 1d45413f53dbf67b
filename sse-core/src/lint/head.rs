//! What the head of a response says, and leaves out.

use http::HeaderMap;
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, SERVER,
};

use super::report::{Report, quoted};
use super::{LintKind, Severity};

const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const EVENT_STREAM: &str = "text/event-stream";

pub(super) fn check(headers: &HeaderMap, report: &mut Report) {
    check_type(headers, report);
    check_cache(headers, report);
    if let Some(length) = text(headers, &CONTENT_LENGTH) {
        report.see(LintKind::ContentLength, Severity::Warning, || {
            format!("Content-Length: {}", quoted(&length))
        });
    }
    if let Some(coding) = text(headers, &CONTENT_ENCODING)
        && !matches!(coding.trim().to_ascii_lowercase().as_str(), "" | "identity")
    {
        report.see(LintKind::Compressed, Severity::Warning, || {
            format!("Content-Encoding: {}", quoted(&coding))
        });
    }
    check_nginx(headers, report);
}

pub(super) fn refuse_type(value: Option<&str>, report: &mut Report) {
    report.see(LintKind::ContentType, Severity::Error, || match value {
        Some(value) => format!("Content-Type: {}", quoted(value)),
        None => "no Content-Type".to_owned(),
    });
}

pub(super) fn refuse_coding(coding: &str, report: &mut Report) {
    report.see(LintKind::Compressed, Severity::Error, || {
        format!(
            "Content-Encoding: {}, which nobody asked for",
            quoted(coding)
        )
    });
}

fn check_type(headers: &HeaderMap, report: &mut Report) {
    let value = text(headers, &CONTENT_TYPE);
    let mut parts = value.as_deref().unwrap_or_default().split(';');
    let essence = parts.next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(EVENT_STREAM) {
        refuse_type(value.as_deref(), report);
        return;
    }
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("charset") {
            if !value.eq_ignore_ascii_case("utf-8") {
                report.see(LintKind::ContentTypeParameter, Severity::Warning, || {
                    format!("charset={}, and it is read as UTF-8", quoted(value))
                });
            }
        } else if !name.is_empty() {
            report.see(LintKind::ContentTypeParameter, Severity::Note, || {
                quoted(part.trim())
            });
        }
    }
}

fn check_cache(headers: &HeaderMap, report: &mut Report) {
    let control = text(headers, &CACHE_CONTROL);
    let forbids = control.as_deref().unwrap_or_default().split(',');
    let forbids = forbids
        .map(|directive| directive.split('=').next().unwrap_or_default().trim())
        .any(|name| {
            ["no-store", "no-cache"]
                .iter()
                .any(|wanted| name.eq_ignore_ascii_case(wanted))
        });
    if !forbids {
        report.see(LintKind::Cacheable, Severity::Warning, || match &control {
            Some(control) => format!("Cache-Control: {}", quoted(control)),
            None => "no Cache-Control".to_owned(),
        });
    }
    // `Age: 0` is of a cache that passed on what it just got.
    if let Some(age) = text(headers, &AGE)
        && age.trim() != "0"
    {
        report.see(LintKind::FromCache, Severity::Error, || {
            format!("Age: {}", quoted(&age))
        });
    }
}

/// nginx takes `X-Accel-Buffering` from the application for itself and does not
/// pass it on, so that its absence proves nothing: a note, and never more.
fn check_nginx(headers: &HeaderMap, report: &mut Report) {
    let Some(server) = text(headers, &SERVER) else {
        return;
    };
    let nginx = server.trim().to_ascii_lowercase().starts_with("nginx");
    let accel = text(headers, &X_ACCEL_BUFFERING);
    let off = accel.is_some_and(|value| value.trim().eq_ignore_ascii_case("no"));
    if nginx && !off {
        report.see(LintKind::NginxBuffering, Severity::Note, || {
            format!(
                "Server: {}, no X-Accel-Buffering: no (which nginx may have kept to itself)",
                quoted(&server)
            )
        });
    }
}

/// All values of a field, joined (RFC 9110 §5.3).
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}
