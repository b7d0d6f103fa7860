//! Who becomes, is and stays a member: what is handed to the store for which organization, signed by whom.

use super::*;
use crate::authz::fixtures::membership;
use crate::authz::{AccountsRead, Membership, Requirement, RoleName as _};
use crate::environment::Timestamp;
use crate::job::NewJob;
use crate::organization::{INVITATION_LIFETIME, InvitationId, InvitationKind, NewInvitation};
use crate::secret::Digest;
use crate::throttle::BudgetSubject;

type Answer = Result<Outcome, Fault>;

/// Keeps what it was asked to change, in words, and by whom. Knows one organization, unless it was told otherwise.
#[derive(Default)]
struct Ledger {
    asked: Mutex<Vec<(String, audit::Context)>>,
    invited: Mutex<Option<NewInvitation>>,
    gone: bool,
}

impl Ledger {
    fn keep(&self, asked: String, by: audit::Context) -> Answer {
        self.asked.lock().unwrap().push((asked, by));
        Ok(Ok(Effect::Changed))
    }

    fn last(&self) -> Option<(String, audit::Context)> {
        self.asked.lock().unwrap().pop()
    }
}

#[async_trait]
impl crate::organization::Stub for Ledger {
    async fn create_organization(
        &self,
        new: NewOrganization,
        by: audit::Context,
    ) -> Result<Result<Organization, OrganizationsError>, Fault> {
        let asked = format!("create for {} {:?} {}", new.owner, new.limit, new.at);
        self.keep(asked, by)?.unwrap();
        Ok(Ok(acme()))
    }

    async fn organization(&self, selector: Selector) -> Result<Option<Organization>, Fault> {
        let known = matches!(selector, Selector::Id(ACME)) || selector == slug();
        Ok((known && !self.gone).then(acme))
    }

    async fn organizations(&self, after: Option<Id>, limit: u32) -> Result<Vec<Organization>, Fault> {
        assert_eq!((after, limit), (Some(ACME), 5));
        Ok(vec![acme()])
    }

    async fn organizations_of(&self, account: account::Id) -> Result<Vec<Belonging>, Fault> {
        assert_eq!(account, ANNA);
        Ok(vec![belonging()])
    }

    async fn members(
        &self,
        organization: Id,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Vec<MemberRecord>, Fault> {
        assert_eq!((organization, after, limit), (ACME, Some(BERT), 5));
        Ok(vec![MemberRecord {
            account: ANNA,
            email: None,
            username: None,
            roles: Vec::new(),
            joined_at: START,
        }])
    }

    async fn rename_organization(&self, at: Id, to: Renaming, by: audit::Context) -> Answer {
        self.keep(format!("rename {at} {}", to.slug.unwrap().as_str()), by)
    }

    async fn set_organization_state(&self, at: Id, to: OrganizationState, by: audit::Context) -> Answer {
        self.keep(format!("set {at} {}", to.as_str()), by)
    }

    async fn appoint_member(
        &self,
        at: Id,
        whom: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Answer {
        self.keep(format!("appoint {at} {whom} {roles:?}"), by)
    }

    async fn dismiss_member(&self, at: Id, whom: account::Id, by: audit::Context) -> Answer {
        self.keep(format!("dismiss {at} {whom}"), by)
    }

    async fn add_member(&self, at: Id, whom: account::Id, roles: Vec<String>, by: audit::Context) -> Answer {
        self.keep(format!("add {at} {whom} {roles:?}"), by)
    }

    async fn remove_member(&self, at: Id, whom: account::Id, by: audit::Context) -> Answer {
        self.keep(format!("remove {at} {whom}"), by)
    }

    async fn leave_organization(&self, at: Id, who: account::Id, by: audit::Context) -> Answer {
        self.keep(format!("leave {at} {who}"), by)
    }

    async fn transfer_ownership(
        &self,
        at: Id,
        from: account::Id,
        to: account::Id,
        by: audit::Context,
    ) -> Answer {
        self.keep(format!("transfer {at} {from} {to}"), by)
    }

    async fn invite(&self, new: NewInvitation, by: audit::Context) -> Answer {
        *self.invited.lock().unwrap() = Some(new);
        self.keep("invite".into(), by)
    }

    async fn invitations(&self, at: Id, now: Timestamp) -> Result<Vec<Invitation>, Fault> {
        assert_eq!((at, now), (ACME, START));
        Ok(vec![Invitation {
            id: InvitationId::from_uuid(Uuid::nil()),
            email: "bert@example.com".into(),
            roles: Vec::new(),
            invited_by: None,
            created_at: START,
            expires_at: START,
        }])
    }

    async fn revoke_invitation(&self, at: Id, which: InvitationId, by: audit::Context) -> Answer {
        self.keep(format!("revoke {at} {which}"), by)
    }

    async fn accept_invitation(
        &self,
        token: Digest<InvitationKind>,
        who: account::Id,
        by: audit::Context,
    ) -> Result<Result<Belonging, OrganizationsError>, Fault> {
        assert_eq!(token, invitation().digest());
        self.keep(format!("accept {who}"), by)?.unwrap();
        Ok(Ok(belonging()))
    }
}

/// Who acts: the account of [`principal`].
const ANNA: account::Id = account::Id::from_uuid(Uuid::from_u128(1));
const BERT: account::Id = account::Id::from_uuid(Uuid::from_u128(2));
/// The organization of [`membership`].
const ACME: Id = Id::from_uuid(Uuid::from_u128(3));

fn acme() -> Organization {
    Organization {
        id: ACME,
        slug: "acme".into(),
        name: "Acme".into(),
        state: OrganizationState::Active,
        created_at: START,
    }
}

fn slug() -> Selector {
    Selector::Slug(Slug::parse("acme").unwrap())
}

fn nowhere() -> Selector {
    Selector::Slug(Slug::parse("elsewhere").unwrap())
}

fn belonging() -> Belonging {
    Belonging {
        organization: acme(),
        roles: Vec::new(),
    }
}

fn invitation() -> InvitationToken {
    InvitationToken::mint(&environment(8))
}

fn service(ledger: Ledger) -> (Arc<Ledger>, Organizations) {
    let ledger = Arc::new(ledger);
    let store = Arc::clone(&ledger) as Arc<dyn Store>;
    (
        ledger,
        Organizations::new(store, environment(1), Settings::default()),
    )
}

/// Anna may do everything of hers everywhere and in the organization, which she owns.
fn permit<R: Requirement>() -> Permit<R> {
    let names = [
        AccountsRead::PERMISSION,
        OrganizationsRead::PERMISSION,
        OrganizationsWrite::PERMISSION,
        MembersRead::PERMISSION,
        MembersWrite::PERMISSION,
        SettingsWrite::PERMISSION,
    ];
    let names = names.map(|permission| {
        (permission.id)();
        permission.name
    });
    let member: Membership = membership(&names, &[Owner::NAME]);
    let context = DecisionContext {
        selected: Some(ACME),
        member: Some(&member),
        ..DecisionContext::at(LOGIN)
    };
    Permit::decide(principal(&names, &[], None), &context).unwrap()
}

/// What was asked of the store, which Anna has signed.
fn signed(ledger: &Ledger) -> Option<String> {
    let (asked, by) = ledger.last()?;
    assert_eq!(by.actor, audit::Actor::Account(ANNA));
    assert_eq!(by.at, START);
    Some(asked)
}

#[tokio::test]
async fn every_change_is_of_the_permits_organization_and_signed_by_whom_it_is_for() {
    let (ledger, organizations) = service(Ledger::default());
    let signed = |expected: String| assert_eq!(signed(&ledger), Some(expected));
    let for_bert = organizations.create_for(&permit(), names(), BERT, by()).await;
    assert_eq!(for_bert, Ok(acme()));
    signed(format!("create for {BERT} None {START}"));
    let renaming = Renaming {
        name: None,
        slug: Some(Slug::parse("acme-two").unwrap()),
    };
    organizations.rename(&permit(), renaming, by()).await.unwrap();
    signed(format!("rename {ACME} acme-two"));
    let other = Id::from_uuid(Uuid::from_u128(4));
    let state = OrganizationState::Suspended;
    organizations
        .set_state(&permit(), other, state, by())
        .await
        .unwrap();
    signed(format!("set {other} suspended"));
    let roles = vec!["b".to_owned(), "a".to_owned(), "b".to_owned()];
    organizations.add(&permit(), BERT, roles, by()).await.unwrap();
    signed(format!(r#"add {ACME} {BERT} ["a", "b"]"#));
    organizations.remove(&permit(), BERT, by()).await.unwrap();
    signed(format!("remove {ACME} {BERT}"));
    organizations.leave(&permit(), by()).await.unwrap();
    signed(format!("leave {ACME} {ANNA}"));
    organizations.transfer(&permit(), BERT, by()).await.unwrap();
    signed(format!("transfer {ACME} {ANNA} {BERT}"));
    let which = InvitationId::from_uuid(Uuid::from_u128(6));
    organizations.revoke(&permit(), which, by()).await.unwrap();
    signed(format!("revoke {ACME} {which}"));
    let joined = organizations.accept(&permit(), &invitation(), by()).await;
    assert_eq!(joined, Ok(belonging()));
    signed(format!("accept {ANNA}"));
}

#[tokio::test]
async fn who_is_at_the_machine_has_no_membership_of_their_own() {
    let (ledger, organizations) = service(Ledger::default());
    let permit = Permit::dangerous_for_operator_in(ACME);
    let left = organizations.leave(&permit, by()).await;
    assert_eq!(left, Err(OrganizationsError::UnknownMember));
    let permit = Permit::dangerous_for_operator_in(ACME);
    let given = organizations.transfer(&permit, BERT, by()).await;
    assert_eq!(given, Err(OrganizationsError::UnknownMember));
    let permit = Permit::dangerous_for_operator();
    let joined = organizations.accept(&permit, &invitation(), by()).await;
    assert_eq!(joined, Err(OrganizationsError::InvalidInvitation));
    let mine = organizations.mine(&Permit::dangerous_for_operator()).await;
    assert_eq!(mine, Ok(Vec::new()));
    assert!(ledger.last().is_none());
}

#[tokio::test]
async fn administrators_appoint_and_dismiss_in_the_organization_that_they_name() {
    let (ledger, organizations) = service(Ledger::default());
    for (selector, known) in [(nowhere(), false), (slug(), true), (Selector::Id(ACME), true)] {
        let unknown = OrganizationsError::UnknownOrganization;
        let expected = if known { Ok(Effect::Changed) } else { Err(unknown) };
        let roles = vec!["a".to_owned(), "a".to_owned()];
        let appointed = organizations
            .appoint(&permit(), selector.clone(), BERT, roles, by())
            .await;
        assert_eq!(appointed, expected, "{selector:?}");
        let asked = known.then(|| format!(r#"appoint {ACME} {BERT} ["a"]"#));
        assert_eq!(signed(&ledger), asked, "{selector:?}");
        let dismissed = organizations
            .dismiss(&permit(), selector.clone(), BERT, by())
            .await;
        assert_eq!(dismissed, expected, "{selector:?}");
        let asked = known.then(|| format!("dismiss {ACME} {BERT}"));
        assert_eq!(signed(&ledger), asked, "{selector:?}");
        let members = organizations
            .members_of(&permit(), selector, Some(BERT), 5)
            .await
            .unwrap();
        assert_eq!(members.map(|members| members.len()), known.then_some(1));
    }
    let many = (0..21).map(|number| format!("r{number}")).collect();
    let refused = organizations.appoint(&permit(), slug(), BERT, many, by()).await;
    assert_eq!(refused, Err(OrganizationsError::TooManyRoles));
    assert!(ledger.last().is_none());
}

#[tokio::test]
async fn what_is_read_is_what_the_store_has() {
    let (_, organizations) = service(Ledger::default());
    assert_eq!(organizations.mine(&permit()).await, Ok(vec![belonging()]));
    let listed = organizations.list(&permit(), Some(ACME), 5).await;
    assert_eq!(listed, Ok(vec![acme()]));
    assert_eq!(organizations.find(&permit(), slug()).await, Ok(Some(acme())));
    assert_eq!(organizations.find(&permit(), nowhere()).await, Ok(None));
    let members = organizations.members(&permit(), Some(BERT), 5).await.unwrap();
    assert_eq!(members[0].account, ANNA);
    let open = organizations.invitations(&permit()).await.unwrap();
    assert_eq!(open[0].email, "bert@example.com");
}

fn invite(roles: Vec<String>) -> Invite {
    Invite {
        email: EmailAddress::parse("Bert+news@example.com").unwrap(),
        roles,
    }
}

#[tokio::test]
async fn an_invitation_is_for_a_week_and_counted_against_address_organization_and_inviter() {
    crate::checks!("T091");
    let operator = Permit::<MayLetIn>::dangerous_for_operator_in(ACME);
    let settings = Settings::default();
    for (permit, inviter) in [(operator, None), (permit(), Some(ANNA))] {
        let (ledger, organizations) = service(Ledger::default());
        let worded = Mutex::new(None);
        let wording = |at: &Organization, made: &Invitation, token: &InvitationToken, _: &audit::Context| {
            *worded.lock().unwrap() = Some((at.clone(), made.clone(), token.digest()));
            Ok(None::<NewJob>)
        };
        let roles = vec!["b".to_owned(), "a".to_owned(), "a".to_owned()];
        let invited = organizations
            .invite(&permit, invite(roles), &wording, by())
            .await
            .unwrap();
        let new = ledger.invited.lock().unwrap().take().unwrap();
        let made = invited.invitation;
        assert_eq!((new.organization, new.id, new.limit), (ACME, made.id, 200));
        assert_eq!(new.digest, invited.token.digest());
        assert_eq!(
            (&new.roles, &made.roles),
            (&vec!["a".to_owned(), "b".to_owned()], &new.roles)
        );
        let end = START.plus(INVITATION_LIFETIME);
        assert_eq!(
            (new.expires_at, made.expires_at, made.created_at),
            (end, end, START)
        );
        assert_eq!(
            (made.invited_by, made.email.as_str()),
            (inviter, "Bert+news@example.com")
        );
        assert_eq!(invited.organization, acme());
        assert_eq!(*worded.lock().unwrap(), Some((acme(), made, new.digest)));
        let (_, by) = ledger.last().unwrap();
        assert_eq!(by.actor, permit.actor());
        // One mailbox, however the address is varied.
        let (mailbox, _) = crate::email::fold("bert@example.com");
        let (acme, mailbox) = (ACME.as_uuid(), mailbox.as_bytes());
        let subjects = [
            BudgetSubject::new("invitation", &[acme.as_bytes(), mailbox]),
            BudgetSubject::new("invitation to address", &[mailbox]),
            BudgetSubject::new("invitation by account", &[ANNA.as_uuid().as_bytes()]),
        ];
        let rates = [
            settings.invitations_to_address,
            settings.emails_to_address,
            settings.invitations_by_account,
        ];
        let counted: Vec<_> = new.budgets.iter().map(|one| (one.subject, one.rate)).collect();
        let mut expected: Vec<_> = subjects.into_iter().zip(rates).collect();
        if inviter.is_none() {
            expected.clear();
        }
        assert_eq!(counted, expected);
    }
}

#[tokio::test]
async fn nobody_is_invited_with_too_many_roles_or_where_nothing_is_or_unworded() {
    let down = || Fault::Busy("down".into());
    let many = (0..21).map(|number| format!("r{number}")).collect();
    for (roles, gone, words, refused) in [
        (many, false, true, OrganizationsError::TooManyRoles),
        (Vec::new(), true, true, OrganizationsError::UnknownOrganization),
        (Vec::new(), false, false, OrganizationsError::Fault(down())),
    ] {
        let (ledger, organizations) = service(Ledger {
            gone,
            ..Ledger::default()
        });
        let wording = |_: &Organization, _: &Invitation, _: &InvitationToken, _: &audit::Context| match words
        {
            true => Ok(None),
            false => Err(down()),
        };
        let invited = organizations
            .invite(&permit(), invite(roles), &wording, by())
            .await;
        assert_eq!(invited.err(), Some(refused));
        assert!(ledger.invited.lock().unwrap().is_none());
    }
}
