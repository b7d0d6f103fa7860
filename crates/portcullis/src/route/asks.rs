//! What a handler's parameters ask about resources, found out when its route is registered.
//!
//! Only the first parameter's type is known to the router as a rule; the others describe themselves to the docs. While
//! a route is registered, those descriptions are run once and [`note`] gathers what they ask.

use std::cell::RefCell;
use std::fmt;

use aide::OperationInput;
use aide::generate::in_context;
use aide::openapi::Operation;
use portcullis_core::authz::resource::ActionRule;
use portcullis_core::authz::{PermissionRef, ResourceKind};
use portcullis_core::defends;

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

thread_local! {
    static ASKED: RefCell<Option<Vec<Asks>>> = const { RefCell::new(None) };
}

/// What the parameters of a handler ask.
pub(crate) struct Gathered {
    /// What they ask about resources, in the order of the parameters.
    pub(crate) asks: Vec<Asks>,
    /// Whether one of them reads the body though the decision about a resource doesn't wait for it.
    pub(crate) early: bool,
}

/// Everything that the parameters `I` ask about resources.
pub(crate) fn gather<I: OperationInput>() -> Gathered {
    defends!("T098");
    ASKED.set(Some(Vec::new()));
    let mut operation = Operation::default();
    in_context(|context| {
        // The schemas that are made on the way are of no use here.
        let before = std::mem::take(&mut context.schema);
        I::operation_input(context, &mut operation);
        context.schema = before;
    });
    let asks = ASKED.take().unwrap_or_default();
    let unread = |asks: &Asks| {
        matches!(
            asks.how,
            How::One {
                body: Body::Unread,
                ..
            }
        )
    };
    Gathered {
        early: operation.request_body.is_some() && asks.iter().any(unread),
        asks,
    }
}

/// Says what a parameter asks, if somebody gathers it.
pub(crate) fn note(asks: Asks) {
    ASKED.with_borrow_mut(|asked| {
        if let Some(asked) = asked {
            asked.push(asks);
        }
    });
}
