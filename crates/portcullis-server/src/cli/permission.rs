//! `portcullis permission`: those of applications that run elsewhere and can't declare them here themselves.

use clap::Subcommand;
use portcullis_core::audit::Context;
use portcullis_core::authz::{Permit, RolesRead, RolesWrite};
use portcullis_core::roles::{MayGive, PermissionRecord};
use portcullis_identity::Portcullis;
use serde_json::{Value, json};

use super::failure::Failure;
use super::role;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List permissions with what they allow
    List,
    /// Make a permission of an application elsewhere known, so that roles can give it
    Declare {
        /// Its name, such as posts:read
        permission: String,
        /// What it allows, for people
        description: String,
        /// It is an action on resources: having it allows nothing by itself, and everybody's API keys and logins may be
        /// narrowed to it
        #[arg(long)]
        action: bool,
    },
    /// Take a permission from every role and forget it
    Withdraw {
        /// Its name
        permission: String,
    },
}

impl Command {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        let (roles, by) = (
            portcullis.roles(),
            Context::operator(portcullis.environment().now()),
        );
        let outcome = match self {
            Self::List => {
                let permit = Permit::<RolesRead>::dangerous_for_operator();
                let all = roles.permissions(&permit).await?;
                let rows: Vec<Vec<Value>> = all
                    .into_iter()
                    .map(|one| vec![json!(one.name), json!(one.description), json!(one.action)])
                    .collect();
                return Ok(output.list(&["name", "description", "action"], &rows)?);
            }
            Self::Declare {
                permission,
                description,
                action,
            } => {
                let permit = Permit::<MayGive>::dangerous_for_operator();
                let permission = PermissionRecord {
                    name: permission,
                    description,
                    action,
                };
                roles.declare(&permit, permission, by).await
            }
            Self::Withdraw { permission } => {
                let permit = Permit::<RolesWrite>::dangerous_for_operator();
                roles.withdraw(&permit, &permission, by).await
            }
        };
        role::report(outcome?, output)
    }
}
