//! What a handler's parameters ask about resources, found out when its route is registered.
//!
//! Only the first parameter's type is known to the router as a rule; the others describe themselves to the docs, and say
//! there what they ask ([`Operation`](crate::describe::Operation)).

use std::fmt;

use portcullis_core::authz::resource::ActionRule;
use portcullis_core::authz::{PermissionRef, ResourceKind};

/// What a handler's parameter asks about resources.
#[derive(Debug, Clone, Copy)]
pub struct Asks {
    /// The kind of resource that is asked about.
    pub kind: &'static ResourceKind,
    /// What is to be done to them.
    pub action: ActionRule,
    /// To which of them.
    pub how: How,
}

/// Which resources a parameter asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// One that is named by this parameter of the path.
    One {
        /// The name of the parameter in the path, which holds the resource's id.
        parameter: &'static str,
        /// Whether a refusal looks as if there were none.
        hidden: bool,
        /// Whether the body is there before it is decided.
        body: Body,
    },
    /// All that the caller may do it to.
    Every,
}

/// How a decision stands to the request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The decision is made before one is read.
    Unread,
    /// It was read and checked first.
    Read,
}

impl Asks {
    /// Calls `visit` with every permission it speaks of.
    pub fn each_permission(&self, visit: &mut dyn FnMut(&PermissionRef)) {
        self.action.each_permission(visit);
    }
}

/// The form of `authz.lock`: `on Post:posts:edit`, `listing Post:posts:read`.
impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.how {
            How::One { .. } => "on",
            How::Every => "listing",
        };
        write!(f, "{word} {}:{}", self.kind.name, self.action.name())
    }
}
