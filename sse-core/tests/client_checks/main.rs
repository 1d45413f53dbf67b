//! C01-C48: what a client must do, checked against a scripted server on real
//! sockets. Each test is named after its check.

mod client;
mod mock;

mod closing;
mod opening;
mod parsing;
mod reconnecting;
mod redirects;
mod resuming;
