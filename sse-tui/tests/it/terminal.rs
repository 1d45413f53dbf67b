//! The dashboard in a real terminal, which tmux provides.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use testing::PATIENCE;

use crate::server::{Answer, refused_url, serve, serve_on_request, stream};

const EVENTS: &str = "retry: 60000\nid: 1\nevent: connected\ndata: {}\n\n\
    id: 2\nevent: tick\ndata: {\"symbol\":\"DEMO\",\"price\":101.50}\n\n\
    id: 3\nevent: status\ndata: {\"uptime_s\":5}\n\n";

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Tmux {
    socket: String,
}

impl Tmux {
    /// `None`, said on stderr, where there is no tmux.
    pub(crate) fn start(columns: u16, rows: u16) -> Option<Self> {
        Self::start_shell(columns, rows, "sh")
    }

    fn start_shell(columns: u16, rows: u16, shell: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(
                std::env::var_os("SSE_TEST_REQUIRE_ALL").is_none(),
                "tmux is missing"
            );
            eprintln!("left out: tmux is missing");
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let tmux = Self {
            socket: format!("sse-tui-test-{}-{number}", std::process::id()),
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        tmux.run(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            &format!("env PS1='$ ' XDG_CONFIG_HOME=/nonexistent LC_ALL=C.UTF-8 {shell}"),
        ]);
        Some(tmux)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.socket]).args(arguments);
        let output = testing::output(command.env_remove("TMUX"));
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts the program in the shell, with a mark on the screen before it and
    /// its exit code after it.
    pub(crate) fn launch(&self, before: &str, arguments: &str) {
        let program = env!("CARGO_BIN_EXE_sse-tui");
        let line = format!(
            "clear; echo mark; s=$(stty -g); {before} '{program}' {arguments}; \
             echo exit=$?; [ \"$s\" = \"$(stty -g)\" ] && echo modes kept"
        );
        self.run(&["send-keys", "-l", &line]);
        self.keys(&["Enter"]);
    }

    pub(crate) fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    fn query(&self, format: &str) -> String {
        self.run(&["display-message", "-p", format])
            .trim()
            .to_owned()
    }

    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        // Some of it comes after 16 MiB were read.
        let end = Instant::now() + 2 * PATIENCE;
        loop {
            let screen = self.screen();
            if words.iter().all(|word| screen.contains(word)) {
                return screen;
            }
            assert!(Instant::now() < end, "waited for {words:?}:\n{screen}");
            sleep(Duration::from_millis(20));
        }
    }

    fn wait_until(&self, format: &str, value: &str) {
        let end = Instant::now() + PATIENCE;
        while self.query(format) != value {
            let is = self.query(format);
            assert!(Instant::now() < end, "waited for {value} of {format}: {is}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to the program that the shell runs.
    fn signal(&self, name: &str) {
        let shell = self.query("#{pane_pid}");
        let found = testing::output(Command::new("pgrep").args(["-P", &shell]));
        let pid = String::from_utf8(found.stdout).unwrap();
        let signal = format!("-{name}");
        let sent = testing::status(Command::new("kill").args([&signal, pid.trim()]));
        assert!(sent.success());
    }

    /// The shell is back, with its screen, its cursor, and its line discipline.
    pub(crate) fn assert_restored(&self, code: u8) {
        self.wait_for(&["mark", &format!("exit={code}\n"), "modes kept\n"]);
        assert_eq!(self.query("#{alternate_on} #{cursor_flag}"), "0 1");
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let run = |arguments: &[&str]| {
            let mut command = Command::new("tmux");
            let output = testing::output(command.args(["-L", &self.socket]).args(arguments));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let path = run(&["display-message", "-p", "#{socket_path}"]);
        let _ = run(&["kill-server"]);
        let _ = std::fs::remove_file(path.trim());
    }
}

#[test]
fn a_session_from_the_first_event_to_the_restored_shell() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("", &server.url);
    let screen = tmux.wait_for(&["LIVE", "tick", "status", "DEMO", "types 3", "HTTP/1.1 200"]);
    assert!(screen.contains(&server.url), "{screen}");
    assert_eq!(tmux.query("#{alternate_on} #{cursor_flag}"), "1 0");
    tmux.keys(&["Space"]);
    tmux.wait_for(&["PAUSED"]);
    tmux.keys(&["Space"]);
    tmux.wait_for(&["LIVE"]);
    tmux.keys(&["Up", "Enter"]);
    tmux.wait_for(&["received", "\"symbol\": \"DEMO\",", "\"price\": 101.50"]);
    tmux.keys(&["w"]);
    tmux.wait_for(&[
        "bytes on the wire",
        "event: tick␊",
        "data: {\"symbol\":\"DEMO\"",
    ]);
    tmux.keys(&["w", "f"]);
    tmux.wait_for(&["1 of 3 · type:tick"]);
    tmux.keys(&["Escape"]);
    tmux.wait_for(&["↑↓ scroll"]);
    tmux.keys(&["u"]);
    tmux.wait_for(&["events 3"]);
    tmux.keys(&["?"]);
    tmux.wait_for(&["one up; stops following"]);
    tmux.keys(&["?", "q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_filter_is_typed_corrected_taken_and_undone() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("", &server.url);
    tmux.wait_for(&["LIVE", "events 3"]);
    tmux.keys(&["&"]);
    tmux.run(&["send-keys", "-l", "type:tick .price>200 gap:q"]);
    tmux.wait_for(&["✕ after gap: stands > or <", "0 of 3"]);
    tmux.keys(&["C-w", "BSpace", "C-w"]);
    tmux.run(&["send-keys", "-l", "1"]);
    tmux.wait_for(&["& type:tick .price>1", "1 of 3"]);
    tmux.keys(&["Enter"]);
    let screen = tmux.wait_for(&["1 of 3 · type:tick .price>1", "q quit"]);
    assert!(!screen.contains("uptime_s"), "{screen}");
    tmux.keys(&["/"]);
    tmux.run(&["send-keys", "-l", "demo"]);
    tmux.keys(&["Enter", "Enter"]);
    tmux.wait_for(&["\"symbol\": \"DEMO\""]);
    tmux.keys(&["Escape"]);
    tmux.wait_for(&["↑↓ scroll"]);
    tmux.keys(&["u"]);
    tmux.wait_for(&["events 3", "uptime_s"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_copy_reaches_the_clipboard_through_the_terminal() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    tmux.run(&["set-option", "-g", "set-clipboard", "on"]);
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("", &server.url);
    tmux.wait_for(&["LIVE", "events 3"]);
    tmux.keys(&["Up", "y"]);
    tmux.wait_for(&["copied the data (32 B)"]);
    let end = Instant::now() + PATIENCE;
    while !tmux.run(&["list-buffers"]).contains("32 bytes") {
        assert!(Instant::now() < end, "{}", tmux.run(&["list-buffers"]));
        sleep(Duration::from_millis(20));
    }
    assert_eq!(
        tmux.run(&["show-buffer"]),
        "{\"symbol\":\"DEMO\",\"price\":101.50}"
    );
    tmux.keys(&["Y"]);
    tmux.wait_for(&["copied a curl command with all headers"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_reconnect_shows_what_it_lost() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let first = EVENTS.replace("retry: 60000", "retry: 100");
    let again = "id: 3\ndata: again\n\nid: 4\ndata: fresh\n\n";
    let server = serve(vec![
        Answer::Close(stream(&first)),
        Answer::Hold(stream(again)),
    ]);
    tmux.launch("", &server.url);
    tmux.wait_for(&[
        "connection lost",
        "connected after",
        "overlap, 1 sent again",
        "legs      2",
    ]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_lost_connection_is_counted_down() {
    let Some(tmux) = Tmux::start(80, 24) else {
        return;
    };
    let server = serve(vec![Answer::Close(stream(EVENTS))]);
    tmux.launch("", &server.url);
    tmux.wait_for(&[
        "retry in ",
        "OFFLINE",
        "connection lost",
        "the server ended the stream",
    ]);
    tmux.keys(&["C-c"]);
    tmux.assert_restored(0);
}

#[test]
fn an_unreachable_server_is_shown_and_not_the_end() {
    let Some(tmux) = Tmux::start(80, 24) else {
        return;
    };
    tmux.launch("", &refused_url());
    tmux.wait_for(&["retry in", "connection refused", "OFFLINE"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_refused_stream_gives_the_terminal_back_and_one_clear_line() {
    let Some(tmux) = Tmux::start(120, 24) else {
        return;
    };
    let refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
    let server = serve(vec![Answer::Close(refusal)]);
    tmux.launch("", &server.url);
    tmux.wait_for(&["sse-tui: ", "the server answered 404 Not Found"]);
    tmux.assert_restored(1);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for (signal, code) in [("TERM", 143), ("INT", 0), ("HUP", 129)] {
        let Some(tmux) = Tmux::start(80, 24) else {
            return;
        };
        let server = serve(vec![Answer::Hold(stream(EVENTS))]);
        tmux.launch("", &server.url);
        tmux.wait_for(&["LIVE"]);
        tmux.signal(signal);
        tmux.assert_restored(code);
    }
}

#[test]
fn keys_work_while_the_stream_comes_through_a_pipe() {
    let Some(tmux) = Tmux::start(80, 24) else {
        return;
    };
    tmux.launch(
        "(printf 'event: tick\\ndata: from a pipe\\n\\n'; sleep 60) |",
        "-",
    );
    tmux.wait_for(&["LIVE", "from a pipe", "stdin"]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["received"]);
    tmux.keys(&["C-c"]);
    // Only once the program is gone is the next one for what feeds the pipe.
    tmux.wait_for(&["mark"]);
    tmux.wait_until("#{alternate_on} #{cursor_flag}", "0 1");
    tmux.keys(&["C-c"]);
}

#[test]
fn the_mouse_works_until_it_is_left_to_the_terminal() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("", &server.url);
    let screen = tmux.wait_for(&["LIVE", "events 3", "DEMO"]);
    tmux.wait_until("#{mouse_any_flag} #{mouse_sgr_flag}", "1 1");
    let row = screen
        .lines()
        .position(|line| line.contains("DEMO"))
        .unwrap()
        + 1;
    let click = format!("\x1b[<0;60;{row}M\x1b[<0;60;{row}m");
    tmux.run(&["send-keys", "-l", &click.repeat(2)]);
    tmux.wait_for(&["received", "\"symbol\": \"DEMO\","]);
    tmux.keys(&["M"]);
    tmux.wait_for(&["the mouse selects text"]);
    tmux.wait_until("#{mouse_any_flag}", "0");
    tmux.keys(&["M"]);
    tmux.wait_until("#{mouse_any_flag}", "1");
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
    assert_eq!(tmux.query("#{mouse_any_flag}"), "0");
    tmux.launch("", &format!("--mouse=false {}", server.url));
    tmux.wait_for(&["LIVE", "events 3"]);
    assert_eq!(tmux.query("#{mouse_any_flag}"), "0");
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn ctrl_z_gives_the_shell_back_and_fg_goes_on() {
    let Some(tmux) = Tmux::start_shell(110, 30, "bash --norc -m") else {
        return;
    };
    let (server, more) = serve_on_request(stream("data: before it\n\n"));
    tmux.launch("", &server);
    tmux.wait_for(&["LIVE", "before it"]);
    for time in ["first", "second"] {
        tmux.keys(&["C-z"]);
        tmux.wait_for(&["mark", "Stopped"]);
        tmux.wait_until("#{alternate_on} #{cursor_flag} #{mouse_any_flag}", "0 1 0");
        let line = format!("echo the $((20+22)) {time}");
        tmux.run(&["send-keys", "-l", &line]);
        tmux.keys(&["Enter"]);
        tmux.wait_for(&[&format!("the 42 {time}")]);
        let text = format!("data: during the {time}\n\n");
        more.send(text.leak()).unwrap();
        tmux.run(&["send-keys", "-l", "fg"]);
        tmux.keys(&["Enter"]);
        tmux.wait_for(&["LIVE", &format!("during the {time}")]);
        tmux.wait_until("#{alternate_on} #{cursor_flag} #{mouse_any_flag}", "1 0 1");
        let screen = tmux.screen();
        assert!(!screen.contains("the 42"), "{screen}");
        if time == "first" {
            // Between what came before and what came meanwhile.
            let lines = ["before it", "── suspended for", "during the first"]
                .map(|words| screen.lines().position(|line| line.contains(words)));
            assert!(
                lines.iter().all(Option::is_some) && lines.is_sorted(),
                "{screen}"
            );
            // While something is typed it works too.
            tmux.keys(&["/"]);
            tmux.wait_for(&["word or /regex/"]);
        }
    }
    tmux.keys(&["Escape"]);
    tmux.wait_for(&["q quit"]);
    tmux.keys(&["q"]);
    tmux.wait_until("#{alternate_on} #{cursor_flag} #{mouse_any_flag}", "0 1 0");
}

#[test]
fn without_a_shell_to_go_back_to_ctrl_z_says_so() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    let program = env!("CARGO_BIN_EXE_sse-tui");
    let line = format!("exec '{program}' {}", server.url);
    tmux.run(&["send-keys", "-l", &line]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["LIVE"]);
    tmux.keys(&["C-z"]);
    tmux.wait_for(&["LIVE", "there is no shell here to go back to"]);
}

#[test]
fn asked_to_stop_by_others_it_gives_the_terminal_back_first() {
    let Some(tmux) = Tmux::start_shell(110, 30, "bash --norc -m") else {
        return;
    };
    let (server, more) = serve_on_request(stream("data: before it\n\n"));
    tmux.launch("", &server);
    tmux.wait_for(&["LIVE", "before it"]);
    // On a screen on which no divider can be seen.
    tmux.keys(&["!"]);
    tmux.wait_for(&["lints"]);
    tmux.signal("TSTP");
    tmux.wait_for(&["mark", "Stopped"]);
    tmux.wait_until("#{alternate_on} #{cursor_flag} #{mouse_any_flag}", "0 1 0");
    more.send("data: during it\n\n").unwrap();
    tmux.run(&["send-keys", "-l", "fg"]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["LIVE", "suspended for", "lints"]);
    tmux.keys(&["!"]);
    tmux.wait_for(&["before it", "── suspended for", "during it"]);
    tmux.wait_until("#{alternate_on} #{cursor_flag} #{mouse_any_flag}", "1 0 1");
    tmux.keys(&["q"]);
    tmux.wait_until("#{alternate_on} #{cursor_flag}", "0 1");
}

#[test]
fn without_a_shell_to_go_back_to_a_request_to_stop_is_refused() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    let program = env!("CARGO_BIN_EXE_sse-tui");
    let line = format!("exec '{program}' {}", server.url);
    tmux.run(&["send-keys", "-l", &line]);
    tmux.keys(&["Enter"]);
    tmux.wait_for(&["LIVE"]);
    let pid = tmux.query("#{pane_pid}");
    let sent = Command::new("kill").args(["-TSTP", &pid]).status();
    assert!(sent.unwrap().success());
    tmux.wait_for(&["LIVE", "there is no shell here to go back to"]);
}

#[test]
fn stopped_by_others_the_screen_comes_back_whole() {
    let Some(tmux) = Tmux::start_shell(110, 30, "bash --norc -m") else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("", &server.url);
    tmux.wait_for(&["LIVE", "events 3"]);
    tmux.signal("STOP");
    tmux.wait_for(&["Stopped"]);
    tmux.run(&["send-keys", "-l", "clear; sleep 1; fg"]);
    tmux.keys(&["Enter"]);
    let words = ["LIVE", "events 3", "╭ types 3", "── suspended for"];
    let screen = tmux.wait_for(&words);
    assert!(!screen.contains("Stopped"), "{screen}");
    tmux.keys(&["q"]);
    tmux.wait_until("#{alternate_on} #{cursor_flag}", "0 1");
}

#[test]
fn keys_and_options_of_a_file_are_in_force_and_on_the_screen() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let text = "ascii = true\nmouse = false\n[keys]\nquit = [\"f10\"]\nfind = [\"/\", \"ctrl-f\"]\nfilter = [\"F\"]\n";
    std::fs::write(&path, text).unwrap();
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("", &format!("--config '{}' {}", path.display(), server.url));
    let screen = tmux.wait_for(&["LIVE", "events 3", "F10 quit", "F filter"]);
    assert!(screen.is_ascii(), "{screen}");
    tmux.keys(&["q", "C-f"]);
    tmux.wait_for(&["word or /regex/"]);
    tmux.keys(&["Escape"]);
    tmux.wait_for(&["F10 quit"]);
    tmux.keys(&["?"]);
    tmux.wait_for(&["PgDn  page down"]);
    tmux.keys(&["F10"]);
    tmux.assert_restored(0);
}

#[test]
fn where_the_locale_is_not_utf8_the_screen_is_ascii() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("LC_ALL=C", &server.url);
    let screen = tmux.wait_for(&["LIVE", "* tick", "+ types 3"]);
    assert!(screen.is_ascii(), "{screen}");
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_stream_cannot_be_typed() {
    let Some(tmux) = Tmux::start(120, 24) else {
        return;
    };
    tmux.launch("", "-");
    tmux.wait_for(&["sse-tui: standard input is the terminal", "curl -N URL"]);
    tmux.assert_restored(1);
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() {
    let Some(tmux) = Tmux::start(120, 30) else {
        return;
    };
    let server = serve(vec![Answer::Hold(stream(EVENTS))]);
    tmux.launch("", &server.url);
    tmux.wait_for(&["╭ types 3"]);
    for (columns, rows) in [("1", "1"), ("40", "10"), ("2", "50"), ("80", "24")] {
        tmux.run(&["resize-window", "-x", columns, "-y", rows]);
    }
    let screen = tmux.wait_for(&["─ events 3 ─", "● tick"]);
    assert!(!screen.contains("╭ types"), "{screen}");
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn a_session_is_recorded_replayed_and_wound_back() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.ndjson");
    let path = path.to_str().unwrap();
    let server = serve(vec![
        Answer::Close(stream("retry: 100\nid: 1\ndata: before the loss\n\n")),
        Answer::Hold(stream("retry: 60000\nid: 2\ndata: after the loss\n\n")),
    ]);
    tmux.launch("", &format!("{} --record '{path}'", server.url));
    tmux.wait_for(&["after the loss", "● REC calls.ndjson", "LIVE"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);

    tmux.launch("", &format!("--replay '{path}' --speed step"));
    tmux.wait_for(&["REPLAY", "‖ replay step", "waiting for the first event"]);
    // A request, its answer, the bytes.
    tmux.keys(&["."]);
    tmux.keys(&["."]);
    tmux.wait_for(&["connected · HTTP/1.1 200"]);
    tmux.keys(&["."]);
    let screen = tmux.wait_for(&["before the loss"]);
    assert!(!screen.contains("connection lost"), "{screen}");
    tmux.keys(&["}", "Space"]);
    let screen = tmux.wait_for(&["after the loss", "■ replayed", "the recording ends here"]);
    assert!(
        screen.contains("connection lost") && screen.contains("resumed after 1"),
        "{screen}"
    );
    tmux.keys(&["R"]);
    tmux.wait_for(&["this is a recording already"]);
    // Ten seconds back is the beginning.
    tmux.keys(&["("]);
    tmux.wait_for(&["after the loss", "■ replayed"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}

#[test]
fn recording_begins_and_ends_at_a_key_in_the_middle_of_an_event() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let (server, more) = serve_on_request(stream("data: whole\n\nid: 7\ndata: first half, "));
    let before = format!("cd '{}';", directory.path().display());
    tmux.launch(&before, &server);
    tmux.wait_for(&["LIVE", "whole"]);
    tmux.keys(&["R"]);
    tmux.wait_for(&["recording to sse-"]);
    more.send("second half\n\n").unwrap();
    tmux.wait_for(&["first half, second half"]);
    tmux.keys(&["R"]);
    tmux.wait_for(&["recorded ", "play it with sse-tui --replay sse-"]);
    tmux.keys(&["q"]);
    tmux.assert_restored(0);

    let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(files.len(), 1);
    let path = files[0].as_ref().unwrap().path();
    let replayed = crate::print::run(&["--replay", path.to_str().unwrap()]);
    let text = crate::print::stdout(&replayed);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("\"data\":\"first half, second half\"") && text.contains("\"id\":\"7\""),
        "{text}"
    );
}

#[test]
fn the_text_of_a_stream_and_the_panels_are_a_key_away() {
    let Some(tmux) = Tmux::start(110, 30) else {
        return;
    };
    let chunk = |text: &str| {
        format!(
            "data: {{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    let body = chunk("Hello ") + &chunk("wor\\u001b[2Jld");
    let server = serve(vec![Answer::Close(stream(&body))]);
    tmux.launch("", &format!("-d '{{}}' {}", server.url));
    tmux.wait_for(&["ENDED", "chat.completion.chunk"]);
    tmux.keys(&["t"]);
    tmux.wait_for(&["Hello wor␛[2Jld", "cut short, no [DONE]", "OpenAI chat"]);
    tmux.keys(&["D"]);
    tmux.wait_for(&["╭ message", "index 0"]);
    tmux.keys(&["Escape"]);
    tmux.wait_for(&["╭ events 2"]);
    assert_eq!(server.requests.try_iter().count(), 1, "a POST is sent once");
    tmux.keys(&["q"]);
    tmux.assert_restored(0);
}
