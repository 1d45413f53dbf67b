use http::{Method, header};
use sse_core::client::Request;

use super::*;
use crate::keymap::Keymap;
use crate::options::{Options, Source};

fn options(arguments: &[&str]) -> Result<Options, String> {
    let arguments = ["sse-tui"].iter().chain(arguments);
    Args::try_parse_from(arguments)
        .map_err(|error| error.to_string())?
        .try_into_options(Keymap::default(), true)
}

fn request(arguments: &[&str]) -> Request {
    match options(arguments).unwrap().sources.remove(0) {
        Source::Request(request) => *request,
        Source::Stdin => panic!("standard input"),
    }
}

#[test]
fn the_command_is_consistent() {
    Args::command().debug_assert();
}

#[test]
fn without_arguments_it_reads_the_default_hub() {
    assert_eq!(request(&[]).url.as_str(), DEFAULT_URL);
    assert_eq!(request(&[]).method, Method::GET);
}

#[test]
fn a_url_without_a_scheme_is_http() {
    for (text, url) in [
        ("localhost:8080/events", "http://localhost:8080/events"),
        ("127.0.0.1:80", "http://127.0.0.1/"),
        ("https://host/a?b=http://c", "https://host/a?b=http://c"),
    ] {
        assert_eq!(request(&[text]).url.as_str(), url);
    }
}

#[test]
fn data_makes_it_a_post_of_a_fitting_type() {
    let json = request(&["-d", "{\"a\":1}"]);
    assert_eq!(json.method, Method::POST);
    assert_eq!(json.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(json.body.as_ref(), b"{\"a\":1}");
    let own = request(&["-d", "x", "-X", "PUT", "-H", "content-type: text/plain"]);
    assert_eq!(own.method, Method::PUT);
    assert_eq!(own.headers[header::CONTENT_TYPE], "text/plain");
}

#[test]
fn data_can_come_from_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from a file").unwrap();
    let request = request(&["-d", &format!("@{}", file.path().display())]);
    assert_eq!(request.body.as_ref(), b"from a file");
    assert!(
        options(&["-d", "@/no/such/file"])
            .unwrap_err()
            .contains("/no/such/file")
    );
}

#[test]
fn what_cannot_work_is_refused_with_the_mend() {
    for (arguments, words) in [
        (&["http://"][..], "http://host:port/path"),
        (&["ftp://host/"], "http and https"),
        (&["-", "-"], "only once"),
        (&["-", "-d", "@-"], "only once"),
        (&["-H", "no colon"], "Name: value"),
        (&["-H", "bad name: x"], "name of a header"),
        (&["-o", "raw", "--event", "tick"], "--output raw"),
        (&["-n", "0"], "--events"),
        (&["--buffer", "much"], "--buffer"),
        (&["--size", "10", "--screenshot", "x.svg"], "120x36"),
        (&["--key", "Hyper", "--screenshot", "x.svg"], "is no key"),
        (&["--replay", "x", "http://host/"], "cannot be used with"),
        (&["--replay", "x", "--speed", "fast"], "10, 0.5, max"),
        (&["--speed", "10"], "--replay"),
        (&["--text-pointer", "a/b"], "begins with /"),
        (&["--reconnect", "--no-reconnect"], "cannot be used with"),
    ] {
        let message = options(arguments).expect_err(words);
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
}
