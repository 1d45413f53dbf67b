//! What a run of finite streams is to do: a command line that was found sound.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use sse_core::Limits;
use url::Url;

use super::goodput::Goodput;
use super::mcp::Call;
use super::preset::{self, Preset};
use super::report::COMMAND;
use super::rules::{ContentRule, Rules};
use crate::cli::LoadArgs;
use crate::cli::finite::FiniteArgs;
use crate::compare::Baseline;
use crate::plan::{CONNECT_RATE, DEFAULT_DURATION, check_connections, cores, of_table};
use crate::report::invocation::shown_url;
use crate::target::{Asked, Target};
use crate::template;
use crate::threshold::{self, Threshold};
use crate::tui::{Requests, Title};

const DEFAULT_STALL: Duration = Duration::from_secs(5);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
const DEFAULT_DRAIN: Duration = Duration::from_secs(5);
/// A shorter word of a header field is no secret worth hiding.
const SHORTEST_SECRET: usize = 8;

/// The plan of a run of finite streams.
#[derive(Debug)]
pub struct FinitePlan {
    /// What to ask for.
    pub target: Target,
    /// Of what requests have of their own.
    pub seed: u64,
    /// The protocol, where it is known by name.
    pub preset: Option<Preset>,
    /// What its events mean.
    pub rules: Rules,
    /// What is called, over MCP.
    pub call: Option<Call>,
    /// The most requests under way at once.
    pub connections: u32,
    /// Threads.
    pub threads: u32,
    /// Connections to begin with each second, in a closed loop.
    pub connect_rate: u32,
    /// From the start of a connection to its end, TLS included.
    pub connect_timeout: Duration,
    /// How long to start requests.
    pub duration: Option<Duration>,
    /// How many requests to start.
    pub requests: Option<u64>,
    /// How many each second; as many as can be if `None`.
    pub rate: Option<f64>,
    /// A longer silence within a stream is a stall.
    pub stall: Duration,
    /// The longest that a request may take.
    pub timeout: Duration,
    /// How long requests under way at the end may take yet.
    pub drain: Duration,
    /// What a good request keeps to.
    pub goodput: Option<Goodput>,
    /// Caps on lines and events.
    pub limits: Limits,
    /// The most data of one event, or of a JSON document in its place.
    pub max_event: usize,
    /// What the run must keep to.
    pub thresholds: Vec<Threshold>,
    /// What the run is compared with.
    pub baseline: Option<Baseline>,
    secrets: Vec<String>,
}

impl FinitePlan {
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(args: LoadArgs) -> Result<Self> {
        refuse_what_has_no_meaning(&args)?;
        let finite = args.finite;
        let preset = finite.preset;
        let method_given = args.request.method.is_some();
        let seed = fastrand::u64(..);
        let mut target = Target::templated(&args.url, args.request, args.connections, seed)?;
        let secrets = secrets(&target.headers);
        if let Some(preset) = preset.filter(|_| target.body.is_none()) {
            bail!(
                "--preset {} needs the request's body, such as -d '{}'",
                preset.name(),
                preset.example_body()
            );
        }
        let call = match (preset, &target.body) {
            (Some(Preset::Mcp), Some(body)) => Some(Call::parse(body)?),
            _ => None,
        };
        if call.is_some() {
            check_calls(&target, seed)?;
        }
        preset::complete(
            preset,
            target.body.is_some(),
            method_given,
            &mut target.method,
            &mut target.headers,
        );
        let size = args.measure.max_event_size;
        let threads = args.pace.threads.unwrap_or_else(cores);
        Ok(Self {
            target,
            seed,
            preset,
            call,
            connections: args.connections,
            threads: threads.min(args.connections),
            connect_rate: args.pace.connect_rate.unwrap_or(CONNECT_RATE),
            connect_timeout: args.pace.connect_timeout,
            duration: match (args.duration, finite.requests) {
                (None, None) => Some(DEFAULT_DURATION),
                (duration, _) => duration,
            },
            requests: finite.requests,
            rate: finite.rate,
            stall: finite.stall.unwrap_or(DEFAULT_STALL),
            timeout: finite.timeout.unwrap_or(DEFAULT_TIMEOUT),
            drain: finite.drain.unwrap_or(DEFAULT_DRAIN),
            goodput: finite.goodput.clone(),
            limits: Limits::default().line(size).event(size),
            max_event: size,
            thresholds: of_table(args.measure.threshold, &threshold::finite::METRICS)?,
            baseline: args.baseline.read(COMMAND)?,
            rules: rules(finite),
            secrets,
        })
    }

    /// Raises the limit on open files, and says beforehand what this machine
    /// will not carry.
    pub fn check_machine(&self) -> Result<()> {
        check_connections(self.connections, self.threads, &self.target.transport)
    }

    /// What a view of the run says of it.
    pub fn title(&self) -> Title {
        Title {
            command: COMMAND,
            url: shown_url(&self.target.url),
            connections: self.connections.into(),
            thresholds: self.thresholds.clone(),
            requests: Some(Requests {
                wanted: self.requests,
                rate: self.rate,
                goodput: self.goodput.as_ref().map(ToString::to_string),
            }),
            ..Title::default()
        }
    }

    /// What a server said, without what it repeats of the header fields that it
    /// was sent: keys are in no report.
    pub fn without_secrets(&self, said: &str, own: Option<&HeaderMap>) -> String {
        let own = own.map(secrets).unwrap_or_default();
        let secrets = self.secrets.iter().chain(&own);
        secrets.fold(said.to_owned(), |said, secret| said.replace(secret, "***"))
    }

    /// What the request has of its own, where it has: with what the preset adds.
    /// Over MCP that is its body, and the rest is that of its session.
    pub fn asked(&self, slot: u32, request: u64) -> Option<Asked> {
        let turn = template::Slot {
            number: slot,
            turn: request,
            seed: self.seed,
        };
        let asked = self.target.asked(turn)?;
        Some(if self.call.is_some() {
            let (url, headers) = self.of_session(slot);
            Asked {
                url,
                headers,
                ..asked
            }
        } else {
            self.complete(asked)
        })
    }

    /// Where the session of a slot goes, and with what header fields.
    pub fn of_session(&self, slot: u32) -> (Url, HeaderMap) {
        let own = self.target.asked_by(slot, self.seed);
        let own = own.map(|asked| self.complete(asked));
        own.map_or_else(
            || (self.target.url.clone(), self.target.headers.clone()),
            |asked| (asked.url, asked.headers),
        )
    }

    /// Over MCP: the body of a call under an id of its own, which `own` may have words for.
    pub fn call(&self, own: Option<&Asked>, id: u64) -> Option<Result<Vec<u8>>> {
        let call = self.call.as_ref()?;
        let own = own.and_then(|asked| asked.body.as_ref());
        Some(match own {
            Some(body) => Call::parse(body).map(|call| call.body(id)),
            None => Ok(call.body(id)),
        })
    }

    fn complete(&self, mut asked: Asked) -> Asked {
        for (name, value) in &self.target.headers {
            asked.headers.entry(name).or_insert_with(|| value.clone());
        }
        asked
    }
}

/// What a line of a file makes of a call is known before the run.
fn check_calls(target: &Target, seed: u64) -> Result<()> {
    for turn in 0..target.turns_of_body() {
        let slot = template::Slot {
            number: 0,
            turn,
            seed,
        };
        if let Some(body) = target.asked(slot).and_then(|asked| asked.body) {
            let number = turn + 1;
            Call::parse(&body).with_context(|| format!("request {number}"))?;
        }
    }
    Ok(())
}

fn refuse_what_has_no_meaning(args: &LoadArgs) -> Result<()> {
    ensure!(
        args.events.is_none(),
        "-n counts the events of endless streams: limit finite ones with --requests N, or -z"
    );
    for (given, name) in [
        (
            args.measure.timestamp_pointer.is_some(),
            "--timestamp-pointer",
        ),
        (args.pace.reconnect, "--reconnect"),
        (args.pace.no_reconnect, "--no-reconnect"),
        (args.pace.seed.is_some(), "--seed"),
        (
            args.pace.connect_concurrency.is_some(),
            "--connect-concurrency",
        ),
        (args.pace.ramp.is_some(), "--ramp"),
        (!args.pace.slow.is_empty(), "--slow"),
        (args.request.last_event_id.is_some(), "--last-event-id"),
        (args.publish.publish_url.is_some(), "--publish-url"),
    ] {
        ensure!(
            !given,
            "{name} is for endless streams, and --until-done is for finite ones: leave one of them out"
        );
    }
    let finite = &args.finite;
    ensure!(
        finite.rate.is_none() || args.pace.connect_rate.is_none(),
        "with --rate each request starts at its own time: leave --connect-rate out"
    );
    let markers_given = !finite.done_event.is_empty() || !finite.done_data.is_empty();
    ensure!(
        finite.preset != Some(Preset::Mcp) || !markers_given,
        "over MCP a stream ends with the response of its request: leave --done-event and \
         --done-data out"
    );
    let of_events = [
        (!finite.error_event.is_empty(), "--error-event"),
        (!finite.error_pointer.is_empty(), "--error-pointer"),
        (!finite.finish_pointer.is_empty(), "--finish-pointer"),
    ];
    for (given, name) in of_events {
        ensure!(
            finite.preset != Some(Preset::Mcp) || !given,
            "over MCP the response says what failed (--error-finish tool_error makes a tool's \
             failure one): leave {name} out"
        );
    }
    ensure!(
        finite.drain.is_none() || args.duration.is_some() || finite.requests.is_none(),
        "--drain is the time after the end of -z, and --requests ends with the last of them: \
         give -z, or leave --drain out"
    );
    Ok(())
}

/// The rules of the preset, save for what was given by its own option.
fn rules(args: FiniteArgs) -> Rules {
    fn replace<T>(rule: &mut Vec<T>, given: Vec<T>) {
        if !given.is_empty() {
            *rule = given;
        }
    }
    let mut rules = Rules::default_of(args.preset);
    if !args.done_data.is_empty() || !args.done_event.is_empty() {
        rules.done_data = args.done_data;
        rules.done_events = args.done_event;
    }
    let content = args.content_pointer.into_iter();
    let content = content.map(|pointer| ContentRule {
        event: None,
        pointer,
    });
    replace(&mut rules.content, content.collect());
    replace(&mut rules.error_events, args.error_event);
    replace(&mut rules.error_pointers, args.error_pointer);
    replace(&mut rules.finish_pointers, args.finish_pointer);
    replace(&mut rules.error_finish, args.error_finish);
    rules
}

fn secrets(headers: &HeaderMap) -> Vec<String> {
    let public = [ACCEPT, CONTENT_TYPE, USER_AGENT];
    let fields = headers.iter();
    let values = fields.filter(|(name, _)| !public.contains(name));
    let words = values.filter_map(|(_, value)| Some(value.to_str().ok()?.split_whitespace()));
    let words = words.flatten().filter(|word| word.len() >= SHORTEST_SECRET);
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn plan(arguments: &[&str]) -> Result<FinitePlan> {
        let fixed = ["sse-bench", "load", "http://h/"].iter().chain(arguments);
        match Cli::try_parse_from(fixed)?.command {
            Command::Load(args) => FinitePlan::new(*args),
            _ => bail!("another command"),
        }
    }

    #[test]
    fn options_of_their_own_win_over_the_preset() {
        let given = [
            "--preset",
            "openai-chat",
            "-d",
            "{}",
            "-m",
            "PUT",
            "--done-event",
            "fin",
            "--content-pointer",
            "/text",
        ];
        let plan = plan(&given).unwrap();
        assert_eq!(plan.target.method, "PUT");
        assert!(plan.rules.read("fin", "").done && !plan.rules.read("message", "[DONE]").done);
        assert!(plan.rules.read("message", r#"{"text":"a"}"#).content);
        let error = plan.rules.read("message", r#"{"error":{"message":"a"}}"#);
        assert_eq!(error.error.as_deref(), Some("a"));
    }

    #[test]
    fn ten_seconds_are_the_default_where_no_number_of_requests_ends_the_run() {
        let ten = Some(Duration::from_secs(10));
        assert_eq!(plan(&["--until-done"]).unwrap().duration, ten);
        assert_eq!(plan(&["--requests", "5"]).unwrap().duration, None);
    }

    #[test]
    fn what_contradicts_finite_streams_is_refused() {
        for (given, said) in [
            (&["--until-done", "-n", "5"][..], "--requests"),
            (&["--until-done", "--reconnect"], "--reconnect"),
            (
                &["--rate", "5", "--timestamp-pointer", "/at"],
                "--timestamp-pointer",
            ),
            (&["--preset", "anthropic"], "max_tokens"),
            (&["--rate", "5", "--connect-rate", "9"], "--connect-rate"),
            (
                &["--requests", "5", "--connect-concurrency", "9"],
                "--connect-concurrency",
            ),
            (&["--preset", "mcp", "-d", "{}"], "method"),
            (
                &["--preset", "mcp", "-d", "{}", "--done-data", "x"],
                "over MCP",
            ),
            (
                &["--preset", "mcp", "-d", "{}", "--error-event", "x"],
                "--error-finish tool_error",
            ),
            (&["--requests", "5", "--drain", "3s"], "give -z"),
        ] {
            let refused = plan(given).unwrap_err().to_string();
            assert!(refused.contains(said), "{given:?}: {refused}");
        }
    }

    #[test]
    fn a_key_that_a_server_repeats_is_not_repeated() {
        let plan = plan(&["--until-done", "-H", "Authorization: Bearer sk-12345678"]).unwrap();
        let said = plan.without_secrets("no such key: sk-12345678, Bearer", None);
        assert_eq!(said, "no such key: ***, Bearer");
    }
}
