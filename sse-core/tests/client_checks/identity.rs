//! By what a server knows a client again: cookies and credentials.

use sse_core::client::{Auth, Request, Update};

use crate::client::{Client, quick};
use crate::mock::{Mock, STREAM, head};

#[tokio::test]
async fn cookies_are_sent_back() {
    let server = Mock::bind().await;
    let _client = Client::get(server.url("/"));
    let cookie = [
        "Set-Cookie: node=blue; Path=/",
        "Location: /to",
        "Content-Length: 0",
    ];
    assert_eq!(
        server.answer(head("307 X", &cookie)).await.text("cookie"),
        None
    );
    assert_eq!(
        server.answer(STREAM).await.text("cookie"),
        Some("node=blue")
    );
    assert_eq!(
        server.answer(STREAM).await.text("cookie"),
        Some("node=blue")
    );
}

#[tokio::test]
async fn a_server_cannot_fill_the_memory_with_cookies() {
    let server = Mock::bind().await;
    let _client = Client::get(server.url("/"));
    let mut sent = Vec::new();
    for leg in 0..5 {
        let mut lines = vec!["Content-Type: text/event-stream".to_owned()];
        lines.push("Set-Cookie: first=old".replace("old", &leg.to_string()));
        lines.push(format!("Set-Cookie: long={}", "v".repeat(5_000)));
        lines.extend((0..30).map(|n| format!("Set-Cookie: c{leg}x{n}=v")));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let request = server.answer(head("200 OK", &lines)).await;
        let cookies = request.text("cookie").unwrap_or_default();
        sent = cookies.split("; ").map(str::to_owned).collect();
    }
    assert_eq!(sent.len(), 50);
    assert!(
        sent.contains(&"first=3".to_owned()),
        "known ones are renewed"
    );
    assert!(!sent.iter().any(|cookie| cookie.starts_with("long=")));
}

#[tokio::test]
async fn credentials_are_sent_with_every_connection_and_not_shown() {
    let server = Mock::bind().await;
    let mut with_password = server.url("/");
    with_password.set_username("me").unwrap();
    with_password.set_password(Some("secret")).unwrap();
    let basic = Auth::Basic {
        user: "me".into(),
        password: Some("secret".into()),
    };
    for request in [
        Request::get(with_password),
        Request::get(server.url("/")).auth(basic),
    ] {
        let mut stream = crate::client::stream(request, quick());
        match stream.next().await {
            Some(Update::Connecting { url, .. }) => assert_eq!(url, server.url("/")),
            other => panic!("saw {other:?}"),
        }
        let _client = Client::drive(stream);
        for _ in 0..2 {
            let request = server.answer(STREAM).await;
            assert_eq!(request.text("authorization"), Some("Basic bWU6c2VjcmV0"));
        }
    }
}

#[tokio::test]
async fn chosen_credentials_win_over_those_in_the_url() {
    let server = Mock::bind().await;
    let mut url = server.url("/");
    url.set_username("me").unwrap();
    let _client = Client::start(
        Request::get(url).auth(Auth::Bearer("token".into())),
        quick(),
    );
    for _ in 0..2 {
        let request = server.answer(STREAM).await;
        assert_eq!(request.text("authorization"), Some("Bearer token"));
    }
}
