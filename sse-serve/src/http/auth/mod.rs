//! Who asks, and what he may do.
//!
//! A credential comes as `Authorization: Bearer` (RFC 6750 §2.1), as `ticket` in
//! the query, or in a cookie; the first of them counts. It is a static token or
//! a JSON Web Token, and becomes a [`Grant`]. What a grant permits is decided in
//! [`access`], from it and the request alone.

mod access;
mod carrier;
mod jwt;
mod secret;
mod tickets;
mod verifier;

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Uri};
use subtle::{Choice, ConstantTimeEq};

pub(super) use access::{Caller, Forbidden, Grant, Wish};
pub(super) use carrier::Carrier;
pub(super) use tickets::{NoTicket, Tickets};

use crate::config::{Auth, Claims, StaticToken};
use crate::error::AuthError;
use crate::hub::{NAME_MAX, TopicPattern};
use access::Access;
use tickets::Digest;

/// The least characters of a static token.
const TOKEN_MIN: usize = 16;

/// What stands before a name or a subject where both are publishers.
const PREFIX_MAX: usize = "token:".len();

/// Tells who is meant by a credential.
#[derive(Debug)]
pub(super) struct Authenticator {
    tokens: Vec<(Digest, Arc<Access>)>,
    jwt: Option<jwt::Verifier>,
    cookie: Option<String>,
    tickets: Tickets,
}

/// Why a request is not taken for anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It holds no credential.
    Missing,
    /// It holds one in a form that is none.
    Malformed(&'static str),
    /// It holds one that is not good.
    Invalid(&'static str),
    /// It holds one that was good.
    Expired,
}

impl Authenticator {
    /// `None` while authentication is off.
    pub(super) fn new(config: &Auth) -> Result<Option<Self>, AuthError> {
        if !config.is_on() {
            return Ok(None);
        }
        let mut tokens: Vec<(Digest, Arc<Access>)> = Vec::new();
        for token in &config.tokens {
            let refused = |problem| AuthError::Token {
                name: token.name.clone(),
                problem,
            };
            let (digest, access) = static_token(token)?;
            if tokens.iter().any(|(known, _)| *known == digest) {
                return Err(refused("is the same as another; give each its own secret"));
            }
            if tokens
                .iter()
                .any(|(_, known)| known.identity == access.identity)
            {
                return Err(refused("has a name that another has; give each its own"));
            }
            tokens.push((digest, Arc::new(access)));
        }
        for token in &config.tokens {
            if token.claims == Claims::default() {
                tracing::warn!(token = token.name, "permits nothing");
            }
        }
        Ok(Some(Self {
            tokens,
            jwt: config.jwt.as_ref().map(jwt::Verifier::new).transpose()?,
            cookie: config.cookie.clone(),
            tickets: Tickets::new(config.tickets),
        }))
    }

    pub(super) fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// Whose request this is, and how it said so.
    pub(super) fn authenticate(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        now: Instant,
    ) -> Result<(Grant, Carrier), Rejected> {
        let (credential, carrier) = carrier::find(uri, headers, self.cookie.as_deref())?;
        let grant = if carrier == Carrier::Ticket {
            self.tickets
                .look_up(&credential, now)
                .ok_or(Rejected::Invalid(
                    "the ticket is unknown or over; get another with POST /ticket",
                ))?
        } else {
            self.token(&credential, now)?
        };
        Ok((grant, carrier))
    }

    fn token(&self, token: &str, now: Instant) -> Result<Grant, Rejected> {
        let digest = Digest::of(token);
        if let Some(access) = self.static_access(digest) {
            return Ok(Grant {
                access,
                expires: None,
                holder: digest,
                ticket: None,
            });
        }
        let Some(jwt) = &self.jwt else {
            return Err(Rejected::Invalid("it is no token of this server"));
        };
        let (access, expires) = jwt.verify(token, now)?;
        Ok(Grant {
            // A subject may have many tokens.
            holder: access.identity.as_deref().map_or(digest, Digest::of),
            access: Arc::new(access),
            expires,
            ticket: None,
        })
    }

    /// Compares with all of them, and digests only, so that the time tells nothing.
    fn static_access(&self, digest: Digest) -> Option<Arc<Access>> {
        let mut found = None;
        for (known, access) in &self.tokens {
            let is_it: Choice = known.bytes().ct_eq(digest.bytes());
            if is_it.into() {
                found = Some(Arc::clone(access));
            }
        }
        found
    }
}

fn static_token(token: &StaticToken) -> Result<(Digest, Access), AuthError> {
    let refused = |problem| AuthError::Token {
        name: token.name.clone(),
        problem,
    };
    let what = format!("the token `{}`", token.name);
    let claims = &token.claims;
    let names = claims.subscribe.iter().chain(&claims.publish);
    for name in names.chain(&claims.session).chain([&token.name]) {
        check_name(name).map_err(|()| {
            refused("has a name, topic or session that is empty, too long, or has a line break")
        })?;
    }
    if !matches_something(claims) {
        return Err(refused(NO_PATTERN));
    }
    let bytes = secret::read(&token.secret, &what)?;
    let weak = |problem: &str| secret::refused(&token.secret, &what, problem.to_owned());
    let text = std::str::from_utf8(&bytes)
        .ok()
        .filter(|text| carrier::is_token(text))
        .ok_or_else(|| weak("may hold letters, digits and - . _ ~ + / = only, on one line"))?;
    if text.len() < TOKEN_MIN {
        return Err(weak(
            "is shorter than 16 characters; make one with `openssl rand -hex 32`",
        ));
    }
    let identity = Some(format!("token:{}", token.name));
    Ok((Digest::of(text), Access::new(identity, claims)))
}

const NO_PATTERN: &str = "has a pattern that matches no topic; `*` is all, `orders.*` a prefix, and \
                          there is no other";

/// Whether every pattern could match a topic.
fn matches_something(claims: &Claims) -> bool {
    let mut patterns = claims.subscribe.iter().chain(&claims.publish);
    patterns.all(|pattern| TopicPattern::parse(pattern).is_ok())
}

/// Whether a name can be a topic, a session or a publisher.
fn check_name(name: &str) -> Result<(), ()> {
    let fits = !name.is_empty() && name.len() <= NAME_MAX - PREFIX_MAX;
    (fits && !name.contains(['\r', '\n', '\0']))
        .then_some(())
        .ok_or(())
}
