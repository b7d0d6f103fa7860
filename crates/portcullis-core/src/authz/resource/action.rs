//! What can be done to a resource, as types and as data.

use std::fmt;

use crate::authz::{PermissionRef, Requirement, Rule};

/// An action on resources of the type `R`; made by [`resource_actions!`](crate::resource_actions).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an action on `{R}`",
    label = "not an action on `{R}`",
    note = "declare it with `resource_actions! {{ {R}: pub Edit = \"posts:edit\": \"Change a post\": owner, shared; }}`"
)]
pub trait ActionOn<R>: Send + Sync + 'static {
    /// The action as data.
    const RULE: ActionRule;
}

/// Everything that can be done to a resource; made by [`resource_actions!`](crate::resource_actions).
pub trait Actions {
    /// Every action, as data, in the order of their declaration.
    const ACTIONS: &'static [ActionRule];
    /// Their names, for a [`ResourceKind`](super::ResourceKind).
    const NAMES: &'static [&'static str];
}

/// An action as data: its name, and who may do it besides those whom a policy permits it.
#[derive(Clone, Copy)]
pub struct ActionRule {
    /// Its name as a permission. Having it allows nothing by itself: it is the scope that a narrowed credential needs, and that
    /// everybody's API keys and logins may be narrowed to.
    pub permission: PermissionRef,
    /// Whether a resource's owner may.
    pub owner: bool,
    /// Whether it can be shared: done by those who were granted it on a resource.
    pub shared: bool,
    /// Whoever satisfies this may, on every resource.
    pub privileged: Rule,
}

impl ActionRule {
    /// An action that nobody may do.
    pub const fn new(permission: PermissionRef) -> Self {
        Self {
            permission,
            owner: false,
            shared: false,
            privileged: Rule::Any(&[]),
        }
    }

    /// A resource's owner may.
    #[must_use]
    pub const fn owner(self) -> Self {
        Self { owner: true, ..self }
    }

    /// Those may who were granted it on a resource.
    #[must_use]
    pub const fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// Whoever satisfies `rule` may, on every resource.
    #[must_use]
    pub const fn privileged(self, rule: Rule) -> Self {
        Self {
            privileged: rule,
            ..self
        }
    }

    /// The action's name, such as `posts:edit`: what policies, grants and scopes say.
    pub const fn name(&self) -> &'static str {
        self.permission.name
    }

    /// Calls `visit` with every permission the action speaks of.
    pub fn each_permission(&self, visit: &mut dyn FnMut(&PermissionRef)) {
        visit(&self.permission);
        self.privileged.each_permission(visit);
    }
}

impl fmt::Debug for ActionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A requirement's rule, for [`resource_actions!`](crate::resource_actions).
#[doc(hidden)]
pub const fn rule_of<R: Requirement>() -> Rule {
    R::RULE
}

/// Declares what can be done to a resource: for each action a type, a name, a description, and who may do it.
///
/// - `owner`: the resource's owner;
/// - `shared`: whoever was granted the action on the resource;
/// - `privileged(R)`: whoever satisfies the requirement `R`, on every resource.
///
/// Whatever stands here, policies can permit more and forbid all of it. The name is a scope as well: a credential
/// narrowed by scopes, such as an API key, needs it. Anybody may make a key that names it, without a role: the key reaches what
/// its owner owns, what was shared with them, and what policies permit them.
///
/// ```
/// use portcullis_core::authz::Role;
/// use portcullis_core::{permissions, resource_actions, roles};
///
/// pub struct Post;
/// permissions! { pub PostsAdmin = "posts:admin": "Do everything to every post"; }
/// roles! { pub Auditor = "auditor"; }
///
/// resource_actions! {
///     Post:
///     pub Read  = "posts:read":  "Read a post":    owner, shared, privileged(Role<Auditor>);
///     pub Edit  = "posts:edit":  "Change a post":  owner, shared, privileged(PostsAdmin);
///     pub Share = "posts:share": "Share a post":   owner, privileged(PostsAdmin);
/// }
/// ```
///
/// A name that isn't one does not compile:
///
/// ```compile_fail
/// struct Post;
/// portcullis_core::resource_actions! { Post: Oops = "edit": "A colon is missing": owner; }
/// ```
#[macro_export]
macro_rules! resource_actions {
    ($resource:ty : $($(#[$meta:meta])* $vis:vis $type:ident = $name:literal : $description:literal :
        $($who:ident $(($requirement:ty))?),+ $(,)? ;)+) => {
        $(
            $(#[$meta])*
            #[doc = concat!("The action `", $name, "`: ", $description, ".")]
            #[derive(Debug)]
            $vis enum $type {}

            impl $crate::authz::resource::ActionOn<$resource> for $type {
                const RULE: $crate::authz::resource::ActionRule = {
                    assert!(
                        $crate::authz::valid_permission_name($name),
                        "an action's name has 3 to 64 of a-z 0-9 _ - . and at least one colon inside, such as posts:edit"
                    );
                    fn id() -> $crate::authz::PermissionId {
                        static ID: ::std::sync::OnceLock<$crate::authz::PermissionId> =
                            ::std::sync::OnceLock::new();
                        *ID.get_or_init(|| $crate::authz::PermissionId::of_declared($name))
                    }
                    $crate::authz::resource::ActionRule::new($crate::authz::PermissionRef {
                        name: $name,
                        description: $description,
                        action: true,
                        id,
                    })
                    $(.$who($($crate::authz::resource::rule_of::<$requirement>())?))+
                };
            }
        )+

        impl $crate::authz::resource::Actions for $resource {
            const ACTIONS: &'static [$crate::authz::resource::ActionRule] =
                &[$(<$type as $crate::authz::resource::ActionOn<$resource>>::RULE),+];
            const NAMES: &'static [&'static str] = &[$($name),+];
        }
    };
}
