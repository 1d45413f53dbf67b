//! TLS (RFC 8446) with a certificate from PEM files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier, crypto};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Config;
use crate::error::StartError;

/// ALPN protocol IDs (RFC 7301, RFC 9113 §3.1), the preferred one first.
const HTTP_2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// Plaintext that a connection may hold back for a slow reader: two records.
const BUFFER_MAX: usize = 32 << 10;

/// The certificate of a server and its private key. Clones share them.
#[derive(Debug, Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cert: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads what `config` names, if it names a certificate.
    pub(super) fn load(config: &Config) -> Result<Option<Self>, StartError> {
        let cert = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), _) => cert.clone(),
            (None, None) => return Ok(None),
            (None, Some(key)) => {
                return Err(problem(key, "has no certificate; give it with --tls-cert"));
            }
        };
        let key = config.tls_key.clone().unwrap_or_else(|| cert.clone());
        let config = RwLock::new(read(&cert, &key)?);
        let shared = Arc::new(Shared { cert, key, config });
        Ok(Some(Self { shared }))
    }

    /// Reads both files again, for the connections that come from now on.
    ///
    /// # Errors
    /// [`StartError::Tls`] if they cannot be used; what it had stays in use.
    pub fn reload(&self) -> Result<(), StartError> {
        let config = read(&self.shared.cert, &self.shared.key)?;
        *self
            .shared
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// The file of the certificate.
    pub fn certificate(&self) -> &Path {
        &self.shared.cert
    }

    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = {
            let config = self.shared.config.read();
            Arc::clone(&config.unwrap_or_else(PoisonError::into_inner))
        };
        let mut stream = TlsAcceptor::from(config).accept(stream).await?;
        stream.get_mut().1.set_buffer_limit(Some(BUFFER_MAX));
        Ok(stream)
    }
}

/// Whether ALPN chose HTTP/2. Without it the protocol is HTTP/1.1 (RFC 9113 §3.2).
pub(super) fn is_http2<S>(stream: &TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

fn read(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, StartError> {
    let chain = certificates(cert)?;
    let private_key = private_key(key)?;
    let mut config = builder()
        .with_no_client_auth()
        .with_single_cert(chain, private_key)
        .map_err(|error| mismatch(cert, key, &error))?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
    // Whoever comes back, as all do after a restart of a proxy, is spared the
    // signature; nothing is kept for them.
    config.ticketer = crypto::ring::Ticketer::new()
        .map_err(|error| problem(cert, format!("needs random numbers: {error}")))?;
    Ok(Arc::new(config))
}

fn builder() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    let provider = Arc::new(crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring has both versions"))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    const WANTED: &str = "--tls-cert takes a PEM file that begins with BEGIN CERTIFICATE";
    let text = text(path, "--tls-cert")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| problem(path, format!("{}; {WANTED}", said(&error))))?;
    if chain.is_empty() {
        return Err(problem(path, format!("holds no certificate; {WANTED}")));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, StartError> {
    const WANTED: &str = "--tls-key takes a PEM file with BEGIN PRIVATE KEY";
    let text = text(path, "--tls-key")?;
    let is_encrypted = text
        .windows(ENCRYPTED.len())
        .any(|window| window == ENCRYPTED);
    if is_encrypted {
        let mend = "decrypt it with `openssl pkey -in KEY -out PLAIN` and give that to --tls-key";
        return Err(problem(
            path,
            format!("holds a key that is encrypted; {mend}"),
        ));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let what = match error {
            pem::Error::NoItemsFound => "holds no private key".to_owned(),
            error => said(&error),
        };
        problem(path, format!("{what}; {WANTED}"))
    })
}

/// In `BEGIN ENCRYPTED PRIVATE KEY` (RFC 5958), and in the header `Proc-Type` of
/// older files (RFC 1421 §4.6.1.1).
const ENCRYPTED: &[u8] = b"ENCRYPTED";

fn text(path: &Path, option: &str) -> Result<Vec<u8>, StartError> {
    std::fs::read(path)
        .map_err(|error| problem(path, format!("cannot be read: {error}; correct {option}")))
}

fn mismatch(cert: &Path, key: &Path, error: &rustls::Error) -> StartError {
    match error {
        rustls::Error::InconsistentKeys(_) => problem(
            key,
            format!(
                "is not the key of the certificate in {}; give the two that belong together",
                cert.display()
            ),
        ),
        error => problem(
            cert,
            format!("cannot be used with its key: {error}; give others"),
        ),
    }
}

fn said(error: &pem::Error) -> String {
    format!("is not well-formed PEM ({error})")
}

fn problem(path: &Path, problem: impl Into<String>) -> StartError {
    StartError::Tls {
        path: path.to_owned(),
        problem: problem.into(),
    }
}
