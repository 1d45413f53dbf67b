//! The options that say who may use the server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::cli::token::{self, Token};
use crate::cli::value;
use crate::config::{Auth, Jwt, JwtAlgorithm, SecretSource, TicketLimits};
use crate::error::AuthError;

#[derive(Debug, Args)]
pub(super) struct AuthArgs {
    /// A token and what it permits. file=FILE or env=VARIABLE holds it, subscribe=
    /// and publish= (repeatable) name topics, session=NAME its session, admin opens
    /// metrics, connections and topics. Repeatable, or separated by semicolons; in
    /// the file a table [[auth.tokens]] for each.
    #[arg(
        long,
        id = token::OPTION,
        value_name = "NAME:file=FILE,subscribe=PATTERN,publish=PATTERN,session=NAME,admin",
        value_delimiter = ';',
        value_parser = token::parse
    )]
    auth_token: Vec<Token>,
    /// Take JSON Web Tokens, of this algorithm alone [default: none].
    #[arg(long, value_enum, value_name = "ALGORITHM")]
    jwt_algorithm: Option<Algorithm>,
    /// File of their key: the secret of HS256, else the public key in PEM.
    #[arg(long, value_name = "FILE")]
    jwt_key_file: Option<PathBuf>,
    /// Environment variable of their key, in place of a file.
    #[arg(long, value_name = "VARIABLE", value_parser = value::name)]
    jwt_key_env: Option<String>,
    /// Audience of which their `aud` must name one; repeatable, or separated by
    /// commas.
    #[arg(long, value_name = "AUDIENCE", value_delimiter = ',', value_parser = value::name)]
    jwt_audience: Vec<String>,
    /// Issuer of which their `iss` must be one; repeatable, or separated by commas.
    #[arg(long, value_name = "ISSUER", value_delimiter = ',', value_parser = value::name)]
    jwt_issuer: Vec<String>,
    /// How far clocks may differ for their `exp` and `nbf`.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::pause)]
    jwt_leeway: Duration,
    /// Cookie that may carry a token or a JSON Web Token.
    #[arg(long, value_name = "NAME", value_parser = value::cookie)]
    session_cookie: Option<String>,
    /// Time in which a ticket must open its stream.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::interval)]
    ticket_open: Duration,
    /// Time after which a ticket, and the stream of it, end.
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = value::interval)]
    ticket_ttl: Duration,
    /// Most tickets at a time, of which one credential gets no more than are left for
    /// all others; beyond, 503.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value::count)]
    max_tickets: usize,
    /// Proxy whose X-User-ID names the session, as an address or a network such as
    /// 10.0.0.0/8; repeatable, or separated by commas.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = value::network)]
    pub(super) trusted_proxy: Vec<IpNet>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Algorithm {
    /// A secret that whoever makes the tokens has too.
    #[value(name = "HS256")]
    Hs256,
    /// An RSA key of 2048 to 8192 bits.
    #[value(name = "RS256")]
    Rs256,
    /// An elliptic curve key of P-256.
    #[value(name = "ES256")]
    Es256,
}

impl AuthArgs {
    pub(super) fn into_config(self) -> Result<Auth, AuthError> {
        let key = match (self.jwt_key_file, self.jwt_key_env) {
            (Some(file), None) => Some(SecretSource::File(file)),
            (None, Some(variable)) => Some(SecretSource::Environment(variable)),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(AuthError::Options {
                    problem: "--jwt-key-file and --jwt-key-env both name the key; give one",
                });
            }
        };
        let jwt = match (self.jwt_algorithm, key) {
            (None, None) if self.jwt_audience.is_empty() && self.jwt_issuer.is_empty() => None,
            (Some(algorithm), Some(key)) => Some(Jwt {
                algorithm: algorithm.into(),
                key,
                audiences: self.jwt_audience,
                issuers: self.jwt_issuer,
                leeway: self.jwt_leeway,
            }),
            (None, _) => {
                return Err(AuthError::Options {
                    problem: "JSON Web Tokens need --jwt-algorithm: HS256, RS256 or ES256",
                });
            }
            (Some(_), None) => {
                return Err(AuthError::Options {
                    problem: "--jwt-algorithm needs a key; give --jwt-key-file or --jwt-key-env",
                });
            }
        };
        let auth = Auth {
            tokens: self.auth_token.into_iter().map(Into::into).collect(),
            jwt,
            cookie: self.session_cookie,
            tickets: TicketLimits {
                open_within: self.ticket_open,
                lifetime: self.ticket_ttl,
                max: self.max_tickets,
            },
        };
        if auth.cookie.is_some() && !auth.is_on() {
            return Err(AuthError::Options {
                problem: "--session-cookie carries a token, but none would be taken; give \
                          --auth-token or --jwt-algorithm",
            });
        }
        Ok(auth)
    }
}

impl From<Algorithm> for JwtAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Hs256 => Self::Hs256,
            Algorithm::Rs256 => Self::Rs256,
            Algorithm::Es256 => Self::Es256,
        }
    }
}
