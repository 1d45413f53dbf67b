//! What single values on the command line are read as.

use std::io::Read;

use http::{HeaderName, HeaderValue};
use url::Url;

/// As curl: a URL without a scheme is http.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let mend = "write it as http://host:port/path, or - for standard input";
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&full).map_err(|error| format!("'{text}' is no URL ({error}); {mend}"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(format!(
            "'{text}': only http and https URLs can be read; {mend}"
        ))
    }
}

pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header is written as 'Name: value'")?;
    let name = name
        .trim()
        .parse()
        .map_err(|_| format!("'{}' cannot be the name of a header", name.trim()))?;
    let value = HeaderValue::from_bytes(value.trim().as_bytes())
        .map_err(|_| "the value of a header cannot hold control characters".to_owned())?;
    Ok((name, value))
}

pub(super) fn body(data: &str) -> Result<Vec<u8>, String> {
    match data.strip_prefix('@') {
        None => Ok(data.as_bytes().to_vec()),
        Some("-") => {
            let mut body = Vec::new();
            std::io::stdin()
                .read_to_end(&mut body)
                .map_err(|error| format!("cannot read the body from standard input: {error}"))?;
            Ok(body)
        }
        Some(path) => std::fs::read(path)
            .map_err(|error| format!("cannot read the body from {path}: {error}")),
    }
}

/// As curl, but JSON is called JSON.
pub(super) fn content_type(body: &[u8]) -> &'static str {
    if body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[") {
        "application/json"
    } else {
        "application/x-www-form-urlencoded"
    }
}

pub(super) fn pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("a JSON pointer begins with /, as in /choices/0/delta/content".to_owned())
    }
}

pub(super) fn size(text: &str) -> Result<(u16, u16), String> {
    let (columns, rows) = text.split_once('x').ok_or("a size is written as 120x36")?;
    match (columns.parse(), rows.parse()) {
        (Ok(columns @ 1..=1000), Ok(rows @ 1..=1000)) => Ok((columns, rows)),
        _ => Err("columns and rows are numbers from 1 to 1000, written as 120x36".to_owned()),
    }
}
