//! `portcullis role`: lists, makes, changes and deletes roles, and gives them to accounts.

use clap::Subcommand;
use portcullis_core::account::Id;
use portcullis_core::audit::Context;
use portcullis_core::authz::{Permit, RolesRead, RolesWrite};
use portcullis_core::effect::Effect;
use portcullis_core::roles::{MayGive, RoleRecord, RolesError};
use portcullis_identity::Portcullis;
use serde_json::{Value, json};

use super::account::{find, find_to_give, show_all};
use super::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List roles; long lists of permissions are cut short
    List,
    /// Show one role with all of its permissions
    Show {
        /// The role
        role: String,
    },
    /// List the accounts that a role was given to, by id, without those of roles that inherit it
    Members {
        /// The role
        role: String,
        /// Only accounts after the one with this id: the next page
        #[arg(long, value_name = "ID")]
        after: Option<Id>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Create a role without permissions
    Create {
        /// Its name, such as editor
        role: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Delete a role: nobody has it any more
    Delete {
        /// Its name
        role: String,
    },
    /// Give a permission to a role
    Allow {
        /// The role
        role: String,
        /// The permission, such as posts:read
        permission: String,
    },
    /// Take a permission from a role
    Disallow {
        /// The role
        role: String,
        /// The permission
        permission: String,
    },
    /// Let a role have everything of another
    Inherit {
        /// The role
        role: String,
        /// The role it inherits
        parent: String,
    },
    /// End that
    Disinherit {
        /// The role
        role: String,
        /// The role it inherits
        parent: String,
    },
    /// Give a role to an account
    Assign {
        /// The role
        role: String,
        /// The account's id, address or user name
        account: String,
    },
    /// Take a role from an account
    Unassign {
        /// The role
        role: String,
        /// The account's id, address or user name
        account: String,
    },
}

impl Command {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        let permit = Permit::<RolesRead>::dangerous_for_operator();
        match self {
            Self::List => {
                let roles = portcullis.roles().list(&permit).await?;
                let rows: Vec<Vec<Value>> = roles.iter().map(row).collect();
                Ok(output.list(&COLUMNS, &rows)?)
            }
            Self::Show { role } => {
                let roles = portcullis.roles().list(&permit).await?;
                let found = roles.iter().find(|known| known.name == role);
                let found = found.ok_or(RolesError::UnknownRole)?;
                Ok(output.record(&COLUMNS, &row(found))?)
            }
            Self::Members { role, after, limit } => {
                let holders = portcullis.roles().holders(&permit, &role, after, limit).await?;
                show_all(&holders.ok_or(RolesError::UnknownRole)?, output)
            }
            change => report(change.change(portcullis).await??, output),
        }
    }

    async fn change(self, portcullis: &Portcullis) -> Result<Result<Effect, RolesError>, Failure> {
        let roles = portcullis.roles();
        let gives = &Permit::<MayGive>::dangerous_for_operator();
        let takes = &Permit::<RolesWrite>::dangerous_for_operator();
        let by = Context::operator(portcullis.environment().now());
        Ok(match self {
            // Handled before.
            Self::List | Self::Show { .. } | Self::Members { .. } => Ok(Effect::Unchanged),
            Self::Create { role, description } => roles.create(gives, &role, &description, by).await,
            Self::Delete { role } => roles.delete(takes, &role, by).await,
            Self::Allow { role, permission } => roles.allow(gives, &role, &permission, by).await,
            Self::Disallow { role, permission } => roles.disallow(takes, &role, &permission, by).await,
            Self::Inherit { role, parent } => roles.inherit(gives, &role, &parent, by).await,
            Self::Disinherit { role, parent } => roles.disinherit(takes, &role, &parent, by).await,
            Self::Assign { role, account } => {
                roles
                    .assign(gives, find_to_give(portcullis, &account).await?.id, &role, by)
                    .await
            }
            Self::Unassign { role, account } => {
                roles
                    .unassign(takes, find(portcullis, &account).await?.id, &role, by)
                    .await
            }
        })
    }
}

/// Says what came of a change.
pub(super) fn report(effect: Effect, output: &Output) -> Result<(), Failure> {
    let (text, changed) = match effect {
        Effect::Changed => ("done", true),
        Effect::Unchanged => ("it was so already", false),
    };
    Ok(output.done(text, &json!({ "changed": changed }))?)
}

const COLUMNS: [&str; 4] = ["name", "description", "permissions", "inherits"];

fn row(role: &RoleRecord) -> Vec<Value> {
    vec![
        json!(role.name),
        json!(role.description),
        json!(role.permissions),
        json!(role.inherits),
    ]
}
