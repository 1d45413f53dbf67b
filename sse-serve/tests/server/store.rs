//! `--store sqlite:PATH`: what a log on disk promises.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use rusqlite::Connection;
use sse_serve::Publication;
use tempfile::TempDir;

use crate::support::{Event, PATIENCE, Server, command, until};

struct Store {
    directory: TempDir,
}

impl Store {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("events.db")
    }

    fn flag(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    fn start(&self, flags: &[&str]) -> Server {
        Server::start_hub(&[&["--store", &self.flag()], flags].concat())
    }
}

/// Everything of all topics after this id, up to the event that holds `last`.
fn replay(server: &Server, id: &str, last: &str) -> Vec<Event> {
    let header = format!("Last-Event-ID: {id}\r\n");
    let mut stream = server.open_stream("?topic=*", &header);
    let mut events = Vec::new();
    loop {
        let event = stream.event();
        let is_last = event.data == last;
        events.push(event);
        if is_last {
            return events;
        }
    }
}

/// V41
#[test]
fn every_acknowledged_event_survives_a_kill_in_the_midst_of_publishing() {
    const PUBLISHERS: usize = 8;
    const EVENTS: usize = 10_000;
    let store = Store::new();
    let server = store.start(&["--durability", "normal"]);
    let start = server.subscribe("?topic=*").last_event_id().to_owned();
    let addr = server.addr();
    let next = AtomicUsize::new(0);
    let victim = Mutex::new(Some(server));
    // The one whose turn it is kills it, while the others are under way.
    let turn = |n| {
        if n == EVENTS / 2 {
            victim.lock().unwrap().take().unwrap().kill();
        }
        n < EVENTS
    };
    let acknowledged: HashMap<String, String> = std::thread::scope(|scope| {
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|_| scope.spawn(|| publish_until_cut(addr, &next, &turn)))
            .collect();
        let all = publishers
            .into_iter()
            .flat_map(|publisher| publisher.join().unwrap());
        all.collect()
    });
    assert!(acknowledged.len() >= EVENTS / 2 - PUBLISHERS);

    let server = store.start(&[]);
    server.publish(r#"{"data":"end"}"#);
    let events = replay(&server, &start, "end");
    assert_eq!(events[0].event_type, "connected", "no gap: {:?}", events[0]);
    let mut seen = HashMap::new();
    for event in &events[1..] {
        let twice = seen.insert(event.id.clone(), event.data.clone());
        assert_eq!(twice, None, "{event:?}");
    }
    for (id, data) in &acknowledged {
        assert_eq!(seen.get(id), Some(data), "{id}");
    }
    // Nobody else published: at most what was under way is there besides.
    assert!(seen.len() <= acknowledged.len() + PUBLISHERS + 1);
}

/// The id and data of each event that was acknowledged.
fn publish_until_cut(
    addr: std::net::SocketAddr,
    next: &AtomicUsize,
    turn: &(impl Fn(usize) -> bool + Sync),
) -> Vec<(String, String)> {
    use std::io::{BufRead, BufReader, Read, Write};
    let mut acknowledged = Vec::new();
    let socket = std::net::TcpStream::connect(addr).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(&socket);
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if !turn(n) {
            return acknowledged;
        }
        let data = format!("event {n}");
        let body = format!(r#"{{"data":"{data}","topic":"t{}"}}"#, n % 7);
        let request = format!(
            "POST /trigger HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if (&socket).write_all(request.as_bytes()).is_err() {
            return acknowledged;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(read) if read > 0 => {}
                _ => return acknowledged,
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut answer = vec![0; length];
        if reader.read_exact(&mut answer).is_err() {
            return acknowledged;
        }
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["status"], "ok", "{answer}");
        acknowledged.push((answer["ids"][0].as_str().unwrap().to_owned(), data));
    }
}

/// V41
#[test]
fn a_client_resumes_across_a_restart_as_if_there_had_been_none() {
    let store = Store::new();
    let server = store.start(&[]);
    let ids = server.publish_numbers(0..10);
    server.publish(r#"{"data":"s","session":"alice","event":"note","retry":5000}"#);
    let mut before = server.subscribe_with("", &format!("Last-Event-ID: {}\r\n", ids[2]));
    let before: Vec<Event> = before.events(7);
    server.kill();
    let server = store.start(&[]);
    let header = format!("Last-Event-ID: {}\r\n", ids[2]);
    let mut stream = server.subscribe_with("", &header);
    assert_eq!(stream.events(7), before);
    let mut session = server.subscribe_with("?session=alice", &header);
    let note = session.events(8).remove(7);
    assert_eq!(
        (note.event_type.as_str(), note.data.as_str()),
        ("note", "s")
    );
    let next = server.publish_numbers(10..11).remove(0);
    assert_eq!(stream.event().id, next);
    assert_eq!(next, ids[0].replace("-1", "-12"));
}

#[test]
fn keys_and_lifetimes_survive_a_restart() {
    let store = Store::new();
    let server = store.start(&[]);
    let start = server.subscribe("").last_event_id().to_owned();
    let keyed = server.publish(r#"{"data":1,"key":"k"}"#);
    server.publish(r#"{"data":2,"ttl":0.001}"#);
    server.kill();
    let server = store.start(&[]);
    assert_eq!(server.publish(r#"{"data":1,"key":"k"}"#), keyed);
    let other = server.post("/trigger", "", br#"{"data":2,"key":"k"}"#);
    assert_eq!(other.status, 409);
    server.publish(r#"{"data":"end"}"#);
    let data: Vec<_> = replay(&server, &start, "end")
        .into_iter()
        .map(|event| event.data)
        .collect();
    assert_eq!(data[1..], ["1", "end"]);
}

#[test]
fn what_retention_took_is_a_gap_after_a_restart_too_and_only_where_it_was_lost() {
    let store = Store::new();
    let flags = ["--log-events", "10"];
    let server = store.start(&flags);
    let rare = server
        .publish(r#"{"data":"rare","topic":"rare"}"#)
        .remove(0);
    let ids = server.publish_numbers(0..30);
    until("the deletion of what was evicted", || {
        rows(&store.path()) == 10
    });
    server.kill();
    let server = store.start(&flags);
    let header = |id: &str| format!("Last-Event-ID: {id}\r\n");
    let mut stream = server.open_stream("", &header(&ids[4]));
    let gap = stream.event();
    assert_eq!(gap.event_type, "gap");
    assert_eq!(
        (&gap.json()["reason"], &gap.id),
        (&"expired".into(), &ids[19])
    );
    let mut stream = server.open_stream("?topic=rare", &header(&rare));
    assert_eq!(stream.event().event_type, "connected");
    let mut stream = server.open_stream("?topic=rare", &header(&rare.replace("-1", "-0")));
    assert_eq!(stream.event().event_type, "gap");
}

fn rows(path: &Path) -> u64 {
    let connection = Connection::open(path).unwrap();
    let count: i64 = connection
        .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
        .unwrap();
    count.cast_unsigned()
}

#[test]
fn history_that_memory_let_go_is_read_from_the_file() {
    let store = Store::new();
    let server = store.start(&["--log-memory", "64KiB"]);
    let start = server.subscribe("").last_event_id().to_owned();
    let filler = "x".repeat(1000);
    for hundred in 0..20 {
        let events: Vec<String> = (0..100)
            .map(|n| format!(r#"{{"data":"{} {filler}"}}"#, hundred * 100 + n))
            .collect();
        server.publish(&format!("[{}]", events.join(",")));
    }
    let check = |server: &Server| {
        let mut stream = server.subscribe_with("", &format!("Last-Event-ID: {start}\r\n"));
        for n in 0..2000 {
            let event = stream.event();
            assert!(event.data.starts_with(&format!("{n} ")), "{n}");
            assert!(event.id.ends_with(&format!("-{}", n + 1)));
        }
        server.publish(r#"{"data":"live"}"#);
        assert_eq!(stream.event().data, "live");
    };
    check(&server);
    server.kill();
    check(&store.start(&["--log-memory", "64KiB"]));
}

#[test]
fn a_file_that_is_no_sound_log_is_refused_and_left_as_it_is() {
    let random: Vec<u8> = (0..40_000).map(|_| fastrand::u8(..)).collect();
    let store = Store::new();
    {
        let server = store.start(&[]);
        server.publish_numbers(0..2000);
        server.kill();
        // What the kill left in the write-ahead log goes into the file.
        let connection = Connection::open(store.path()).unwrap();
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
    }
    let mut damaged = fs::read(store.path()).unwrap();
    let length = damaged.len();
    damaged[length / 2..length / 2 + 8192].fill(0xa5);
    let other = Store::new();
    Connection::open(other.path())
        .unwrap()
        .execute_batch("CREATE TABLE guests (name TEXT)")
        .unwrap();
    let foreign = fs::read(other.path()).unwrap();
    for (content, needle) in [
        (random, "not a database"),
        (damaged, "damaged"),
        (foreign, "another program"),
    ] {
        let store = Store::new();
        fs::write(store.path(), &content).unwrap();
        let refused = refusal(&store.flag());
        assert!(refused.contains(needle), "{refused}");
        assert!(refused.contains("--store"), "{refused}");
        assert!(fs::read(store.path()).unwrap() == content, "{needle}");
    }
}

#[test]
fn a_path_that_cannot_be_and_a_file_in_use_are_refused() {
    let refused = refusal("sqlite:/nowhere/at/all/events.db");
    assert!(refused.contains("cannot open the log"), "{refused}");
    let store = Store::new();
    let within = store.directory.path().join("directory");
    fs::create_dir(&within).unwrap();
    let refused = refusal(&format!("sqlite:{}", within.display()));
    assert!(refused.contains("it is a directory"), "{refused}");
    assert_eq!(fs::read_dir(store.directory.path()).unwrap().count(), 1);
    let _server = store.start(&[]);
    let refused = refusal(&store.flag());
    assert!(refused.contains("in use by another server"), "{refused}");
}

/// What a hub says, in one line, that does not start.
fn refusal(store: &str) -> String {
    let mut command = command();
    command.args(["hub", "--listen", "127.0.0.1:0", "--store", store]);
    let output = testing::output(&mut command);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// A disk that is full: files of this process may not grow beyond a size.
#[cfg(unix)]
#[test]
fn a_full_disk_refuses_publishers_and_serves_subscribers_on() {
    let store = Store::new();
    let script = format!(
        "trap '' XFSZ; ulimit -S -f 600; exec '{}' hub --store '{}' \"$@\"",
        env!("CARGO_BIN_EXE_sse-serve"),
        store.flag()
    );
    let server = Server::spawn(std::process::Command::new("sh").args(["-c", &script, "sh"]));
    let mut stream = server.subscribe("");
    let start = stream.last_event_id().to_owned();
    let body = format!(r#"{{"data":"{}"}}"#, "x".repeat(20_000));
    let mut ids = Vec::new();
    let refused = loop {
        let response = server.post("/trigger", "", body.as_bytes());
        if response.status != 200 {
            break response;
        }
        ids.extend(response.ids());
        assert!(ids.len() < 10_000, "the disk is never full");
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(
        refused.text().contains("cannot be written"),
        "{}",
        refused.text()
    );
    assert_eq!(server.get("/ready").status, 503);
    assert!(ids.len() > 5);
    let live: Vec<String> = stream.events(ids.len()).into_iter().map(|e| e.id).collect();
    assert_eq!(live, ids);
    let mut late = server.subscribe_with("", &format!("Last-Event-ID: {start}\r\n"));
    assert_eq!(
        late.events(ids.len()).last().unwrap().id,
        *ids.last().unwrap()
    );
    #[cfg(target_os = "linux")]
    {
        let unlimited = rustix::process::Rlimit {
            current: None,
            maximum: None,
        };
        let pid = rustix::process::Pid::from_raw(server.pid().cast_signed());
        rustix::process::prlimit(pid, rustix::process::Resource::Fsize, unlimited).unwrap();
        until("the log's return", || server.get("/ready").status == 200);
        ids.extend(server.publish(&body));
        assert_eq!(stream.event().id, *ids.last().unwrap());
    }
    server.kill();

    let server = store.start(&[]);
    let next = server.publish(r#"{"data":"end"}"#).remove(0);
    let events = replay(&server, &start, "end");
    let replayed: Vec<_> = events[1..].iter().map(|event| event.id.clone()).collect();
    ids.push(next);
    assert_eq!(replayed, ids);
}

/// While another program holds the file, everything waits for it: for five seconds,
/// in which an unoptimised build reads no seventy megabytes of JSON. So it is
/// published by the program itself.
#[tokio::test]
async fn more_than_memory_is_set_aside_for_is_refused_while_the_disk_stands_still() {
    let store = Store::new();
    let mut config = sse_serve::Config::default();
    config.store = sse_serve::Store::Sqlite {
        path: store.path(),
        durability: sse_serve::Durability::Normal,
        memory: 64 << 20,
    };
    let hub = sse_serve::open_hub(&config).unwrap();
    let events = vec![Publication::new("x".repeat(1 << 20)); 7];
    let mut other = Connection::open(store.path()).unwrap();
    let held = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    // The first two are with the writer, and ten more are 70 MiB.
    let mut publishers: Vec<_> = (0..16).map(|_| Box::pin(hub.publish(&events))).collect();
    let mut answers = Vec::new();
    for publisher in &mut publishers {
        answers.push(publisher.now_or_never());
    }
    drop(held);
    for (answer, publisher) in answers.iter_mut().zip(publishers) {
        if answer.is_none() {
            *answer = Some(tokio::time::timeout(PATIENCE, publisher).await.unwrap());
        }
    }
    let (kept, refused): (Vec<_>, Vec<_>) = answers.into_iter().flatten().partition(Result::is_ok);
    assert!((1..=6).contains(&refused.len()), "{}", refused.len());
    for refused in refused {
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("wait for the disk"), "{said}");
    }
    let last = hub
        .publish(&[Publication::new("end")])
        .await
        .unwrap()
        .remove(0);
    assert!(
        last.ends_with(&format!("-{}", kept.len() * 7 + 1)),
        "{last}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_in_use_is_found_out_by_any_name() {
    let store = Store::new();
    let _server = store.start(&[]);
    let link = store.directory.path().join("link.db");
    std::os::unix::fs::symlink(store.path(), &link).unwrap();
    let below = store.directory.path().join("below");
    std::os::unix::fs::symlink(store.directory.path(), &below).unwrap();
    for path in [link, below.join("events.db")] {
        let refused = refusal(&format!("sqlite:{}", path.display()));
        assert!(refused.contains("in use by another server"), "{refused}");
    }
}

#[test]
fn a_file_of_numbers_that_nobody_wrote_is_refused_and_left_as_it_is() {
    for damage in [
        "UPDATE meta SET value = -1 WHERE name = 'head'",
        "UPDATE events SET seq = -seq",
        "UPDATE events SET published = -1 WHERE seq = 2",
        "UPDATE meta SET value = 'EPOCH' WHERE name = 'epoch'",
        "UPDATE meta SET value = 'x' WHERE name = 'head'",
        "DROP TABLE marks",
        "DELETE FROM meta WHERE name = 'epoch'",
    ] {
        let store = Store::new();
        let server = store.start(&[]);
        server.publish_numbers(0..3);
        server.kill();
        Connection::open(store.path())
            .unwrap()
            .execute_batch(damage)
            .unwrap();
        let before = fs::read(store.path()).unwrap();
        let refused = refusal(&store.flag());
        assert!(
            refused.contains("not a readable log"),
            "{damage}: {refused}"
        );
        assert!(fs::read(store.path()).unwrap() == before, "{damage}");
    }
}

#[test]
fn a_file_cut_short_is_refused_and_left_as_it_is() {
    let store = Store::new();
    let server = store.start(&[]);
    server.publish_numbers(0..2000);
    server.kill();
    let connection = Connection::open(store.path()).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(connection);
    let whole = fs::read(store.path()).unwrap();
    for length in [1, 99, 100, 4096, whole.len() / 2, whole.len() - 1] {
        let content = &whole[..length];
        fs::write(store.path(), content).unwrap();
        let refused = refusal(&store.flag());
        assert!(refused.contains("--store"), "{length}: {refused}");
        assert!(fs::read(store.path()).unwrap() == content, "{length}");
    }
}

/// A restart after the system's clock was set back by a year: to the file it is
/// the same as if its events had been published in a year.
#[test]
fn events_age_and_expire_although_the_clock_was_set_back() {
    // Longer where the machine takes longer than they live.
    let in_time = [2, 8, 20].into_iter().any(they_age);
    assert!(in_time, "they were gone before they were seen");
}

/// Whether the events were seen before they were gone; the first of them lives for
/// this many seconds.
fn they_age(life: u64) -> bool {
    let store = Store::new();
    let server = store.start(&[]);
    let start = server.subscribe("").last_event_id().to_owned();
    server.publish(&format!(
        r#"[{{"data":"brief","ttl":{life}}},{{"data":"lasting"}}]"#
    ));
    server.kill();
    Connection::open(store.path())
        .unwrap()
        .execute_batch(
            "UPDATE events SET published = published + 31536000000, expires = expires + 31536000000",
        )
        .unwrap();
    let server = store.start(&["--log-age", &format!("{}s", 2 * life)]);
    let ends = AtomicUsize::new(0);
    let data = || -> Vec<String> {
        let end = format!("end {}", ends.fetch_add(1, Ordering::Relaxed));
        server.publish(&format!(r#"{{"data":"{end}"}}"#));
        let events = replay(&server, &start, &end).into_iter();
        let events = events.filter(|event| event.event_type == "message");
        let data = events.map(|event| event.data);
        data.filter(|data| !data.starts_with("end ")).collect()
    };
    if data() != ["brief", "lasting"] {
        return false;
    }
    let mut left = Vec::new();
    until("the brief one's end", || {
        left = data();
        left != ["brief", "lasting"]
    });
    if left.is_empty() {
        return false;
    }
    assert_eq!(left, ["lasting"]);
    until("the others' end", || server.metric("log_events") == 0);
    until("their rows' end", || rows(&store.path()) == 0);
    true
}

#[test]
fn the_file_and_its_write_ahead_log_grow_no_further_than_what_is_kept() {
    let store = Store::new();
    let flags = ["--log-bytes", "4MiB", "--durability", "normal"];
    let server = store.start(&flags);
    let event = format!(r#"{{"data":"{}"}}"#, "x".repeat(100_000));
    let body = format!("[{}]", [event.as_str(); 10].join(","));
    let mut connection = server.connect();
    // 60 MB, of which the last 4 MiB are kept.
    for _ in 0..60 {
        assert_eq!(connection.post("/trigger", "", body.as_bytes()).status, 200);
    }
    let size = |name: &str| {
        fs::metadata(store.directory.path().join(name))
            .unwrap()
            .len()
    };
    let (file, ahead) = (size("events.db"), size("events.db-wal"));
    println!("{file} bytes, {ahead} of them ahead");
    assert!(file < 16 << 20, "{file}");
    assert!(ahead < 16 << 20, "{ahead}");
}

/// Runs in a mount namespace of its own, where the store lies on a file system
/// of this many KiB. `None`, with a word of it, where that cannot be had.
#[cfg(target_os = "linux")]
fn on_a_disk_of(kibibytes: u32, store: &Store, script: &str) -> Option<std::process::Command> {
    let can = std::process::Command::new("unshare")
        .args(["-m", "true"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !can {
        let problem = "left out: a small disk needs root and util-linux's `unshare`";
        println!("{problem}");
        let set = |name| std::env::var_os(name).is_some();
        assert!(
            !set("SSE_TEST_REQUIRE_ALL") || set("SSE_TEST_WITHOUT_ROOT"),
            "{problem}"
        );
        return None;
    }
    let directory = store.directory.path().display();
    let script = format!(
        "set -e; mount -t tmpfs -o size={kibibytes}k tmpfs '{directory}'; {}",
        script
            .replace("HUB", &format!("'{}' hub", env!("CARGO_BIN_EXE_sse-serve")))
            .replace("STORE", &store.flag())
            .replace("DIRECTORY", &directory.to_string()),
    );
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]);
    Some(command)
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_for_a_while_costs_no_event_that_was_acknowledged() {
    let store = Store::new();
    let script = "exec HUB --listen 127.0.0.1:0 --store STORE";
    let Some(mut command) = on_a_disk_of(2048, &store, script) else {
        return;
    };
    let server = Server::spawn(&mut command);
    let mut stream = server.subscribe("");
    let start = stream.last_event_id().to_owned();
    let mut ids = server.publish_numbers(0..5);
    // As the server sees it.
    let filler = format!("/proc/{}/root{}", server.pid(), store.path().display());
    let filler = filler.replace("events.db", "filler");
    let mut file = fs::File::create(&filler).unwrap();
    let mut size = 1 << 16;
    while size > 0 {
        if std::io::Write::write_all(&mut file, &vec![b'x'; size]).is_err() {
            size /= 2;
        }
    }
    let body = format!(r#"{{"data":"{}"}}"#, "x".repeat(20_000));
    // A little room may be left within the files.
    until("a refusal", || {
        let answer = server.post("/trigger", "", body.as_bytes());
        if answer.status == 200 {
            ids.extend(answer.ids());
        }
        answer.status == 503
    });
    server.get("/ready").problem(503);
    assert_eq!(server.metric("log_available"), 0);
    drop(file);
    fs::remove_file(&filler).unwrap();
    until("the log's return", || server.get("/ready").status == 200);
    ids.extend(server.publish(&body));
    let live: Vec<String> = stream.events(ids.len()).into_iter().map(|e| e.id).collect();
    assert_eq!(live, ids);
    server.publish(r#"{"data":"end"}"#);
    let replayed: Vec<String> = replay(&server, &start, "end")
        .into_iter()
        .map(|event| event.id)
        .collect();
    assert_eq!(replayed[1..=ids.len()], ids);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_can_only_be_read_is_said_at_start() {
    let store = Store::new();
    for (script, needle) in [
        (
            "mount -o remount,ro 'DIRECTORY'; exec HUB --listen 127.0.0.1:0 --store STORE",
            "Read-only file system",
        ),
        (
            "HUB --listen 127.0.0.1:0 --store STORE >'DIRECTORY/out' & \
             while ! grep -q listening 'DIRECTORY/out'; do sleep 0.01; done; \
             kill $!; wait $! || true; \
             mount --bind 'DIRECTORY/events.db' 'DIRECTORY/events.db'; \
             mount -o remount,bind,ro 'DIRECTORY/events.db'; \
             exec HUB --listen 127.0.0.1:0 --store STORE",
            "only be read",
        ),
    ] {
        let Some(mut command) = on_a_disk_of(2048, &store, script) else {
            return;
        };
        let output = testing::output(&mut command);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(last.contains("cannot open the log"), "{said}");
        assert!(last.contains(needle), "{said}");
    }
}
