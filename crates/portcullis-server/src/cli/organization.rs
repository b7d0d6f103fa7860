//! `portcullis organization`: lists, creates and suspends organizations, and appoints their members.

use clap::Subcommand;
use portcullis_core::account::shown_address;
use portcullis_core::audit::Context;
use portcullis_core::authz::{OrganizationsRead, OrganizationsWrite, Permit};
use portcullis_core::organization::{
    Id, MayAppoint, MaySeeMembers, MemberRecord, OWNER, Organization, OrganizationName, OrganizationState,
    Selector, Slug,
};
use portcullis_identity::Portcullis;
use serde_json::{Value, json};

use super::account;
use super::failure::Failure;
use super::role::report;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List organizations, oldest first
    List {
        /// Only organizations after the one with this id: the next page
        #[arg(long, value_name = "ID")]
        after: Option<Id>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Create an organization with its first owner
    Create {
        /// Its name in addresses, such as acme
        slug: String,
        /// What people call it
        name: String,
        /// The owner's id, address or user name
        #[arg(long)]
        owner: String,
    },
    /// List an organization's members, by account id
    Members {
        /// The organization's id or slug
        organization: String,
        /// Only members after the one with this account id: the next page
        #[arg(long, value_name = "ID")]
        after: Option<portcullis_core::account::Id>,
        /// How many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Make an account a member, or set a member's roles
    Add {
        /// The organization's id or slug
        organization: String,
        /// The account's id, address or user name
        account: String,
        /// A role the member is to have; can be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Make the member an owner
        #[arg(long)]
        owner: bool,
    },
    /// Remove a member
    Remove {
        /// The organization's id or slug
        organization: String,
        /// The account's id, address or user name
        account: String,
    },
    /// Refuse every member of an organization until that is taken back
    Suspend {
        /// The organization's id or slug
        organization: String,
    },
    /// Take that back
    Resume {
        /// The organization's id or slug
        organization: String,
    },
}

impl Command {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List { after, limit } => list(portcullis, after, limit, output).await,
            Self::Create { slug, name, owner } => create(portcullis, (&slug, &name), &owner, output).await,
            Self::Members {
                organization,
                after,
                limit,
            } => {
                let permit = Permit::<MaySeeMembers>::dangerous_for_operator();
                let (organizations, named) = (portcullis.organizations(), selector(&organization)?);
                let members = organizations.members_of(&permit, named, after, limit).await?;
                let members = members.ok_or_else(|| missing(&organization))?;
                let rows: Vec<Vec<Value>> = members.iter().map(member_row).collect();
                Ok(output.list(&["account", "email", "username", "roles", "joined_at"], &rows)?)
            }
            Self::Add {
                organization,
                account,
                mut roles,
                owner,
            } => {
                roles.extend(owner.then(|| OWNER.to_owned()));
                add(portcullis, (&organization, &account), roles, output).await
            }
            Self::Remove {
                organization,
                account,
            } => {
                let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
                let (organizations, named) = (portcullis.organizations(), selector(&organization)?);
                let account = account::find(portcullis, &account).await?.id;
                let change = organizations.dismiss(&permit, named, account, by(portcullis));
                report(change.await?, output)
            }
            Self::Suspend { organization } => {
                set(portcullis, &organization, OrganizationState::Suspended, output).await
            }
            Self::Resume { organization } => {
                set(portcullis, &organization, OrganizationState::Active, output).await
            }
        }
    }
}

async fn list(
    portcullis: &Portcullis,
    after: Option<Id>,
    limit: u32,
    output: &Output,
) -> Result<(), Failure> {
    let permit = Permit::<OrganizationsRead>::dangerous_for_operator();
    let all = portcullis.organizations().list(&permit, after, limit).await?;
    let rows: Vec<Vec<Value>> = all.iter().map(row).collect();
    Ok(output.list(&["id", "slug", "name", "state", "created_at"], &rows)?)
}

async fn create(
    portcullis: &Portcullis,
    (slug, name): (&str, &str),
    owner: &str,
    output: &Output,
) -> Result<(), Failure> {
    let slug = Slug::parse(slug).map_err(|error| Failure::Usage(error.to_string()))?;
    let name = OrganizationName::parse(name).map_err(|error| Failure::Usage(error.to_string()))?;
    let owner = account::find_to_give(portcullis, owner).await?.id;
    let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
    let organizations = portcullis.organizations();
    let made = organizations
        .create_for(&permit, (name, slug), owner, by(portcullis))
        .await?;
    let text = format!("{} was created, id {}", made.slug, made.id);
    Ok(output.done(
        &text,
        &json!({ "id": made.id, "slug": made.slug, "name": made.name }),
    )?)
}

async fn add(
    portcullis: &Portcullis,
    (organization, account): (&str, &str),
    roles: Vec<String>,
    output: &Output,
) -> Result<(), Failure> {
    let permit = Permit::<MayAppoint>::dangerous_for_operator();
    let (organizations, named) = (portcullis.organizations(), selector(organization)?);
    let account = account::find_to_give(portcullis, account).await?.id;
    let added = organizations.appoint(&permit, named, account, roles, by(portcullis));
    report(added.await?, output)
}

async fn set(
    portcullis: &Portcullis,
    organization: &str,
    state: OrganizationState,
    output: &Output,
) -> Result<(), Failure> {
    let id = find(portcullis, organization).await?.id;
    let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
    let organizations = portcullis.organizations();
    report(
        organizations
            .set_state(&permit, id, state, by(portcullis))
            .await?,
        output,
    )
}

/// The organization of this id or slug.
///
/// # Errors
/// [`Failure`] if there is none.
pub(super) async fn find(portcullis: &Portcullis, name: &str) -> Result<Organization, Failure> {
    let permit = Permit::<OrganizationsRead>::dangerous_for_operator();
    let found = portcullis.organizations().find(&permit, selector(name)?).await?;
    found.ok_or_else(|| missing(name))
}

fn selector(name: &str) -> Result<Selector, Failure> {
    Selector::parse(name).map_err(|_| missing(name))
}

fn missing(name: &str) -> Failure {
    Failure::Failed(format!(
        "there is no organization {name:?}: `portcullis organization list` shows all"
    ))
}

fn by(portcullis: &Portcullis) -> Context {
    Context::operator(portcullis.environment().now())
}

fn row(organization: &Organization) -> Vec<Value> {
    vec![
        json!(organization.id),
        json!(organization.slug),
        json!(organization.name),
        json!(organization.state),
        json!(organization.created_at),
    ]
}

fn member_row(member: &MemberRecord) -> Vec<Value> {
    vec![
        json!(member.account),
        json!(member.email.as_deref().map(shown_address)),
        json!(member.username),
        json!(member.roles),
        json!(member.joined_at),
    ]
}
