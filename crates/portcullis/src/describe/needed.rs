//! What a handler takes that the program must provide.

use std::any::{TypeId, type_name};

/// A type of which a handler takes the provided value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needed {
    id: TypeId,
    pub(crate) name: &'static str,
}

impl Needed {
    pub(crate) fn id(self) -> TypeId {
        self.id
    }

    pub(super) fn of<T: ?Sized + 'static>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            name: type_name::<T>(),
        }
    }
}
