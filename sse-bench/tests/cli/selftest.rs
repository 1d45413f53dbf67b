//! The checker, checked on real sockets.

use crate::support::run;

#[test]
fn the_checker_finds_each_anomaly_and_nothing_else() {
    let run = run(&["selftest"]);
    assert_eq!(run.code(), 0, "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stdout.starts_with("PASS: the checker was right in all"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_scenario_that_does_not_exist_is_refused() {
    let run = run(&["selftest", "no such scenario"]);
    assert_eq!(run.code(), 2);
    assert!(run.stderr.contains("--list"), "{}", run.stderr);
}
