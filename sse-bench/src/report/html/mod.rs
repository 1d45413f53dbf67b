//! Reports as one HTML page: no script, nothing from elsewhere, charts as SVG.
//!
//! `maud` escapes all text, so that nothing a server sends becomes markup; the
//! policy of the page forbids scripts besides.

pub mod axis;
pub mod chart;
pub mod histogram;
pub mod load;
pub mod scatter;
pub mod sections;

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A page of this title; `body` stands in its `main`.
pub fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

/// A part of the page; `wide` takes the whole width.
pub fn card(title: &str, wide: bool, content: &Markup) -> Markup {
    html! {
        section class=(if wide { "card wide" } else { "card" }) {
            h2 { (title) }
            (content)
        }
    }
}

/// A figure that stands out; `bad` where it should not be.
pub fn tile(value: &str, name: &str, bad: bool) -> Markup {
    html! {
        div class=(if bad { "tile bad" } else { "tile" }) { b { (value) } span { (name) } }
    }
}

/// A verdict, coloured: `pass`, `fail`, `inconclusive` or `not_applicable`.
pub fn tag(verdict: &str) -> Markup {
    html! { span class={ "tag " (verdict) } { (verdict.replace('_', " ")) } }
}
