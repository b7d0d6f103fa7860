//! What the edge of HTTP believes.

use url::Url;

use super::Builder;
use crate::proxies::Proxies;

impl Builder {
    /// Which proxies are believed about the client's address: none unless said otherwise, so that it is the peer's.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Another name by which this server is reached than that of [`Builder::public_url`], such as the one that services
    /// beside it use, without a port. Once there is a public address, requests for any other host are refused with 421, but
    /// for [`Builder::base_domain`], hosts below it, names of this machine, and `/health/`, which is asked by address.
    pub fn host(mut self, name: &str) -> Self {
        self.hosts.push(name.to_owned());
        self
    }

    /// The domain whose subdomains name organizations: with `app.example.com`, a request to `acme.app.example.com` is
    /// for the organization with the slug `acme`. Without it, no subdomain names one.
    pub fn base_domain(mut self, domain: &str) -> Self {
        self.base_domain = Some(domain.to_owned());
        self
    }

    /// The hosts that requests may name; `None` where there is no public address.
    pub(super) fn known_hosts(&self) -> Option<Vec<String>> {
        let public = self.http_settings.public_url.as_ref().and_then(Url::host_str)?;
        let others = self.hosts.iter().cloned();
        Some(others.chain([public.to_owned()]).collect())
    }
}
