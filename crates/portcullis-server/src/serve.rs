//! The server: bind, open, say where it is, answer until asked to stop.
//!
//! The port is taken before anything is opened, so that a second start by mistake changes nothing: no migration, no
//! new set-up link. It listens only once it can answer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_identity::{PoliciesError, Portcullis, RateLimit, ServeError};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use url::Url;

use crate::config::{Brand, Config, is_localhost, local_url, show_url};
use crate::output::Output;
use crate::start::{self, Missing, StartError};
use crate::ui;

/// Why the server doesn't run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The port is another's.
    #[error(
        "can't listen on {address}: another program does; stop it, or choose another port with --listen (or listen in \
         the configuration)"
    )]
    InUse {
        /// The address that was to be listened on.
        address: SocketAddr,
    },
    /// The address can't be listened on.
    #[error("can't listen on {address}: {reason}; choose an address of this machine with --listen")]
    Listen {
        /// The address that was to be listened on.
        address: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// `localhost` leads to another program first.
    #[error(
        "can't be `localhost`: another program listens on {address}, where `localhost` may lead, and would get what is meant \
         for this server; stop it, choose another port with --listen, or set public_url to the address that is listened on"
    )]
    Localhost {
        /// The other address of that name.
        address: SocketAddr,
    },
    /// Secrets, database or keys can't be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database answered no more.
    #[error(transparent)]
    Database(#[from] Fault),
    /// The policies are wrong.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// What was composed can't be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The system refuses something that a server needs.
    #[error("the server can't be run: {0}")]
    System(#[from] io::Error),
}

/// Serves until the process is asked to stop.
///
/// # Errors
/// [`RunError`], which says what to do.
pub(crate) async fn serve(config: &Config, output: &Output) -> Result<(), RunError> {
    let stop = asked_to_stop()?;
    let address = config.server.listen;
    let socket = bind(address).map_err(|reason| refused(address, reason))?;
    let address = socket.local_addr()?;
    let public_url = config.server.public_url.clone().or_else(|| local_url(address));
    let public_url = public_url.ok_or_else(|| io::Error::other("the address makes no URL"))?;
    let _kept = keep_localhost(&public_url, address)?;
    let portcullis = start::open(config, Some(&public_url), Missing::Create).await?;
    let api = routes(&portcullis, &public_url, &config.brand);
    let api = match config.cors.clone() {
        Some(cors) => api.cors(cors),
        None => api,
    };
    let api = limited(api, config);
    portcullis.declare_actions(&api).await?;
    let setup = portcullis.registrar().offer_setup().await?;
    let listener = socket
        .listen(BACKLOG)
        .map_err(|reason| refused(address, reason))?;
    start::warn(config);
    let setup = setup.map(|token| setup_link(&public_url, &token.expose()));
    output.line(&banner(config, &public_url, setup.as_deref(), address))?;
    run(config, portcullis, api, listener, stop).await
}

/// The same, called only so often.
fn limited(api: portcullis_identity::Api, config: &Config) -> portcullis_identity::Api {
    match config.rate_limits.per_address {
        Some(limits) => api.rate_limit_all(RateLimit::by_address(limits).named("address")),
        None => api,
    }
}

/// Everything the server answers, for whoever wants to know what it declares.
///
/// # Errors
/// The address makes no URL.
pub(crate) fn all_routes(portcullis: &Portcullis, config: &Config) -> io::Result<portcullis_identity::Api> {
    let public_url = config
        .server
        .public_url
        .clone()
        .or_else(|| local_url(config.server.listen));
    let public_url = public_url.ok_or_else(|| io::Error::other("the address makes no URL"))?;
    Ok(routes(portcullis, &public_url, &config.brand))
}

/// Everything the server answers: the library's routes and the pages.
pub(crate) fn routes(portcullis: &Portcullis, public_url: &Url, brand: &Brand) -> portcullis_identity::Api {
    portcullis.api().merge(ui::pages(portcullis, public_url, brand))
}

async fn run(
    config: &Config,
    portcullis: Portcullis,
    api: portcullis_identity::Api,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    portcullis
        .serve_on(api, listener, config.server.limits, stop)
        .await?;
    tracing::info!("stopped");
    Ok(())
}

/// The address of the page that makes the first administrator.
pub(crate) fn setup_link(public_url: &Url, token: &str) -> String {
    format!("{}/setup?token={token}", show_url(public_url))
}

fn banner(config: &Config, public_url: &Url, setup: Option<&str>, address: SocketAddr) -> String {
    let secrets = &config.server.master_key_file;
    let secrets = secrets
        .file_name()
        .map_or_else(|| secrets.display(), |name| std::path::Path::new(name).display());
    let mut lines = vec![
        format!("portcullis {}", env!("CARGO_PKG_VERSION")),
        format!(
            "data:      {} ({}, {secrets})",
            config.server.data.display(),
            config.database.title()
        ),
    ];
    lines.extend(setup.map(|link| format!("set-up:    {link}")));
    lines.push(format!("docs:      {}/docs", show_url(public_url)));
    let local = Some(public_url).filter(|url| Some(*url) == local_url(address).as_ref());
    lines.push(format!(
        "listening on {}",
        local.map_or_else(|| format!("http://{address}"), show_url)
    ));
    lines.join("\n")
}

/// Where people are told `localhost`, the other address of that name is kept from everybody else: browsers try one after
/// the other, and whoever answers first would get passwords and the set-up link. Nobody listens on what this returns.
fn keep_localhost(public_url: &Url, address: SocketAddr) -> Result<Option<TcpSocket>, RunError> {
    defends!("T199");
    if Some(public_url) != local_url(address).as_ref() || !is_localhost(address) {
        return Ok(None);
    }
    let (other, socket) = match address {
        SocketAddr::V4(_) => (IpAddr::V6(Ipv6Addr::LOCALHOST), TcpSocket::new_v6()),
        SocketAddr::V6(_) => (IpAddr::V4(Ipv4Addr::LOCALHOST), TcpSocket::new_v4()),
    };
    let other = SocketAddr::new(other, address.port());
    match socket.and_then(|socket| socket.bind(other).map(|()| socket)) {
        Ok(socket) => Ok(Some(socket)),
        Err(reason) if reason.kind() == io::ErrorKind::AddrInUse => {
            Err(RunError::Localhost { address: other })
        }
        // A machine without it leads nobody there.
        Err(_) => Ok(None),
    }
}

/// Takes the port without listening on it yet.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart needn't wait until the connections of the former process are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn refused(address: SocketAddr, reason: io::Error) -> RunError {
    if reason.kind() == io::ErrorKind::AddrInUse {
        RunError::InUse { address }
    } else {
        RunError::Listen { address, reason }
    }
}

/// Completes at the first SIGTERM or SIGINT after this call.
fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt): (Signal, Signal) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("shutting down; draining requests");
    })
}

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1_024;

#[cfg(test)]
mod tests;
