//! TLS with certificates on both sides, in front of Ballista's servers, which speak plain TCP without authentication.
//!
//! The scheduler's port is ours: what has a certificate of the cluster's authority is passed on to Ballista, which
//! listens on the loopback interface. Executors and clients reach it through a port of their own on the loopback interface.
//! Nothing connects to executors: they ask for work.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::config::{ParallelConfig, SchedulerAddress};
use crate::error::{Error, ErrorCode, Result};

/// Time for a handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a side shows, and whom it trusts.
#[derive(Debug)]
pub(super) struct Credentials {
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Clone for Credentials {
    fn clone(&self) -> Self {
        Self {
            roots: Arc::clone(&self.roots),
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn wrong(setting: &'static str, path: &str, cause: &dyn std::fmt::Display) -> Error {
    Error::setting(setting, format!("{path} cannot be used ({cause}); name a file in PEM form"))
}

impl Credentials {
    /// Those of the settings; `None` if they name none.
    ///
    /// # Errors
    /// `config.invalid` if only some of the three files are named, or one cannot be read.
    pub(super) fn of(config: &ParallelConfig) -> Result<Option<Self>> {
        let [ca, cert, key] = [&config.tls_ca, &config.tls_cert, &config.tls_key];
        match [ca, cert, key].map(|path| path.is_empty()) {
            [true, true, true] => return Ok(None),
            [false, false, false] => {}
            _ => {
                return Err(Error::setting(
                    "tls_ca",
                    "takes tls_cert and tls_key with it; name all three or none",
                ));
            }
        }
        let mut roots = RootCertStore::empty();
        for root in certificates("tls_ca", ca)? {
            roots.add(root).map_err(|e| wrong("tls_ca", ca, &e))?;
        }
        let read = PrivateKeyDer::from_pem_file(Path::new(key));
        let key = read.map_err(|e| wrong("tls_key", key, &e))?;
        Ok(Some(Self { roots: Arc::new(roots), chain: certificates("tls_cert", cert)?, key }))
    }

    fn acceptor(&self) -> Result<TlsAcceptor> {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&self.roots), provider())
                .build()
                .map_err(|e| unusable(&e))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| unusable(&e))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|e| unusable(&e))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn connector(&self) -> Result<TlsConnector> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| unusable(&e))?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|e| unusable(&e))?;
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn certificates(setting: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(Path::new(path))
        .and_then(|certificates| certificates.collect::<std::result::Result<Vec<_>, _>>());
    let found = read.map_err(|e| wrong(setting, path, &e))?;
    if found.is_empty() { Err(wrong(setting, path, &"it has no certificate")) } else { Ok(found) }
}

fn unusable(cause: &dyn std::fmt::Display) -> Error {
    let message =
        format!("the certificates cannot be used ({cause}); see tls_ca, tls_cert, tls_key");
    Error::new(ErrorCode::ConfigInvalid, message)
}

/// Passes what comes to `listen` with a certificate on to `inner`, on the loopback interface.
///
/// # Errors
/// `config.invalid` if it cannot listen there.
pub(super) async fn front(
    listen: SocketAddr,
    inner: SocketAddr,
    credentials: &Credentials,
) -> Result<()> {
    let acceptor = credentials.acceptor()?;
    let listener = bind(listen).await?;
    loop {
        let Some((stream, peer)) = accepted(&listener).await else { continue };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let shaken = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await;
            match shaken {
                Ok(Ok(stream)) => {
                    join(stream, async { TcpStream::connect(inner).await }).await;
                }
                Ok(Err(e)) => tracing::warn!(%peer, "a connection is refused: {e}"),
                Err(_) => tracing::warn!(%peer, "a connection is refused: no handshake"),
            }
        });
    }
}

/// A port on the loopback interface that leads to the scheduler with TLS, while the runtime lives.
///
/// # Errors
/// `config.invalid` for certificates that cannot be used.
pub(super) async fn tunnel(
    scheduler: &SchedulerAddress,
    credentials: &Credentials,
) -> Result<SchedulerAddress> {
    let connector = credentials.connector()?;
    let name = scheduler.host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(name).map_err(|e| unusable(&e))?;
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let port = listener.local_addr().map_err(|e| unusable(&e))?.port();
    let there = format!("{}:{}", scheduler.host, scheduler.port);
    tokio::spawn(async move {
        loop {
            let Some((stream, _)) = accepted(&listener).await else { continue };
            let (connector, name, there) = (connector.clone(), name.clone(), there.clone());
            tokio::spawn(async move {
                let connect = async {
                    let stream = TcpStream::connect(&there).await?;
                    connector.connect(name, stream).await
                };
                join(stream, connect).await;
            });
        }
    });
    Ok(SchedulerAddress { host: "127.0.0.1".to_owned(), port })
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| {
        let message = format!("cannot listen at {address} ({e}); choose a free port below 32768");
        Error::new(ErrorCode::ConfigInvalid, message)
    })
}

/// The next connection; `None` after an error, such as too many open files, which may pass.
async fn accepted(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Small messages wait for no others.
            let _ = stream.set_nodelay(true);
            Some((stream, peer))
        }
        Err(e) => {
            tracing::warn!("a connection is lost: {e}");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Copies between a connection and the one that `connect` makes, until either ends.
async fn join<A, B>(mut here: A, connect: impl Future<Output = std::io::Result<B>>)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    match tokio::time::timeout(PATIENCE, connect).await {
        Ok(Ok(mut there)) => {
            // An end that breaks off is an end.
            let _ = copy_bidirectional(&mut here, &mut there).await;
        }
        Ok(Err(e)) => tracing::warn!("no connection to the scheduler: {e}"),
        Err(_) => tracing::warn!("no connection to the scheduler in time"),
    }
}
