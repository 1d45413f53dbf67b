//! A Server-Sent Events hub with replay, and a demo publisher.
//!
//! A [`Server`] listens and serves its [`Hub`]; a program that embeds it
//! publishes through the hub, others through `POST /trigger`. Every event goes
//! into a log, encoded once, and every subscriber is a cursor over that log, so
//! that replay after a reconnect and live delivery are the same reads.

pub mod cli;
mod config;
pub mod demo;
mod error;
mod http;
mod hub;
mod log;
mod publish;
pub mod shutdown;
mod sys;

pub use config::{Config, WhenFull};
pub use error::StartError;
pub use http::Server;
pub use hub::{GapPolicy, Hub, HubConfig, InvalidPublication, Publication, PublishError};
pub use log::Retention;
