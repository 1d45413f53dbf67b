//! Ten thousand streams that wait.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use crate::support::{PATIENCE, Server, until};

const STREAMS: usize = 10_000;

/// Of an unoptimised build; docs/benchmarks.md has those of a release.
const MEMORY_MAX: u64 = 64 << 10;

/// V35
#[test]
fn ten_thousand_idle_streams_hear_what_is_published_and_leave_nothing_behind() {
    if !can_open(STREAMS as u64 + 1000) {
        let problem = "left out: ten thousand streams need an open-file limit of 11,000";
        println!("{problem}");
        assert!(
            std::env::var_os("SSE_TEST_REQUIRE_ALL").is_none(),
            "{problem}"
        );
        return;
    }
    let server = Server::start_hub(&["--heartbeat", "1h"]);
    let files = || descriptors(&server);
    // A first stream and a first publish make what is made once.
    drop(server.subscribe(""));
    server.publish(r#"{"data":"warm"}"#);
    server.wait_for_connections(0);
    until("the first sockets' end", || server.metric("sockets") == 1);
    let before = (files(), server.metric("resident_memory_bytes"));

    let mut streams: Vec<TcpStream> = (0..STREAMS).map(|n| open(server.addr(), n)).collect();
    for stream in &mut streams {
        read_to(stream, b"event: connected\n");
    }
    server.wait_for_connections(STREAMS as u64);
    let open = (files(), server.metric("resident_memory_bytes"));
    let memory = open.1.saturating_sub(before.1) / STREAMS as u64;
    println!(
        "{STREAMS} idle streams: {} descriptors and {memory} bytes of memory each",
        (open.0 - before.0) as f64 / STREAMS as f64
    );
    assert!((open.0 - before.0).abs_diff(STREAMS) < 50);
    assert!(memory < MEMORY_MAX, "{memory} bytes each");

    let id = server.publish(r#"{"data":"to everyone"}"#).remove(0);
    let block = format!("id: {id}\ndata: to everyone\n\n");
    for stream in &mut streams {
        read_to(stream, block.as_bytes());
    }
    assert_eq!(server.metric("lag_events"), 0);

    drop(streams);
    server.wait_for_connections(0);
    until("the sockets' end", || server.metric("sockets") == 1);
    until("the descriptors' end", || files() <= before.0 + 10);
    let closed = server.metric("connections_closed_total{reason=\"gone\"}");
    assert_eq!(closed, STREAMS as u64 + 1);
}

/// Whether this process may, after raising its limit; the server raises its own.
fn can_open(files: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < files) {
        return false;
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).is_ok()
}

/// From one of two addresses: one alone may not have as many free ports.
fn open(server: SocketAddr, n: usize) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let home = Ipv4Addr::new(127, 0, 0, 2 + (n % 2) as u8);
    socket.bind(&SocketAddr::from((home, 0)).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET /events HTTP/1.1\r\nHost: {server}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn read_to(stream: &mut TcpStream, needle: &[u8]) {
    let mut received = Vec::new();
    while !received.windows(needle.len()).any(|part| part == needle) {
        let mut buffer = [0; 4096];
        let length = testing::read(&*stream, &mut buffer).unwrap();
        assert!(length > 0, "the stream ended");
        received.extend_from_slice(&buffer[..length]);
    }
}

fn descriptors(server: &Server) -> usize {
    let directory = format!("/proc/{}/fd", server.pid());
    std::fs::read_dir(Path::new(&directory)).unwrap().count()
}
