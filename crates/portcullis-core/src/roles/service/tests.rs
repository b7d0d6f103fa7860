//! What the service hands to the store, signed by whom, and what it refuses by itself.

use std::sync::Mutex;

use async_trait::async_trait;
use uuid::Uuid;

use super::*;
use crate::account::{AccountKind, AccountState, Stamp};
use crate::authz::fixtures::{LOGIN, NAMES, principal};
use crate::authz::{DecisionContext, Permission as _, Requirement};
use crate::checks;
use crate::id::ApiKeyId;
use crate::key::fakes::START;
use crate::problem::Refusal as _;
use crate::scopes::Scopes;

/// Keeps what it was asked to change and by whom.
#[derive(Default)]
struct Desk(Mutex<Vec<(String, audit::Context)>>);

type Answer = Result<Outcome, Fault>;

impl Desk {
    fn keep(&self, asked: String, by: audit::Context) -> Answer {
        self.0.lock().unwrap().push((asked, by));
        Ok(Ok(Effect::Changed))
    }

    fn last(&self) -> Option<(String, audit::Context)> {
        let mut kept = self.0.lock().unwrap();
        assert!(kept.len() < 2);
        kept.pop()
    }
}

fn record(name: &str, description: &str) -> PermissionRecord {
    PermissionRecord {
        name: name.into(),
        description: description.into(),
        action: true,
    }
}

#[async_trait]
impl crate::roles::Stub for Desk {
    async fn declare_permission(&self, permission: PermissionRecord, by: audit::Context) -> Answer {
        let PermissionRecord {
            name,
            description,
            action,
        } = permission;
        self.keep(format!("declare {name} {description} {action}"), by)
    }

    async fn withdraw_permission(&self, name: String, by: audit::Context) -> Answer {
        self.keep(format!("withdraw {name}"), by)
    }

    async fn permissions(&self) -> Result<Vec<PermissionRecord>, Fault> {
        Ok(vec![PermissionRecord {
            name: ELSEWHERE.into(),
            description: String::new(),
            action: false,
        }])
    }

    async fn roles(&self) -> Result<Vec<RoleRecord>, Fault> {
        Ok(vec![RoleRecord {
            name: "editor".into(),
            description: String::new(),
            permissions: Vec::new(),
            inherits: Vec::new(),
        }])
    }

    async fn create_role(&self, name: String, description: String, by: audit::Context) -> Answer {
        self.keep(format!("create {name} {description}"), by)
    }

    async fn delete_role(&self, name: String, by: audit::Context) -> Answer {
        self.keep(format!("delete {name}"), by)
    }

    async fn allow(&self, role: String, permission: String, by: audit::Context) -> Answer {
        self.keep(format!("allow {role} {permission}"), by)
    }

    async fn disallow(&self, role: String, permission: String, by: audit::Context) -> Answer {
        self.keep(format!("disallow {role} {permission}"), by)
    }

    async fn inherit(&self, role: String, parent: String, by: audit::Context) -> Answer {
        self.keep(format!("inherit {role} {parent}"), by)
    }

    async fn disinherit(&self, role: String, parent: String, by: audit::Context) -> Answer {
        self.keep(format!("disinherit {role} {parent}"), by)
    }

    async fn assign(&self, account: account::Id, role: String, by: audit::Context) -> Answer {
        self.keep(format!("assign {account} {role}"), by)
    }

    async fn unassign(&self, account: account::Id, role: String, by: audit::Context) -> Answer {
        self.keep(format!("unassign {account} {role}"), by)
    }

    async fn holders(
        &self,
        role: String,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Option<Vec<Account>>, Fault> {
        assert_eq!((after, limit), (Some(ACCOUNT), 5));
        Ok((role == "editor").then(|| vec![anna()]))
    }

    async fn assigned(&self, account: account::Id) -> Result<Option<Vec<String>>, Fault> {
        Ok((account == ACCOUNT).then(|| vec!["editor".into()]))
    }
}

const ACCOUNT: account::Id = account::Id::from_uuid(Uuid::from_u128(9));
const ELSEWHERE: &str = "roles-test-elsewhere:read";

fn anna() -> Account {
    Account {
        id: ACCOUNT,
        email: None,
        username: Some("anna".into()),
        state: AccountState::Active,
        email_verified_at: None,
        stamp: Stamp::from_uuid(Uuid::nil()),
        created_at: START,
        kind: AccountKind::Person,
    }
}

fn service() -> (Arc<Desk>, Roles) {
    let desk = Arc::new(Desk::default());
    (Arc::clone(&desk), Roles::new(desk))
}

/// Account 1 may change roles, by a credential with these scopes.
fn permit<R: Requirement>(scopes: Option<&[&str]>) -> Permit<R> {
    (RolesWrite::PERMISSION.id)();
    (RolesRead::PERMISSION.id)();
    let who = principal(
        &[RolesWrite::PERMISSION.name, RolesRead::PERMISSION.name],
        &[],
        scopes,
    );
    Permit::decide(who, &DecisionContext::at(LOGIN)).unwrap()
}

/// What the caller says of itself; who acts is the permit's to say.
fn by() -> audit::Context {
    audit::Context {
        scopes: Scopes::Only(Vec::new()),
        api_key: Some(ApiKeyId::from_uuid(Uuid::from_u128(78))),
        trace: Some(Uuid::from_u128(77)),
        ..audit::Context::system(START)
    }
}

fn told(outcome: &Outcome) -> Option<&'static str> {
    outcome.as_ref().err().map(|error| error.details().code)
}

#[tokio::test]
async fn a_permission_is_declared_by_a_name_that_is_one_and_no_programs_own() {
    checks!("T080");
    // Declares the names of this program's code.
    principal(&NAMES, &[], None);
    for (name, code) in [
        ("", Some("invalid_name")),
        ("Roles:Read", Some("invalid_name")),
        ("read", Some("invalid_name")),
        ("portcullis:anything", Some("protected")),
        ("org:anything", Some("protected")),
        (NAMES[0], Some("protected")),
        ("portcullis-like:read", None),
        ("organs:read", None),
        (ELSEWHERE, None),
    ] {
        let (desk, roles) = service();
        let declared = roles
            .declare(&permit(None), record(name, "What it is"), by())
            .await;
        assert_eq!(told(&declared), code, "{name:?}");
        let asked = desk.last().map(|(asked, _)| asked);
        let expected = code.is_none().then(|| format!("declare {name} What it is true"));
        assert_eq!(asked, expected, "{name:?}");
        let withdrawn = roles.withdraw(&permit(None), name, by()).await;
        assert_eq!(told(&withdrawn), code, "{name:?}");
        let asked = desk.last().map(|(asked, _)| asked);
        assert_eq!(
            asked,
            code.is_none().then(|| format!("withdraw {name}")),
            "{name:?}"
        );
    }
}

#[tokio::test]
async fn a_description_is_a_line_of_at_most_200_characters_that_can_be_seen() {
    checks!("T141");
    for (text, good) in [
        (&*"é".repeat(201), false),
        (&*"🗝".repeat(201), false),
        ("two\nlines", false),
        ("turned \u{202e}round", false),
        (&*"🗝".repeat(200), true),
        ("", true),
        ("Writes", true),
    ] {
        let (desk, roles) = service();
        let code = (!good).then_some("invalid_description");
        let declared = roles.declare(&permit(None), record(ELSEWHERE, text), by()).await;
        assert_eq!((told(&declared), desk.last().is_some()), (code, good), "{text:?}");
        let created = roles.create(&permit(None), "editor", text, by()).await;
        assert_eq!(told(&created), code, "{text:?}");
        let asked = desk.last().map(|(asked, _)| asked);
        assert_eq!(asked, good.then(|| format!("create editor {text}")));
    }
}

#[tokio::test]
async fn a_role_is_made_by_a_name_that_is_one_and_gives_what_is_named_like_a_permission() {
    for (name, good) in [
        ("", false),
        ("Editor", false),
        ("posts:edit", false),
        (&*"a".repeat(65), false),
        (&*"a".repeat(64), true),
        ("editor", true),
    ] {
        let (desk, roles) = service();
        let created = roles.create(&permit(None), name, "", by()).await;
        assert_eq!(told(&created), (!good).then_some("invalid_name"), "{name:?}");
        assert_eq!(desk.last().is_some(), good, "{name:?}");
    }
    for (permission, good) in [("editor", false), ("Posts:read", false), (ELSEWHERE, true)] {
        let (desk, roles) = service();
        let allowed = roles.allow(&permit(None), "editor", permission, by()).await;
        assert_eq!(
            told(&allowed),
            (!good).then_some("invalid_name"),
            "{permission:?}"
        );
        assert_eq!(desk.last().is_some(), good, "{permission:?}");
    }
}

#[tokio::test]
async fn every_change_is_handed_on_and_signed_by_whom_the_permit_is_for() {
    for narrowed in [None, Some(&[RolesWrite::PERMISSION.name][..])] {
        let (desk, roles) = service();
        let (give, take) = (permit::<MayGive>(narrowed), permit::<RolesWrite>(narrowed));
        let signed = |outcome: Outcome, expected: String| {
            assert_eq!(outcome, Ok(Effect::Changed), "{expected}");
            let (asked, by) = desk.last().unwrap();
            assert_eq!(asked, expected);
            assert_eq!(by.actor, audit::Actor::Account(take.principal().unwrap().id()));
            assert_eq!(by.scopes, *take.principal().unwrap().scopes());
            assert_eq!(by.api_key, None);
            assert_eq!((by.at, by.trace), (START, Some(Uuid::from_u128(77))));
        };
        let declared = roles.declare(&give, record(ELSEWHERE, "Read"), by()).await;
        signed(declared, format!("declare {ELSEWHERE} Read true"));
        let withdrawn = roles.withdraw(&take, ELSEWHERE, by()).await;
        signed(withdrawn, format!("withdraw {ELSEWHERE}"));
        signed(roles.create(&give, "a", "b", by()).await, "create a b".into());
        signed(roles.delete(&take, "a", by()).await, "delete a".into());
        let allowed = roles.allow(&give, "a", ELSEWHERE, by()).await;
        signed(allowed, format!("allow a {ELSEWHERE}"));
        signed(roles.disallow(&take, "a", "b", by()).await, "disallow a b".into());
        signed(roles.inherit(&give, "a", "b", by()).await, "inherit a b".into());
        let ended = roles.disinherit(&take, "a", "b", by()).await;
        signed(ended, "disinherit a b".into());
        let given = roles.assign(&give, ACCOUNT, "a", by()).await;
        signed(given, format!("assign {ACCOUNT} a"));
        let taken = roles.unassign(&take, ACCOUNT, "a", by()).await;
        signed(taken, format!("unassign {ACCOUNT} a"));
    }
}

#[tokio::test]
async fn the_operator_signs_as_such() {
    let (desk, roles) = service();
    let operator = Permit::<RolesWrite>::dangerous_for_operator();
    roles.delete(&operator, "a", by()).await.unwrap();
    let (_, by) = desk.last().unwrap();
    assert_eq!(
        (by.actor, by.scopes),
        (audit::Actor::Operator, Scopes::Everything)
    );
}

#[tokio::test]
async fn what_is_read_is_what_the_store_has() {
    let (_, roles) = service();
    let read = permit::<RolesRead>(None);
    assert_eq!(roles.list(&read).await.unwrap()[0].name, "editor");
    assert_eq!(roles.permissions(&read).await.unwrap()[0].name, ELSEWHERE);
    let assigned = roles.of_account(&read, ACCOUNT).await.unwrap();
    assert_eq!(assigned, Some(vec!["editor".to_owned()]));
    for (role, holders) in [("nobody's", None), ("editor", Some(vec![anna()]))] {
        let held = roles.holders(&read, role, Some(ACCOUNT), 5).await;
        assert_eq!(held, Ok(holders));
    }
}
