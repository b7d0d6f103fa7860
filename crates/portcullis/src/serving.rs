//! What serving an API can run into, and when it ends.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portcullis_core::fault::Fault;
use tokio::net::TcpListener;

use crate::ApiErrors;
use crate::policies::PoliciesError;

/// Why an API could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The routes contradict each other.
    #[error(transparent)]
    Api(#[from] ApiErrors),
    /// The address can't be listened on.
    #[error("can't listen: {0}; is another program on that port, or the address not this machine's?")]
    Listen(#[source] io::Error),
    /// The permissions couldn't be made known to the database.
    #[error(transparent)]
    Database(#[from] Fault),
    /// The policies are wrong.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
}

/// Says where requests are answered, to the log. If there is none, to whoever started the program, on stderr, with what makes
/// the log be seen: a program of a few lines has no subscriber, and nothing would tell that it runs.
#[allow(
    clippy::print_stderr,
    reason = "for whoever starts a program that nobody hears"
)]
pub fn tell_where(listener: &TcpListener) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let url = url(address);
    if tracing::dispatcher::has_been_set() {
        tracing::info!(%address, url, "listening");
    } else {
        eprintln!("portcullis: listening on {url}{NOBODY_HEARS}");
    }
}

/// The address as a browser is to be given it: passkeys work at `localhost`, and not at `127.0.0.1`.
fn url(address: SocketAddr) -> String {
    let port = address.port();
    match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) | IpAddr::V6(Ipv6Addr::LOCALHOST) => {
            format!("http://localhost:{port}")
        }
        ip if ip.is_unspecified() => {
            format!("http://localhost:{port}, and at every other address of this machine")
        }
        _ => format!("http://{address}"),
    }
}

/// What is added where no subscriber is installed.
const NOBODY_HEARS: &str = ". Its log goes nowhere: add `tracing-subscriber` to Cargo.toml and
tracing_subscriber::fmt().init(); // as the first line of main";

/// Completes when the process is asked to stop.
pub async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_called_localhost_and_others_as_they_are() {
        for (address, shown) in [
            ("127.0.0.1:8080", "http://localhost:8080"),
            ("[::1]:8080", "http://localhost:8080"),
            (
                "0.0.0.0:80",
                "http://localhost:80, and at every other address of this machine",
            ),
            (
                "[::]:80",
                "http://localhost:80, and at every other address of this machine",
            ),
            ("127.0.0.2:8080", "http://127.0.0.2:8080"),
            ("192.0.2.7:8080", "http://192.0.2.7:8080"),
            ("[2001:db8::7]:8080", "http://[2001:db8::7]:8080"),
        ] {
            assert_eq!(url(address.parse().unwrap()), shown);
        }
    }
}
