//! Wrong statuses and content types, and whom faults are for.

use super::support::{Ended, Proxy, Response, events};
use crate::support::{Server, chunked};

#[test]
fn a_wrong_status_is_answered_in_place_of_the_stream() {
    let server = Server::answering(chunked(&[&events(&[1])]));
    let proxy = Proxy::with(
        &server,
        &["status,code=429,retry-after=7,connections=first"],
    );
    let mut refused = proxy.get();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.field("retry-after"), Some("7"));
    assert!(refused.text().0.contains("fault status"));
    assert_eq!(server.requests().len(), 0);
    // The same connection serves the next request.
    refused.ask("GET /", &["Accept: text/event-stream"], b"");
    refused.read_head().unwrap();
    assert_eq!((refused.status, refused.text().0), (200, events(&[1])));

    for code in [204, 500, 201] {
        let proxy = Proxy::with(&server, &[&format!("status,code={code}")]);
        let response = proxy.get();
        assert_eq!(response.status, code);
        assert_eq!(response.field("content-length").is_none(), code == 204);
        proxy.logged(&["stream 1", &format!("answered {code}")]);
    }
}

#[test]
fn a_stream_is_known_by_its_answer_where_the_request_does_not_say() {
    let server = Server::start(|_, request, stream| {
        let stream_or_not = if request.line.contains("/events") {
            chunked(&[&events(&[1])])
        } else {
            chunked(&["page"]).replace("text/event-stream", "text/html")
        };
        crate::support::send(stream, stream_or_not);
    });
    let proxy = Proxy::with(&server, &["status,code=503,connections=first"]);
    let ask = |path: &str| Response::open(proxy.address, &format!("GET {path}"), &[]).status;
    assert_eq!([ask("/"), ask("/events"), ask("/events")], [200, 503, 200]);
    assert_eq!(proxy.counter("/streams"), 2);

    let proxy = Proxy::with(&server, &["cut,at=request"]);
    let ask = |path: &str| {
        let mut asked = Response::asking(proxy.address, &format!("GET {path}"), &[], b"");
        asked.read_head().map(|()| asked.status)
    };
    assert_eq!(ask("/").ok(), Some(200));
    assert!(ask("/events").is_err());
    proxy.logged(&["stream 1 cut: cut (fin) instead of an answer"]);

    let proxy = Proxy::with(&server, &["status,code=503,responses=all,connections=2"]);
    let ask = |path: &str| Response::open(proxy.address, &format!("GET {path}"), &[]).status;
    assert_eq!([ask("/events"), ask("/"), ask("/")], [200, 503, 200]);
}

#[test]
fn other_responses_are_spoilt_only_where_a_fault_names_them() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nabcdef";
    let server = Server::answering(page);
    let faults = |scope: &str| {
        let cut = format!("cut,after-bytes=3{scope}");
        let kind = format!("content-type,value=none{scope}");
        Proxy::with(&server, &[&cut, &kind])
    };
    let proxy = faults("");
    let mut untouched = proxy.get();
    assert_eq!(untouched.field("content-type"), Some("text/plain"));
    assert_eq!(untouched.text(), ("abcdef".to_owned(), Ended::Whole));
    let proxy = faults(",responses=all");
    let mut spoilt = proxy.get();
    assert_eq!(spoilt.field("content-type"), None);
    assert_eq!(spoilt.text(), ("abc".to_owned(), Ended::Closed));
}

#[test]
fn a_content_type_is_replaced() {
    let server = Server::answering(chunked(&[&events(&[1])]));
    let proxy = Proxy::with(&server, &["content-type,value=text/plain; charset=utf-8"]);
    let mut response = proxy.get();
    assert_eq!(
        response.field("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(response.text().0, events(&[1]));
}

#[test]
fn a_path_chooses_requests() {
    let server = Server::answering(chunked(&[&events(&[1])]));
    let proxy = Proxy::with(&server, &["status,code=500,path=/a*"]);
    let fields = ["Accept: text/event-stream"];
    let ask = |path: &str| Response::open(proxy.address, &format!("GET {path}"), &fields).status;
    assert_eq!([ask("/a"), ask("/a/b?c"), ask("/b")], [500, 500, 200]);
}
