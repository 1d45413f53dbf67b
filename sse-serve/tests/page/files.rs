//! How the page and its files are served.

use crate::server::Server;

/// The head of an answer as lines, and its body.
fn parts(answer: &str) -> (Vec<&str>, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split("\r\n").collect(), body)
}

fn header<'a>(head: &[&'a str], name: &str) -> &'a str {
    let mut values = head.iter().filter_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    });
    let value = values.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(values.next(), None, "two {name}");
    value
}

#[test]
fn every_file_that_the_page_names_is_there() {
    let server = Server::quiet();
    let mut paths = vec!["/".to_owned(), "/favicon.ico".to_owned()];
    let mut seen = 0;
    while let Some(path) = paths.get(seen).cloned() {
        seen += 1;
        let answer = server.get(&path, "");
        let (head, body) = parts(&answer);
        assert_eq!(head[0], "HTTP/1.1 200 OK", "{path}");
        let media_type = header(&head, "content-type");
        let expected = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg" | "ico")) => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(media_type, expected, "{path}");
        for quoted in body.split('"').skip(1).step_by(2) {
            let named = match (&*path, quoted.strip_prefix("./")) {
                ("/", _) if quoted.starts_with("page/") => format!("/{quoted}"),
                (_, Some(module)) => format!("/page/{module}"),
                _ => continue,
            };
            if !paths.contains(&named) {
                paths.push(named);
            }
        }
    }
    assert!(seen > 10, "{paths:?}");
}

#[test]
fn the_page_can_load_and_reach_nothing_from_elsewhere() {
    let server = Server::quiet();
    for path in ["/", "/page/app.js", "/page/icon.svg"] {
        let answer = server.get(path, "");
        let (head, _) = parts(&answer);
        let policy = header(&head, "content-security-policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            let mut directives = policy.split("; ");
            assert!(directives.any(|found| found == directive), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&head, "x-content-type-options"), "nosniff");
        assert_eq!(header(&head, "referrer-policy"), "same-origin");
    }
}

#[test]
fn a_browser_that_has_the_page_is_not_sent_it_again() {
    let server = Server::quiet();
    let first = server.get("/", "");
    let (head, _) = parts(&first);
    assert_eq!(header(&head, "cache-control"), "no-cache");
    let tag = header(&head, "etag");
    let again = server.get("/", &format!("If-None-Match: {tag}\r\n"));
    let (head, body) = parts(&again);
    assert_eq!(head[0], "HTTP/1.1 304 Not Modified");
    assert_eq!(header(&head, "etag"), tag);
    assert_eq!(body, "");
    let other = server.get("/page/app.js", &format!("If-None-Match: {tag}\r\n"));
    assert!(other.starts_with("HTTP/1.1 200"), "{other}");
}

#[test]
fn the_page_is_for_names_of_this_machine_only() {
    let server = Server::quiet();
    for path in ["/", "/page/app.js", "/favicon.ico"] {
        let ask = |host: &str| {
            server.ask(&format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            ))
        };
        let answer = ask("rebound.example");
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
        assert!(ask("localhost").starts_with("HTTP/1.1 200"), "{path}");
    }
}

#[test]
fn only_get_and_head_are_taken() {
    let server = Server::quiet();
    let head = server.ask(&format!(
        "HEAD / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address
    ));
    let (lines, body) = parts(&head);
    assert_eq!(lines[0], "HTTP/1.1 200 OK");
    assert_eq!(body, "");
    let post = server.ask(&format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        server.address
    ));
    let (lines, _) = parts(&post);
    assert!(lines[0].starts_with("HTTP/1.1 405"), "{post}");
    assert_eq!(header(&lines, "allow"), "GET,HEAD");
}
