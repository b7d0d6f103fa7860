//! Parts of an API that have documents of their own, and what each document is about.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::api::Mount;
use super::docs::{Change, Docs};
use super::path;
use super::route::{Group, Route};
use crate::Api;
use crate::protect::AddressList;
use crate::rates::RateLimit;

/// A part of an API that has a document of its own: what it says of itself. Its routes know that they are its.
pub(crate) struct Part {
    pub(super) title: Cow<'static, str>,
    version: Cow<'static, str>,
    about: Option<Cow<'static, str>>,
    groups: IndexMap<String, Group>,
    pub(super) docs: Docs,
    change: Option<Change>,
    /// From where its documents may be read.
    pub(super) addresses: Vec<AddressList>,
}

impl Part {
    /// The same below a prefix.
    pub(super) fn below(mut self, prefix: &str) -> Self {
        for place in self.docs.places_mut() {
            if let Some(here) = place.as_deref() {
                *place = Some(path::join(prefix, here).into());
            }
        }
        self
    }
}

/// One document: what it is about, and the routes that it describes.
pub(crate) struct Document<'a, S> {
    pub(crate) title: &'a str,
    pub(crate) version: &'a str,
    pub(crate) about: Option<&'a str>,
    pub(crate) groups: &'a IndexMap<String, Group>,
    pub(crate) docs: &'a Docs,
    pub(crate) change: Option<&'a Change>,
    pub(crate) routes: Vec<&'a Route<S>>,
    pub(crate) mounts: Vec<&'a Mount>,
    /// The routes of all documents.
    pub(crate) all: &'a [Route<S>],
    /// How often all of it may be called together.
    pub(crate) limits: &'a [RateLimit],
    /// Where other parts are described: title with version, and the path of their documents.
    pub(crate) elsewhere: Vec<(String, &'a str)>,
    /// From where it may be read.
    pub(crate) addresses: &'a [AddressList],
}

impl<S> Api<S> {
    /// What the API's own document is about.
    pub(crate) fn document(&self) -> Document<'_, S> {
        let elsewhere = self.parts.iter().filter_map(|part| {
            let title = format!("{} {}", part.title, part.version);
            Some((title, part.docs.openapi.as_deref()?))
        });
        Document {
            title: &self.title,
            version: &self.version,
            about: self.about.as_deref(),
            groups: &self.groups,
            docs: &self.docs,
            change: self.change.as_ref(),
            routes: self.routes.iter().filter(|route| route.part.is_none()).collect(),
            mounts: self.mounts.iter().filter(|mount| mount.part.is_none()).collect(),
            all: &self.routes,
            limits: &self.rates,
            elsewhere: elsewhere.collect(),
            addresses: &self.addresses,
        }
    }

    /// What every document is about, the API's own first.
    pub(crate) fn documents(&self) -> impl Iterator<Item = Document<'_, S>> {
        let of = |(index, part)| self.document_of(index, part);
        std::iter::once(self.document()).chain(self.parts.iter().enumerate().map(of))
    }

    fn document_of<'a>(&'a self, index: usize, part: &'a Part) -> Document<'a, S> {
        let its = |here: Option<usize>| here == Some(index);
        Document {
            title: &part.title,
            version: &part.version,
            about: part.about.as_deref(),
            groups: &part.groups,
            docs: &part.docs,
            change: part.change.as_ref(),
            routes: self.routes.iter().filter(|route| its(route.part)).collect(),
            mounts: self.mounts.iter().filter(|mount| its(mount.part)).collect(),
            all: &self.routes,
            limits: &self.rates,
            elsewhere: Vec::new(),
            addresses: &part.addresses,
        }
    }

    /// Makes everything that is in no part yet a part of its own.
    pub(super) fn apart(mut self) -> Self {
        let index = self.parts.len();
        for part in self.routes.iter_mut().map(|route| &mut route.part) {
            part.get_or_insert(index);
        }
        for part in self.mounts.iter_mut().map(|mount| &mut mount.part) {
            part.get_or_insert(index);
        }
        self.parts.push(Part {
            title: self.title.clone(),
            version: self.version.clone(),
            about: self.about.take(),
            groups: std::mem::take(&mut self.groups),
            docs: std::mem::replace(&mut self.docs, Docs::off()),
            change: self.change.take(),
            addresses: Vec::new(),
        });
        self
    }
}
