//! The example as its readers run it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;

use reqwest::{Client, Response};
use testing::{PATIENCE, Program};

struct Example {
    program: Program,
    lines: Receiver<String>,
    url: String,
}

impl Example {
    /// `None`, said on stdout, where it was not built: cargo builds examples with
    /// all tests, not with one target alone.
    fn start() -> Option<Self> {
        let mut path = std::env::current_exe().unwrap();
        path.pop();
        path.pop();
        let name = format!("embed{}", std::env::consts::EXE_SUFFIX);
        let path: PathBuf = path.join("examples").join(name);
        if !path.exists() {
            let problem = "left out: cargo build --example embed was not run";
            println!("{problem}");
            assert!(
                std::env::var_os("SSE_TEST_REQUIRE_ALL").is_none(),
                "{problem}"
            );
            return None;
        }
        let mut command = Command::new(path);
        command.arg("127.0.0.1:0").stdout(Stdio::piped());
        let mut program = Program::spawn(&mut command);
        let mut example = Self {
            lines: testing::lines(program.stdout.take().unwrap()),
            program,
            url: String::new(),
        };
        let line = example.line();
        let url = line.strip_prefix("listening on ").unwrap();
        url.clone_into(&mut example.url);
        Some(example)
    }

    fn line(&self) -> String {
        testing::receive(&self.lines, "a line")
    }
}

/// Reads a stream until this text has come, and returns all of it.
async fn until(response: &mut Response, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let chunk = response.chunk().await.unwrap().expect("the stream ended");
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    seen
}

// Connections are closed while it waits for a line.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_decides_who_sees_what_and_is_told_who_comes_and_goes() {
    let Some(mut example) = Example::start() else {
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .no_proxy()
        .read_timeout(PATIENCE)
        .build()
        .unwrap();
    let url = example.url.clone();
    let watch = async |key: &str, query: &str| {
        let request = client
            .get(format!("{url}/orders{query}"))
            .header("x-api-key", key);
        request.send().await.unwrap()
    };
    assert_eq!(watch("nobody", "").await.status(), 401);
    let mut alice = watch("alice-key", "").await;
    until(&mut alice, "event: connected").await;
    assert_eq!(example.line(), "alice is here");
    // What he asks for does not help him.
    let mut bob = watch("bob-key", "?session=alice&topic=*").await;
    until(&mut bob, "event: connected").await;
    assert_eq!(example.line(), "bob is here");

    for (key, text) in [("alice-key", "two"), ("bob-key", "three")] {
        let order = client
            .post(format!("{url}/orders/17"))
            .header("x-api-key", key);
        assert_eq!(order.body(text).send().await.unwrap().status(), 200);
    }
    let seen = until(&mut alice, "data: two\n\n").await;
    assert!(seen.contains("event: order\n"), "{seen}");
    let seen = until(&mut bob, "data: three\n\n").await;
    assert!(!seen.contains("two"), "{seen}");

    // The hub's own endpoints, with the address of who asks.
    let connections = client.get(format!("{url}/sse/connections")).send().await;
    let connections = connections.unwrap().text().await.unwrap();
    assert!(
        connections.contains("\"session\":\"alice\""),
        "{connections}"
    );
    assert!(
        connections.contains("\"peer\":\"127.0.0.1:"),
        "{connections}"
    );

    drop(alice);
    assert_eq!(example.line(), "alice is gone: gone, 1 events");
    #[cfg(unix)]
    {
        let pid = rustix::process::Pid::from_child(&example.program);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let rest = until(&mut bob, "retry: ").await;
        assert!(bob.chunk().await.unwrap().is_none(), "after {rest}");
        assert_eq!(example.line(), "bob is gone: drained, 1 events");
        assert_eq!(example.program.wait().code(), Some(0));
    }
}
