//! What cannot be authentication is said at the start, in one line.

use std::path::Path;

use super::sign::{EllipticKey, RsaKey, SECRET};
use super::{Guarded, by, token};
use crate::support::{command, until};

/// The line that a hub with these flags does not start with.
fn complaint(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = command();
    command.args(["hub", "--listen", "127.0.0.1:0"]).args(flags);
    let output = testing::output(command.envs(environment.iter().copied()));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        matches!(output.status.code(), Some(1 | 2)),
        "{flags:?}: {stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("sse-serve: "), "{stderr}");
    stderr
}

fn write(directory: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let file = directory.join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_weak_or_missing_secret_is_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(directory.path(), name, text);
    let missing = directory.path().join("missing").display().to_string();
    for (place, needle) in [
        (format!("file={missing}"), "cannot be read"),
        (
            format!("file={}", directory.path().display()),
            "cannot be read",
        ),
        (format!("file={}", file("empty", "\n")), "is empty"),
        (
            format!("file={}", file("short", "fifteen-letters")),
            "shorter than 16",
        ),
        (
            format!("file={}", file("lines", "one-two-three-four\nfive")),
            "one line",
        ),
        (
            format!("file={}", file("long", &"x".repeat(70_000))),
            "65536",
        ),
        ("env=NO_SUCH_VARIABLE_HERE".to_owned(), "is not set"),
        ("env=SHORT_TOKEN".to_owned(), "shorter than 16"),
    ] {
        let flag = format!("ci:{place}");
        let said = complaint(&["--auth-token", &flag], &[("SHORT_TOKEN", "short-secret")]);
        assert!(
            said.contains(needle) && said.contains("`ci`"),
            "{place}: {said}"
        );
        for secret in ["fifteen-letters", "short-secret", "one-two-three"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    let one = file("one", "a-token-that-is-shared");
    let (a, b) = (format!("a:file={one}"), format!("b:file={one}"));
    let said = complaint(&["--auth-token", &a, "--auth-token", &b], &[]);
    assert!(said.contains("same as another"), "{said}");
    let two = format!("a:file={}", file("two", "another-token-of-the-name"));
    let said = complaint(&["--auth-token", &a, "--auth-token", &two], &[]);
    assert!(said.contains("name"), "{said}");
}

#[test]
fn a_key_must_be_one_of_its_algorithm() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let elliptic = write(at, "ec.pem", EllipticKey::new().pem());
    let mut table = vec![
        (
            "HS256",
            write(at, "31", &SECRET[..31]),
            "shorter than 32 bytes",
        ),
        ("HS256", elliptic.clone(), "PEM"),
        ("HS256", write(at, "nothing", ""), "is empty"),
        ("ES256", write(at, "no.pem", SECRET), "no public key"),
        ("RS256", elliptic, "no public key"),
    ];
    if let (Some(good), Some(short)) = (RsaKey::new(at, 2048), RsaKey::new(at, 1024)) {
        let public = good.public.display().to_string();
        table.push(("RS256", good.private().display().to_string(), "private key"));
        table.push(("RS256", short.public.display().to_string(), "2048 bits"));
        table.push(("ES256", public, "no public key"));
    }
    for (algorithm, file, needle) in table {
        let said = complaint(
            &["--jwt-algorithm", algorithm, "--jwt-key-file", &file],
            &[],
        );
        assert!(said.contains(needle) && said.contains(&file), "{said}");
        assert!(!said.contains(&SECRET[..31]), "{said}");
    }
}

#[test]
fn options_that_contradict_one_another_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let key = write(directory.path(), "key", SECRET);
    let by_file = ["--jwt-key-file", key.as_str()];
    let both = [&["--jwt-algorithm", "HS256"][..], &by_file].concat();
    for (flags, needle) in [
        (&by_file[..], "--jwt-algorithm"),
        (&["--jwt-algorithm", "HS256"], "--jwt-key-file"),
        (&["--jwt-audience", "hub"], "--jwt-algorithm"),
        (&[&both[..], &["--jwt-key-env", "X"]].concat(), "both"),
        (
            &[&both[..], &["--allow-anonymous"]].concat(),
            "--allow-anonymous",
        ),
        (&["--session-cookie", "sid"], "--auth-token"),
        (&["--session-cookie", "a b"], "cookie"),
        (&["--jwt-algorithm", "none"], "HS256"),
        (&["--trusted-proxy", "10.0.0.0/33"], "10.0.0.0/8"),
        (&["--auth-token", "ci"], "ci:file="),
        (&["--cors-credentials"], "--cors-origin"),
        (
            &["--topics", "a:events=1", "--topics", "a:events=2"],
            "stands twice",
        ),
    ] {
        let said = complaint(flags, &[]);
        assert!(said.contains(needle), "{flags:?}: {said}");
    }
}

#[test]
fn a_pattern_that_matches_no_topic_is_no_claim() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "ci", token("ci"));
    for claim in [
        "subscribe=orders*",
        "publish=*.eu",
        "publish=a,subscribe=a*.*",
    ] {
        let flag = format!("ci:file={file},{claim}");
        let said = complaint(&["--auth-token", &flag], &[]);
        assert!(
            said.contains("`ci`") && said.contains("`orders.*`"),
            "{said}"
        );
    }
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let secret = "a-secret-that-ps-would-show";
    for flag in [
        format!("ci:token={secret}"),
        format!("ci:token={secret},admin=maybe"),
        format!("ci:token={secret},topics=a"),
        secret.to_owned(),
        format!("ci:{secret}"),
    ] {
        let said = complaint(&["--auth-token", &flag], &[]);
        assert!(said.contains("--auth-token"), "{said}");
        assert!(!said.contains(secret), "{said}");
    }
    let table = format!("[[auth.tokens]]\nname = \"ci\"\ntoken = \"{secret}\"\nadmin = \"yes\"\n");
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "hub.toml", table);
    let said = complaint(&["--config", &file], &[]);
    assert!(said.contains(":1: ") && !said.contains(secret), "{said}");
}

#[test]
fn tokens_come_from_the_file_the_environment_and_flags() {
    let directory = tempfile::tempdir().unwrap();
    let token_file = write(directory.path(), "two", token("two"));
    let config = format!(
        "[[auth.tokens]]\nname = \"one\"\ntoken = \"{}\"\nsubscribe = [\"a\", \"b.*\"]\n\n\
         [[auth.tokens]]\nname = \"two\"\ntoken-file = '{token_file}'\nadmin = true\n",
        token("one")
    );
    let file = write(directory.path(), "hub.toml", config);
    let start = |environment: &[(&str, &str)]| {
        let mut command = command();
        command.args(["hub", "--listen", "127.0.0.1:0", "--config", &file]);
        command.envs(environment.iter().copied());
        crate::support::Server::spawn(&mut command)
    };
    let server = start(&[]);
    drop(server.subscribe_with("?topic=b.c", &by("one")));
    let topics = |who: &str| server.connect().request("GET", "/topics", &by(who)).status;
    assert_eq!(
        (topics("one"), topics("two"), topics("three")),
        (403, 200, 401)
    );
    let three = token("three");
    let server = start(&[
        ("SSE_SERVE_AUTH_TOKEN", "three:env=THREE,admin"),
        ("THREE", &three),
    ]);
    let topics = |who: &str| server.connect().request("GET", "/topics", &by(who)).status;
    assert_eq!((topics("two"), topics("three")), (401, 200));

    let mut command = command();
    command.args(["hub", "--print-config", "--config", &file]);
    // That of `publish` is no misspelt option.
    let output = testing::output(command.env("SSE_SERVE_TOKEN", token("one")));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains("token=REDACTED") && printed.contains(&token_file),
        "{printed}"
    );
    assert!(!printed.contains(&token("one")), "{printed}");
}

#[test]
fn the_command_publishes_with_a_token() {
    let hub = Guarded::start(&[], &[]);
    let run = |flags: &[&str], token: Option<&str>| {
        let mut command = command();
        command.args(["publish", "--data", "x", "--server", &hub.server.url()]);
        command.args(flags).env_remove("SSE_SERVE_TOKEN");
        command.envs(token.map(|token| ("SSE_SERVE_TOKEN", token)));
        let output = testing::output(&mut command);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run(&[], None);
    assert!(code == Some(1) && said.contains("401"), "{said}");
    let file = hub.directory.path().join("root");
    let by_file = ["--token-file", file.to_str().unwrap()];
    assert_eq!(run(&by_file, None).0, Some(0));
    assert_eq!(run(&by_file, Some("overridden")).0, Some(0));
    assert_eq!(run(&[], Some(&token("root"))).0, Some(0));
    let (code, said) = run(&[], Some("not-the-token-but-secret"));
    assert!(code == Some(1) && !said.contains("but-secret"), "{said}");
    let (code, said) = run(&["--token-file", "/nowhere/token"], None);
    assert!(code == Some(1) && said.contains("/nowhere/token"), "{said}");
    until("three events", || hub.metric("log_newest_seq") == 3);
}
