//! The options that the arguments come to.

use clap::ColorChoice;
use http::{HeaderMap, HeaderValue, Method, header};
use sse_core::client::Request;

use super::Args;
use super::values::{body, content_type, parse_url};
use crate::keymap::Keymap;
use crate::options::{Options, Output, Replay, Screenshot, Source};
use crate::replay::Speed;
use crate::theme::ThemeName;

impl Args {
    /// `theme_chosen`: not by a file, which `NO_COLOR` overrides.
    pub(super) fn try_into_options(
        self,
        keymap: Keymap,
        theme_chosen: bool,
    ) -> Result<Options, String> {
        let stdins = self.urls.iter().filter(|url| *url == "-").count();
        let body_from_stdin = self.data.as_deref() == Some("@-");
        if stdins + usize::from(body_from_stdin) > 1 {
            return Err("standard input can be read only once".to_owned());
        }
        if self.output == Some(Output::Raw) && !self.event.is_empty() {
            return Err(
                "--event cannot be used with --output raw, which is the whole stream".to_owned(),
            );
        }
        let mut options = Options::with_sources(self.sources()?);
        options.theme = self.theme(theme_chosen);
        self.connect.set(&mut options.client);
        let client = &mut options.client.source;
        client.last_event_id = self.last_event_id.unwrap_or_default();
        if self.no_reconnect || self.reconnect {
            client.reconnect = Some(self.reconnect);
        }
        options.output = self.output;
        options.event_types = self.event;
        options.events = self.events;
        options.lint = self.lint;
        options.buffer = usize::try_from(self.buffer.as_u64()).unwrap_or(usize::MAX);
        options.sequence = self.sequence;
        options.color = self.color;
        options.ascii = self.ascii;
        options.mouse = self.mouse;
        options.follow = self.follow;
        options.columns = self.columns;
        options.fps = self.fps;
        options.timings = self.timings;
        options.keymap = keymap;
        options.record = self.record;
        options.record_limit = self.record_limit.as_u64();
        options.charts = self.chart;
        options.text_pointer = self.text_pointer;
        let on_screen = self.screenshot.is_none()
            && options.output.unwrap_or_else(Output::for_stdout) == Output::Tui;
        options.replay = self.replay.map(|path| Replay {
            path,
            speed: self.speed.unwrap_or(if on_screen {
                Speed::Times(1.0)
            } else {
                Speed::Max
            }),
        });
        options.screenshot = self.screenshot.map(|path| Screenshot {
            path,
            after: self.screenshot_after,
            size: self.size,
            keys: self.key,
        });
        Ok(options)
    }

    /// What to read, and how to ask for it.
    fn sources(&self) -> Result<Vec<Source>, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.header {
            headers.append(name, value.clone());
        }
        if let Some(cookies) = self.connect.cookies()? {
            headers.append(header::COOKIE, cookies);
        }
        let body = self.data.as_deref().map(body).transpose()?;
        if let Some(body) = &body {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert_with(|| HeaderValue::from_static(content_type(body)));
        }
        let method = self.request.clone().unwrap_or(match body {
            Some(_) => Method::POST,
            None => Method::GET,
        });
        let source = |url: &String| {
            if url == "-" {
                return Ok(Source::Stdin);
            }
            let mut request = Request::new(method.clone(), parse_url(url)?);
            request.headers.clone_from(&headers);
            request.auth = self.connect.auth();
            Ok(Source::Request(Box::new(
                request.body(body.clone().unwrap_or_default()),
            )))
        };
        self.urls.iter().map(source).collect()
    }

    fn theme(&self, chosen: bool) -> ThemeName {
        match (self.color, self.theme) {
            (ColorChoice::Never, _) => ThemeName::Plain,
            (ColorChoice::Always, theme) => theme.unwrap_or_default(),
            (ColorChoice::Auto, Some(theme)) if chosen => theme,
            (ColorChoice::Auto, theme) => match ThemeName::from_environment() {
                ThemeName::Plain => ThemeName::Plain,
                fallback => theme.unwrap_or(fallback),
            },
        }
    }
}
