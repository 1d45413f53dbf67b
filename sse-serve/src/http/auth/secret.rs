//! Secrets, read when the server starts.

use std::fs::File;
use std::io::Read;

use crate::config::SecretSource;
use crate::error::AuthError;

/// The most bytes of a secret or a PEM file.
const LENGTH_MAX: u64 = 64 << 10;

/// The secret without its last line end; `what` is for the message if there is none.
pub(super) fn read(source: &SecretSource, what: &str) -> Result<Vec<u8>, AuthError> {
    let refused = |problem| refused(source, what, problem);
    let mut bytes = match source {
        SecretSource::Value(secret) => secret.bytes().to_vec(),
        SecretSource::Environment(variable) => std::env::var_os(variable)
            .ok_or_else(|| refused("is not set".to_owned()))?
            .into_encoded_bytes(),
        SecretSource::File(path) => {
            let mut bytes = Vec::new();
            File::open(path)
                .and_then(|file| file.take(LENGTH_MAX + 1).read_to_end(&mut bytes))
                .map_err(|error| refused(format!("cannot be read: {error}")))?;
            bytes
        }
    };
    if bytes.len() as u64 > LENGTH_MAX {
        return Err(refused(format!("is longer than {LENGTH_MAX} bytes")));
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Err(refused("is empty".to_owned()));
    }
    Ok(bytes)
}

/// Why a secret will not do, with the place it came from and never the secret.
pub(super) fn refused(source: &SecretSource, what: &str, problem: String) -> AuthError {
    AuthError::Secret {
        what: what.to_owned(),
        source_name: match source {
            SecretSource::File(path) => format!("the file {}", path.display()),
            SecretSource::Environment(variable) => format!("the variable {variable}"),
            SecretSource::Value(_) => "the configured value".to_owned(),
        },
        problem,
    }
}
