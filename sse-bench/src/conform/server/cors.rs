//! V11-V13: who may read the stream from another origin.

use super::leg::Leg;
use super::site::Shared;
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};
use crate::cors::{Allows, Cors, Flaw, STRANGER};

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
async fn allowed(site: &Shared) -> Result<Cors, Verdict> {
    let cors = Cors::of(&asked(site).await?.headers);
    if cors.allows == Allows::Nobody {
        return Err(Verdict::not_applicable("no other origin is allowed"));
    }
    Ok(cors)
}

async fn preflight(site: Shared) -> Outcome {
    let allowed = allowed(&site).await?;
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
    let origin = Cors::of(&leg.headers).allows;
    let names = leg.has_token(fields, "last-event-id") || leg.has_token(fields, "*");
    Ok(
        if leg.status.is_success() && origin != Allows::Nobody && names {
            Verdict::ok()
        } else {
            let headers = leg.text(fields);
            Verdict::non_strict(format_args!(
                "the stream allows {}, the preflight: {}, origin {}, headers {}",
                allowed.allows.value().unwrap_or("none"),
                leg.status,
                origin.value().unwrap_or("none"),
                headers.as_deref().unwrap_or("none")
            ))
        },
    )
}

async fn origin(site: Shared) -> Outcome {
    let cors = Cors::of(&asked(&site).await?.headers);
    let Some(value) = cors.allows.value() else {
        let seen = "none: only pages of its own origin can read it";
        return Ok(Verdict::new(Grade::Ok, seen));
    };
    let seen = format!("access-control-allow-origin: {value}");
    Ok(match cors.flaw() {
        Some(flaw @ Flaw::Unmatchable) => graded(flaw, &seen),
        _ => Verdict::informational(seen),
    })
}

async fn vary(site: Shared) -> Outcome {
    let cors = allowed(&site).await?;
    Ok(
        if cors.allows == Allows::WhoeverAsks && cors.is_cacheable_for_all() {
            graded(Flaw::WithoutVary, "")
        } else {
            Verdict::ok()
        },
    )
}

async fn credentials(site: Shared) -> Outcome {
    Ok(match allowed(&site).await?.flaw() {
        Some(flaw @ (Flaw::AnyoneWithCredentials | Flaw::WhoeverAsksWithCredentials)) => {
            graded(flaw, "")
        }
        _ => Verdict::ok(),
    })
}

fn graded(flaw: Flaw, evidence: &str) -> Verdict {
    let seen = match evidence {
        "" => flaw.words().to_owned(),
        evidence => format!("{evidence}: {}", flaw.words()),
    };
    if flaw.breaks_a_rule() {
        Verdict::failed(seen)
    } else {
        Verdict::non_strict(seen)
    }
}
