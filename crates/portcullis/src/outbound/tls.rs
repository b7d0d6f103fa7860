//! TLS to whoever has a certificate for the host's name.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

/// Why the certificates to trust can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoots {
    /// Not PEM, or not certificates.
    #[error("the certificates to trust can't be read: {0}")]
    Unreadable(String),
    /// Not one certificate was given.
    #[error("there is no certificate in what was given to trust")]
    None,
}

pub(super) struct Tls(TlsConnector);

impl Tls {
    /// Trusts the certificates in `roots`, or the system's.
    pub(super) fn new(roots: Option<&[u8]>) -> Result<Self, InvalidRoots> {
        let unreadable = |error: &dyn std::fmt::Display| InvalidRoots::Unreadable(error.to_string());
        let mut store = RootCertStore::empty();
        if let Some(pem) = roots {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                store.add(certificate).map_err(|error| unreadable(&error))?;
            }
        } else {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_some() && store.is_empty() {
            return Err(InvalidRoots::None);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unreadable(&error))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(super) async fn connect(&self, url: &Url, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}
