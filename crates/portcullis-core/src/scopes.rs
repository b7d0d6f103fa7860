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
pub type Missing = Vec<String>;

/// Tells what is missing, for people: of many names the first.
pub fn in_words(missing: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = missing.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match missing.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// The role that may do everything an administrator does; it exists from the start and can't be deleted.
pub const ADMINISTRATOR: &str = "administrator";

/// The role of those who may do everything in an organization. It exists from the start, is given in organizations
/// only, and is nobody's to change.
pub const OWNER: &str = "organization-owner";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_missing_names_the_first_are_told() {
        let names: Vec<String> = (0..7).map(|n| format!("a:{n}")).collect();
        assert_eq!(in_words(&names[..2]), "a:0, a:1");
        assert_eq!(in_words(&names[..5]), "a:0, a:1, a:2, a:3, a:4");
        assert_eq!(in_words(&names), "a:0, a:1, a:2, a:3, a:4 and 2 more");
    }
}
