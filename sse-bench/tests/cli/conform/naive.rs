//! A client as people write it in an afternoon.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

/// No test: the client, which `conform` starts with its URL after `--skip`. It
/// ignores status, content type, redirects, ids, retry, CR and byte order marks,
/// and comes back at once.
#[test]
#[ignore = "a program for the tests of conform"]
fn client() {
    let Some(url) = std::env::args().skip_while(|one| one != "--skip").nth(1) else {
        return;
    };
    let (authority, path) = url["http://".len()..].split_once('/').unwrap();
    // A client whose test is over is killed; one that was forgotten ends by itself.
    for _ in 0..20_000 {
        if let Ok(mut stream) = TcpStream::connect(authority) {
            let request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
            let _ = stream.write_all(request.as_bytes());
            read(stream);
        }
        sleep(Duration::from_millis(1));
    }
}

fn read(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    let mut pending = Vec::new();
    let (mut in_body, mut data, mut event_type) = (false, None, "message".to_owned());
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte) {
        if byte[0] != b'\n' {
            pending.push(byte[0]);
            continue;
        }
        let line = String::from_utf8_lossy(&std::mem::take(&mut pending)).into_owned();
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            if let (true, Some(data)) = (in_body, data.take()) {
                let event = serde_json::json!({ "type": event_type, "data": data });
                println!("{event}");
            }
            in_body = true;
            "message".clone_into(&mut event_type);
        } else if let Some(value) = line.strip_prefix("data: ") {
            data = Some(value.to_owned());
        } else if let Some(value) = line.strip_prefix("event: ") {
            value.clone_into(&mut event_type);
        }
    }
}
