//! What `load` takes its rates from.

use std::sync::{Mutex, mpsc};

use serde_json::json;

use crate::support::{SSE_HEAD, Server, chunked, hold, load, send};

#[test]
fn rates_are_those_of_the_hold_and_not_of_the_ramp() {
    let (told, came_back) = mpsc::channel();
    let came_back = Mutex::new(came_back);
    let server = Server::start(move |number, _, stream| {
        match number {
            // All the events of the run, before the second connection is open.
            0 => {
                return send(
                    stream,
                    chunked(&["retry: 100\n\n", &"data: x\n\n".repeat(1000)]),
                );
            }
            // Who comes back has read them.
            1 => came_back.lock().unwrap().recv().unwrap(),
            _ => told.send(()).unwrap(),
        }
        send(stream, format!("{SSE_HEAD}\r\n"));
        hold(stream);
    });
    let report = load(&server, &["-c", "2", "-z", "200ms"]).json();
    assert_eq!(report["deliveries"]["total"], 1000, "{report:#}");
    assert_eq!(report["deliveries"]["window"], "hold");
    assert_eq!(report["deliveries"]["per_second"], json!(0.0), "{report:#}");
    assert!(report["bytes"]["per_second"].as_f64() < report["bytes"]["total"].as_f64());
}
