//! Why a server does not start.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::log::OpenError;

/// A server that could not be started. Each message says how to mend it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken, not ours, or not allowed.
    #[error(
        "cannot listen on {address}: {}; choose another address with --listen, \
             for example --listen 127.0.0.1:0",
        reason(cause)
    )]
    Listen {
        /// As configured.
        address: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The stream's path is not one, or is taken by another endpoint.
    #[error("the path `{path}` {problem}; choose another with --path, for example --path /stream")]
    Path {
        /// As configured.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The system has no threads or descriptors left.
    #[error("cannot start the writer threads: {0}; raise the limits of this process")]
    Writer(io::Error),
    /// The log is not one, or cannot be used.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// Everybody who can reach the address could publish and subscribe.
    #[error(
        "{address} is reachable from elsewhere and there is no authentication; listen on \
             127.0.0.1, or give --auth-token or --jwt-algorithm, or --allow-anonymous to let \
             everybody publish and subscribe"
    )]
    Anonymous {
        /// As configured.
        address: String,
    },
    /// The authentication cannot be what it is configured to be.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// An origin is not one, or may not be combined with credentials.
    #[error("the origin `{origin}` {problem}; correct --cors-origin")]
    Origin {
        /// As configured.
        origin: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A history of their own is for topics that there cannot be.
    #[error("the pattern of topics `{topics}` {problem}")]
    Topics {
        /// As configured.
        topics: String,
        /// What is wrong with it, and the mend.
        problem: &'static str,
    },
    /// The certificate or its key cannot be used.
    #[error("{} {problem}", path.display())]
    Tls {
        /// The file that is wrong.
        path: PathBuf,
        /// What is wrong with it, and the mend.
        problem: String,
    },
    /// A limit, or another option, contradicts another.
    #[error("{problem}")]
    Limits {
        /// What is wrong, and the mend.
        problem: &'static str,
    },
}

impl StartError {
    /// Whether the options themselves are wrong, and not what they name: the
    /// address, a file or the system.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Path { .. }
            | Self::Anonymous { .. }
            | Self::Origin { .. }
            | Self::Topics { .. }
            | Self::Limits { .. } => true,
            Self::Auth(error) => matches!(error, AuthError::Options { .. }),
            Self::Listen { .. } | Self::Writer(_) | Self::Log(_) | Self::Tls { .. } => false,
        }
    }
}

/// An authentication that cannot be set up. No message holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A secret cannot be read, or is too weak to keep anybody out.
    #[error("{what}: {source_name} {problem}")]
    Secret {
        /// The token or the key.
        what: String,
        /// The file or the variable.
        source_name: String,
        /// What is wrong with it, and the mend.
        problem: String,
    },
    /// A static token contradicts itself or another.
    #[error("the token `{name}` {problem}")]
    Token {
        /// Its name.
        name: String,
        /// What is wrong with it, and the mend.
        problem: &'static str,
    },
    /// The options contradict one another.
    #[error("{problem}")]
    Options {
        /// What is wrong, and the mend.
        problem: &'static str,
    },
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
