//! What a black box does not show.

use super::{Case, Play};

const PROCESS: &str = "needs the process of the server, not only its address";

pub(super) fn cases() -> Vec<Case> {
    let practice = "practice";
    [
        (
            "V30",
            "a server that is stopped ends its streams in order",
            PROCESS,
        ),
        (
            "V33",
            "a slow reader costs no memory",
            "needs the memory of the server; `sse-bench load --slow` makes the slow readers",
        ),
        (
            "V34",
            "a slow reader does not delay others",
            "needs more data than sockets hold; `sse-bench load --slow` measures it",
        ),
        (
            "V35",
            "many idle connections are held",
            "needs a load that is agreed on; `sse-bench load -c 10000` makes it",
        ),
        (
            "V41",
            "after a restart no id names another event",
            "needs a restart; `sse-bench verify --cut server --exec ...` proves it",
        ),
        (
            "V43",
            "a browser shows its events, and resumes",
            "needs a browser",
        ),
    ]
    .map(|(name, about, why)| Case {
        name,
        about,
        rule: practice,
        play: Play::Unseen(why),
    })
    .into()
}
