//! What a person sees and does.

use serde_json::json;

use crate::browser::Page;
use crate::server::{Line, Server};

/// A page that is connected, and the server behind it.
fn connected(server: &Server) -> Option<Page> {
    let mut page = Page::open(&server.url())?;
    page.until_row("connected ·");
    Some(page)
}

fn count(page: &mut Page, event_type: &str) -> u64 {
    let counts = page.value(&format!(
        "[...document.querySelectorAll('#types button')]
            .filter(button => button.querySelector('.name').textContent === {})
            .map(button => Number(button.querySelector('.count').textContent))",
        json!(event_type)
    ));
    counts[0].as_u64().unwrap_or(0)
}

#[test]
fn events_of_any_type_and_topic_show_without_their_names_being_typed() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    server.publish(
        r#"[{"event":"never heard of","topic":"far.away","data":"first"},{"data":"second"}]"#,
    );
    page.until_row("first");
    page.until_row("second");
    page.until("document.querySelector('#type-count').textContent === '5'");
    assert_eq!(count(&mut page, "never heard of"), 1);
    assert_eq!(count(&mut page, "message"), 1);
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn a_restarted_server_is_resumed_from_and_the_gap_is_shown() {
    let mut server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    server.publish(r#"{"data":"before"}"#);
    page.until_row("before");
    let last_id = "document.querySelector('#last-id').textContent";
    page.until(&format!("/-3$/.test({last_id})"));
    let before = page.value(last_id);
    server.kill();
    page.until("document.querySelector('#state').textContent.includes('reconnecting')");
    page.until_row("attempt");
    server.restart();
    page.until_row("gap ·");
    page.until_row("store_reset");
    page.until_row("back after");
    page.until("document.querySelector('#state').textContent.includes('open')");
    page.until("document.querySelector('#reconnects').textContent === '1'");
    page.until("document.querySelector('#gaps').textContent === '1'");
    // What it asked to resume after is told in the gap, which can be read whole.
    page.click(".row.warn");
    page.until("!document.querySelector('#chosen').hidden");
    let gap = page.text("#chosen-data");
    assert!(gap.contains(&format!("\"requested\": {before}")), "{gap}");
    server.publish(r#"{"data":"after"}"#);
    page.click("#follow");
    page.until_row("after");
}

#[test]
fn a_connection_cut_and_mended_loses_and_repeats_nothing() {
    let server = Server::quiet();
    let line = Line::to(&server.address);
    let Some(mut page) = Page::open(&format!("http://{}/", line.address)) else {
        return;
    };
    page.until_row("connected ·");
    server.publish(r#"{"data":"one"}"#);
    page.until_row("one");
    line.cut();
    page.until_row("attempt");
    server.publish(r#"[{"data":"two"},{"data":"three"}]"#);
    line.mend();
    page.until_row("back after");
    page.until_row("three");
    page.until("document.querySelector('#reconnects').textContent === '1'");
    page.until("document.querySelector('#count').textContent === '7'");
    assert_eq!(count(&mut page, "message"), 3);
    assert_eq!(page.text("#gaps"), "0");
}

#[test]
fn markup_from_the_network_is_text() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    let payload = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>";
    let event = json!({"event": payload, "data": {"markup": payload}});
    server.publish(&event.to_string());
    page.until_row(payload);
    page.until("document.querySelector('#type-count').textContent === '4'");
    page.value("[...document.querySelectorAll('.row')].at(-1).click()");
    page.until("!document.querySelector('#chosen').hidden");
    assert_eq!(page.text("#chosen-type"), payload);
    assert!(page.text("#chosen-data").contains("<img src=x onerror="));
    page.click("#types li:last-child button");
    page.until("document.querySelector('#shown').textContent.includes('<img')");
    // The page's own address fills its form.
    let topic: String = url::form_urlencoded::byte_serialize(payload.as_bytes()).collect();
    page.visit(&format!("{}#topic={topic}", server.url()));
    page.until("document.querySelector('#topics').value.startsWith('<img')");
    page.until_row("connected ·");
    assert_eq!(
        page.value("document.querySelectorAll('img, body script').length"),
        0
    );
    assert_eq!(page.value("window.broken === undefined"), true);
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn the_policy_stops_what_would_be_injected() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    let refused = page.value(
        "(() => { try { document.body.innerHTML = '<b>x</b>' } catch (e) { return e.name } })()",
    );
    assert_eq!(refused, "TypeError");
    let inline = "(() => { const script = document.createElement('script'); try { script.text = 'window.broken = 1'; document.body.append(script) } catch {} return window.broken === undefined })()";
    assert_eq!(page.value(inline), true);
    assert_ne!(
        page.complaints(),
        [""; 0],
        "the test sees what the policy stops"
    );
}

#[test]
fn a_message_is_sent_and_comes_back_with_the_id_that_was_told() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    page.fill("#send-type", "order-update");
    page.fill("#send-topic", "orders");
    page.fill("#send-data", "{\"order\": 4711}");
    page.click("#send button.primary");
    page.until("document.querySelector('#sent').textContent.startsWith('published as ')");
    page.until_row("order-update");
    page.value("[...document.querySelectorAll('.row')].at(-1).click()");
    page.until("!document.querySelector('#chosen').hidden");
    let (sent, id) = (page.text("#sent"), page.text("#chosen-id"));
    assert_eq!(sent, format!("published as {id}"));
    assert_eq!(page.text("#chosen-data"), "{\n  \"order\": 4711\n}");
}

#[test]
fn a_refused_message_shows_what_to_mend() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    page.fill("#send-type", "gap");
    page.click("#send button.primary");
    page.until("document.querySelector('#sent').textContent.startsWith('400 Bad Request: ')");
    page.fill("#send-type", "note");
    page.fill("#send-data", "{not json");
    page.click("#send-json");
    page.click("#send button.primary");
    page.until("document.querySelector('#sent').textContent.toLowerCase().includes('json')");
    assert_eq!(
        page.value("document.querySelector('#sent').dataset.tone"),
        "bad"
    );
}

#[test]
fn disconnect_ends_the_subscription_and_connect_takes_the_new_filter() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    page.click("#disconnect");
    page.until_row("disconnected");
    page.until("document.querySelector('#disconnect').disabled");
    page.value(
        "new Promise(async done => {
            while ((await (await fetch('health')).json()).connections > 0);
            done();
        })",
    );
    server.publish(r#"{"data":"while away"}"#);
    page.fill("#topics", "orders.*, stock");
    page.fill("#events", "wanted");
    page.fill("#start", "now");
    page.click("#connect");
    page.until("document.querySelector('#state').textContent.includes('open')");
    page.until("document.querySelectorAll('.row.good').length === 2");
    server.publish(
        r#"[{"event":"wanted","data":"other topic"},{"event":"unwanted","topic":"stock","data":"other type"},
            {"event":"wanted","topic":"orders.7","data":"this one"}]"#,
    );
    page.until_row("this one");
    let log = page.text("#log");
    for absent in ["while away", "other topic", "other type"] {
        assert!(!log.contains(absent), "{log}");
    }
}

#[test]
fn a_refused_subscription_shows_what_to_mend_and_is_not_retried() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    page.fill("#topics", &"t".repeat(300));
    page.click("#connect");
    page.until("document.querySelector('#state').textContent.includes('failed')");
    page.until_row("failed · 400 Bad Request: `topic`");
    page.until("!document.querySelector('#connect').disabled");
}

#[test]
fn the_keyboard_pauses_chooses_and_follows() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    page.value("document.querySelector('#log').focus()");
    page.press(" ");
    page.until("document.querySelector('#pause').textContent === 'PAUSED'");
    server.publish(r#"{"data":"held back"}"#);
    page.until("document.querySelector('#follow').textContent === '↓ 1 new'");
    assert!(!page.text("#log").contains("held back"));
    page.press(" ");
    page.until_row("held back");
    page.press("ArrowUp");
    page.until("document.querySelector('#chosen-data').textContent === 'held back'");
    page.press("ArrowUp");
    page.until("document.querySelector('#chosen-type').textContent !== 'message'");
    page.press("End");
    page.until("document.querySelector('#chosen').hidden");
}

#[test]
fn the_history_is_bounded_and_says_what_it_let_go() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    let events: Vec<_> = (0..6_000)
        .map(|n| json!({"data": format!("number {n}")}))
        .collect();
    server.publish(&json!(events).to_string());
    page.until_row("number 5999");
    page.until("document.querySelector('#kept').textContent.startsWith('5,000 rows kept, 1,0')");
    page.until("document.querySelector('#count').textContent === '6,003'");
    let rows = page.value("document.querySelectorAll('.row').length");
    assert!(rows.as_u64() < Some(200), "{rows} rows are elements");
}

#[test]
fn it_fits_a_phone() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    let phone = json!({"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true});
    page.call("Emulation.setDeviceMetricsOverride", &phone);
    server.publish(&json!({"event": "e".repeat(250), "data": "d".repeat(5_000)}).to_string());
    page.until_row("dddd");
    page.until("innerWidth === 360");
    let width = page.value("document.documentElement.scrollWidth");
    assert!(width.as_u64() <= Some(360), "{width} pixels wide");
}

#[test]
fn the_theme_is_the_systems_until_chosen_and_then_kept() {
    let server = Server::quiet();
    let Some(mut page) = connected(&server) else {
        return;
    };
    let background = "getComputedStyle(document.body).backgroundColor";
    let system = |page: &mut Page, value| {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        page.call("Emulation.setEmulatedMedia", &features);
        page.value(background)
    };
    let light = system(&mut page, "light");
    let dark = system(&mut page, "dark");
    assert_ne!(light, dark);
    page.click("#theme");
    assert_eq!(page.value(background), light);
    page.call("Page.reload", &json!({}));
    page.until("document.querySelector('#state')?.textContent.includes('open')");
    assert_eq!(page.value(background), light);
}
