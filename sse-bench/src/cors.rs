//! What a response allows to pages of other origins (Fetch Standard, CORS protocol).

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderName, VARY,
};
use http::{HeaderMap, HeaderValue};

/// An origin that nobody has (RFC 6761 §6.4).
pub(crate) const STRANGER: &str = "https://page.invalid";

/// What is answered to a request with `Origin:` [`STRANGER`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cors {
    pub(crate) allows: Allows,
    pub(crate) credentials: bool,
    /// A cache may give the answer to another origin.
    cacheable_for_all: bool,
}

/// To whom the response may be shown, besides pages of its own origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Allows {
    Nobody,
    /// `*`
    Anyone,
    /// The origin that asked, which nobody can know.
    WhoeverAsks,
    One(String),
    /// A value that no origin equals, such as a list.
    Unmatchable(String),
}

/// What is wrong with an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Unmatchable,
    AnyoneWithCredentials,
    WhoeverAsksWithCredentials,
    WithoutVary,
}

impl Cors {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let allows = match text(headers, &ACCESS_CONTROL_ALLOW_ORIGIN) {
            None => Allows::Nobody,
            Some(value) if value == "*" => Allows::Anyone,
            Some(value) if value == STRANGER => Allows::WhoeverAsks,
            Some(value) if is_origin(&value) => Allows::One(value),
            Some(value) => Allows::Unmatchable(value),
        };
        let credentials = text(headers, &ACCESS_CONTROL_ALLOW_CREDENTIALS);
        let varies = has_token(headers, &VARY, "origin") || has_token(headers, &VARY, "*");
        Self {
            allows,
            credentials: credentials.as_deref() == Some("true"),
            cacheable_for_all: !varies && !has_token(headers, &CACHE_CONTROL, "no-store"),
        }
    }

    /// Whether a cache may give what one origin got to another.
    pub(crate) const fn is_cacheable_for_all(&self) -> bool {
        self.cacheable_for_all
    }

    /// The worst of what is wrong.
    pub(crate) fn flaw(&self) -> Option<Flaw> {
        match self.allows {
            Allows::Unmatchable(_) => Some(Flaw::Unmatchable),
            Allows::Anyone if self.credentials => Some(Flaw::AnyoneWithCredentials),
            Allows::WhoeverAsks if self.credentials => Some(Flaw::WhoeverAsksWithCredentials),
            Allows::WhoeverAsks if self.cacheable_for_all => Some(Flaw::WithoutVary),
            _ => None,
        }
    }
}

impl Flaw {
    /// Whether a rule is broken, or good practice only.
    pub(crate) const fn breaks_a_rule(self) -> bool {
        matches!(self, Self::Unmatchable)
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Unmatchable => "no browser shows the stream to another origin",
            Self::AnyoneWithCredentials => "browsers refuse * where a page sends credentials",
            Self::WhoeverAsksWithCredentials => {
                "any origin is echoed, with credentials: every page on the web may read the \
                 stream as its visitor"
            }
            Self::WithoutVary => {
                "any origin is echoed without Vary: a cache may give the answer to another origin"
            }
        }
    }

    pub(crate) const fn mend(self) -> &'static str {
        match self {
            Self::Unmatchable => "send one origin, the one that asks, or * alone",
            Self::AnyoneWithCredentials => {
                "repeat the origins that are known instead of *, or allow no credentials"
            }
            Self::WhoeverAsksWithCredentials => "allow credentials to known origins only",
            Self::WithoutVary => "send Vary: Origin",
        }
    }

    /// Where the rule is said.
    pub(crate) const fn source(self) -> &'static str {
        match self {
            Self::WithoutVary => "Fetch Standard, CORS protocol and HTTP caches",
            _ => "Fetch Standard, CORS check",
        }
    }
}

impl Allows {
    /// The value of `Access-Control-Allow-Origin`.
    pub(crate) fn value(&self) -> Option<&str> {
        match self {
            Self::Nobody => None,
            Self::Anyone => Some("*"),
            Self::WhoeverAsks => Some(STRANGER),
            Self::One(value) | Self::Unmatchable(value) => Some(value),
        }
    }
}

/// Several fields of one name are one value, joined as the check joins them.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let values: Vec<_> = values.map(String::from_utf8_lossy).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let text = text(headers, name).unwrap_or_default();
    let mut tokens = text.split(',').map(str::trim);
    tokens.any(|known| known.eq_ignore_ascii_case(token))
}

/// As browsers write one: to the letter, so with no path behind it.
fn is_origin(value: &str) -> bool {
    let of_url = || {
        let url = url::Url::parse(value).ok()?;
        Some(url.origin().ascii_serialization() == value)
    };
    value == "null" || of_url().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(fields: &[(&'static str, &'static str)]) -> Cors {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Cors::of(&headers)
    }

    #[test]
    fn each_flaw_is_told_from_what_is_right() {
        const ORIGIN: &str = "access-control-allow-origin";
        const CREDENTIALS: (&str, &str) = ("access-control-allow-credentials", "true");
        for (fields, flaw) in [
            (&[][..], None),
            (&[(ORIGIN, "*")], None),
            (
                &[(ORIGIN, "*"), CREDENTIALS],
                Some(Flaw::AnyoneWithCredentials),
            ),
            (&[(ORIGIN, STRANGER)], Some(Flaw::WithoutVary)),
            (&[(ORIGIN, STRANGER), ("vary", "accept, Origin")], None),
            (&[(ORIGIN, STRANGER), ("cache-control", "No-Store")], None),
            (
                &[(ORIGIN, STRANGER), ("vary", "origin"), CREDENTIALS],
                Some(Flaw::WhoeverAsksWithCredentials),
            ),
            (&[(ORIGIN, "https://a.example"), CREDENTIALS], None),
            (&[(ORIGIN, "null")], None),
            (&[(ORIGIN, "*"), (ORIGIN, "*")], Some(Flaw::Unmatchable)),
            (&[(ORIGIN, "https://a.example/")], Some(Flaw::Unmatchable)),
            (&[(ORIGIN, "a.example")], Some(Flaw::Unmatchable)),
        ] {
            assert_eq!(cors(fields).flaw(), flaw, "{fields:?}");
        }
    }
}
