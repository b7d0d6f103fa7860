//! From where routes may be called: what is said of them, and what may be wrong with it.

use std::sync::Arc;

use portcullis_core::defends;

use super::limits::holds_for;
use super::{Api, ApiError, path};
use crate::protect::{AddressList, Addresses};

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// Answers the last route to these client addresses only. A second list holds beside the first: both must have the client.
    pub fn addresses(self, list: AddressList) -> Self {
        self.last("addresses", |route| route.addresses.push(list))
    }

    /// Answers all of this to these client addresses only: every route, mounted router and document, and what answers where there
    /// is no route; what is below `/health/` is left out. Of an API that is nested, it holds for what the API has.
    pub fn addresses_all(mut self, list: AddressList) -> Self {
        self.addresses.push(list);
        self
    }
}

impl<S> Api<S> {
    /// Hands the lists of the whole to each route, mounted router and document, before they come below `prefix`. What is health
    /// goes by where it is then.
    pub(super) fn hand_down_addresses(&mut self, prefix: &str) {
        let whole = std::mem::take(&mut self.addresses);
        let held = |path: &str| holds_for(&path::join(prefix, path));
        let routes = self.routes.iter_mut().filter(|route| held(&route.path));
        let routes = routes.map(|route| &mut route.addresses);
        let mounts = self.mounts.iter_mut();
        let mounts = mounts.filter(|mount| held(&format!("{}/*", mount.prefix)));
        let mounts = mounts.map(|mount| &mut mount.addresses);
        let parts = self.parts.iter_mut().map(|part| &mut part.addresses);
        for lists in routes.chain(mounts).chain(parts) {
            lists.extend(whole.iter().cloned());
        }
    }

    /// All that is wrong with the lists.
    pub(super) fn bad_addresses(&self) -> Vec<ApiError> {
        defends!("T251");
        let whole = self
            .addresses
            .iter()
            .map(|list| ("the whole API".to_owned(), list));
        let mounts = self.mounts.iter().flat_map(|mount| {
            let lists = mount.addresses.iter();
            lists.map(|list| (mount.prefix.clone(), list))
        });
        let parts = self.parts.iter().flat_map(|part| {
            let lists = part.addresses.iter();
            lists.map(|list| (format!("the documents of {}", part.title), list))
        });
        let routes = self.routes.iter().flat_map(|route| {
            let lists = route.addresses.iter();
            lists.map(move |list| (format!("{} {}", route.method, route.path), list))
        });
        let each = whole
            .chain(mounts)
            .chain(parts)
            .chain(routes)
            .flat_map(|(place, list)| {
                let errors = list.errors().into_iter();
                errors.map(move |why| ApiError::Addresses {
                    place: place.clone(),
                    why,
                })
            });
        each.collect()
    }
}

/// The lists, ready to be asked.
pub(crate) fn ready(lists: &[AddressList]) -> Arc<[Addresses]> {
    lists.iter().map(AddressList::settled).collect()
}
