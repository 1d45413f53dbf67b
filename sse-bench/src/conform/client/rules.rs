//! Where each check has its rule from.

const REQUEST: &str = "HTML Living Standard §9.2.2: Accept and the cache mode of the request";
const RESPONSE: &str =
    "HTML Living Standard §9.2.2: 200 with text/event-stream, else the connection fails";
const RECONNECT: &str = "HTML Living Standard §9.2.3: reconnection";
const LAST_ID: &str = "HTML Living Standard §9.2.3, §9.2.4: the Last-Event-ID header";
const PARSE: &str = "HTML Living Standard §9.2.5: parsing an event stream";
const INTERPRET: &str = "HTML Living Standard §9.2.6: interpreting an event stream";
const PRACTICE: &str = "practice; the HTML Living Standard leaves it to the client";

/// The rule behind the check of this name.
pub(super) fn rule(name: &str) -> String {
    let check = name.split('/').next().unwrap_or_default();
    let rule = match check {
        "C01" | "C47" => REQUEST,
        "C02" | "C03" | "C04" | "C05" | "C07" | "C08" | "C42" => RESPONSE,
        "C06" if name.ends_with("retried") => "RFC 9110 §10.2.3: Retry-After; an option",
        "C06" => RESPONSE,
        "C09" | "C10" | "C11" => "RFC 9110 §8.3.1: the essence of a media type, its parameters",
        "C12" => "HTML Living Standard §9.2.6: decoded as UTF-8, whatever the charset says",
        "C13" | "C15" | "C16" => "Fetch Standard, HTTP-redirect fetch; RFC 9110 §15.4",
        "C14" => "HTML Living Standard §9.2.3: a reconnection fetches the same request, redirected",
        "C17" | "C18" | "C19" | "C20" | "C22" => RECONNECT,
        "C21" => "RFC 9112 §8: an incomplete message; HTML Living Standard §9.2.3",
        "C23" | "C25" | "C28" => "HTML Living Standard §9.2.6: retry; §9.2.3: the delay",
        "C24" | "C26" | "C27" | "C44" | "C45" | "C46" => PRACTICE,
        "C29" | "C30" | "C32" | "C33" | "C48" => LAST_ID,
        "C31" | "C34" | "C35" | "C36" | "C38" => INTERPRET,
        "C37" | "C39" => PARSE,
        "C40" | "C41" => "HTML Living Standard §9.2.2: close()",
        "C43" => "RFC 9110 §12.5.3: Accept-Encoding",
        _ => INTERPRET,
    };
    rule.to_owned()
}
