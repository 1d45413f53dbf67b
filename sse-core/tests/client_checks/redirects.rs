//! C13-C16: redirects, and what does not follow them.

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};
use sse_core::client::{Auth, Request};
use sse_core::{Cause, SourceOptions};

use crate::client::{Client, quick};
use crate::mock::{Mock, STREAM, head};

fn redirect(status: u16, location: &str) -> String {
    head(
        &format!("{status} X"),
        &[&format!("Location: {location}"), "Content-Length: 0"],
    )
}

#[tokio::test]
async fn c13_redirects_are_followed() {
    for status in [301, 302, 303, 307, 308] {
        let server = Mock::bind().await;
        let mut client = Client::get(server.url("/from"));
        server.answer(redirect(status, "/to?x=1")).await;
        let request = server.answer(STREAM).await;
        assert_eq!((&*request.method, &*request.path), ("GET", "/to?x=1"));
        assert_eq!(client.open().await, 1, "{status}");
    }
}

#[tokio::test]
async fn c13_a_post_becomes_a_get_where_fetch_makes_it_one() {
    for (status, method, body) in [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "{}"),
        (308, "POST", "{}"),
    ] {
        let server = Mock::bind().await;
        let request = Request::new(Method::POST, server.url("/from"))
            .body("{}")
            .header(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        let _client = Client::start(request, quick());
        server.answer(redirect(status, "/to")).await;
        let request = server.answer(STREAM).await;
        assert_eq!(request.method, method, "{status}");
        assert_eq!(request.body, body.as_bytes(), "{status}");
        assert_eq!(
            request.header("content-type").is_some(),
            method == "POST",
            "{status}"
        );
    }
}

#[tokio::test]
async fn c14_reconnects_go_to_the_target_of_the_redirect() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/from"));
    server.answer(redirect(302, "/to")).await;
    for _ in 0..2 {
        assert_eq!(server.answer(STREAM).await.path, "/to");
        client.open().await;
        client.disconnected().await;
    }
}

#[tokio::test]
async fn c14_a_target_that_opened_no_stream_is_not_remembered() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/from"));
    server.answer(redirect(302, "/to")).await;
    server.accept().await.reset();
    client.disconnected().await;
    assert_eq!(server.accept().await.request.path, "/from");
}

#[tokio::test]
async fn c14_credentials_and_custom_headers_stay_with_their_origin() {
    let home = Mock::bind().await;
    let other = Mock::bind().await;
    let request = Request::get(home.url("/"))
        .header(
            HeaderName::from_static("x-key"),
            HeaderValue::from_static("secret"),
        )
        .auth(Auth::Bearer("token".into()));
    let mut client = Client::start(request, quick());
    let first = home.answer(redirect(307, other.url("/to").as_str())).await;
    assert_eq!(first.text("authorization"), Some("Bearer token"));
    assert_eq!(first.text("x-key"), Some("secret"));
    for _ in 0..2 {
        let request = other.answer(STREAM).await;
        assert_eq!(request.text("authorization"), None);
        assert_eq!(request.text("x-key"), None);
        assert_eq!(request.text("accept"), Some("text/event-stream"));
        client.open().await;
        client.disconnected().await;
    }
}

#[tokio::test]
async fn c14_credentials_in_the_url_are_sent_to_their_origin_and_no_other() {
    let home = Mock::bind().await;
    let other = Mock::bind().await;
    let mut url = home.url("/");
    url.set_username("me@work").unwrap();
    url.set_password(Some("secret")).unwrap();
    let _client = Client::get(url);
    let credentials = Some("Basic bWVAd29yazpzZWNyZXQ=");
    for location in ["/relative", home.url("/absolute").as_str()] {
        let request = home.answer(redirect(302, location)).await;
        assert_eq!(request.text("authorization"), credentials);
    }
    let request = home.answer(redirect(302, other.url("/").as_str())).await;
    assert_eq!(request.path, "/absolute");
    assert_eq!(request.text("authorization"), credentials);
    assert_eq!(other.answer(STREAM).await.text("authorization"), None);
}

#[tokio::test]
async fn c14_a_host_header_is_for_the_callers_url_only() {
    let server = Mock::bind().await;
    let host = HeaderValue::from_static("virtual.example");
    let request = Request::get(server.url("/")).header(http::header::HOST, host);
    let _client = Client::start(request, quick());
    let first = server.answer(redirect(307, "/to")).await;
    assert_eq!(first.text("host"), Some("virtual.example"));
    for _ in 0..2 {
        let host = server.address().to_string();
        assert_eq!(server.answer(STREAM).await.text("host"), Some(&*host));
    }
}

#[tokio::test]
async fn c14_an_authorization_header_stays_with_its_origin_too() {
    let home = Mock::bind().await;
    let other = Mock::bind().await;
    let request =
        Request::get(home.url("/")).header(AUTHORIZATION, HeaderValue::from_static("Basic eA=="));
    let _client = Client::start(request, quick());
    let first = home.answer(redirect(302, other.url("/").as_str())).await;
    assert_eq!(first.text("authorization"), Some("Basic eA=="));
    assert_eq!(other.answer(STREAM).await.text("authorization"), None);
}

#[tokio::test]
async fn c15_a_redirect_without_a_usable_location_fails() {
    for (headers, words) in [
        (&["Content-Length: 0"][..], "no Location"),
        (&["Location:", "Content-Length: 0"][..], "an empty Location"),
        (
            &["Location: ftp://example.com/", "Content-Length: 0"][..],
            "a Location that cannot be followed: \"ftp://example.com/\"",
        ),
    ] {
        let server = Mock::bind().await;
        let mut client = Client::get(server.url("/"));
        server.answer(head("302 Found", headers)).await;
        let cause = client.closed().await;
        assert_eq!(
            cause.to_string(),
            format!("the server answered 302 Found with {words}")
        );
        assert!(!server.has_visitor());
    }
}

#[tokio::test]
async fn c16_a_redirect_loop_is_bounded() {
    let server = Mock::bind().await;
    let options = SourceOptions {
        max_redirects: 5,
        ..quick()
    };
    let mut client = Client::start(Request::get(server.url("/")), options);
    for _ in 0..=5 {
        server.answer(redirect(307, "/")).await;
    }
    assert_eq!(client.closed().await, Cause::TooManyRedirects(5));
    assert!(!server.has_visitor());
    assert_eq!(SourceOptions::default().max_redirects, 20);
}
