//! JSON Web Tokens as their issuers make them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use ring::{hmac, signature};
use serde_json::{Value, json};

/// The secret of HS256 of these tests.
pub(super) const SECRET: &str = "a secret of these tests, and 32 bytes at least";

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

/// Claims to everything for an hour.
pub(super) fn claims() -> Value {
    json!({"sub": "tests", "exp": now() + 3600, "subscribe": ["*"], "publish": "*", "admin": true})
}

/// Header and claims, with the signature that `sign` makes of both.
pub(super) fn jwt(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

pub(super) fn hmac_of(algorithm: hmac::Algorithm, secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message)
        .as_ref()
        .to_vec()
}

/// HS256 with the secret of these tests.
pub(super) fn hs256(claims: &Value) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    jwt(&header, claims, |message| {
        hmac_of(hmac::HMAC_SHA256, SECRET.as_bytes(), message)
    })
}

/// A key of P-256 that was made for this test.
pub(super) struct EllipticKey(EcdsaKeyPair);

impl EllipticKey {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap())
    }

    /// The public key as `openssl ec -pubout` writes it (RFC 5480 §2).
    pub(super) fn pem(&self) -> String {
        let algorithm = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        let der = [&algorithm[..], self.0.public_key().as_ref()].concat();
        let body = STANDARD.encode(der);
        let lines: Vec<_> = body
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: signature::Signature = self.0.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    }
}

/// A key made by `openssl`, which signs with it too.
pub(super) struct RsaKey {
    private: PathBuf,
    pub(super) public: PathBuf,
}

impl RsaKey {
    /// `None` where there is no `openssl`.
    pub(super) fn new(directory: &Path, bits: u32) -> Option<Self> {
        let private = directory.join(format!("rsa-{bits}.pem"));
        let public = directory.join(format!("rsa-{bits}.pub.pem"));
        let genpkey = format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out");
        if !openssl(&genpkey, &private) {
            let problem = "left out: there is no `openssl` to make RSA keys with";
            println!("{problem}");
            assert!(
                std::env::var_os("SSE_TEST_REQUIRE_ALL").is_none(),
                "{problem}"
            );
            return None;
        }
        let command = format!("pkey -in {} -pubout -out", private.display());
        assert!(openssl(&command, &public));
        Some(Self { private, public })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let file = self.private.with_extension("message");
        std::fs::write(&file, message).unwrap();
        let mut sign = Command::new("openssl");
        sign.args(["dgst", "-sha256", "-sign"]);
        let signed = testing::output(sign.args([&self.private, &file]));
        assert!(signed.status.success());
        signed.stdout
    }

    pub(super) fn private(&self) -> &Path {
        &self.private
    }
}

fn openssl(arguments: &str, file: &Path) -> bool {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).arg(file);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
