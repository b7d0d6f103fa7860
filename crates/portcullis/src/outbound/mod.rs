//! The one HTTP client: fetches what is published elsewhere, and is led nowhere else.
//!
//! Flow: check the address, resolve the name *once*, check every address it has, connect to one of exactly those,
//! TLS, one request, one answer of bounded size, close.
//!
//! **Invariants** (`T052`): only `https`, but for loopback where that is allowed. What was checked is what is
//! connected to: there is no second look-up in which a name could mean something else. A name of which one address
//! may not be reached is refused as a whole. No redirect is followed. The whole of it ends after
//! [`Limits::total`].
//!
//! **Deployment caveat:** where only a proxy reaches the outside this client reaches nothing: proxies, also those of
//! the environment, are not used.
//!
//! **Deliberately absent:** redirects, proxies, cookies, credentials, compression, kept connections, HTTP/2.

mod address;
mod resolve;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use ipnet::IpNet;
use portcullis_core::defends;
use tokio::net::TcpStream;
use url::{Host, Url};

use self::address::Reach;
use self::resolve::{Resolve, System};
pub use self::tls::InvalidRoots;
use self::tls::Tls;

/// What one fetch may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long connecting to one address may take: 2 seconds.
    pub connect: Duration,
    /// How long all of it may take: 5 seconds.
    pub total: Duration,
    /// How many bytes an answer's body may have: 256 KiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            total: Duration::from_secs(5),
            body: 256 * 1024,
        }
    }
}

/// Why a document couldn't be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is none that is fetched from.
    #[error("{0} is not fetched: it must be https, with a host, without a user and a fragment")]
    Address(String),
    /// The name has no address.
    #[error("{0} can't be resolved: {1}")]
    Unresolved(String, std::io::Error),
    /// The name leads to an address that may not be reached.
    #[error("{0} leads to {1}, which may not be reached from here; allow its network if it is one of yours")]
    Forbidden(String, std::net::IpAddr),
    /// Nobody answers at the address that the name leads to.
    #[error("{0} can't be reached: {1}")]
    Unreachable(String, std::io::Error),
    /// It doesn't speak HTTP.
    #[error("{0} doesn't answer as a web server does: {1}")]
    Protocol(String, hyper::Error),
    /// It took too long.
    #[error("{0} took longer than {1:?}")]
    TooSlow(String, Duration),
    /// The answer is too long.
    #[error("the answer of {0} is longer than {1} bytes")]
    TooLarge(String, usize),
    /// It leads somewhere else.
    #[error("{0} leads elsewhere ({1}), and that isn't followed")]
    Redirect(String, StatusCode),
    /// Another kind of document.
    #[error("{0} is of the type {1:?}, which is not the one asked for")]
    MediaType(String, String),
    /// Another answer than success.
    #[error("{0} answered {1}")]
    Status(String, StatusCode),
}

/// A document as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// The bytes of the answer's body; nothing of them is believed yet.
    pub(crate) body: Vec<u8>,
    /// How long it may be kept, if the answer says so.
    pub(crate) max_age: Option<Duration>,
}

/// Fetches documents. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Client(Arc<Inner>);

struct Inner {
    limits: Limits,
    reach: Reach,
    resolve: Box<dyn Resolve>,
    tls: Tls,
}

/// How a [`Client`] is made.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// What one fetch may cost.
    pub(crate) limits: Limits,
    /// Whether loopback addresses may be reached, also without TLS.
    pub(crate) loopback: bool,
    /// Which networks may be reached besides public addresses.
    pub(crate) networks: Vec<IpNet>,
    /// The certificates to trust instead of the system's, in PEM.
    pub(crate) roots: Option<Vec<u8>>,
}

impl Client {
    /// A client with these settings.
    pub(crate) fn new(settings: Settings) -> Result<Self, InvalidRoots> {
        Self::resolving(settings, Box::new(System))
    }

    fn resolving(settings: Settings, resolve: Box<dyn Resolve>) -> Result<Self, InvalidRoots> {
        Ok(Self(Arc::new(Inner {
            limits: settings.limits,
            reach: Reach {
                loopback: settings.loopback,
                networks: settings.networks,
            },
            resolve,
            tls: Tls::new(settings.roots.as_deref())?,
        })))
    }

    /// Fetches the document at `url`, which must be of one of these media types.
    pub(crate) async fn get(&self, url: &Url, media_types: &[&str]) -> Result<Document, FetchError> {
        defends!("T052");
        let limits = self.0.limits;
        let fetched = tokio::time::timeout(limits.total, self.fetch(url, media_types));
        fetched
            .await
            .unwrap_or_else(|_| Err(FetchError::TooSlow(url.to_string(), limits.total)))
    }

    async fn fetch(&self, url: &Url, media_types: &[&str]) -> Result<Document, FetchError> {
        let target = self.target(url).await?;
        let stream = self.connect(url, &target).await?;
        if url.scheme() == "http" {
            return wire::exchange(stream, url, media_types, self.0.limits.body).await;
        }
        let stream = self.0.tls.connect(url, stream).await;
        let stream = stream.map_err(|error| FetchError::Unreachable(url.to_string(), error))?;
        wire::exchange(stream, url, media_types, self.0.limits.body).await
    }

    /// The addresses to connect to, all of them checked.
    async fn target(&self, url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
        let refused = || FetchError::Address(url.to_string());
        let plain = match url.scheme() {
            "https" => false,
            "http" if self.0.reach.loopback => true,
            _ => return Err(refused()),
        };
        let anonymous = url.username().is_empty() && url.password().is_none();
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(refused());
        };
        if !anonymous || url.fragment().is_some() {
            return Err(refused());
        }
        let addresses = match host {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(name) => {
                let resolved = self.0.resolve.resolve(name).await;
                resolved.map_err(|error| FetchError::Unresolved(url.to_string(), error))?
            }
        };
        for address in &addresses {
            let loopback = address.to_canonical().is_loopback();
            if !self.0.reach.allows(*address) || (plain && !loopback) {
                return Err(FetchError::Forbidden(url.to_string(), *address));
            }
        }
        Ok(addresses
            .into_iter()
            .take(MOST_ADDRESSES)
            .map(|address| SocketAddr::new(address.to_canonical(), port))
            .collect())
    }

    async fn connect(&self, url: &Url, target: &[SocketAddr]) -> Result<TcpStream, FetchError> {
        let mut last = std::io::Error::other("the name has no address");
        for address in target {
            match tokio::time::timeout(self.0.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = std::io::ErrorKind::TimedOut.into(),
            }
        }
        Err(FetchError::Unreachable(url.to_string(), last))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("limits", &self.0.limits)
            .field("reach", &self.0.reach)
            .finish_non_exhaustive()
    }
}

/// How many addresses of one name are tried.
const MOST_ADDRESSES: usize = 4;

#[cfg(test)]
mod tests;
