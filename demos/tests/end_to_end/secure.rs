//! `conform server` and `doctor` over TLS, against a hub that speaks it.

use std::path::Path;
use std::process::Command;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use testing::Program;

use crate::programs::{binary, start_server};

/// A hub over TLS: its URL, and the file of the certificate to trust.
fn start(directory: &Path) -> Option<(Program, String, String)> {
    let hub = binary("sse-serve")?;
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .expect("a certificate");
    let path = |name: &str| directory.join(name).display().to_string();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    std::fs::write(&certificate, cert.pem()).expect("a file");
    std::fs::write(&key, signing_key.serialize_pem()).expect("a file");
    let options = [
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--tick-interval",
        "100ms",
    ];
    let (process, address) = start_server(&hub, "127.0.0.1:0", &options);
    Some((process, format!("https://{address}"), certificate))
}

fn run(bench: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = testing::output(Command::new(bench).args(arguments));
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"));
    (output.status.code().unwrap_or(-1), report)
}

#[test]
fn conform_server_judges_a_hub_over_tls_and_the_http_2_that_it_negotiates() {
    let directory = tempfile::tempdir().expect("a directory");
    let (Some(bench), Some((_hub, url, certificate))) =
        (binary("sse-bench"), start(directory.path()))
    else {
        return;
    };
    let (events, trigger) = (format!("{url}/events"), format!("{url}/trigger"));
    let (code, report) = run(
        &bench,
        &[
            "conform",
            "server",
            &events,
            "--cacert",
            &certificate,
            "--publish-url",
            &trigger,
            "--output-format",
            "json",
        ],
    );
    let checks = report["checks"].as_array().expect("checks");
    let of = |grade: &str| {
        let graded = checks.iter().filter(|check| check["grade"] == grade);
        graded
            .map(|check| check["name"].as_str().expect("a name"))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("failed"), [""; 0], "{report:#}");
    // A busy machine is late, and these tell by the clock.
    let late = ["V05", "V06/whole", "V06/published", "V38/gzip"];
    let lax = of("non_strict");
    assert!(lax.iter().all(|name| late.contains(name)), "{report:#}");
    assert_eq!(code, 0);
    for name in ["V39", "V14", "V32/garbage"] {
        assert!(of("ok").contains(&name), "{name}: {report:#}");
    }
}

#[test]
fn doctor_finds_nothing_wrong_with_a_hub_over_tls_by_either_version_of_http() {
    let directory = tempfile::tempdir().expect("a directory");
    let (Some(bench), Some((_hub, url, certificate))) =
        (binary("sse-bench"), start(directory.path()))
    else {
        return;
    };
    let url = format!("{url}/events");
    let trusting = ["--cacert", &certificate];
    for options in [&trusting[..], &["--insecure"], &["--insecure", "--http2"]] {
        let fixed = ["doctor", &url, "-n", "12", "--output-format", "json"];
        let (code, report) = run(&bench, &[&fixed[..], options].concat());
        assert_eq!(code, 0, "{report:#}");
        let findings = report["findings"].as_array().expect("findings");
        let of = |area: &str| {
            let found = findings.iter().find(|finding| finding["area"] == area);
            found.map(|finding| finding["grade"].clone())
        };
        for area in ["answer", "ids", "resume", "expired", "http"] {
            assert_eq!(
                of(area),
                Some(Value::from("ok")),
                "{options:?} {area}: {report:#}"
            );
        }
    }
}
