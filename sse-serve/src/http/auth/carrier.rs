//! Where in a request its credential stands.

use std::borrow::Cow;

use cookie::Cookie;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, Uri};
use url::form_urlencoded;

use crate::http::auth::Rejected;

/// How a credential came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Header,
    Ticket,
    /// Sent by a browser on its own, whoever made it ask.
    Cookie,
}

/// The first of header, ticket and cookie.
pub(super) fn find<'a>(
    uri: &'a Uri,
    headers: &'a HeaderMap,
    cookie: Option<&str>,
) -> Result<(Cow<'a, str>, Carrier), Rejected> {
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    if let Some(value) = authorizations.next() {
        if authorizations.next().is_some() {
            return Err(Rejected::Malformed("two `Authorization` headers; send one"));
        }
        let text = value.to_str().unwrap_or_default();
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        let token = token.trim_matches(' ');
        // The scheme in any case (RFC 9110 §11.1); another may be a proxy's own.
        if scheme.eq_ignore_ascii_case("bearer") {
            return is_token(token)
                .then(|| (token.into(), Carrier::Header))
                .ok_or(Rejected::Malformed(
                    "`Authorization` is not `Bearer` and one token; correct it",
                ));
        }
    }
    let query = uri.query().unwrap_or_default();
    let ticket = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "ticket");
    if let Some((_, ticket)) = ticket {
        return Ok((ticket, Carrier::Ticket));
    }
    let token = cookie.and_then(|name| {
        let lines = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
        let found = cookies.find(|cookie| cookie.name() == name)?;
        Some(found.value_trimmed().to_owned())
    });
    token
        .map(|token| (token.into(), Carrier::Cookie))
        .ok_or(Rejected::Missing)
}

/// The `b64token` of RFC 6750 §2.1.
pub(super) fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(is_of_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(uri: &str, lines: &[(&str, &str)]) -> Result<(String, Carrier), Rejected> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let uri = uri.parse().unwrap();
        find(&uri, &headers, Some("sid")).map(|(token, carrier)| (token.into_owned(), carrier))
    }

    #[test]
    fn the_table_of_carriers() {
        let malformed =
            |verdict: Result<_, Rejected>| matches!(verdict, Err(Rejected::Malformed(_)));
        let header = |value: &str| found("/", &[("authorization", value)]);
        for value in ["Bearer abc.d-e_f", "bearer abc.d-e_f", "BEARER  abc.d-e_f"] {
            assert_eq!(header(value), Ok(("abc.d-e_f".into(), Carrier::Header)));
        }
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer =",
            "bearer \t",
        ] {
            assert!(malformed(header(value)), "{value}");
        }
        for value in ["Basic abc", "abc", ""] {
            assert_eq!(header(value), Err(Rejected::Missing), "{value}");
        }
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        assert!(malformed(found("/", &twice)));
        assert_eq!(found("/events", &[]), Err(Rejected::Missing));
        assert_eq!(
            found("/events?topic=a", &[("cookie", "x=1")]),
            Err(Rejected::Missing)
        );
        let ticket = ("ab".to_owned(), Carrier::Ticket);
        assert_eq!(found("/e?a=1&ticket=ab", &[]), Ok(ticket.clone()));
        assert_eq!(found("/e?ticket=ab", &[("cookie", "sid=c")]), Ok(ticket));
        let both = found("/e?ticket=ab", &[("authorization", "Bearer a")]);
        assert_eq!(both, Ok(("a".into(), Carrier::Header)));
        for line in ["sid=c", "x=1; sid=c; y=2", "x=1;sid=c", "sid=\"c\""] {
            let cookie = found("/", &[("cookie", line)]);
            assert_eq!(cookie, Ok(("c".into(), Carrier::Cookie)), "{line}");
        }
        let split = found("/", &[("cookie", "x=1"), ("cookie", "sid=c")]);
        assert_eq!(split, Ok(("c".into(), Carrier::Cookie)));
    }
}
