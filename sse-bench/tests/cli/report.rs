//! Where reports go and what is in them.

use serde_json::{Value, json};

use crate::schema;
use crate::support::{Run, STREAM, Server, chunked, command, expect_stream, load, run};

#[test]
fn the_json_report_has_its_documented_keys() {
    let server = Server::answering(chunked(&[STREAM]));
    let arguments = ["-c", "2", "--no-reconnect", "--seed", "5", "--threads", "1"];
    let report = load(&server, &arguments).json();
    schema::validate(&report);
    let keys = report.as_object().unwrap().keys();
    let first: Vec<_> = keys.take(5).collect();
    assert_eq!(first, ["schema", "command", "version", "verdict", "reason"]);
    assert_eq!(report["command_line"][0], "load");
    assert!(report["started_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&report["schema"], &report["command"]),
        (&json!(1), &json!("load"))
    );
    assert_eq!(
        (&report["plan"]["seed"], &report["plan"]["threads"]),
        (&json!(5), &json!(1))
    );
    for metric in ["connect", "open", "first_event"] {
        let summary = &report["latency"][metric];
        assert_eq!(summary["count"], 2, "{metric}");
        for key in [
            "mean_us", "p50_us", "p90_us", "p99_us", "p99.9_us", "max_us",
        ] {
            assert!(summary[key].is_number(), "{metric} {key}");
        }
    }
    let wire = chunked(&[STREAM]).len() as u64;
    assert_eq!(report["bytes"]["total"], 2 * wire);
}

#[test]
fn reports_go_where_they_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (json_file, text_file) = (path("report.json"), path("report.txt"));
    let server = Server::answering(chunked(&[STREAM]));
    let url = server.url();
    let json = format!("json={json_file}");
    let both = run(&[
        "load",
        &url,
        "-c",
        "1",
        "--no-reconnect",
        "--output-format",
        &json,
    ]);
    assert!(
        both.stdout.starts_with("PASS: the connection was opened"),
        "{}",
        both.stdout
    );
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(&json_file).unwrap()).unwrap();
    expect_stream(&report, 1);

    let file = run(&["load", &url, "-c", "1", "--no-reconnect", "-o", &text_file]);
    assert_eq!(file.stdout, "");
    assert!(
        std::fs::read_to_string(&text_file)
            .unwrap()
            .starts_with("PASS")
    );

    let missing = path("no/such/directory/report");
    let refused = run(&["load", &url, "-o", &missing]);
    assert_eq!(refused.code(), 2);
    assert!(
        refused.stderr.contains("cannot write"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_breached_threshold_fails_the_run_and_an_unmeasured_one_proves_nothing() {
    let server = Server::answering(chunked(&[STREAM]));
    let kept = "events==4";
    for (threshold, code, verdict) in [
        ("max(open)<1h", 0, "pass"),
        ("events>4", 99, "fail"),
        ("p99(delivery)<1h", 3, "inconclusive"),
    ] {
        let limits = ["--threshold", kept, "--threshold", threshold];
        let run = load(
            &server,
            &[&["-c", "1", "--no-reconnect"], &limits[..]].concat(),
        );
        let report = run.json();
        assert_eq!(
            (run.code(), &report["verdict"]),
            (code, &json!(verdict)),
            "{threshold}"
        );
        assert_eq!(
            report["thresholds"][0],
            json!({"threshold": kept, "value": 4.0, "kept": true})
        );
        assert_eq!(report["thresholds"][1]["threshold"], threshold);
        assert!(
            code == 0 || run.stderr.contains(threshold),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_standard_error_that_nobody_reads_changes_nothing() {
    let server = Server::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let url = server.url();
    let mut started = command(&["load", &url, "-c", "1", "--output-format", "json"]);
    started.stdout(std::process::Stdio::piped()).stderr(writer);
    let run = Run::from(testing::Program::spawn(&mut started).output());
    assert_eq!(run.code(), 4);
    assert_eq!(run.json()["exit_code"], 4);
}

/// A load of one connection that ends, as each of the formats.
fn files(formats: &[&str], arguments: &[&str]) -> (Run, Vec<String>) {
    files_of(STREAM, formats, arguments)
}

fn files_of(stream: &str, formats: &[&str], arguments: &[&str]) -> (Run, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = |format: &str| directory.path().join(format).display().to_string();
    let outputs: Vec<_> = formats
        .iter()
        .map(|format| format!("--output-format={format}={}", path(format)))
        .collect();
    let server = Server::answering(chunked(&[stream]));
    let url = server.url() + "?ticket=s3cret";
    let mut all = vec!["load", &url, "-c", "1", "--no-reconnect"];
    all.extend(outputs.iter().map(String::as_str));
    all.extend(arguments);
    let run = run(&all);
    let read = |format: &&str| std::fs::read_to_string(path(format)).unwrap();
    (run, formats.iter().map(read).collect())
}

#[test]
fn the_time_series_adds_up_to_the_totals() {
    let (run, files) = files(&["csv"], &[]);
    assert_eq!(run.code(), 0, "{run:?}");
    let mut lines = files[0].split_terminator("\r\n");
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|known| *known == name).unwrap();
    let events = column("deliveries");
    let mut sum = 0;
    for line in lines {
        let fields: Vec<_> = line.split(',').collect();
        assert_eq!(fields.len(), header.len());
        sum += fields[events].parse::<u64>().unwrap();
    }
    assert_eq!(sum, 4);
}

#[test]
fn ci_sees_each_threshold_and_red_wherever_the_exit_code_is_not_0() {
    for (threshold, code, expected) in [
        ("events==4", 0, "<system-out>measured 4</system-out>"),
        ("events>4", 99, "<failure message=\"measured 4\"/>"),
        (
            "p99(delivery)<1h",
            3,
            "<error message=\"nothing was measured\"/>",
        ),
    ] {
        let (run, files) = files(&["junit"], &["--threshold", threshold]);
        assert_eq!(run.code(), code);
        let name = threshold.replace('>', "&gt;").replace('<', "&lt;");
        assert!(
            files[0].contains(&format!("name=\"{name}\"")),
            "{}",
            files[0]
        );
        assert!(files[0].contains(expected), "{}", files[0]);
    }
    let refusing = Server::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let junit = [
        "load",
        &refusing.url(),
        "-c",
        "1",
        "--output-format",
        "junit",
    ];
    let refused = run(&junit);
    assert_eq!(refused.code(), 4);
    assert!(
        refused.stdout.contains("errors=\"1\""),
        "{}",
        refused.stdout
    );
    assert!(
        refused.stdout.contains("<error message=\"no event stream"),
        "{}",
        refused.stdout
    );
}

#[test]
fn the_page_holds_no_markup_of_the_network_and_no_secrets() {
    let stream = "event: <script>alert(1)</script>\ndata: 1\n\n\
                  event: \"><img src=x onerror=alert(1)>\ndata: 2\n\n";
    let arguments = [
        "-H",
        "Authorization: Bearer s3cret",
        "--threshold",
        "errors==0",
    ];
    let (run, files) = files_of(stream, &["html", "json"], &arguments);
    assert_eq!(run.code(), 0, "{run:?}");
    let page = &files[0];
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{page}"
    );
    for hostile in [
        "<script", "<img", "s3cret", "NaN", "src=\"", "href=", "@import", "url(",
    ] {
        assert!(!page.contains(hostile), "{hostile}: {page}");
    }
    assert!(page.contains("<svg") && page.contains("errors==0"));
    assert!(!files[1].contains("s3cret"), "{}", files[1]);
    // What opens an element closes it.
    for element in ["section", "table", "svg", "div", "figure", "tr", "td"] {
        let opened = page.matches(&format!("<{element}>")).count()
            + page.matches(&format!("<{element} ")).count();
        assert_eq!(
            opened,
            page.matches(&format!("</{element}>")).count(),
            "{element}"
        );
    }
}

#[test]
fn a_failure_does_not_tell_the_secret_in_the_url() {
    let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let server = Server::answering(refusal);
    let url = format!("{}?access_token=s3cret", server.url());
    for command in [
        &["load"][..],
        &["load", "--until-done", "--requests", "1"],
        &["storm"],
    ] {
        for format in ["text", "json"] {
            let fixed = [&url, "-c", "1", "--output-format", format];
            let run = run(&[command, &fixed].concat());
            assert_eq!(run.code(), 4, "{run:?}");
            let said = format!("{run:?}");
            assert!(!said.contains("s3cret"), "{said}");
            assert!(said.contains("401"), "{said}");
        }
    }
}
