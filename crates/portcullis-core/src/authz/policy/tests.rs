//! Loading, deciding, explaining. Listing has tests of its own in `tests/lists.rs`.

mod decisions;
mod direct;
mod lists;
mod loading;
mod remembered;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::{Declarations, Report, Schema, Set, Source};
use crate::account::{self, Account, AccountState};
use crate::authz::resource::{FieldKind, ResourceFacts, ResourceField, ResourceKind, Tenancy, Value};
use crate::authz::{
    CredentialKind, DecisionContext, Facts, Membership, PermissionSet, Policies as _, Principal, Rights,
    Verdict,
};
use crate::environment::Timestamp;
use crate::id::OrganizationId;
use crate::scopes::Scopes;
use crate::session::{Assurance, Method};

const fn field(name: &'static str, kind: FieldKind, optional: bool) -> ResourceField {
    ResourceField { name, kind, optional }
}

static POST: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Anywhere,
    fields: &[
        field("title", FieldKind::Text, false),
        field("draft", FieldKind::Bool, false),
        field("size", FieldKind::Long, false),
        field("editor", FieldKind::Account, true),
        field("score", FieldKind::Long, true),
        field("subtitle", FieldKind::Text, true),
        field("tags", FieldKind::TextSet, false),
        field("labels", FieldKind::TextSet, true),
        field("tenant", FieldKind::Organization, true),
    ],
    actions: &["posts:read", "posts:edit"],
};

static NOTE: ResourceKind = ResourceKind {
    name: "Note",
    tenancy: Tenancy::Anywhere,
    fields: &[],
    actions: &["notes:read", "posts:read"],
};

fn schema() -> Schema {
    let mut declarations = Declarations::new();
    declarations.action("reports:export");
    declarations.action("reports:read");
    declarations.kind(&POST);
    declarations.kind(&NOTE);
    Schema::of(declarations).unwrap()
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn load(text: &str) -> Result<Set, Report> {
    Set::load(&schema(), &[source("a.cedar", text)])
}

fn set(text: &str) -> Set {
    load(text).unwrap_or_else(|report| panic!("{text}\n{report}"))
}

fn account(number: u128) -> account::Id {
    account::Id::from_uuid(Uuid::from_u128(number))
}

fn tenant(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(number))
}

/// A caller that a test changes as it needs.
#[derive(Debug, Clone)]
struct Caller {
    facts: Facts,
    kind: CredentialKind,
    scopes: Scopes,
    login: Option<Timestamp>,
    assurance: Assurance,
}

fn caller() -> Caller {
    Caller {
        facts: Facts {
            account: Account {
                id: account(1),
                kind: account::AccountKind::Person,
                email: Some("anna@example.com".to_owned()),
                username: None,
                state: AccountState::Active,
                email_verified_at: None,
                stamp: account::Stamp::from_uuid(Uuid::from_u128(2)),
                created_at: LOGIN,
            },
            rights: Arc::new(Rights {
                roles: vec!["editor".to_owned()],
                permission_names: vec!["posts:read".to_owned(), "posts:write".to_owned()],
                permissions: PermissionSet::default(),
            }),
            attributes: crate::attribute::Attributes::default(),
        },
        kind: CredentialKind::Jwt,
        scopes: Scopes::Everything,
        login: Some(LOGIN),
        assurance: Assurance::SingleFactor,
    }
}

impl Caller {
    fn principal(&self) -> Principal {
        Principal {
            facts: Arc::new(self.facts.clone()),
            kind: self.kind,
            session: None,
            token: None,
            method: self.login.map(|_| Method::Password),
            authenticated_at: self.login,
            assurance: self.login.map(|_| self.assurance),
            scopes: self.scopes.clone(),
            effective: PermissionSet::default(),
            key: None,
            signer: None,
        }
    }
}

fn member(number: u128, roles: &[&str]) -> Membership {
    Membership {
        organization: tenant(number),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        permission_names: Vec::new(),
        permissions: PermissionSet::default(),
    }
}

fn post() -> ResourceFacts {
    ResourceFacts {
        kind: &POST,
        id: "p1".to_owned(),
        owner: Some(account(1)),
        organization: None,
        fields: BTreeMap::from([
            ("title", Value::Text("Hello".to_owned())),
            ("draft", Value::Bool(true)),
            ("size", Value::Long(5)),
            ("tags", Value::TextSet([String::from("news")].into())),
        ]),
    }
}

fn now() -> DecisionContext<'static> {
    DecisionContext::at(Timestamp::from_seconds(LOGIN.as_seconds() + 60))
}

fn from(ip: &str) -> DecisionContext<'static> {
    DecisionContext {
        ip: Some(ip.parse::<IpAddr>().unwrap()),
        ..now()
    }
}

/// When the login was made: 2023-11-14T22:13:20Z, a Tuesday.
const LOGIN: Timestamp = Timestamp::from_seconds(1_700_000_000);
