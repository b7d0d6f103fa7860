//! Attributes that the program declares, as administrators see and set them. Where it declares none there are no routes.

use std::collections::BTreeMap;

use axum::extract::State;
use portcullis_core::attribute::{AttributeChange, AttributeValue, Attributes, Declared, Kind};
use portcullis_core::authz::AccountsRead;
use portcullis_core::roles::MayGive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roles::account_id;
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::{Allow, Api, AuditContext, FieldErrors, Json, NoContent, Path, Personal, Problem, Via};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/accounts/{account}/attributes", show)
        .summary("Attributes of an account")
        .operation_id("getAccountAttributes")
        .description("By name; an attribute that it doesn't have is absent.")
        .patch("/accounts/{account}/attributes", change)
        .summary("Change attributes of an account")
        .operation_id("changeAccountAttributes")
        .description(
            "What is absent stays as it is, `null` takes an attribute away; all changes are made or none. Policies and \
             applications may decide by them: so it takes what giving a role takes, and all permissions of the \
             server's that the account has.",
        )
        .parameter::<shape::AccountId>("account")
}

/// A value of an attribute: a string, a whole number, a truth value or a list of strings, as the program declares.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Shown {
    Flag(bool),
    Integer(i64),
    Text(String),
    Texts(Vec<String>),
}

impl From<&AttributeValue> for Shown {
    fn from(value: &AttributeValue) -> Self {
        match value {
            AttributeValue::Text(text) => Self::Text(text.clone()),
            AttributeValue::Integer(number) => Self::Integer(*number),
            AttributeValue::Flag(yes) => Self::Flag(*yes),
            AttributeValue::Texts(texts) => Self::Texts(texts.iter().cloned().collect()),
        }
    }
}

impl From<Shown> for AttributeValue {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Text(text) => Self::Text(text),
            Shown::Integer(number) => Self::Integer(number),
            Shown::Flag(yes) => Self::Flag(yes),
            Shown::Texts(texts) => Self::Texts(texts.into_iter().collect()),
        }
    }
}

/// The attributes of an account, by name.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "AccountAttributes")]
struct View(BTreeMap<&'static str, Shown>);

impl View {
    fn of(declared: &Declared, attributes: &Attributes) -> Self {
        let shown = declared
            .iter()
            .filter_map(|definition| Some((definition.name, Shown::from(attributes.find(definition)?))));
        Self(shown.collect())
    }
}

async fn show(
    who: Allow<AccountsRead>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
) -> Result<Json<View>, Problem> {
    let accounts = portcullis.accounts();
    let attributes = accounts.attributes(who.permit(), account_id(&account)?).await?;
    let attributes = attributes.ok_or_else(Problem::not_found)?;
    Ok(Json(View::of(accounts.declared(), &attributes)))
}

/// Changes of attributes, by name; `null` takes one away.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "AttributeChanges")]
struct Changes(BTreeMap<String, Option<Shown>>);

impl Changes {
    /// The changes, each of a declared attribute and of its type.
    fn of(self, declared: &Declared) -> Result<Vec<AttributeChange>, Problem> {
        let mut fields = FieldErrors::new();
        let mut changes = Vec::new();
        for (number, (name, value)) in self.0.into_iter().enumerate() {
            let Some(definition) = declared.find(&name) else {
                // The name isn't repeated: it may be anything.
                let known: Vec<&str> = declared.iter().map(|definition| definition.name).collect();
                let text = format!(
                    "change {} holds no known attribute; there are: {}",
                    number + 1,
                    known.join(", ")
                );
                fields.push("", "unknown_attribute", text);
                continue;
            };
            let value = value.map(AttributeValue::from);
            if value
                .as_ref()
                .is_some_and(|value| value.kind() != definition.kind)
            {
                let text = format!("expected {} or null", in_words(definition.kind));
                fields.push(format!("/{name}"), "wrong_type", text);
                continue;
            }
            let change = AttributeChange {
                name: definition.name,
                value,
            };
            let fits = Attributes::default().change(std::slice::from_ref(&change));
            if fields
                .check(&format!("/{name}"), "invalid_attribute", fits)
                .is_some()
            {
                changes.push(change);
            }
        }
        fields.done(changes)
    }
}

const fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a string",
        Kind::Integer => "a whole number",
        Kind::Flag => "true, false",
        Kind::Texts => "a list of strings",
    }
}

async fn change(
    who: Allow<MayGive, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    AuditContext(by): AuditContext,
    Json(changes): Json<Changes>,
) -> Result<NoContent, Problem> {
    let accounts = portcullis.accounts();
    let changes = changes.of(accounts.declared())?;
    accounts
        .change_attributes(who.permit(), account_id(&account)?, changes, by)
        .await?;
    Ok(NoContent)
}
