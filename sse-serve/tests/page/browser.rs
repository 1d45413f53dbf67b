//! A headless browser, driven over the Chrome `DevTools` Protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{env, thread};

use serde_json::{Value, json};
use testing::Program;

/// Long enough for a browser to start on a busy machine; reached only in failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// One page of a browser that ends with it.
pub(crate) struct Page {
    /// Ended with the page.
    _program: Program,
    pipe: ChildStdin,
    messages: Receiver<Value>,
    session: Value,
    last_id: u64,
    /// What the browser reported against the page: exceptions, refusals.
    complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Page {
    /// `None`, said on stderr, where there is no browser to start; a failure
    /// where `SSE_TEST_REQUIRE_ALL` is set.
    pub(crate) fn open(url: &str) -> Option<Self> {
        let program = find(&["chromium", "chromium-browser", "google-chrome"]);
        let Some(program) = program else {
            let problem = "no Chromium is installed";
            assert!(env::var_os("SSE_TEST_REQUIRE_ALL").is_none(), "{problem}");
            eprintln!("left out: {problem}");
            return None;
        };
        let mut page = Self::start(&program);
        let target = page.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        page.session = page.call("Target.attachToTarget", &attach)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page.visit(url);
        Some(page)
    }

    /// Leaves what is shown, and loads this anew.
    pub(crate) fn visit(&mut self, url: &str) {
        for url in ["about:blank", url] {
            self.call("Page.navigate", &json!({"url": url}));
        }
        self.until("document.readyState === 'complete'");
    }

    fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The protocol runs over the descriptors 3 and 4.
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-lcd-text",
            ])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync"])
            // Those that tests make, nobody vouches for.
            .arg("--ignore-certificate-errors")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("--remote-debugging-pipe")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut browser = Program::spawn(&mut command);
        let pipe = browser.stdin.take().unwrap();
        let mut output = BufReader::new(browser.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while output
                .read_until(0, &mut message)
                .is_ok_and(|read| read > 0)
            {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else {
                    return;
                };
                if sender.send(value).is_err() {
                    return;
                }
                message.clear();
            }
        });
        Self {
            _program: browser,
            pipe,
            messages,
            session: Value::Null,
            last_id: 0,
            complaints: Vec::new(),
            _profile: profile,
        }
    }

    /// Calls a method of the protocol and returns its result.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut call = json!({"id": self.last_id, "method": method, "params": params});
        if !self.session.is_null() {
            call["sessionId"] = self.session.clone();
        }
        self.pipe.write_all(call.to_string().as_bytes()).unwrap();
        self.pipe.write_all(b"\0").unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left);
            let mut message = message.unwrap_or_else(|_| panic!("no answer to {call}"));
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{call}: {message}");
                return message["result"].take();
            }
            self.note(&message);
        }
    }

    /// The value of an expression, awaited if it is a promise.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut result = self.call("Runtime.evaluate", &params);
        let failure = &result["exceptionDetails"];
        assert!(failure.is_null(), "{expression}: {failure}");
        result["result"]["value"].take()
    }

    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.value(&format!(
            "document.querySelector({}).innerText",
            json!(selector)
        ));
        text.as_str().unwrap().to_owned()
    }

    /// Returns once the expression is true, looked at after each change of the page.
    pub(crate) fn until(&mut self, condition: &str) {
        let wait = format!(
            "new Promise(done => {{
                const look = () => {{
                    if (!({condition})) return;
                    observer.disconnect();
                    clearTimeout(timer);
                    done('');
                }};
                const observer = new MutationObserver(look);
                const timer = setTimeout(() => done(document.body.innerText), {patience});
                observer.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
                addEventListener('load', look);
                look();
            }})",
            patience = PATIENCE.as_millis() / 2,
        );
        let screen = self.value(&wait);
        assert_eq!(screen, "", "waited in vain for {condition}");
    }

    /// Waits until a row of the log holds this text.
    pub(crate) fn until_row(&mut self, text: &str) {
        self.until(&format!(
            "[...document.querySelectorAll('.row')].some(row => row.textContent.includes({}))",
            json!(text)
        ));
    }

    pub(crate) fn click(&mut self, selector: &str) {
        self.value(&format!(
            "document.querySelector({}).click()",
            json!(selector)
        ));
    }

    /// Replaces the value of a field, as typing does.
    pub(crate) fn fill(&mut self, selector: &str, value: &str) {
        self.value(&format!(
            "(field => {{ field.value = {}; field.dispatchEvent(new Event('change', {{ bubbles: true }})); }})
             (document.querySelector({}))",
            json!(value),
            json!(selector)
        ));
    }

    /// Presses a key on what has the focus.
    pub(crate) fn press(&mut self, key: &str) {
        for event in ["rawKeyDown", "keyUp"] {
            let params = json!({"type": event, "key": key, "code": key});
            self.call("Input.dispatchKeyEvent", &params);
        }
    }

    /// What was reported so far, but for network failures: a killed server
    /// makes them.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.value("0");
        std::mem::take(&mut self.complaints)
    }

    fn note(&mut self, message: &Value) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => {
                self.complaints.push(params["exceptionDetails"].to_string());
            }
            Some("Log.entryAdded") if params["entry"]["source"] != "network" => {
                self.complaints.push(params["entry"].to_string());
            }
            Some("Runtime.consoleAPICalled") => self.complaints.push(params["args"].to_string()),
            _ => {}
        }
    }
}

/// A program of the system by the first of its names on the PATH.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |directory| directory.join(name)))
        .find(|path| path.is_file())
}
