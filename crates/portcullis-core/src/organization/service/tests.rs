//! What the service asks of the store, and what it refuses by itself.

mod members;

use std::sync::Mutex;

use async_trait::async_trait;
use uuid::Uuid;

use super::*;
use crate::authz::DecisionContext;
use crate::authz::fixtures::{LOGIN, principal};
use crate::key::fakes::{START, environment};
use crate::problem::Refusal as _;

/// Keeps what it was asked to write.
#[derive(Default)]
struct Desk {
    made: Mutex<Vec<NewOrganization>>,
    given: Mutex<Vec<Vec<String>>>,
}

#[async_trait]
impl crate::organization::Stub for Desk {
    async fn create_organization(
        &self,
        new: NewOrganization,
        _: audit::Context,
    ) -> Result<Result<Organization, OrganizationsError>, Fault> {
        let made = Organization {
            id: new.id,
            slug: new.slug.as_str().to_owned(),
            name: new.name.as_str().to_owned(),
            state: OrganizationState::Active,
            created_at: new.at,
        };
        self.made.lock().unwrap().push(new);
        Ok(Ok(made))
    }

    async fn set_member_roles(
        &self,
        _: Id,
        _: account::Id,
        roles: Vec<String>,
        _: audit::Context,
    ) -> Result<Result<Effect, OrganizationsError>, Fault> {
        self.given.lock().unwrap().push(roles);
        Ok(Ok(Effect::Changed))
    }
}

fn organizations(creation: Creation) -> (Arc<Desk>, Organizations) {
    let desk = Arc::new(Desk::default());
    let settings = Settings {
        creation,
        ..Settings::default()
    };
    let store = Arc::clone(&desk) as Arc<dyn Store>;
    (desk, Organizations::new(store, environment(1), settings))
}

fn names() -> (OrganizationName, Slug) {
    (
        OrganizationName::parse("Acme").unwrap(),
        Slug::parse("acme").unwrap(),
    )
}

fn by() -> audit::Context {
    audit::Context::system(START)
}

#[tokio::test]
async fn everybody_owns_so_many_administrators_any_number_and_where_it_is_closed_nobody_else() {
    let administers = [OrganizationsWrite::PERMISSION.name];
    for (creation, permissions, limit) in [
        (Creation::Everybody, &[][..], Some(Some(OWNED))),
        (Creation::Everybody, &administers[..], Some(None)),
        (Creation::Administrators, &administers[..], Some(None)),
        (Creation::Administrators, &[], None),
    ] {
        (OrganizationsWrite::PERMISSION.id)();
        let (desk, organizations) = organizations(creation);
        let who = principal(permissions, &[], None);
        let owner = who.id();
        let permit = Permit::<Unscoped>::decide(who, &DecisionContext::at(LOGIN)).unwrap();
        let (name, slug) = names();
        let made = organizations.create(&permit, name, slug, by()).await;
        let asked = desk.made.lock().unwrap().pop();
        let case = format!("{creation:?} {permissions:?}");
        assert_eq!(asked.as_ref().map(|new| new.limit), limit, "{case}");
        match made {
            Ok(_) => assert_eq!(asked.unwrap().owner, owner, "{case}"),
            Err(refused) => assert_eq!(refused.details().code, "creation_closed", "{case}"),
        }
    }
}

#[tokio::test]
async fn roles_are_few_and_each_is_named_once() {
    let (desk, organizations) = organizations(Creation::Everybody);
    let permit = Permit::<MayLetIn>::dangerous_for_operator_in(Id::from_uuid(Uuid::from_u128(7)));
    let whom = account::Id::from_uuid(Uuid::from_u128(8));
    let roles = |count: usize| -> Vec<String> { (0..count).map(|number| format!("r{number:02}")).collect() };
    let twice = [roles(20), roles(20)].concat();
    let set = organizations.set_roles(&permit, whom, twice, by()).await;
    assert_eq!(set, Ok(Effect::Changed));
    assert_eq!(desk.given.lock().unwrap().pop().unwrap(), roles(20));
    let refused = organizations.set_roles(&permit, whom, roles(21), by()).await;
    assert_eq!(refused, Err(OrganizationsError::TooManyRoles));
    assert!(desk.given.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_at_a_machine_owns_what_they_make() {
    let (desk, organizations) = organizations(Creation::Everybody);
    let permit = Permit::<Unscoped>::dangerous_for_operator();
    let (name, slug) = names();
    let made = organizations.create(&permit, name, slug, by()).await;
    assert_eq!(made, Err(OrganizationsError::UnknownAccount));
    assert!(desk.made.lock().unwrap().is_empty());
    assert_eq!(made.unwrap_err().details().code, "unknown_account");
}
