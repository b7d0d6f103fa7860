//! What the edge of HTTP believes.

use super::Builder;
use crate::proxies::Proxies;

impl Builder {
    /// Which proxies are believed about the client's address: none unless said otherwise, so that it is the peer's.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }
}
