//! Cross-origin resource sharing (Fetch Standard §3.3).

use std::time::Duration;

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};
use url::Url;

use crate::config::Cors;
use crate::error::StartError;

/// How long a browser may remember a preflight; Chromium caps it here.
const MAX_AGE: Duration = Duration::from_secs(2 * 3600);

/// Refuses what no browser would ever send, or what must not be combined.
pub(super) fn check(cors: &Cors) -> Result<(), StartError> {
    if cors.credentials && cors.origins.is_empty() {
        return Err(StartError::Limits {
            problem: "--cors-credentials is for the pages of other origins; name them with \
                      --cors-origin, or leave it out",
        });
    }
    for origin in &cors.origins {
        if let Err(problem) = check_origin(origin, cors.credentials) {
            return Err(StartError::Origin {
                origin: origin.clone(),
                problem,
            });
        }
    }
    Ok(())
}

fn check_origin(origin: &str, credentials: bool) -> Result<(), &'static str> {
    if origin == "*" {
        return if credentials {
            Err("may not be combined with credentials: name the origins one by one")
        } else {
            Ok(())
        };
    }
    if origin == "null" {
        return Err("is that of any sandboxed page: name the page's own");
    }
    match Url::parse(origin) {
        Ok(url) if url.origin().ascii_serialization() == origin && !origin.contains('*') => Ok(()),
        _ => Err(
            "is not as a browser sends it, such as https://app.example or \
                  http://localhost:3000, without a path",
        ),
    }
}

/// Whether a page of this origin may use the server.
pub(super) fn allows(cors: &Cors, origin: &HeaderValue) -> bool {
    cors.origins
        .iter()
        .any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
}

/// Answers preflights, and marks every answer, refusals included; `None` while
/// no origin is allowed.
pub(super) fn layer(cors: &Cors) -> Option<CorsLayer> {
    if cors.origins.is_empty() {
        return None;
    }
    let origin = if cors.origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let cors = cors.clone();
        AllowOrigin::predicate(move |origin, _| allows(&cors, origin))
    };
    let with = cors.clone();
    let credentials =
        AllowCredentials::predicate(move |origin, _| with.credentials && allows(&with, origin));
    Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_credentials(credentials)
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
            .allow_headers([
                HeaderName::from_static("last-event-id"),
                CACHE_CONTROL,
                AUTHORIZATION,
                CONTENT_TYPE,
                HeaderName::from_static("x-user-id"),
            ])
            .expose_headers([RETRY_AFTER, WWW_AUTHENTICATE])
            .max_age(MAX_AGE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_origins() {
        #[rustfmt::skip]
        let table = [
            // origin                    alone  with credentials
            ("https://app.example",      true,  true),
            ("http://localhost:3000",    true,  true),
            ("http://[::1]:8080",        true,  true),
            ("*",                        true,  false),
            ("null",                     false, false),
            ("https://app.example/",     false, false),
            ("https://app.example:443",  false, false),
            ("https://App.example",      false, false),
            ("https://*.example",        false, false),
            ("app.example",              false, false),
            ("file:///",                 false, false),
            ("",                         false, false),
        ];
        for (origin, alone, with_credentials) in table {
            assert_eq!(check_origin(origin, false).is_ok(), alone, "{origin}");
            assert_eq!(
                check_origin(origin, true).is_ok(),
                with_credentials,
                "{origin}"
            );
        }
    }
}
