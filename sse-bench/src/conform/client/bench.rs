//! Where a check is made: a port of its own, a client, and what is seen of both.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::program::{Event, Program};
use crate::conform::args::ClientArgs;
use crate::conform::grade::Verdict;
use crate::proxy::client::{Inbox, Request};

/// The head of an event stream that ends with its connection.
pub(super) const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-store\r\nConnection: close\r\n\r\n";
/// A client that takes nothing for this time is not reading.
const STUCK: Duration = Duration::from_secs(10);
const COMES_BACK: &str = "needs a client that comes back, without --once";
/// A connection that sends no request within this time is none.
const REQUEST: Duration = Duration::from_secs(5);

/// A head, closed after its body.
pub(super) fn head(status: &str, fields: &[&str]) -> String {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for field in fields {
        head.push_str(field);
        head.push_str("\r\n");
    }
    head + "Connection: close\r\n\r\n"
}

/// One check's server and client.
#[derive(Debug)]
pub(super) struct Bench {
    command: Vec<String>,
    extra: String,
    patience: Duration,
    quiet: Duration,
    address: SocketAddr,
    listener: Option<TcpListener>,
    program: Option<Program>,
    reached: bool,
    /// The client makes no second request, by its user's word.
    pub(super) once: bool,
}

impl Bench {
    pub(super) async fn new(args: &ClientArgs, extra: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("no port to listen on")?;
        Ok(Self {
            command: args.command.clone(),
            extra: extra.to_owned(),
            patience: args.patience,
            quiet: args.quiet,
            address: listener.local_addr()?,
            listener: Some(listener),
            program: None,
            reached: false,
            once: args.once,
        })
    }

    /// Whether the client was started with what switches the check on.
    pub(super) fn has_variant(&self) -> bool {
        !self.extra.is_empty()
    }

    /// Asks the client to end, as Ctrl-C or a supervisor does. `false` where the
    /// system has no such way.
    pub(super) fn terminate(&self) -> bool {
        self.program.as_ref().is_some_and(Program::terminate)
    }

    /// Waits for the end of the client.
    pub(super) async fn ended(&mut self) -> bool {
        let patience = self.patience;
        match &mut self.program {
            Some(program) => timeout(patience, program.ended()).await.is_ok(),
            None => true,
        }
    }

    /// Whether the client made a request.
    pub(super) fn reached(&self) -> bool {
        self.reached
    }

    /// The next request. The client is started for the first.
    pub(super) async fn request(&mut self) -> Result<Peer, Verdict> {
        let patience = self.patience;
        match self.next(patience).await? {
            Next::Request(peer) => Ok(peer),
            Next::Ended(_) if self.once && self.reached => Err(Verdict::not_applicable(COMES_BACK)),
            Next::Ended(how) => Err(Verdict::failed(format_args!("{how} instead of a request"))),
            Next::Nothing => Err(Verdict::failed(format_args!(
                "no request within {}",
                humantime::format_duration(patience)
            ))),
        }
    }

    /// Whether the client makes no further request: `Ok` if it has ended or is
    /// quiet for long enough, else the request.
    pub(super) async fn stopped(&mut self) -> Result<(), Peer> {
        self.no_request_for(self.quiet).await
    }

    /// The same for another time.
    pub(super) async fn no_request_for(&mut self, time: Duration) -> Result<(), Peer> {
        match self.next(time).await {
            Ok(Next::Request(peer)) => Err(peer),
            _ => Ok(()),
        }
    }

    async fn next(&mut self, patience: Duration) -> Result<Next, Verdict> {
        self.start()?;
        let deadline = Instant::now() + patience;
        let (Some(listener), Some(program)) = (&self.listener, &mut self.program) else {
            return Ok(Next::Nothing);
        };
        loop {
            tokio::select! {
                biased;
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted
                        && let Some(peer) = Peer::read(stream).await
                    {
                        self.reached = true;
                        return Ok(Next::Request(peer));
                    }
                }
                how = program.ended() => return Ok(Next::Ended(how)),
                () = sleep_until(deadline) => return Ok(Next::Nothing),
            }
        }
    }

    fn start(&mut self) -> Result<(), Verdict> {
        if self.program.is_none() {
            let url = format!("http://{}/events", self.address);
            let program = Program::start(&self.command, &self.extra, &url)?;
            self.program = Some(program);
        }
        Ok(())
    }

    /// Answers the next request with a stream that is this and ends.
    pub(super) async fn answer(&mut self, body: &str) -> Result<Peer, Verdict> {
        let mut peer = self.request().await?;
        peer.send(STREAM).await;
        peer.send(body).await;
        peer.end().await;
        Ok(peer)
    }

    /// Starts the client while nobody listens, and listens after a while.
    pub(super) async fn refuse_at_first(&mut self, time: Duration) -> Result<(), Verdict> {
        if self.once {
            return Err(Verdict::not_applicable(COMES_BACK));
        }
        self.listener = None;
        self.start()?;
        sleep(time).await;
        let listener = TcpListener::bind(self.address).await;
        self.listener = Some(listener.map_err(|error| {
            Verdict::not_applicable(format_args!("the port was taken meanwhile: {error}"))
        })?);
        Ok(())
    }

    /// The next event that the client prints.
    pub(super) async fn event(&mut self) -> Result<Event, Verdict> {
        let patience = self.patience;
        let Some(program) = &mut self.program else {
            return Err(Verdict::failed("the client was not started"));
        };
        match timeout(patience, program.events.recv()).await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => {
                let how = program.ended().await;
                Err(Verdict::failed(format_args!("{how} instead of an event")))
            }
            Err(_) => Err(Verdict::failed(format_args!(
                "no event was printed within {}; is its output flushed?",
                humantime::format_duration(patience)
            ))),
        }
    }

    /// The events before one with this data, which is not among them.
    pub(super) async fn events_before(&mut self, last: &str) -> Result<Vec<Event>, Verdict> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await?;
            if event.data == last {
                return Ok(events);
            }
            events.push(event);
        }
    }

    /// The events until the client ends, which it must.
    pub(super) async fn events_to_the_end(&mut self) -> Result<Vec<Event>, Verdict> {
        let patience = self.patience;
        let mut events = Vec::new();
        while let Some(program) = &mut self.program {
            match timeout(patience, program.events.recv()).await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(_) => {
                    let patience = humantime::format_duration(patience);
                    let seen =
                        format_args!("the client did not end within {patience} of its stream");
                    return Err(Verdict::failed(seen));
                }
            }
        }
        Ok(events)
    }

    /// The next event must have this data.
    pub(super) async fn expect(&mut self, data: &str) -> Result<Event, Verdict> {
        let event = self.event().await?;
        if event.data == data {
            return Ok(event);
        }
        let seen = format_args!("an event with data {:?} instead of {data:?}", event.data);
        Err(Verdict::failed(seen))
    }

    /// An event that should never have been dispatched, of those printed so far; of all,
    /// where the client has ended.
    pub(super) async fn printed(&mut self) -> Option<Event> {
        let patience = self.patience;
        let program = self.program.as_mut()?;
        if program.has_ended() {
            timeout(patience, program.events.recv()).await.ok()?
        } else {
            program.events.try_recv().ok()
        }
    }

    /// The same for a client that has just asked again: what it printed before that may
    /// still be on its way here.
    pub(super) async fn printed_before(&mut self) -> Option<Event> {
        let quiet = self.quiet;
        let program = self.program.as_mut()?;
        timeout(quiet, program.events.recv()).await.ok()?
    }

    /// The most memory the client has held, in bytes.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        self.program.as_ref().and_then(Program::peak_memory)
    }
}

enum Next {
    Request(Peer),
    Ended(String),
    Nothing,
}

/// The client's connection, from its request on.
#[derive(Debug)]
pub(super) struct Peer {
    stream: TcpStream,
    pub(super) request: Request,
    inbox: Inbox,
    /// When the request was there.
    pub(super) at: Instant,
    /// When the connection was ended from here.
    pub(super) ended: Instant,
}

impl Peer {
    async fn read(mut stream: TcpStream) -> Option<Self> {
        let _ = stream.set_nodelay(true);
        let mut inbox = Inbox::default();
        let read = timeout(REQUEST, inbox.request(&mut stream)).await;
        let request = read.ok()?.ok()?;
        let at = Instant::now();
        Some(Self {
            stream,
            request,
            inbox,
            at,
            ended: at,
        })
    }

    /// What the client takes; `false` once it has closed or stopped reading.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = timeout(STUCK, self.stream.write_all(bytes.as_ref())).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Closes in order; the socket stays, so that nothing is reset.
    pub(super) async fn end(&mut self) {
        self.ended = Instant::now();
        let _ = self.stream.shutdown().await;
    }

    /// Resets the connection.
    pub(super) fn reset(self) -> Instant {
        let _ = self.stream.set_zero_linger();
        Instant::now()
    }

    /// The body of the request.
    pub(super) async fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(piece)) = self
            .inbox
            .body(&mut self.request.body, &mut self.stream)
            .await
        {
            body.extend(piece);
        }
        body
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.request.header(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// `Last-Event-ID` must be this, as far as a header can say it: white space
    /// around a value is none of it (RFC 9110 §5.5).
    pub(super) fn expect_last_event_id(&self, wanted: Option<&str>) -> Result<(), Verdict> {
        let seen = self.request.header("last-event-id");
        let sendable = wanted.map(|id| id.trim_matches([' ', '\t']));
        let nothing_to_send = sendable == Some("") && seen.is_none();
        if seen == sendable.map(str::as_bytes) || nothing_to_send {
            return Ok(());
        }
        let show = |id: Option<&[u8]>| {
            id.map_or("none".to_owned(), |id| {
                format!("{:?}", String::from_utf8_lossy(id))
            })
        };
        Err(Verdict::failed(format_args!(
            "Last-Event-ID: {} instead of {}",
            show(seen),
            show(wanted.map(str::as_bytes))
        )))
    }
}
