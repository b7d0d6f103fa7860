//! Loopback ports, and the program that ties a server's life to ours.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

use crate::services::apt::Needed;

/// `setpriv` ends a server when xtask is killed, and leaves root where a server must.
pub(crate) const SETPRIV: Needed = Needed {
    program: "/usr/bin/setpriv",
    package: "util-linux",
};

/// A loopback port that nobody listens on at this moment.
///
/// # Errors
/// When the machine has none left.
pub(crate) fn free() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free loopback port")?;
    Ok(listener.local_addr()?.port())
}
