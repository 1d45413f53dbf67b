//! The token of a person: where it goes, and where it does not stay.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::json;
use tempfile::TempDir;

use crate::browser::Page;
use crate::server::{Line, Server};

const TOKEN: &str = "a-token-of-a-person";
const SECRET: &str = "the secret of a server that tests start";

/// A quiet demo that takes one token, and JSON Web Tokens.
fn guarded() -> (Server, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, secret: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, secret).unwrap();
        file.display().to_string()
    };
    let token = format!(
        "me:file={},subscribe=*,publish=*,admin",
        file("token", TOKEN)
    );
    let quiet = [
        "--tick-interval",
        "1h",
        "--status-interval",
        "1h",
        "--retry",
        "100ms",
    ];
    let key = file("key", SECRET);
    let jwt = [
        "--jwt-algorithm",
        "HS256",
        "--jwt-leeway",
        "0s",
        "--jwt-key-file",
        &key,
    ];
    let server = Server::start(&[&quiet[..], &["--auth-token", &token], &jwt].concat());
    (server, directory)
}

/// A JSON Web Token for everything, for so many seconds.
fn jwt(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let claims = json!({"exp": now.as_secs() + seconds, "subscribe": "*"});
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let message = format!(
        "{}.{}",
        part(json!({"alg": "HS256"}).to_string()),
        part(claims.to_string())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

fn publish(server: &Server, body: &str) {
    ask(server, "POST /trigger", body);
}

/// A request with the token.
fn ask(server: &Server, request: &str, body: &str) {
    let (host, length) = (&server.address, body.len());
    let answer = server.ask(&format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_token_opens_the_stream_and_sends_and_is_kept_nowhere() {
    let (server, _files) = guarded();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    page.until_row(
        "failed · put a token into its field · 401 Unauthorized: this needs a credential",
    );
    page.until("document.activeElement.id === 'token'");
    page.until("document.querySelector('#kept').textContent === '1 row kept'");
    page.click("#send button.primary");
    page.until("document.querySelector('#sent').textContent.startsWith('401 Unauthorized')");
    page.fill("#token", "wrong-token-wrong-token");
    page.click("#connect");
    page.until_row(
        "failed · put a token into its field · 401 Unauthorized: the credential is not good",
    );
    page.fill("#token", "töken");
    page.click("#connect");
    page.until_row("failed · the token has a character");
    page.click("#send button.primary");
    page.until("document.querySelector('#sent').textContent.startsWith('the token has')");

    page.fill("#token", TOKEN);
    page.click("#connect");
    page.until_row("connected ·");
    page.fill("#send-data", "sent with it");
    page.click("#send button.primary");
    page.until_row("sent with it");
    let kept = page.value(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])",
    );
    assert!(!kept.as_str().unwrap().contains(TOKEN), "{kept}");
    assert!(!page.text("body").contains(TOKEN));
    assert_eq!(page.complaints(), [""; 0]);
    page.visit(&server.url());
    page.until_row("failed · put a token into its field · 401");
    assert_eq!(page.value("document.querySelector('#token').value"), "");
}

#[test]
fn a_stream_whose_token_expires_goes_on_with_the_next() {
    let (server, _files) = guarded();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    page.until_row("failed · put a token into its field · 401");
    let count = |selector: &str| format!("document.querySelectorAll('{selector}').length");
    let (good, bad) = (count(".row.good"), count(".row.bad"));
    // Longer where the machine takes longer than the token lives.
    for seconds in [3, 8, 20, 40] {
        let refused = page.value(&bad);
        page.fill("#token", &jwt(seconds));
        page.click("#connect");
        page.until(&format!("{good} > 0 || {bad} > {refused}"));
        if page.value(&format!("{good} > 0")) == true {
            break;
        }
    }
    // Of a token that was over before its use there is such a row already.
    let expired = "[...document.querySelectorAll('.row')].filter(row => row.textContent.includes('failed · put a token into its field · 401 Unauthorized: the credential has expired; get another')).length";
    let early = page.value(expired);
    publish(&server, r#"{"data":"before"}"#);
    page.until_row("the server says: the credential has expired");
    page.until(&format!("{expired} > {early}"));
    publish(&server, r#"{"data":"in between"}"#);
    page.fill("#token", &jwt(600));
    page.click("#connect");
    page.until_row("in between");
    let rows = "[...document.querySelectorAll('.row')].map(row => row.textContent)";
    let seen = |text: &str| format!("{rows}.filter(text => text.includes('{text}')).length");
    assert_eq!(page.value(&seen("before")), 1);
    assert_eq!(page.value(&seen("in between")), 1);
    assert_eq!(page.text("#gaps"), "0");
}

#[test]
fn a_reconnect_sends_the_token_that_is_in_the_field_by_then() {
    let (server, _files) = guarded();
    let line = Line::to(&server.address);
    let Some(mut page) = Page::open(&format!("http://{}/", line.address)) else {
        return;
    };
    page.until_row("failed · put a token into its field · 401");
    page.fill("#token", &jwt(600));
    page.click("#connect");
    page.until_row("connected ·");
    page.fill("#token", "no-good-any-more-at-all");
    line.cut();
    page.until_row("attempt");
    line.mend();
    page.until_row(
        "failed · put a token into its field · 401 Unauthorized: the credential is not good",
    );
}

/// V43
#[test]
fn a_native_event_source_comes_back_with_its_ticket_and_misses_nothing() {
    let (server, _files) = guarded();
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    let opened = page.value(&format!(
        "(async () => {{
            const headers = {{ Authorization: 'Bearer {TOKEN}' }};
            const {{ ticket }} = await (await fetch('ticket', {{ method: 'POST', headers }})).json();
            window.source = new EventSource(`events?ticket=${{ticket}}`);
            window.connections = [];
            const body = document.createElement('p');
            body.id = 'seen';
            document.body.append(body);
            source.onmessage = (event) => body.textContent += `${{event.data}};`;
            return await new Promise(done => source.addEventListener('connected', (event) => {{
                connections.push(JSON.parse(event.data).connection);
                document.body.dataset.connections = connections.length;
                done(connections[0]);
            }}));
        }})()"
    ));
    publish(&server, r#"{"data":"one"}"#);
    page.until("document.querySelector('#seen').textContent === 'one;'");
    let path = format!("DELETE /connections/{}", opened.as_str().unwrap());
    ask(&server, &path, "");
    publish(&server, r#"[{"data":"two"},{"data":"three"}]"#);
    page.until("document.body.dataset.connections === '2'");
    page.until("document.querySelector('#seen').textContent === 'one;two;three;'");
    assert_eq!(page.value("source.readyState"), 1);
}
