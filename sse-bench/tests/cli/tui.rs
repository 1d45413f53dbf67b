//! The view of a run in a real terminal, which tmux provides.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{SSE_HEAD, Server, chunk, hold, send};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A terminal with a shell in it.
struct Tmux {
    socket: String,
}

impl Tmux {
    /// `None`, said on stderr, where there is no tmux.
    fn start(columns: u16, rows: u16) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            let required = std::env::var_os("SSE_TEST_REQUIRE_ALL").is_some();
            assert!(!required, "tmux is missing");
            eprintln!("left out: tmux is missing");
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let tmux = Self {
            socket: format!("sse-bench-test-{}-{number}", std::process::id()),
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let shell = "env PS1='$ ' LC_ALL=C.UTF-8 sh";
        let session = ["new-session", "-d", "-x", &columns, "-y", &rows, shell];
        tmux.run(&[&["-f", "/dev/null"], &session[..]].concat());
        Some(tmux)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn try_run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.socket]).args(arguments);
        testing::output(command.env_remove("TMUX"))
    }

    /// Starts the program in the shell; after it its exit code, and whether the
    /// terminal is as it was.
    fn launch(&self, arguments: &str) {
        let program = env!("CARGO_BIN_EXE_sse-bench");
        let line = format!(
            "clear; s=$(stty -g); '{program}' {arguments}; echo exit=$?; \
             [ \"$s\" = \"$(stty -g)\" ] && echo modes kept"
        );
        self.run(&["send-keys", "-l", &line]);
        self.run(&["send-keys", "Enter"]);
    }

    fn wait_for(&self, words: &[&str]) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if words.iter().all(|word| screen.contains(word)) {
                return screen;
            }
            assert!(Instant::now() < end, "waited for {words:?}:\n{screen}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Whether the alternate screen and the cursor are on.
    fn modes(&self) -> String {
        let format = "#{alternate_on} #{cursor_flag}";
        let modes = self.run(&["display-message", "-p", format]);
        modes.trim().to_owned()
    }

    fn signal(&self, name: &str) {
        let shell = self.run(&["display-message", "-p", "#{pane_pid}"]);
        let found = testing::output(Command::new("pgrep").args(["-P", shell.trim()]));
        let process = String::from_utf8(found.stdout).unwrap();
        let mut kill = Command::new("kill");
        let sent = testing::status(kill.args([&format!("-{name}"), process.trim()]));
        assert!(sent.success());
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // Of a test that failed, too, which must not panic again.
        let path = self.try_run(&["display-message", "-p", "#{socket_path}"]);
        self.try_run(&["kill-server"]);
        let path = String::from_utf8_lossy(&path.stdout);
        let _ = std::fs::remove_file(path.trim());
    }
}

/// One event at once, and another whenever one is let through.
fn server() -> (Server, mpsc::Sender<()>) {
    let (let_through, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let server = Server::start(move |_, _, stream| {
        let head = format!("{SSE_HEAD}Transfer-Encoding: chunked\r\n\r\n");
        send(stream, head + &chunk("id: 1\ndata: a\n\n"));
        for number in 2.. {
            if gate.lock().unwrap().recv().is_err() {
                return hold(stream);
            }
            send(stream, chunk(&format!("id: {number}\ndata: a\n\n")));
        }
    });
    (server, let_through)
}

#[test]
fn the_numbers_move_and_q_prints_the_report_where_it_was_sent() {
    let Some(tmux) = Tmux::start(80, 24) else {
        return;
    };
    let (server, let_through) = server();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    let arguments = "-c 1 -z 1h --threshold 'events>=3'";
    tmux.launch(&format!("load '{}' {arguments} > '{path}'", server.url()));
    let screen = tmux.wait_for(&["1 of 1 open", "in all 1", "breached", "hold"]);
    assert!(screen.contains(&server.url()), "{screen}");
    assert_eq!(tmux.modes(), "1 0");
    for _ in 0..3 {
        let_through.send(()).unwrap();
    }
    tmux.wait_for(&["in all 4", "kept", "4 so far"]);
    tmux.run(&["send-keys", "q"]);
    tmux.wait_for(&["exit=130", "modes kept"]);
    assert_eq!(tmux.modes(), "0 1");
    let report = std::fs::read_to_string(file.path()).unwrap();
    assert!(
        report.contains("INTERRUPTED") && !report.contains('\u{1b}'),
        "{report}"
    );
}

#[test]
fn every_way_to_end_it_gives_the_terminal_back() {
    let Some(tmux) = Tmux::start(100, 30) else {
        return;
    };
    let (server, _let_through) = server();
    for end in ["C-c", "Escape", "TERM", "HUP"] {
        tmux.launch(&format!("load '{}' -c 1 -z 1h", server.url()));
        tmux.wait_for(&["1 of 1 open", " q end the run"]);
        match end {
            "TERM" | "HUP" => tmux.signal(end),
            key => drop(tmux.run(&["send-keys", key])),
        }
        tmux.wait_for(&["INTERRUPTED", "exit=130", "modes kept"]);
        assert_eq!(tmux.modes(), "0 1", "{end}");
    }
}

#[test]
fn a_verification_shows_what_would_be_found_if_it_ended_now() {
    let Some(tmux) = Tmux::start(120, 36) else {
        return;
    };
    // All have one stream in common, of which the third never sees one event.
    let start = Instant::now();
    let server = Server::start(move |number, _, stream| {
        send(
            stream,
            format!("{SSE_HEAD}Transfer-Encoding: chunked\r\n\r\n"),
        );
        let first = start.elapsed().as_millis() / 50 + 1;
        for event in first..2000 {
            sleep((start + Duration::from_millis(event as u64 * 50)) - Instant::now());
            if number != 2 || event != first + 10 {
                send(stream, chunk(&format!("id: {event}\ndata: a\n\n")));
            }
        }
    });
    let arguments = "-c 3 -z 60s --cut none --drain 1s";
    tmux.launch(&format!("verify '{}' {arguments}", server.url()));
    let screen = tmux.wait_for(&["judged at", "gap slot 3 leg 1: ", "missing   1 "]);
    assert!(screen.contains("3 of 3 open"), "{screen}");
    tmux.run(&["send-keys", "q"]);
    tmux.wait_for(&["exit=130", "modes kept"]);
}

#[test]
fn without_it_progress_is_a_line() {
    let Some(tmux) = Tmux::start(100, 30) else {
        return;
    };
    let (server, _let_through) = server();
    tmux.launch(&format!("load '{}' -c 1 -z 1h --no-tui", server.url()));
    tmux.wait_for(&["to go): 1 of 1 open, 1 events"]);
    assert_eq!(tmux.modes(), "0 1");
    tmux.run(&["send-keys", "C-c"]);
    tmux.wait_for(&["exit=130", "modes kept"]);
}
