//! What an API shows of itself: its routes, the text of `authz.lock`, its documents.

use std::borrow::Cow;

use http::Method;

use super::Api;
use super::api::Mount;
use super::docs::{self, Docs};
use super::limits::holds_for;
use super::lock;
use super::route::Route;
use crate::protect::AddressList;
use crate::route::{Guard, RouteInfo, Verb};

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// All routes with their rules, those of the docs and mounted routers included.
    pub fn routes(&self) -> impl Iterator<Item = RouteInfo<'_>> {
        let routes = self.routes.iter().map(Route::info);
        let mounts = self.mounts.iter().map(Mount::info);
        let limited = routes.chain(mounts).map(|mut info| {
            if holds_for(&info.path) {
                info.limits.extend(self.rates.iter().map(ToString::to_string));
                info.addresses
                    .extend(self.addresses.iter().map(ToString::to_string));
            }
            info
        });
        let parts = self
            .parts
            .iter()
            .map(|part| (&part.docs, part.addresses.as_slice()));
        let all = std::iter::once((&self.docs, Default::default())).chain(parts);
        let docs = all.flat_map(|(docs, own): (&Docs, &[AddressList])| {
            let lists = own.iter().chain(&self.addresses);
            let addresses: Vec<_> = lists.map(ToString::to_string).collect();
            docs.paths().map(move |path| RouteInfo {
                verb: Verb::Method(Method::GET),
                path: Cow::Borrowed(path),
                guard: Guard::of::<crate::Public>(),
                asks: Cow::Borrowed(&[]),
                limits: Vec::new(),
                addresses: addresses.clone(),
            })
        });
        limited.chain(docs)
    }

    /// The text of `authz.lock`: a line for every route, with its rule and the credentials it accepts.
    pub fn authz_lock(&self) -> String {
        lock::render(self.routes())
    }

    /// Whether the document is served: [`Docs`] name a path for it.
    pub fn documents_itself(&self) -> bool {
        self.docs.openapi.is_some()
    }

    /// The OpenAPI 3.1 document.
    pub fn openapi(&self) -> serde_json::Value {
        docs::openapi::document(&self.document())
    }

    /// All OpenAPI documents that are served, each with its path: the API's own first, then those of its parts
    /// ([`Self::sub`]).
    pub fn openapi_documents(&self) -> Vec<(String, serde_json::Value)> {
        let served = self.documents().filter_map(|document| {
            let path = document.docs.openapi.as_deref()?.to_owned();
            Some((path, docs::openapi::document(&document)))
        });
        served.collect()
    }
}
