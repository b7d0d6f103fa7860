//! A request, as functions of limits see it.

use std::net::IpAddr;

use http::{HeaderMap, Method, Uri};
use portcullis_core::authz::Principal;
use portcullis_core::organization::Current;

/// A request that is about to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'r> {
    pub(crate) method: &'r Method,
    pub(crate) uri: &'r Uri,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) client: Option<IpAddr>,
    pub(crate) principal: Option<&'r Principal>,
    pub(crate) organization: Option<&'r Current>,
}

impl<'r> Asking<'r> {
    /// The HTTP method.
    pub const fn method(&self) -> &'r Method {
        self.method
    }

    /// The path, as the client sent it.
    pub fn path(&self) -> &'r str {
        self.uri.path()
    }

    /// What stands after the `?`, as it was sent; a key that is taken from the query is no more in it.
    pub fn query(&self) -> Option<&'r str> {
        self.uri.query()
    }

    /// A header's value: nothing if there is none, several, or one that isn't ASCII. Whoever calls may have written
    /// anything.
    pub fn header(&self, name: &str) -> Option<&'r str> {
        let mut all = self.headers.get_all(name).iter();
        let value = all.next()?.to_str().ok()?;
        all.next().is_none().then_some(value)
    }

    /// The client's address, behind all trusted proxies.
    pub const fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// The caller: nobody before they are authenticated, and where the route lets strangers in and one came.
    pub const fn principal(&self) -> Option<&'r Principal> {
        self.principal
    }

    /// The organization that the request is for, where the rule asks for a member and it was found.
    pub const fn organization(&self) -> Option<&'r Current> {
        self.organization
    }
}
