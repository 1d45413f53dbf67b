//! JSON Web Tokens that are good, and the many that are not.

use ring::hmac;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::sign::{EllipticKey, RsaKey, SECRET, claims, hmac_of, hs256, jwt, now};
use super::{bearer, challenge};
use crate::support::Server;

/// A hub that takes tokens of this algorithm and key.
fn hub(algorithm: &str, key: &[u8], flags: &[&str]) -> (Server, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, key).unwrap();
    let file = file.to_str().unwrap();
    let key = ["--jwt-algorithm", algorithm, "--jwt-key-file", file];
    (Server::start_hub(&[&key[..], flags].concat()), directory)
}

fn assert_taken(server: &Server, token: &str) {
    let answer = server.connect().request("GET", "/topics", &bearer(token));
    assert_eq!(answer.status, 200, "{token}: {}", answer.text());
}

/// Why the token is refused.
fn refusal(server: &Server, token: &str) -> String {
    let mut connection = server.connect();
    let answer = connection.request("GET", "/events", &bearer(token));
    assert_eq!(answer.status, 401, "{token}");
    assert_eq!(challenge(&answer), ("Bearer", Some("invalid_token")));
    answer.problem(401)
}

fn with(field: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[field] = value;
    claims
}

fn without(field: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(field);
    claims
}

#[test]
fn each_algorithm_is_taken_where_it_is_configured_and_nowhere_else() {
    let elliptic = EllipticKey::new();
    let es256 = jwt(&json!({"alg": "ES256"}), &claims(), |message| {
        elliptic.sign(message)
    });
    let hs256 = hs256(&claims());
    let (server, _files) = hub("ES256", elliptic.pem().as_bytes(), &[]);
    assert_taken(&server, &es256);
    assert!(refusal(&server, &hs256).contains("algorithm"));
    // The public key as the secret of HS256: what `alg` says must not matter.
    for secret in [
        elliptic.pem().into_bytes(),
        elliptic.pem().trim_end().into(),
    ] {
        let confused = jwt(&json!({"alg": "HS256"}), &claims(), |message| {
            hmac_of(hmac::HMAC_SHA256, &secret, message)
        });
        assert!(refusal(&server, &confused).contains("algorithm"));
    }
    let other = EllipticKey::new();
    let foreign = jwt(&json!({"alg": "ES256"}), &claims(), |message| {
        other.sign(message)
    });
    assert!(refusal(&server, &foreign).contains("signature"));

    let (server, files) = hub("HS256", SECRET.as_bytes(), &[]);
    assert_taken(&server, &hs256);
    assert!(refusal(&server, &es256).contains("algorithm"));

    let Some(rsa) = RsaKey::new(files.path(), 2048) else {
        return;
    };
    let public = std::fs::read(&rsa.public).unwrap();
    let (server, _files) = hub("RS256", &public, &[]);
    let rs256 = jwt(&json!({"alg": "RS256"}), &claims(), |message| {
        rsa.sign(message)
    });
    assert_taken(&server, &rs256);
    let confused = jwt(&json!({"alg": "HS256"}), &claims(), |message| {
        hmac_of(hmac::HMAC_SHA256, &public, message)
    });
    assert!(refusal(&server, &confused).contains("algorithm"));
}

/// V44
#[test]
fn what_was_not_signed_so_is_refused() {
    let (server, _files) = hub("HS256", SECRET.as_bytes(), &[]);
    let good = hs256(&claims());
    assert_taken(&server, &good);
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let richer = hs256(&with("sub", json!("root")));
    let richer = richer.split('.').nth(1).unwrap();
    let sign_with = |header: Value, algorithm, secret: &str| {
        jwt(&header, &claims(), |message| {
            hmac_of(algorithm, secret.as_bytes(), message)
        })
    };
    let none = |alg: &str| jwt(&json!({"alg": alg}), &claims(), |_| Vec::new());
    let hs256 = json!({"alg": "HS256"});
    for token in [
        none("none"),
        none("None"),
        none("HS256"),
        none("none").trim_end_matches('.').to_owned(),
        format!("{header}.{richer}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}..{signature}"),
        format!("{payload}.{header}.{signature}"),
        format!("{header}.{payload}.{}", &signature[1..]),
        "x.y.z".to_owned(),
        "...".to_owned(),
        sign_with(
            hs256.clone(),
            hmac::HMAC_SHA256,
            "another secret of 32 bytes or even more",
        ),
        sign_with(json!({"alg": "HS384"}), hmac::HMAC_SHA384, SECRET),
        sign_with(json!({"alg": "HS512"}), hmac::HMAC_SHA512, SECRET),
        sign_with(hs256, hmac::HMAC_SHA512, SECRET),
        sign_with(json!({"typ": "JWT"}), hmac::HMAC_SHA256, SECRET),
        sign_with(
            json!({"alg": "HS256", "crit": ["b64"], "b64": true}),
            hmac::HMAC_SHA256,
            SECRET,
        ),
    ] {
        let detail = refusal(&server, &token);
        assert!(!detail.contains(payload), "{detail}");
    }
    // Hints at a key are hints: there is one key.
    for hint in [
        json!({"alg": "HS256", "kid": "../../dev/null"}),
        json!({"alg": "HS256", "kid": "other", "jku": "https://evil.example/keys"}),
    ] {
        assert_taken(&server, &sign_with(hint, hmac::HMAC_SHA256, SECRET));
    }
}

#[test]
fn the_claims_of_time_audience_and_issuer_are_checked() {
    let flags = [
        "--jwt-audience",
        "hub,spoke",
        "--jwt-issuer",
        "https://issuer.example",
    ];
    let (server, _files) = hub("HS256", SECRET.as_bytes(), &flags);
    let complete = |field: &str, value: Value| {
        let mut claims = claims();
        claims["aud"] = json!("hub");
        claims["iss"] = json!("https://issuer.example");
        claims[field] = value;
        hs256(&claims)
    };
    let far = now() + 3600;
    for (field, value) in [
        ("exp", json!(far)),
        ("exp", json!(far as f64 + 0.5)),
        ("exp", json!(u64::MAX / 2)),
        ("nbf", json!(now())),
        ("nbf", json!(now() + 10)),
        ("aud", json!("spoke")),
        ("aud", json!(["other", "hub"])),
        ("unknown", json!({"deep": []})),
    ] {
        assert_taken(&server, &complete(field, value));
    }
    for (field, value, needle) in [
        ("exp", json!(now() - 31), "expired"),
        ("exp", json!(0), "expired"),
        ("exp", json!(-1), "`exp`"),
        ("exp", json!(far.to_string()), "claim"),
        ("exp", Value::Null, "`exp`"),
        ("nbf", json!(now() + 3600), "`nbf`"),
        ("nbf", json!("soon"), "`nbf`"),
        ("aud", json!("other"), "`aud`"),
        ("aud", json!([]), "`aud`"),
        ("aud", Value::Null, "`aud`"),
        ("aud", json!(7), "`aud`"),
        ("iss", json!("https://evil.example"), "`iss`"),
        ("iss", Value::Null, "`iss`"),
        ("subscribe", json!(7), "claim"),
        ("subscribe", json!(["a", 7]), "claim"),
        ("subscribe", json!([""]), "claim"),
        ("session", json!("a\nb"), "claim"),
        ("session", json!("s".repeat(300)), "claim"),
        ("admin", json!("true"), "claim"),
        ("sub", json!(7), "claim"),
    ] {
        let detail = refusal(&server, &complete(field, value.clone()));
        assert!(detail.contains(needle), "{field} {value}: {detail}");
    }
    let (server, _files) = hub("HS256", SECRET.as_bytes(), &[]);
    assert!(refusal(&server, &hs256(&without("exp"))).contains("`exp`"));
    // Made for somebody else (RFC 7519 §4.1.3).
    assert!(refusal(&server, &hs256(&with("aud", json!("hub")))).contains("`aud`"));
    assert_taken(&server, &hs256(&with("iss", json!("anybody"))));
}

#[test]
fn claims_permit_what_those_of_static_tokens_do() {
    let (server, _files) = hub("HS256", SECRET.as_bytes(), &[]);
    let alice = hs256(&json!({
        "sub": "alice", "exp": now() + 60, "session": "alice",
        "subscribe": "orders.*", "publish": ["orders.eu"],
    }));
    let alice = bearer(&alice);
    let get = |path: &str| server.connect().request("GET", path, &alice);
    assert!(get("/events?topic=stock").problem(403).contains("`stock`"));
    assert!(get("/metrics").problem(403).contains("`admin`"));
    get("/notifications/bob").problem(403);
    let publish = |body: &str| server.post("/trigger", &alice, body.as_bytes());
    publish(r#"{"topic":"orders.us","data":1}"#).problem(403);
    let mut stream = server.subscribe_with("?topic=orders.*", &alice);
    assert_eq!(publish(r#"{"topic":"orders.eu","data":2}"#).status, 200);
    assert_eq!(stream.event().data, "2");
    let nothing = bearer(&hs256(&json!({"exp": now() + 60})));
    let answer = server.connect().request("GET", "/events", &nothing);
    answer.problem(403);
}

#[test]
fn a_pattern_that_matches_no_topic_is_no_claim() {
    let (server, _files) = hub("HS256", SECRET.as_bytes(), &[]);
    for claims in [
        with("subscribe", json!("orders*")),
        with("publish", json!(["a", "*.eu"])),
    ] {
        let said = refusal(&server, &hs256(&claims));
        assert!(said.contains("`orders.*`"), "{said}");
    }
}

#[test]
fn a_key_counts_for_the_subject() {
    let (server, _files) = hub("HS256", SECRET.as_bytes(), &[]);
    let publish = |claims: &Value| {
        let token = bearer(&hs256(claims));
        server
            .post("/trigger", &token, br#"{"key":"k","data":1}"#)
            .ids()
    };
    let first = publish(&with("sub", json!("one")));
    assert_eq!(publish(&with("sub", json!("one"))), first);
    assert_ne!(publish(&with("sub", json!("two"))), first);
    // Who has no name would share his keys with all others who have none.
    let nobody = bearer(&hs256(&without("sub")));
    let refused = server.post("/trigger", &nobody, br#"{"key":"k","data":1}"#);
    assert!(refused.problem(403).contains("`sub`"));
    let without_key = server.post("/trigger", &nobody, br#"{"data":1}"#);
    assert_eq!(without_key.status, 200, "{}", without_key.text());
}
