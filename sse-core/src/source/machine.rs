//! The states of a connection, and what leads from one to the next.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, StatusCode};
use url::Url;

use super::cause::{Cause, NetworkError};
use super::options::SourceOptions;
use super::request::{Connect, Target, without_credentials};
use super::{ReadyState, Transition, response};
use crate::parse::Parser;

/// Everything of an event source but its parser.
pub(super) struct Machine {
    options: SourceOptions,
    state: State,
    reconnection_time: Duration,
    /// Attempts in a row that opened no stream.
    failures: u32,
    legs_opened: u64,
    /// Where the first request goes.
    home: Target,
    /// Where a redirect led that opened a stream: reconnects go there.
    remembered: Option<Target>,
    /// Where the request under way goes.
    current: Target,
    redirects: u32,
    /// At most an opening, its end and the connection after it: nothing happens
    /// to a request that the driver has not taken.
    pending: VecDeque<Pending>,
    random: Box<dyn FnMut() -> f64 + Send>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Requested { since: Instant },
    Open { last_byte: Instant },
    Waiting { until: Instant },
    Closed,
}

/// A transition before the parser adds what it knows.
#[derive(Debug)]
enum Pending {
    Connect,
    Opened {
        leg: u64,
    },
    Disconnected {
        leg: u64,
        cause: Cause,
        retry_in: Duration,
        retry_at: Instant,
    },
    Closed {
        leg: u64,
        cause: Cause,
    },
}

impl Machine {
    pub(super) fn new(
        now: Instant,
        url: Url,
        options: SourceOptions,
        random: Box<dyn FnMut() -> f64 + Send>,
    ) -> Self {
        let home = Target::new(url, options.method.clone());
        Self {
            state: State::Requested { since: now },
            reconnection_time: options.backoff.clamp(options.backoff.reconnection_time),
            failures: 0,
            legs_opened: 0,
            current: home.clone(),
            remembered: None,
            home,
            redirects: 0,
            pending: VecDeque::from([Pending::Connect]),
            random,
            options,
        }
    }

    pub(super) fn poll(&mut self, parser: &mut Parser) -> Option<Transition> {
        Some(match self.pending.pop_front()? {
            Pending::Connect => Transition::Connect(Box::new(Connect {
                leg: self.leg(),
                attempt: self.failures.saturating_add(1),
                redirects: self.redirects,
                url: self.current.url.clone(),
                redirected: self.current.redirected,
                method: self.current.method.clone(),
                send_body: self.current.send_body,
                cross_origin: self.current.cross_origin,
                last_event_id: parser.last_event_id().to_owned(),
            })),
            Pending::Opened { leg } => Transition::Opened { leg },
            Pending::Disconnected {
                leg,
                cause,
                retry_in,
                retry_at,
            } => Transition::Disconnected {
                leg,
                cause,
                retry_in,
                retry_at,
                unfinished: parser.finish(),
            },
            Pending::Closed { leg, cause } => Transition::Closed {
                leg,
                cause,
                unfinished: parser.finish(),
            },
        })
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Requested { .. } if self.request_untaken() => None,
            State::Requested { since } => since.checked_add(self.options.response_timeout?),
            State::Open { last_byte } => last_byte.checked_add(self.options.read_timeout?),
            State::Waiting { until } => Some(until),
            State::Closed => None,
        }
    }

    pub(super) fn handle_deadline(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.state {
            State::Requested { .. } => {
                let timeout = self.options.response_timeout.unwrap_or_default();
                self.disconnect(now, Cause::ResponseTimeout(timeout), None);
            }
            State::Open { .. } => {
                let timeout = self.options.read_timeout.unwrap_or_default();
                self.disconnect(now, Cause::ReadTimeout(timeout), None);
            }
            State::Waiting { .. } => self.connect(now),
            State::Closed => {}
        }
    }

    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        wall_clock: SystemTime,
        status: StatusCode,
        headers: &HeaderMap,
    ) {
        if !matches!(self.state, State::Requested { .. }) || self.request_untaken() {
            return;
        }
        if response::is_redirect(status) {
            return self.redirect(now, status, headers);
        }
        match response::judge(status, headers) {
            Ok(()) => self.open(now),
            Err(cause @ Cause::Status(_)) if self.options.retries(status) => {
                self.disconnect(now, cause, response::retry_after(headers, wall_clock));
            }
            Err(cause) => self.close(cause),
        }
    }

    pub(super) fn handle_bytes(&mut self, now: Instant) {
        if let State::Open { last_byte } = &mut self.state {
            *last_byte = now;
        }
    }

    pub(super) fn handle_end(&mut self, now: Instant) {
        if self.is_open() {
            self.disconnect(now, Cause::EndOfStream, None);
        }
    }

    pub(super) fn handle_failure(&mut self, now: Instant, error: NetworkError) {
        if matches!(self.state, State::Requested { .. } | State::Open { .. })
            && !self.request_untaken()
        {
            if error.kind.is_futile() {
                self.close(Cause::Network(error));
            } else {
                self.disconnect(now, Cause::Network(error), None);
            }
        }
    }

    pub(super) fn reconnect_now(&mut self, now: Instant) {
        match self.state {
            State::Open { .. } => {
                self.pending.push_back(Pending::Disconnected {
                    leg: self.leg(),
                    cause: Cause::Requested,
                    retry_in: Duration::ZERO,
                    retry_at: now,
                });
                self.connect(now);
            }
            State::Waiting { .. } => self.connect(now),
            State::Requested { .. } | State::Closed => {}
        }
    }

    pub(super) fn close(&mut self, cause: Cause) {
        if self.state != State::Closed {
            let leg = self.leg();
            self.state = State::Closed;
            self.pending.clear();
            self.pending.push_back(Pending::Closed { leg, cause });
        }
    }

    pub(super) fn set_reconnection_time(&mut self, asked: Duration) {
        self.reconnection_time = self.options.backoff.clamp(asked);
    }

    pub(super) fn reconnection_time(&self) -> Duration {
        self.reconnection_time
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    pub(super) fn ready_state(&self) -> ReadyState {
        match self.state {
            State::Requested { .. } | State::Waiting { .. } => ReadyState::Connecting,
            State::Open { .. } => ReadyState::Open,
            State::Closed => ReadyState::Closed,
        }
    }

    pub(super) fn leg(&self) -> u64 {
        self.legs_opened + u64::from(!self.is_open())
    }

    fn request_untaken(&self) -> bool {
        matches!(self.pending.back(), Some(Pending::Connect))
    }

    fn connect(&mut self, now: Instant) {
        self.current = self.remembered.as_ref().unwrap_or(&self.home).clone();
        self.redirects = 0;
        self.state = State::Requested { since: now };
        self.pending.push_back(Pending::Connect);
    }

    fn open(&mut self, now: Instant) {
        self.failures = 0;
        self.legs_opened += 1;
        self.state = State::Open { last_byte: now };
        if self.redirects > 0 {
            self.remembered = Some(self.current.clone());
        }
        self.pending.push_back(Pending::Opened {
            leg: self.legs_opened,
        });
    }

    fn redirect(&mut self, now: Instant, status: StatusCode, headers: &HeaderMap) {
        if self.redirects >= self.options.max_redirects {
            return self.close(Cause::TooManyRedirects(self.options.max_redirects));
        }
        let location = response::location(headers);
        match location.and_then(|value| self.current.redirected(status, value.as_bytes())) {
            Some(target) => {
                self.current = target;
                self.redirects += 1;
                self.state = State::Requested { since: now };
                self.pending.push_back(Pending::Connect);
            }
            None => self.close(Cause::BadRedirect {
                status,
                location: location.map(response::text),
            }),
        }
    }

    /// Schedules the next attempt, or closes if there is to be none.
    fn disconnect(&mut self, now: Instant, cause: Cause, at_least: Option<Duration>) {
        if !self.options.reconnects() {
            return self.close(cause);
        }
        let leg = self.leg();
        if !self.is_open() {
            self.failures = self.failures.saturating_add(1);
        }
        let retry_in = self.options.backoff.delay(
            self.reconnection_time,
            self.failures,
            at_least,
            (self.random)(),
        );
        let retry_at = now + retry_in;
        self.state = State::Waiting { until: retry_at };
        self.pending.push_back(Pending::Disconnected {
            leg,
            cause,
            retry_in,
            retry_at,
        });
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("state", &self.state)
            .field("leg", &self.leg())
            .field("failures", &self.failures)
            .field("url", &without_credentials(&self.current.url).as_str())
            .finish_non_exhaustive()
    }
}
