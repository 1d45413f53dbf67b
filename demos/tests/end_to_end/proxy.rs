//! `sse-bench proxy` between `sse-serve` and `sse-tui`.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::programs::{binary, listening, start_server};

#[test]
fn a_client_gets_every_event_through_cuts_in_the_middle_of_events() {
    let (Some(serve), Some(bench), Some(tui)) =
        (binary("sse-serve"), binary("sse-bench"), binary("sse-tui"))
    else {
        return;
    };
    let options = ["--tick-interval", "10ms", "--retry", "100ms"];
    let (_server, upstream) = start_server(&serve, "127.0.0.1:0", &options);
    let upstream = format!("http://{upstream}");
    let (_proxy, address) = listening(
        Command::new(bench)
            .args(["proxy", "--upstream", &upstream])
            .args(["--fault", "cut,after-events=8,where=mid-event,how=rst"])
            .args(["--fault", "split,bytes=7"])
            .stderr(Stdio::null()),
    );
    let url = format!("http://{address}/events");
    let mut command = Command::new(tui);
    command.args([&url, "--output", "ndjson", "--event", "tick", "-n", "30"]);
    let output = testing::output(&mut command);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let numbers: Vec<u64> = events
        .iter()
        .map(|event| {
            let data = event["data"].as_str().expect("data");
            let data: Value = serde_json::from_str(data).expect("a tick");
            data["seq"].as_u64().expect("its number")
        })
        .collect();
    assert_eq!(numbers.len(), 30);
    let expected: Vec<u64> = (numbers[0]..).take(30).collect();
    assert_eq!(numbers, expected, "none missing, none twice");
    let legs = events.last().expect("30")["connection"].as_u64();
    assert!(legs >= Some(4), "{legs:?}");
}
