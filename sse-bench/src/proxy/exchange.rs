//! One request and its answer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::client::{Inbox, Request};
use super::delivery::{Delivery, Link, Stop, silence};
use super::fault::{Cut, Fault, Kind, When};
use super::output::{Framing, Output, Pace};
use super::response::{self, ContentType, Head, coding, is_event_stream};
use super::segment::Segmenter;
use super::shared::{Shared, count};
use super::upstream::{self, Answer};
use super::view::{Progress, View};
use crate::failure::{Failure, Kind as FailureKind};
use crate::http::{Body, ResponseHead};

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Request,
    Close,
    Reset,
}

/// Answers one request.
pub(super) async fn answer(
    stream: &mut TcpStream,
    inbox: &mut Inbox,
    mut request: Request,
    shared: &Arc<Shared>,
) -> Next {
    let counters = &shared.counters;
    let number = counters.requests.fetch_add(1, Ordering::Relaxed) + 1;
    if number == 1 {
        shared.first_request.notify_one();
    }
    let asks = request.has_token("accept", "text/event-stream")
        || request.header("last-event-id").is_some();
    let stream_number = asks.then(|| counters.streams.fetch_add(1, Ordering::Relaxed) + 1);
    let _open = Open::new(&counters.open);
    let mut view = View::new(shared, request.path(), number, stream_number);
    let mut body = std::mem::replace(&mut request.body, Body::length(0));
    let (mut reader, writer) = stream.split();
    let mut output = Output::new(writer, &counters.bytes_sent);
    let head_sent = AtomicBool::new(false);
    let exchange = Exchange {
        shared,
        request: &request,
        stream_number,
        head_sent: &head_sent,
    };
    let cuts = shared.watch_cuts();
    let early_cut = cut_before_head(cuts.clone(), &head_sent);
    let answering = exchange.run(&mut view, &mut output, &mut reader, inbox, &mut body, cuts);
    let (stop, keeps_alive) = tokio::select! {
        biased;
        done = answering => done,
        how = early_cut => (Stop::Cut(how), false),
    };
    match stop {
        Stop::Ended if keeps_alive => Next::Request,
        Stop::Cut(Cut::Rst) => Next::Reset,
        Stop::Broken(error) if error.kind() == io::ErrorKind::ConnectionReset => Next::Reset,
        _ => Next::Close,
    }
}

/// Counts a request while it is being answered.
struct Open<'a>(&'a AtomicU64);

impl<'a> Open<'a> {
    fn new(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn next_cut(cuts: &mut watch::Receiver<(u64, Cut)>) -> Cut {
    if cuts.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    cuts.borrow_and_update().1
}

async fn cut_before_head(mut cuts: watch::Receiver<(u64, Cut)>, head_sent: &AtomicBool) -> Cut {
    loop {
        let how = next_cut(&mut cuts).await;
        if !head_sent.load(Ordering::Relaxed) {
            return how;
        }
    }
}

/// What is done before any answer: the cut, or a silence until it is over. Of a stream
/// that only its answer tells to be one, when the upstream has given that.
async fn strike_request(view: &mut View) -> Option<Cut> {
    while let Some(fault) = view.strike(|when, _| when == When::Request) {
        if let Kind::Cut { how, .. } = fault.kind {
            view.acted(&fault, format_args!("cut ({how}) instead of an answer"));
            return Some(how);
        }
        view.acted(&fault, "silence instead of an answer");
        silence(view, &fault, Progress::start()).await;
    }
    None
}

#[derive(Clone, Copy)]
struct Exchange<'a> {
    shared: &'a Arc<Shared>,
    request: &'a Request,
    stream_number: Option<u64>,
    head_sent: &'a AtomicBool,
}

impl Exchange<'_> {
    /// Why it ended, and whether the connection can serve another request.
    async fn run(
        self,
        view: &mut View,
        output: &mut Output<'_, impl AsyncWrite + Unpin>,
        reader: &mut (impl AsyncRead + Unpin),
        inbox: &mut Inbox,
        body: &mut Body,
        mut cuts: watch::Receiver<(u64, Cut)>,
    ) -> (Stop, bool) {
        tokio::select! {
            biased;
            cut = strike_request(view) => if let Some(how) = cut {
                return (Stop::Cut(how), false);
            },
            () = inbox.until_gone(reader) => return (Stop::Gone, false),
        }
        let bodiless = body.may_end_here();
        if let Some(fault) = view.find(|kind| matches!(kind, Kind::Status { .. })) {
            return self.refuse(view, output, &fault, bodiless).await;
        }
        if self.request.method.eq_ignore_ascii_case("CONNECT") {
            let detail = "CONNECT is not supported: give the proxy's URL instead of the server's";
            let status = StatusCode::NOT_IMPLEMENTED;
            return self.respond(output, status, detail, None, bodiless).await;
        }
        let without_last_event_id = self.ignore_last_event_id(view);
        let connecting = upstream::connect(
            &self.shared.upstream,
            &self.shared.tls,
            self.shared.settings.connect_timeout,
        );
        let connection = match connecting.await {
            Ok(connection) => connection,
            Err(failure) => return self.unreachable(output, &failure, bodiless).await,
        };
        let (upstream_reader, mut upstream_writer) = tokio::io::split(connection);
        let changes = upstream::Changes {
            preserve_host: self.shared.settings.preserve_host,
            identity: self.stream_number.is_some(),
            without_last_event_id,
        };
        let head = upstream::encode(self.request, &self.shared.upstream, changes);
        if self.request.has_token("expect", "100-continue")
            && let Err(error) = output
                .head(b"HTTP/1.1 100 Continue\r\n\r\n", Framing::None)
                .await
        {
            return (Stop::Broken(error), false);
        }
        let uploaded = AtomicBool::new(bodiless);
        let uploading = async {
            let mut sent = upstream_writer.write_all(&head).await;
            if sent.is_ok() {
                sent = upstream_writer.flush().await;
            }
            while let Ok(()) = sent
                && !uploaded.load(Ordering::Relaxed)
            {
                match inbox.body(body, reader).await {
                    Ok(piece) => {
                        let piece = piece.as_deref();
                        uploaded.store(piece.is_none(), Ordering::Relaxed);
                        let is_chunked = self.request.is_chunked;
                        sent = upstream::send_body(&mut upstream_writer, piece, is_chunked).await;
                    }
                    Err(_) => return,
                }
            }
            // An upstream that takes no more may have answered all the same.
            inbox.until_gone(reader).await;
        };
        let answering = async {
            let is_head = self.request.method == "HEAD";
            match Answer::read(upstream_reader, is_head).await {
                Ok((head, answer)) => self.deliver(view, output, head, answer, &mut cuts).await,
                Err(failure) => self.unreachable(output, &failure, true).await,
            }
        };
        let (stop, keeps_alive) = tokio::select! {
            biased;
            done = answering => done,
            () = uploading => (Stop::Gone, false),
        };
        (stop, keeps_alive && uploaded.load(Ordering::Relaxed))
    }

    fn ignore_last_event_id(self, view: &View) -> bool {
        let Some(fault) = view.find(|kind| *kind == Kind::IgnoreLastEventId) else {
            return false;
        };
        if let Some(id) = self.request.header("last-event-id") {
            let id = String::from_utf8_lossy(id);
            view.acted(&fault, format_args!("Last-Event-ID {id:?} taken away"));
        }
        true
    }

    async fn deliver(
        self,
        view: &mut View,
        output: &mut Output<'_, impl AsyncWrite + Unpin>,
        head: ResponseHead,
        mut answer: Answer,
        cuts: &mut watch::Receiver<(u64, Cut)>,
    ) -> (Stop, bool) {
        let is_stream = is_event_stream(&head.headers);
        let streams = &self.shared.counters.streams;
        let number = self.stream_number;
        let number = is_stream
            .then(|| number.unwrap_or_else(|| streams.fetch_add(1, Ordering::Relaxed) + 1));
        view.answered(number);
        if let Some(how) = strike_request(view).await {
            return (Stop::Cut(how), false);
        }
        if let Some(fault) = view.find(|kind| matches!(kind, Kind::Status { .. })) {
            return self.refuse(view, output, &fault, true).await;
        }
        let (changes, gzip) = self.changes(view, &head, is_stream);
        let passed = response::pass_on(&head, self.request, &changes, &self.shared.upstream);
        let (link, received) = Link::after_head(&mut answer, view.latency()).await;
        count(&self.shared.counters.bytes_received, received);
        let sent = output.head(&passed.bytes, passed.framing).await;
        self.head_sent.store(true, Ordering::Relaxed);
        if sent.is_err() {
            return (Stop::Gone, false);
        }
        if let Some(flush) = gzip {
            output.compress(flush);
        }
        let progress = view.answered(number);
        let segmenter = self.segmenter(view, &head, is_stream);
        let mut delivery = Delivery::new(self.shared, view, output, segmenter, progress);
        let stop = tokio::select! {
            biased;
            how = next_cut(cuts) => Stop::Cut(how),
            stop = delivery.run(link, &mut answer) => stop,
        };
        match &stop {
            Stop::Cut(Cut::End) => {
                // A client that reads no more is closed without the end of the body.
                let patience = self.shared.settings.connect_timeout;
                let _ = tokio::time::timeout(patience, delivery.finish()).await;
            }
            Stop::Broken(error) => {
                let cut_short = &self.shared.counters.upstream_cut_short;
                cut_short.fetch_add(1, Ordering::Relaxed);
                let who = view.who();
                let log = &self.shared.log;
                log.line(format_args!("{who}: the upstream broke off: {error}"));
            }
            _ => {}
        }
        (stop, passed.keeps_alive)
    }

    fn segmenter(self, view: &View, head: &ResponseHead, is_stream: bool) -> Option<Segmenter> {
        if !is_stream || self.request.method == "HEAD" {
            return None;
        }
        let Some(coding) = coding(&head.headers) else {
            let most = self.shared.settings.max_event_size;
            return Some(Segmenter::new(most));
        };
        count(&self.shared.counters.streams_unread, 1);
        let who = view.who();
        let log = &self.shared.log;
        log.line(format_args!(
            "{who}: Content-Encoding {coding:?}: its events cannot be told apart, faults of bytes act"
        ));
        None
    }

    /// What faults change about the head, and whether compression flushes.
    fn changes(
        self,
        view: &View,
        head: &ResponseHead,
        is_stream: bool,
    ) -> (response::Changes, Option<bool>) {
        let mut changes = response::Changes {
            any_length: is_stream,
            ..response::Changes::default()
        };
        if let Some(fault) = view.find(|kind| matches!(kind, Kind::ContentType(_)))
            && let Kind::ContentType(value) = &fault.kind
        {
            view.acted(&fault, "Content-Type replaced");
            changes.content_type = match value {
                Some(value) => ContentType::Replaced(value.clone()),
                None => ContentType::Removed,
            };
        }
        let mut gzip = None;
        if let Some(fault) = view.find(|kind| matches!(kind, Kind::Compress { .. }))
            && let Kind::Compress { flush, force } = fault.kind
            && coding(&head.headers).is_none()
            && (force || self.request.has_token("accept-encoding", "gzip"))
        {
            view.acted(&fault, if flush { "gzip" } else { "gzip without flush" });
            changes.compress = true;
            gzip = Some(flush);
        }
        (changes, gzip)
    }

    async fn refuse(
        self,
        view: &View,
        output: &mut Output<'_, impl AsyncWrite + Unpin>,
        fault: &Fault,
        reusable: bool,
    ) -> (Stop, bool) {
        let Kind::Status { code, retry_after } = fault.kind else {
            return (Stop::Gone, false);
        };
        view.acted(fault, format_args!("answered {code}"));
        let detail = format!("fault {}", fault.name);
        self.respond(output, code, &detail, retry_after, reusable)
            .await
    }

    async fn unreachable(
        self,
        output: &mut Output<'_, impl AsyncWrite + Unpin>,
        failure: &Failure,
        reusable: bool,
    ) -> (Stop, bool) {
        let failures = &self.shared.counters.upstream_failures;
        failures.fetch_add(1, Ordering::Relaxed);
        let detail = format!("upstream {}: {}", self.shared.upstream, failure.detail);
        self.shared.log.line(&detail);
        let status = match failure.kind {
            FailureKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        self.respond(output, status, &detail, None, reusable).await
    }

    async fn respond(
        self,
        output: &mut Output<'_, impl AsyncWrite + Unpin>,
        status: StatusCode,
        detail: &str,
        retry_after: Option<u64>,
        reusable: bool,
    ) -> (Stop, bool) {
        let (head, body) = response::own(status, detail, retry_after, self.request);
        let Head {
            bytes,
            framing,
            keeps_alive,
        } = head;
        let sent = async {
            output.head(&bytes, framing).await?;
            output.send(&body, Pace::default()).await?;
            output.finish().await
        };
        match sent.await {
            Ok(()) => (Stop::Ended, keeps_alive && reusable),
            Err(_) => (Stop::Gone, false),
        }
    }
}
