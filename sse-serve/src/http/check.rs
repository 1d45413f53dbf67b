//! What options together cannot mean, told from the configuration alone.

use std::collections::HashSet;
use std::net::SocketAddr;

use crate::config::Config;
use crate::error::{AuthError, StartError};
use crate::http::cors;
use crate::http::router::check_path;

/// The least that hyper reads a head with.
const HEAD_MIN: usize = 8 << 10;

impl Config {
    /// Whether the options can be had together. No file is read and no name
    /// resolved: what only shows then, [`Server::bind`](crate::Server::bind) says.
    ///
    /// # Errors
    /// [`StartError`] with the first contradiction and its mend.
    pub fn check(&self) -> Result<(), StartError> {
        check_path(&self.path).map_err(|problem| StartError::Path {
            path: self.path.clone(),
            problem,
        })?;
        cors::check(&self.cors)?;
        check_limits(self)?;
        check_topics(self)?;
        if self.tls_key.is_some() && self.tls_cert.is_none() {
            let problem = "--tls-key is the key of a certificate; give that with --tls-cert";
            return Err(StartError::Limits { problem });
        }
        if self.allow_anonymous && self.auth.is_on() {
            return Err(AuthError::Options {
                problem: "with authentication nobody is anonymous; leave out --allow-anonymous, \
                          or the tokens and the key",
            }
            .into());
        }
        match self.listen.parse() {
            Ok(address) => check_address(self, &[address]),
            // A name, not resolved yet.
            Err(_) => Ok(()),
        }
    }
}

/// Whether it may be served to whoever reaches these addresses.
pub(super) fn check_address(config: &Config, addresses: &[SocketAddr]) -> Result<(), StartError> {
    let needs_no_auth = config.allow_anonymous || config.auth.is_on();
    if needs_no_auth || addresses.iter().all(|address| address.ip().is_loopback()) {
        return Ok(());
    }
    Err(StartError::Anonymous {
        address: config.listen.clone(),
    })
}

fn check_limits(config: &Config) -> Result<(), StartError> {
    let limits = &config.limits;
    let problem = if limits.head_bytes < HEAD_MIN {
        "a request head needs 8KiB at least; raise --max-head-size"
    } else if limits.event_bytes > config.hub.retention.bytes {
        "the log could not hold one event of the largest size; raise --log-bytes, or lower \
         --max-event-size"
    } else if limits.event_bytes > limits.body_bytes {
        "no body could hold one event of the largest size; raise --max-body-size, or lower \
         --max-event-size"
    } else if limits.body_bytes > limits.body_memory {
        "a body of the largest size would never have room; raise --max-body-memory, or lower \
         --max-body-size"
    } else {
        return Ok(());
    };
    Err(StartError::Limits { problem })
}

fn check_topics(config: &Config) -> Result<(), StartError> {
    let mut before = HashSet::new();
    for topic in &config.hub.topics {
        let is_new = before.insert(&topic.topics);
        let checked = topic.check();
        let checked = checked.and(is_new.then_some(()).ok_or("stands twice; give it once"));
        checked.map_err(|problem| StartError::Topics {
            topics: topic.topics.clone(),
            problem,
        })?;
    }
    Ok(())
}
