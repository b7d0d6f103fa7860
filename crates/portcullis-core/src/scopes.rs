//! How far a credential reaches, and the names of what it lacks.

/// The scopes a credential is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// Everything its account may do.
    Everything,
    /// At most the permissions of these names.
    Only(Vec<String>),
}

impl Scopes {
    /// From a list as sessions and claims keep it.
    pub fn from_list(list: Option<Vec<String>>) -> Self {
        list.map_or(Self::Everything, Self::Only)
    }

    /// Whether they leave the permission of this name in.
    pub fn include(&self, permission: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(names) => names.iter().any(|name| name == permission),
        }
    }
}

/// The names of what somebody lacks; empty if nothing stands in the way. Names of roles have no colon, those of
/// permissions have one.
pub type Lacks = Vec<String>;

/// The role that may do everything an administrator does; it exists from the start and can't be deleted.
pub const ADMINISTRATOR: &str = "administrator";
