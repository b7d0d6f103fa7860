//! Values that a program provides to its handlers, and that its tests replace.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::Problem;
use crate::describe::{Input, Needed, Operation};

/// A value that handlers share and [`Api::provide`](crate::Api::provide) gives them: a client of another service, a clock, a
/// connection. Mostly a trait object, so that a test can put something else in its place.
///
/// ```
/// use std::sync::Arc;
/// use portcullis::{Api, Dependency, Public};
///
/// trait Weather: Send + Sync { fn today(&self) -> String; }
/// struct Sunny;
/// impl Weather for Sunny { fn today(&self) -> String { "sun".to_owned() } }
///
/// async fn today(_: Public, weather: Dependency<dyn Weather>) -> String { weather.today() }
///
/// let api: Api = Api::new("Weather", "1.0")
///     .get("/today", today)
///     .provide::<dyn Weather>(Arc::new(Sunny));
/// ```
///
/// A handler that takes what nobody provides is an error when the router is made, not when it is called.
pub struct Dependency<T: ?Sized>(pub Arc<T>);

impl<T: ?Sized> Deref for Dependency<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for Dependency<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> std::fmt::Debug for Dependency<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dependency<{}>", type_name::<T>())
    }
}

impl<S: Sync, T: ?Sized + Send + Sync + 'static> FromRequestParts<S> for Dependency<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let provided = parts.extensions.get::<Dependencies>();
        let value = provided.and_then(Dependencies::get);
        value.map(Self).ok_or_else(|| {
            Problem::internal(format_args!(
                "nothing provides {}, which a handler takes",
                type_name::<T>()
            ))
        })
    }
}

impl<T: ?Sized + Send + Sync + 'static> Input for Dependency<T> {
    fn reads(operation: &mut Operation<'_>) {
        operation.needs::<T>();
    }
}

/// What is provided, by type. Clones share it.
#[derive(Clone, Default)]
pub struct Dependencies(Arc<RwLock<HashMap<TypeId, Provided>>>);

struct Provided {
    name: &'static str,
    /// An `Arc` of the type.
    value: Box<dyn Any + Send + Sync>,
}

impl Dependencies {
    /// Provides a value; the type's name if one was there already, which stays.
    pub(crate) fn provide<T: ?Sized + Send + Sync + 'static>(
        &self,
        value: Arc<T>,
    ) -> Result<(), &'static str> {
        self.insert(TypeId::of::<T>(), Provided::of(value))
    }

    /// Puts another value in the place of the one that is provided; `false` if none is.
    pub fn replace<T: ?Sized + Send + Sync + 'static>(&self, value: Arc<T>) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&TypeId::of::<T>()) {
            Some(provided) => {
                *provided = Provided::of(value);
                true
            }
            None => false,
        }
    }

    /// Takes over what another API provides; the names of what both do.
    pub(crate) fn take_over(&self, other: &Self) -> Vec<&'static str> {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Vec::new();
        }
        let taken = std::mem::take(&mut *other.0.write().unwrap_or_else(PoisonError::into_inner));
        let all = taken.into_iter();
        all.filter_map(|(id, provided)| self.insert(id, provided).err())
            .collect()
    }

    pub(crate) fn has(&self, needed: Needed) -> bool {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.contains_key(&needed.id())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn insert(&self, id: TypeId, provided: Provided) -> Result<(), &'static str> {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match all.get(&id) {
            Some(known) => Err(known.name),
            None => {
                all.insert(id, provided);
                Ok(())
            }
        }
    }

    fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let value = &all.get(&TypeId::of::<T>())?.value;
        value.downcast_ref::<Arc<T>>().cloned()
    }
}

impl Provided {
    fn of<T: ?Sized + Send + Sync + 'static>(value: Arc<T>) -> Self {
        Self {
            name: type_name::<T>(),
            value: Box::new(value),
        }
    }
}
