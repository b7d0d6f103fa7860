//! From a name to its addresses.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Looks names up. A test brings its own, which may answer differently each time, as an attacker's does.
#[async_trait]
pub(super) trait Resolve: Send + Sync {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own resolver: the hosts file, DNS, and whatever else is configured.
pub(super) struct System;

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The port plays no part in a look-up.
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
