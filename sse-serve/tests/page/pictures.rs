//! The pictures of the documents, made anew by
//! `cargo test -p sse-serve --test page -- --ignored`, then shrunk by
//! `pngquant --ext .png --force 64 docs/web-client*.png`.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::json;

use crate::browser::Page;
use crate::server::Server;

#[test]
#[ignore = "writes into docs/"]
fn the_pictures_of_the_documents() {
    let mut server = Server::start(&["--tick-interval", "250ms", "--status-interval", "3s"]);
    let Some(mut page) = Page::open(&server.url()) else {
        return;
    };
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    fs::create_dir_all(&docs).unwrap();
    page.until("Number(document.querySelector('#count').textContent) > 20");
    server.publish(r#"[{"event":"order-update","data":{"order":4711,"state":"paid"}},{"data":"a plain line of text"}]"#);
    page.until_row("plain line");
    server.kill();
    page.until_row("attempt");
    server.restart();
    page.until_row("gap ·");
    page.fill("#send-type", "note");
    page.click("#send button.primary");
    page.until("document.querySelector('#sent').textContent.startsWith('published')");
    page.until_row("hello");
    for (name, scheme, width, height) in [
        ("web-client", "dark", 1360, 820),
        ("web-client-phone", "light", 390, 844),
    ] {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        page.call("Emulation.setEmulatedMedia", &features);
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        page.call("Emulation.setDeviceMetricsOverride", &metrics);
        if width > 1200 {
            page.value("[...document.querySelectorAll('.row .lane-3')].at(-1).click()");
        } else {
            page.click("#follow");
        }
        page.value("new Promise(done => setTimeout(done, 1500))");
        let capture = page.call("Page.captureScreenshot", &json!({"format": "png"}));
        let png =
            base64::engine::general_purpose::STANDARD.decode(capture["data"].as_str().unwrap());
        fs::write(docs.join(name).with_extension("png"), png.unwrap()).unwrap();
    }
}
