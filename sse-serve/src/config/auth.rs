//! Who may use a server.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Authentication. It is on with a token or a JWT key.
///
/// ```
/// use sse_serve::{Claims, Config, Secret, SecretSource, StaticToken};
///
/// let mut config = Config::default();
/// config.auth.tokens.push(StaticToken {
///     name: "ci".to_owned(),
///     secret: SecretSource::Value(Secret::new("c0ffee-c0ffee-c0ffee")),
///     claims: Claims {
///         publish: vec!["builds.*".to_owned()],
///         ..Claims::default()
///     },
/// });
/// assert!(config.auth.is_on());
/// assert!(!format!("{config:?}").contains("c0ffee"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Auth {
    /// Tokens that stand for themselves.
    pub tokens: Vec<StaticToken>,
    /// JSON Web Tokens (RFC 7519).
    pub jwt: Option<Jwt>,
    /// The cookie that may carry a token instead of `Authorization`.
    pub cookie: Option<String>,
    /// What `POST /ticket` gives out.
    pub tickets: TicketLimits,
}

impl Auth {
    /// Whether a request must say who it is from.
    pub fn is_on(&self) -> bool {
        !self.tokens.is_empty() || self.jwt.is_some()
    }
}

/// A token, and what its bearer may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticToken {
    /// Names the bearer as the publisher that idempotency keys count for.
    pub name: String,
    /// The token: 16 characters or more of RFC 6750 §2.1.
    pub secret: SecretSource,
    /// What it permits.
    pub claims: Claims,
}

/// What a credential permits; by default nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Topics to subscribe to, or patterns such as `orders.*`; `*` is all.
    pub subscribe: Vec<String>,
    /// Topics to publish to, likewise.
    pub publish: Vec<String>,
    /// The session whose events its streams receive.
    pub session: Option<String>,
    /// Metrics, connections, topics.
    pub admin: bool,
}

/// How JSON Web Tokens are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// The only algorithm that is accepted, whatever a token's header says.
    pub algorithm: JwtAlgorithm,
    /// The secret of HS256, at least 32 bytes; the public key of the others in
    /// PEM.
    pub key: SecretSource,
    /// If there are any, `aud` must name one of them.
    pub audiences: Vec<String>,
    /// If there are any, `iss` must be one of them.
    pub issuers: Vec<String>,
    /// How far clocks may differ when `exp` and `nbf` are read, whole seconds up
    /// to a day. The flag defaults to 30 s.
    pub leeway: Duration,
}

/// A signature algorithm (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256 and a shared secret.
    Hs256,
    /// RSA PKCS#1 v1.5 with SHA-256, 2048 to 8192 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

/// What tickets are bounded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketLimits {
    /// The time in which a ticket must open its stream. Default 30 s.
    pub open_within: Duration,
    /// The time after which it opens no stream any more and its stream ends,
    /// if the credential it was given for does not expire before. Default 12 h.
    pub lifetime: Duration,
    /// The most at a time; beyond, 503. One credential gets no more of them than
    /// are left for all others; beyond, 429. Default 100,000.
    pub max: usize,
}

impl Default for TicketLimits {
    fn default() -> Self {
        Self {
            open_within: Duration::from_secs(30),
            lifetime: Duration::from_secs(12 * 3600),
            max: 100_000,
        }
    }
}

/// Where a secret is read from when the server starts. The last line end of it
/// is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file of at most 64 KiB.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// The secret itself.
    Value(Secret),
}

/// A secret, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the secret as it is.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}
