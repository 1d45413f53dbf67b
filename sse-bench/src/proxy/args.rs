//! `sse-bench proxy`: its command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint, value_parser};

use super::spec::{Spec, SpecError};
use crate::units::{parse_duration, parse_size};

const FAULTS: &str = "\
Faults, each KIND[,KEY=VALUE]...; [..] may be left out:
  latency,delay=TIME[,jitter=TIME]           all bytes that much later, give or take the jitter
  bandwidth,rate=SIZE                        bytes a second
  split[,bytes=N][,pause=TIME]               at most N bytes (1) in one chunk and one write
  cut,WHEN[,how=fin|rst|end]                 end the connection: closed in mid-body (fin), reset,
                                             or with an orderly end of the body
  black-hole[,WHEN][,for=TIME]               say nothing more; after TIME, or once it is taken away,
                                             go on
  buffer[,for=TIME][,bytes=SIZE]             hold bytes for TIME or until SIZE (1MiB) are there, as a
                                             buffering nginx does
  drop[,PICK]                                leave out whole events
  duplicate[,PICK][,times=N]                 send them N (1) times more
  reorder[,PICK][,by=N]                      send them after the N (1) next ones
  strip-id[,PICK]                            leave out their id lines
  ignore-last-event-id                       keep Last-Event-ID from the upstream
  status,code=N[,retry-after=SECONDS]        answer with this status
  content-type,value=TYPE|none               answer with this Content-Type, or with none
  compress[,flush=false][,force=true]        gzip, flushed after each write or not; force: also
                                             where the client does not accept it
  WHEN: at=request, at=head, after-events=N, after-bytes=N or after=TIME;
        where=mid-event with after-events or after: in the middle of the next event
  PICK: every=N, events=first|N|first:N|from:N|every:N, probability=0..1, type=EVENT
  All:  connections=first|N|first:N|from:N|every:N   of the event streams, in order of request
        path=/events*                                requests of this path
        responses=all                                not only event streams; counts all requests
        name=NAME                                    to take it away again

A request is an event stream if its Accept names text/event-stream or it has Last-Event-ID, or else
if the response is one.
Events, bytes and times count from the start of the response, or from when the fault came into force.
Whatever their order here, faults are done in this order: black-hole and cut at=request; status;
ignore-last-event-id; content-type; then to what arrives: latency, strip-id, drop, duplicate,
reorder, black-hole and cut (they count what is left), buffer, compress, bandwidth, split.
What buffer or compress hold is lost with a cut by fin or rst, and sent with end.";

const EXAMPLES: &str = "\
Examples:
  Each connection is reset in the middle of its sixth event:
      sse-bench proxy --upstream http://127.0.0.1:8080 --fault cut,after-events=5,where=mid-event,how=rst

  A slow line, and every tenth event lost on the first connection:
      sse-bench proxy --upstream https://example.com --fault latency,delay=200ms,jitter=50ms \\
          --fault drop,every=10,connections=first

  Nothing at first; faults come and go by HTTP (GET / there lists the paths):
      sse-bench proxy --upstream http://127.0.0.1:8080 --listen 127.0.0.1:8081 --control 127.0.0.1:8082
      curl -d cut,after=5s http://127.0.0.1:8082/faults
      curl -X POST 'http://127.0.0.1:8082/cut?how=rst'";

/// `sse-bench proxy`.
#[derive(Debug, Args)]
#[command(after_help = "The faults: see --help", after_long_help = format!("{FAULTS}\n\n{EXAMPLES}"))]
pub struct ProxyArgs {
    /// The server behind the proxy, http:// or https://, asked over HTTP/1.1; a path is put before
    /// that of each request
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub upstream: String,

    /// Where to listen; the first line on standard output says where that is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Where to listen for commands by HTTP; the second line says where that is [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    pub control: Option<SocketAddr>,

    /// A fault in force from the start, repeatable: KIND[,KEY=VALUE]...
    #[arg(short = 'f', long = "fault", value_name = "FAULT", value_parser = parse_fault)]
    pub(super) faults: Vec<Spec>,

    /// A timeline of faults (TOML)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub scenario: Option<PathBuf>,

    /// End after this time [default: when interrupted]
    #[arg(short = 'z', long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Seed of jitter and probabilities [default: that of the scenario, or random, named at the start]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Send the Host that the client sent instead of the upstream's
    #[arg(long)]
    pub preserve_host: bool,

    /// The longest until a connection to the upstream is made
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub connect_timeout: Duration,

    /// Connections of clients at once; further ones wait
    #[arg(long, value_name = "N", default_value = "4096", value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,

    /// The longest line and event that is recognised; beyond, the stream passes unread
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub max_event_size: usize,

    /// Trust these certificate authorities (PEM) of the upstream instead of the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cacert: Option<PathBuf>,

    /// Accept any certificate of the upstream
    #[arg(long, conflicts_with = "cacert")]
    pub insecure: bool,

    /// Do not log what faults do
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

fn parse_fault(text: &str) -> Result<Spec, SpecError> {
    let spec = Spec::parse(text);
    // The fault itself is made when the proxy starts.
    spec.clone()
        .into_fault(super::fault::Origin::CommandLine)
        .map(|_| spec)
}
