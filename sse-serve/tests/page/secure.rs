//! The page over TLS, where a browser speaks HTTP/2.

use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::browser::Page;
use crate::server::Server;

#[test]
fn over_tls_a_browser_has_its_stream_and_all_else_on_http_2() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("both.pem");
    std::fs::write(&file, cert.pem() + &signing_key.serialize_pem()).unwrap();
    let server = Server::start(&["--tls-cert", &file.display().to_string()]);
    let url = server.url().replace("http://", "https://");
    let Some(mut page) = Page::open(&url) else {
        return;
    };
    // Ticks come each second.
    page.until_row("DEMO");
    // Eight streams are more than a browser opens to a host over HTTP/1.1.
    let opened = page.value(
        "Promise.all([...Array(8)].map(() => new Promise(open => {
            new EventSource('events').onopen = () => open('open');
        })))",
    );
    assert_eq!(opened.as_array().unwrap().len(), 8);
    let protocols = page.value(
        "[...new Set(performance.getEntriesByType('resource').map(entry => entry.nextHopProtocol))]
            .filter(name => name)",
    );
    assert_eq!(protocols, serde_json::json!(["h2"]));
}
