//! JSON Web Tokens (RFC 7519) as credentials.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::config::{Claims, Jwt, JwtAlgorithm};
use crate::error::AuthError;
use crate::http::auth::access::Access;
use crate::http::auth::{NO_PATTERN, Rejected, check_name, matches_something, secret, verifier};

/// The least a secret of HS256 must have (RFC 7518 §3.2).
const SECRET_MIN: usize = 32;

/// The DER of a key of 2048 bits is longer than its modulus.
const RSA_MIN: usize = 256;

/// An uncompressed point of P-256 (SEC 1 §2.3.3).
const POINT: usize = 65;

/// More is no difference of clocks.
const LEEWAY_MAX: Duration = Duration::from_secs(24 * 3600);

/// What is later than this is never.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

pub(super) struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

/// The claims that are read. Others are left to their owners.
#[derive(Debug, Deserialize)]
struct Payload {
    sub: Option<String>,
    exp: Option<f64>,
    #[serde(default)]
    subscribe: OneOrMany,
    #[serde(default)]
    publish: OneOrMany,
    session: Option<String>,
    #[serde(default)]
    admin: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl From<OneOrMany> for Vec<String> {
    fn from(given: OneOrMany) -> Self {
        match given {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        }
    }
}

impl Verifier {
    pub(super) fn new(config: &Jwt) -> Result<Self, AuthError> {
        verifier::install();
        let bytes = secret::read(&config.key, "the key of the JSON Web Tokens")?;
        let (algorithm, key) = key(config.algorithm, &bytes).map_err(|problem| {
            secret::refused(
                &config.key,
                "the key of the JSON Web Tokens",
                problem.to_owned(),
            )
        })?;
        let mut validation = Validation::new(algorithm);
        validation.leeway = config.leeway.min(LEEWAY_MAX).as_secs();
        validation.validate_nbf = true;
        if !config.audiences.is_empty() {
            validation.set_audience(&config.audiences);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if !config.issuers.is_empty() {
            validation.set_issuer(&config.issuers);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        Ok(Self { key, validation })
    }

    /// What the token permits, and until when.
    pub(super) fn verify(
        &self,
        token: &str,
        now: Instant,
    ) -> Result<(Access, Option<Instant>), Rejected> {
        let decoded = jsonwebtoken::decode::<Payload>(token, &self.key, &self.validation);
        let decoded = decoded.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Rejected::Expired,
            kind => Rejected::Invalid(reason(kind)),
        })?;
        // RFC 7515 §4.1.11: what must be understood and is not, is refused.
        if decoded.header.crit.is_some() {
            return Err(Rejected::Invalid("its `crit` names an extension"));
        }
        let payload = decoded.claims;
        let claims = Claims {
            subscribe: payload.subscribe.into(),
            publish: payload.publish.into(),
            session: payload.session,
            admin: payload.admin,
        };
        let names = claims.subscribe.iter().chain(&claims.publish);
        for name in names.chain(&claims.session).chain(&payload.sub) {
            check_name(name).map_err(|()| {
                Rejected::Invalid("a claim is empty, has a control character, or is too long")
            })?;
        }
        if !matches_something(&claims) {
            return Err(Rejected::Invalid(NO_PATTERN));
        }
        let identity = payload.sub.map(|sub| format!("sub:{sub}"));
        let access = Access::new(identity, &claims);
        Ok((access, payload.exp.and_then(|exp| self.end(exp, now))))
    }

    /// The moment from which on the token is refused: the end of the second that
    /// `exp` names, and the leeway.
    fn end(&self, exp: f64, now: Instant) -> Option<Instant> {
        let end = Duration::try_from_secs_f64(exp.round()).ok()?;
        let end = end.checked_add(Duration::from_secs(self.validation.leeway + 1))?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let left = end.saturating_sub(since);
        (left < LONGEST).then(|| now + left)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Verifier");
        shown.field("validation", &self.validation);
        shown.finish_non_exhaustive()
    }
}

fn key(algorithm: JwtAlgorithm, bytes: &[u8]) -> Result<(Algorithm, DecodingKey), &'static str> {
    const NO_KEY: &str = "holds no public key for --jwt-algorithm; give its PEM file, which begins \
                          with -----BEGIN PUBLIC KEY-----";
    if algorithm == JwtAlgorithm::Hs256 {
        if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
            return Err("is a PEM file and no secret; give --jwt-algorithm RS256 or ES256");
        }
        if bytes.len() < SECRET_MIN {
            return Err("is shorter than 32 bytes; make one with `openssl rand -hex 32`");
        }
        return Ok((Algorithm::HS256, DecodingKey::from_secret(bytes)));
    }
    if bytes.windows(11).any(|part| part == b"PRIVATE KEY") {
        return Err("is a private key, which the server must not have; give the public one");
    }
    let (algorithm, key) = match algorithm {
        JwtAlgorithm::Es256 => (Algorithm::ES256, DecodingKey::from_ec_pem(bytes)),
        _ => (Algorithm::RS256, DecodingKey::from_rsa_pem(bytes)),
    };
    let key = key.map_err(|_| NO_KEY)?;
    let length = key.try_get_as_bytes().map_err(|_| NO_KEY)?.len();
    match algorithm {
        Algorithm::ES256 if length != POINT => Err("is not a key of the curve P-256"),
        Algorithm::RS256 if length < RSA_MIN => Err("is shorter than 2048 bits"),
        _ => Ok((algorithm, key)),
    }
}

/// What is wrong with a token, without a word of it.
fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSignature => "its signature is not of this server's key",
        ErrorKind::InvalidAlgorithm => "its algorithm is not this server's",
        ErrorKind::ImmatureSignature => "it is not valid yet (`nbf`)",
        ErrorKind::InvalidAudience => "it is for another audience (`aud`)",
        ErrorKind::InvalidIssuer => "it is of another issuer (`iss`)",
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "exp" => "it has no expiry (`exp`)",
            "aud" => "it names no audience (`aud`)",
            _ => "it names no issuer (`iss`)",
        },
        ErrorKind::InvalidClaimFormat(_) => "`exp` or `nbf` is not a number of seconds",
        ErrorKind::Json(_) => "its header or a claim is not of the type it must be",
        _ => "it is no token of this server",
    }
}
