//! What is said of routes, for those who read the docs.

use std::borrow::Cow;

use schemars::JsonSchema;

use super::route::{Group, Parameter, Route};
use super::{Api, ApiError};
use crate::route::parameter_names;

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// Says in a few words what the last route does. Without it, the handler's name does.
    pub fn summary(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.last("summary", |route| route.text.summary = Some(text.into()))
    }

    /// Describes the last route at length (Markdown).
    pub fn description(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.last("description", |route| route.text.description = Some(text.into()))
    }

    /// Puts the last route under a heading of the docs.
    pub fn tag(self, name: impl Into<String>) -> Self {
        self.last("tag", |route| route.text.tags.push(name.into()))
    }

    /// Names the last route in the docs and in clients that are generated from them: `listPosts`. Without it a handler's
    /// name of several words does (`list_posts`), or else method and path.
    pub fn operation_id(self, id: impl Into<Cow<'static, str>>) -> Self {
        self.last("operation_id", |route| route.text.id = Some(id.into()))
    }

    /// Says what the path parameter `name` is, for every route so far that has it, whose handler reads it as plain text
    /// and of which it wasn't said yet: the bounds and the description of `T`'s schema. It is only documented: the handler
    /// refuses what is wrong.
    pub fn parameter<T: JsonSchema>(mut self, name: &'static str) -> Self {
        for route in &mut self.routes {
            let known = route.text.parameters.iter().any(|known| known.name == name);
            if !known && parameter_names(&route.path).any(|here| here == name) {
                route.text.parameters.push(Parameter {
                    name: name.into(),
                    schema: T::json_schema,
                });
            }
        }
        self
    }

    /// Puts every route so far that has no tag under one heading, and says what the heading is about.
    pub fn group(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let name = name.into();
        for route in self.routes.iter_mut().filter(|route| route.text.tags.is_empty()) {
            route.text.tags.push(name.clone());
        }
        let group = Group {
            description: description.into(),
            own: false,
        };
        self.add_group(name, group);
        self
    }

    /// The same of routes that this library brings: nobody else's come under the heading.
    #[doc(hidden)]
    pub fn own_group(mut self, name: &'static str, description: &'static str) -> Self {
        self = self.group(name, description);
        for route in &mut self.routes {
            route.text.own = true;
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.own = true;
        }
        self
    }

    pub(super) fn add_group(&mut self, name: String, group: Group) {
        match self.groups.get(&name) {
            Some(known) if *known != group => self.errors.push(ApiError::Tag(name)),
            _ => {
                self.groups.insert(name, group);
            }
        }
    }

    /// Says what the whole API is about (Markdown).
    pub fn about(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.about = Some(text.into());
        self
    }

    pub(super) fn last(mut self, what: &'static str, change: impl FnOnce(&mut Route<S>)) -> Self {
        match self.routes.last_mut() {
            Some(route) => change(route),
            // The route may have been refused for its path: one error is enough.
            None if self.errors.is_empty() => self.errors.push(ApiError::NoRoute(what)),
            None => {}
        }
        self
    }
}
