//! The other tenants: the organizations of the play, and who is refused because of them.
//!
//! Everybody of the cast is a member of [`HOME`], with the same privileges there as outside, but for those of the
//! server, which no organization gives. So a rule about a member is refused for what the caller lacks, never for
//! being a stranger. The strangers stand here.

use http::Method;
use portcullis_identity::core::authz::{
    CredentialKind, Member, MembersWrite, OrganizationsWrite, Permit, is_the_servers,
};
use portcullis_identity::core::effect::Effect;
use portcullis_identity::core::organization::{
    Id, MayLetIn, OWNER, OrganizationName, OrganizationsError, Slug,
};
use portcullis_identity::core::roles::{MayGive, RolesError};
use portcullis_identity::core::scopes::ADMINISTRATOR;
use portcullis_identity::core::{account, organization};
use portcullis_identity::core::{checks, secret::SecretText};

use super::cases::{Case, presentations};
use super::cast::{Cast, Held};
use super::privileges::{Place, Privileges};
use super::route::Route;
use super::target::Target;
use crate::{PASSWORD, TestApp};

/// The slug of the organization that requests are for, unless a case says otherwise.
pub(super) const HOME: &str = "matrix-home";

/// The slug of the strangers' organization.
const AWAY: &str = "matrix-away";

/// The slug of a suspended organization.
const CLOSED: &str = "matrix-closed";

/// What a request says about its organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// The path, if it names one, and the header name this one.
    All(&'static str),
    /// Neither path nor header names an organization.
    Nothing,
    /// The path names [`HOME`], the header this.
    Header(&'static [&'static str]),
}

impl Naming {
    /// The path that names what the case wants named.
    pub(super) fn path(self, path: &str) -> String {
        match self {
            Self::All(slug) => path.replace(HOME, slug),
            Self::Nothing | Self::Header(_) => path.to_owned(),
        }
    }

    /// The values of `X-Organization-ID`.
    pub(super) fn headers(self) -> Vec<&'static str> {
        match self {
            Self::All(slug) => vec![slug],
            Self::Nothing => Vec::new(),
            Self::Header(values) => values.to_vec(),
        }
    }
}

/// The organizations of the play.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tenants {
    home: Id,
    away: Id,
    closed: Id,
}

/// Good credentials of somebody who may do everything, but not here.
pub(super) struct Stranger {
    name: &'static str,
    held: Vec<Held>,
    /// Where they are, or were.
    at_home_in: &'static str,
    /// Where they are refused.
    slug: &'static str,
}

impl Tenants {
    /// Makes the organizations, if a rule asks for one.
    pub(super) async fn found(app: &TestApp, routes: &[Route]) -> Option<Self> {
        if !routes.iter().any(|route| route.rule.needs_organization()) {
            return None;
        }
        let form = account::Registration {
            email: None,
            username: account::Username::parse("keeper").ok(),
            password: SecretText::new(PASSWORD.to_owned()),
        };
        let registrar = app.portcullis.registrar();
        let keeper = registrar
            .register(form, app.by_operator())
            .await
            .unwrap()
            .account
            .id;
        Some(Self {
            home: create(app, HOME, keeper).await,
            away: create(app, AWAY, keeper).await,
            closed: create(app, CLOSED, keeper).await,
        })
    }

    /// Makes an account a member of [`HOME`] with these privileges, or gives them back to one.
    pub(super) async fn settle(&self, app: &TestApp, who: (&str, account::Id), privileges: &Privileges) {
        join(app, self.home, who, privileges).await;
    }

    /// Makes an account a member of [`AWAY`], too.
    pub(super) async fn settle_away(&self, app: &TestApp, who: (&str, account::Id), privileges: &Privileges) {
        join(app, self.away, who, privileges).await;
    }

    /// Lets the strangers in where they belong, or will have belonged.
    pub(super) async fn place(&self, app: &TestApp, who: &Strangers, privileges: &Privileges) {
        join(app, self.away, who.of_another(), privileges).await;
        join(app, self.closed, who.of_a_suspended(), privileges).await;
        join(app, self.home, who.removed(), privileges).await;
    }

    /// Removes the one who is to be removed, and suspends the organization that is to be suspended.
    pub(super) async fn displace(&self, app: &TestApp, who: &Strangers) {
        let permit = Permit::<Member<MembersWrite>>::dangerous_for_operator_in(self.home);
        let organizations = app.portcullis.organizations();
        let (_, removed) = who.removed();
        let change = organizations
            .remove(&permit, removed, app.by_operator())
            .await
            .unwrap();
        assert_eq!(change, Effect::Changed);
        let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
        let state = organization::OrganizationState::Suspended;
        let change = organizations
            .set_state(&permit, self.closed, state, app.by_operator())
            .await;
        assert_eq!(change.unwrap(), Effect::Changed);
    }
}

/// The accounts of the strangers, by user name and id.
pub(super) struct Strangers(pub(super) [(String, account::Id); 3]);

impl Strangers {
    fn of_another(&self) -> (&str, account::Id) {
        (&self.0[0].0, self.0[0].1)
    }

    fn of_a_suspended(&self) -> (&str, account::Id) {
        (&self.0[1].0, self.0[1].1)
    }

    fn removed(&self) -> (&str, account::Id) {
        (&self.0[2].0, self.0[2].1)
    }

    /// With what they hold, in the same order.
    pub(super) fn holding(held: [Vec<Held>; 3]) -> Vec<Stranger> {
        let names = [
            ("of a member of another organization", AWAY, HOME),
            ("of a member of a suspended organization", CLOSED, CLOSED),
            ("of a removed member", HOME, HOME),
        ];
        let all = names.into_iter().zip(held);
        all.map(|((name, at_home_in, slug), held)| Stranger {
            name,
            held,
            at_home_in,
            slug,
        })
        .collect()
    }
}

async fn create(app: &TestApp, slug: &str, owner: account::Id) -> Id {
    let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
    let names = (OrganizationName::parse(slug).unwrap(), Slug::parse(slug).unwrap());
    let organizations = app.portcullis.organizations();
    let made = organizations.create_for(&permit, names, owner, app.by_operator());
    made.await.unwrap().id
}

/// Roles of the server's are left out: no organization gives them.
async fn join(app: &TestApp, organization: Id, (name, id): (&str, account::Id), privileges: &Privileges) {
    let (roles, by) = (app.portcullis.roles(), || app.by_operator());
    let permit = Permit::<MayGive>::dangerous_for_operator();
    let role = format!("{name}-here");
    let made = roles.create(&permit, &role, "", by()).await;
    // Whoever joins a second organization has the role from the first.
    assert!(matches!(made, Ok(_) | Err(RolesError::Taken)), "{role}: {made:?}");
    let here = privileges.here();
    for permission in &here.permissions {
        assert!(roles.allow(&permit, &role, permission, by()).await.is_ok());
    }
    let all: Vec<String> = here.roles.into_iter().chain([role]).collect();
    let permit = Permit::<Member<MembersWrite>>::dangerous_for_operator_in(organization);
    let organizations = app.portcullis.organizations();
    let added = organizations.add(&permit, id, all.clone(), by()).await;
    let change = match added {
        Err(OrganizationsError::AlreadyMember) => {
            let permit = Permit::<MayLetIn>::dangerous_for_operator_in(organization);
            organizations.set_roles(&permit, id, all, by()).await
        }
        added => added,
    };
    assert!(change.is_ok(), "{name}: {change:?}");
}

impl Privileges {
    /// What of them counts in an organization.
    pub(super) fn here(&self) -> Self {
        let mut here = self.clone();
        here.permissions.retain(|name| !is_the_servers(name));
        here.roles.remove(ADMINISTRATOR);
        here
    }

    /// The same without the roles that would bring every permission back.
    pub(super) fn without_rulers(mut self) -> Self {
        self.roles.remove(ADMINISTRATOR);
        self.roles.remove(OWNER);
        self
    }
}

/// Lets every stranger work where they still may, so that what is remembered of it is warm when it ends. Only reading
/// routes: a good call of another changes things.
pub(super) async fn warm(target: &Target, routes: &[Route], strangers: &[Stranger]) {
    let routes = || routes.iter().filter(|route| route.rule.needs_organization());
    for stranger in strangers {
        for held in &stranger.held {
            let (_, headers) = presentations(held).swap_remove(0);
            for route in routes().filter(|route| route.accepts(held.kind)) {
                for request in route.requests(|method| *method == Method::GET) {
                    target
                        .call(route, request, &headers, Naming::All(stranger.at_home_in))
                        .await;
                }
            }
        }
    }
}

/// The column of the other tenants: who may do everything, but not here; and requests that don't say clearly which
/// organization they are for.
pub(super) fn cases(cast: &Cast) -> Vec<Case> {
    checks!("T068");
    checks!("T069");
    let mut all = Vec::new();
    for stranger in &cast.strangers {
        for held in &stranger.held {
            for (how, headers) in presentations(held) {
                let name = format!("{} {} ({how})", held.kind.as_str(), stranger.name);
                let case = Case::new(name, headers).about(&held.text).refused_with(&[403]);
                let case = case.of_known_caller();
                all.push(tenant(case, held.kind, cast, Naming::All(stranger.slug)));
            }
        }
    }
    // Of a member who may do everything in both places.
    for (name, naming) in [
        ("no organization", Naming::Nothing),
        ("an organization nobody knows", Naming::All("matrix-nowhere")),
        ("header and path that disagree", Naming::Header(&[AWAY])),
        ("two headers", Naming::Header(&[HOME, HOME])),
        (
            "an organization that is no name",
            Naming::Header(&["Matrix-Home"]),
        ),
        (
            "two organizations in one header",
            Naming::Header(&["matrix-home,matrix-away"]),
        ),
    ] {
        for held in &cast.good {
            let (how, headers) = presentations(held).swap_remove(0);
            let name = format!("{} with {name} ({how})", held.kind.as_str());
            let case = Case::new(name, headers).about(&held.text);
            let case = case.refused_with(match naming {
                Naming::All(_) => &[403],
                Naming::Nothing => &[400, 403],
                Naming::Header(_) => &[400],
            });
            all.push(tenant(case, held.kind, cast, naming));
        }
    }
    all
}

/// On routes that only a member may call.
fn tenant(case: Case, kind: CredentialKind, cast: &Cast, naming: Naming) -> Case {
    let outside = cast.everything.clone();
    let mut case = case.on(move |route| {
        let asks = route.accepts(kind) && route.rule.needs_organization();
        let reads = match naming {
            Naming::All(_) => !outside.satisfy(&route.rule, 0, Place::Outside),
            Naming::Nothing => {
                !route.names_organization() && !outside.satisfy(&route.rule, 0, Place::Outside)
            }
            // Without a path that names another one, a good header is just a good header.
            Naming::Header(values) => values != [AWAY] || route.names_organization(),
        };
        asks && reads
    });
    case.naming = naming;
    case
}
