//! Ready routes to share a resource: who has what, give, take back.
//!
//! Above [`resource`](crate::resource), which decides, and beside the other routes of a database's APIs: a resource server has
//! none of these.

use portcullis_core::authz::Requirement;
use portcullis_core::authz::resource::{ActionOn, Actions};
use portcullis_core::environment::Timestamp;
use portcullis_core::grants::{GrantRecord, Shared, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::composition::Portcullis;
use crate::{Allow, Api, Authenticated, Authorized, FieldErrors, Json, NoContent, Problem, Query, Resource};

impl Portcullis {
    /// Routes to share a resource of type `R`, for whoever is known and may do `A` to it. Nest them below the path of
    /// one: `api.nest("/posts/{id}/grants", portcullis.sharing::<Post, Share>())`.
    ///
    /// Nobody can share an action that they may not do themselves, nor for longer than they may, nor with themselves.
    ///
    /// For kinds of organizations, see [`sharing_for`](Self::sharing_for): behind this rule no organization is selected.
    pub fn sharing<R: Resource + Actions, A: ActionOn<R>>(&self) -> Api<R::State> {
        self.sharing_for::<Authenticated, R, A>()
    }

    /// The same routes behind the rule `Q`. `sharing_for::<Member, Post, Share>()` lets a request select the
    /// organization of which the caller is a member: what members may do there counts, and only posts of the
    /// organization are shared.
    pub fn sharing_for<Q: Requirement, R: Resource + Actions, A: ActionOn<R>>(&self) -> Api<R::State> {
        Api::new("", "")
            .get("/", list::<Q, R, A>)
            .summary("Whom it is shared with")
            .put("/", share::<Q, R, A>)
            .summary("Share it")
            .delete("/", unshare::<Q, R, A>)
            .summary("Take a grant back")
    }
}

/// Whom a resource is shared with; all of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Grants")]
struct Items {
    /// The grants that count now.
    items: Vec<GrantView>,
    /// Always absent: the list is whole.
    next_cursor: Option<String>,
}

/// What is shared with whom.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
struct GrantView {
    /// Who may: `account:<id>`, `role:<name>` or `organization:<id>`.
    subject: String,
    /// What they may do.
    action: String,
    /// The moment from which they may no more, RFC 3339; absent if it has no end.
    #[schemars(with = "Option<String>")]
    expires_at: Option<Timestamp>,
    /// Who shared it: an account's id, `operator` or `system`.
    granted_by: String,
    /// When it was shared, RFC 3339.
    #[schemars(with = "String")]
    granted_at: Timestamp,
}

impl From<GrantRecord> for GrantView {
    fn from(record: GrantRecord) -> Self {
        let GrantRecord {
            grant,
            granted_by,
            granted_at,
        } = record;
        Self {
            subject: grant.subject.to_string(),
            action: grant.action,
            expires_at: grant.expires_at,
            granted_by,
            granted_at,
        }
    }
}

async fn list<Q: Requirement, R: Resource + Actions, A: ActionOn<R>>(
    _: Allow<Q>,
    resource: Authorized<R, A>,
) -> Result<Json<Items>, Problem> {
    let caller = resource.caller_context();
    let grants = caller.gate().grants();
    let records = grants
        .list(resource.permit(), caller.decision_context().now)
        .await?;
    Ok(Json(Items {
        items: records.into_iter().map(GrantView::from).collect(),
        next_cursor: None,
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Who may: `account:<id>`, `role:<name>`, or `organization:<id>` for the one the resource belongs to.
    subject: String,
    /// What they may do.
    action: String,
    /// The moment from which they may no more, RFC 3339; without it, until it is taken back.
    #[schemars(with = "Option<String>")]
    expires_at: Option<Timestamp>,
}

async fn share<Q: Requirement, R: Resource + Actions, A: ActionOn<R>>(
    _: Allow<Q>,
    resource: Authorized<R, A, Json<Wish>>,
) -> Result<NoContent, Problem> {
    let (resource, Json(wish)) = resource.split();
    let caller = resource.caller_context();
    let subject = subject("/subject", &wish.subject)?;
    let wish = Shared {
        subject,
        action: wish.action,
        expires_at: wish.expires_at,
    };
    let grants = caller.gate().grants();
    grants
        .share(
            resource.permit(),
            &caller.decision_context(),
            wish,
            caller.context(),
        )
        .await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Whose grant: `account:<id>`, `role:<name>` or `organization:<id>`.
    subject: String,
    /// What they may do no more.
    action: String,
}

async fn unshare<Q: Requirement, R: Resource + Actions, A: ActionOn<R>>(
    _: Allow<Q>,
    resource: Authorized<R, A>,
    Query(which): Query<Which>,
) -> Result<NoContent, Problem> {
    let subject = subject("subject", &which.subject)?;
    let caller = resource.caller_context();
    let grants = caller.gate().grants();
    let (permit, decision) = (resource.permit(), caller.decision_context());
    let gone = grants.unshare(permit, &decision, subject, which.action, caller.context());
    if gone.await? {
        Ok(NoContent)
    } else {
        Err(Problem::unknown(
            "unknown_grant",
            "this is not shared with them for that action",
        ))
    }
}

fn subject(field: &str, text: &str) -> Result<Subject, Problem> {
    let mut fields = FieldErrors::new();
    match fields.check(field, "invalid_subject", text.parse()) {
        Some(subject) => fields.done(subject),
        None => Err(fields.into()),
    }
}
