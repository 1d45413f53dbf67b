//! `sse-bench proxy` between a scripted server and a client that looks at the socket.

mod answers;
mod control;
mod ends;
mod events;
mod pacing;
mod passing;
mod scenario;
mod support;
