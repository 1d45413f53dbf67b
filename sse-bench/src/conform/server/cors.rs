//! V11-V13: who may read the stream from another origin.

use super::leg::Leg;
use super::site::Shared;
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};

/// An origin that no server knows.
const STRANGER: &str = "https://conform.invalid";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::live(
            "V11",
            "a preflight for Last-Event-ID is answered as the stream is",
            "Fetch Standard, CORS protocol: a client on fetch() sends one where it resumes",
            |site| Box::pin(preflight(site)),
        ),
        Case::live(
            "V12/origin",
            "one origin or * is allowed, or none",
            "Fetch Standard, CORS check: any other value matches nothing",
            |site| Box::pin(origin(site)),
        ),
        Case::live(
            "V12/vary",
            "an answer that depends on Origin says so",
            "Fetch Standard, CORS protocol and HTTP caches: Vary: Origin",
            |site| Box::pin(vary(site)),
        ),
        Case::live(
            "V13",
            "credentials are not allowed to just any origin",
            "Fetch Standard, CORS check: * does not go with credentials",
            |site| Box::pin(credentials(site)),
        ),
    ]
}

async fn asked(site: &Shared) -> Result<Leg, Verdict> {
    site.stream_by(&site.ask().with("origin", STRANGER)).await
}

/// What is allowed to a stranger.
async fn allowed(site: &Shared) -> Result<(Leg, String), Verdict> {
    let leg = asked(site).await?;
    let value = leg.text(ALLOW_ORIGIN);
    let value = value.ok_or_else(|| Verdict::not_applicable("no other origin is allowed"))?;
    Ok((leg, value))
}

async fn preflight(site: Shared) -> Outcome {
    let (_, value) = allowed(&site).await?;
    let ask = site
        .ask()
        .method("OPTIONS")
        .without("accept")
        .without("authorization")
        .with("origin", STRANGER)
        .and("access-control-request-method", "GET")
        .and("access-control-request-headers", "last-event-id");
    let leg = match site.send(&ask).await {
        Ok(leg) => leg,
        Err(none) => return Ok(Verdict::non_strict(none)),
    };
    if leg.is_stream() {
        return Ok(Verdict::non_strict("OPTIONS opens the stream"));
    }
    let fields = "access-control-allow-headers";
    let (origin, headers) = (leg.text(ALLOW_ORIGIN), leg.text(fields));
    let names = leg.has_token(fields, "last-event-id") || leg.has_token(fields, "*");
    Ok(if leg.status.is_success() && origin.is_some() && names {
        Verdict::ok()
    } else {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        Verdict::non_strict(format_args!(
            "the stream allows {value}, the preflight: {}, origin {}, headers {}",
            leg.status,
            or_none(origin),
            or_none(headers)
        ))
    })
}

async fn origin(site: Shared) -> Outcome {
    let leg = asked(&site).await?;
    let fields = leg.headers.get_all(ALLOW_ORIGIN).iter().count();
    let Some(value) = leg.text(ALLOW_ORIGIN) else {
        let seen = "none: only pages of its own origin can read it";
        return Ok(Verdict::new(Grade::Ok, seen));
    };
    let is_one =
        fields == 1 && (value == "*" || url::Url::parse(&value).is_ok() || value == "null");
    let seen = format!("{ALLOW_ORIGIN}: {value}");
    Ok(if is_one && !value.contains([',', ' ']) {
        Verdict::informational(seen)
    } else {
        Verdict::failed(seen)
    })
}

async fn vary(site: Shared) -> Outcome {
    let (leg, value) = allowed(&site).await?;
    if value != STRANGER {
        return Ok(Verdict::ok());
    }
    Ok(
        if leg.has_token("vary", "origin") || leg.has_token("vary", "*") {
            Verdict::ok()
        } else if leg.has_token("cache-control", "no-store") {
            Verdict::informational("Origin is echoed without Vary; no-store makes it harmless")
        } else {
            Verdict::non_strict("Origin is echoed without Vary")
        },
    )
}

async fn credentials(site: Shared) -> Outcome {
    let (leg, value) = allowed(&site).await?;
    let allows = leg.text("access-control-allow-credentials").as_deref() == Some("true");
    Ok(match value.as_str() {
        _ if !allows => Verdict::ok(),
        "*" => Verdict::non_strict("* with credentials: every browser refuses it"),
        STRANGER => Verdict::non_strict(
            "any origin is echoed, with credentials: every site can read the stream as its visitor",
        ),
        _ => Verdict::ok(),
    })
}
