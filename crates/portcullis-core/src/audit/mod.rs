//! What happened, by whom, with what outcome.
//!
//! A verb that changes something takes a [`Context`] and writes its event in the same transaction: there is no
//! change without a row and no row without its change. A refusal (a wrong password) is appended by itself.
//!
//! **Deliberately absent:** secrets. An event carries ids, names and reasons, never a credential (`T030`).

use std::net::IpAddr;

use serde::Serialize;
use uuid::Uuid;

use crate::environment::Timestamp;
use crate::id::{AccountId, ApiKeyId, SessionId};
use crate::port::port;
use crate::scopes::Scopes;

/// Who acts: decided at the edge from the credential, and recorded with what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A caller without a credential, or with one that wasn't honoured.
    Anonymous,
    /// The account whose credential was verified.
    Account(AccountId),
    /// Someone at the machine's own command line.
    Operator,
    /// Portcullis itself: a sweep, a rotation.
    System,
}

/// The circumstances of a change, gathered at the edge.
#[derive(Debug, Clone)]
pub struct Context {
    /// When: the one moment the whole operation uses.
    pub at: Timestamp,
    /// Who acts: recorded with the event, and checked by verbs that give or take something.
    pub actor: Actor,
    /// What the credential they came with is narrowed to. It isn't recorded: verbs that give or take what accounts
    /// may do check by it.
    pub scopes: Scopes,
    /// The API key they came with, if it was one.
    pub api_key: Option<ApiKeyId>,
    /// The client's address, where there is a client.
    pub ip: Option<IpAddr>,
    /// The client's `User-Agent`, at most 256 characters.
    pub user_agent: Option<String>,
    /// The request's trace id.
    pub trace: Option<Uuid>,
}

impl Context {
    /// A change by Portcullis itself.
    pub fn system(at: Timestamp) -> Self {
        Self {
            at,
            actor: Actor::System,
            scopes: Scopes::Everything,
            api_key: None,
            ip: None,
            user_agent: None,
            trace: None,
        }
    }

    /// A change by someone at the machine's own command line.
    pub fn operator(at: Timestamp) -> Self {
        Self {
            actor: Actor::Operator,
            ..Self::system(at)
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What was done or refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// Every action that can be recorded, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stored form, `subject.verb`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

actions! {
    /// An account was registered.
    AccountRegistered = "account.registered",
    /// An account's state was set; the detail names the new state.
    AccountStateSet = "account.state_set",
    /// Attributes of an account were set or taken; the detail names them.
    AccountAttributesSet = "account.attributes_set",
    /// A set-up link was made: whoever opens it becomes the first administrator.
    SetupOffered = "setup.offered",
    /// An e-mail address was proven; the detail says how.
    EmailVerified = "account.email_verified",
    /// An account lost an address that it hadn't proven; the detail says why.
    EmailClaimLost = "account.email_claim_lost",
    /// Somebody asked for a further e-mail that proves an address, and it was written; the detail says to whom.
    EmailVerificationRequested = "account.email_verification_requested",
    /// A login was refused; the detail names the reason.
    LoginRefused = "login.refused",
    /// A session began by a login, on whatever device.
    SessionOpened = "session.opened",
    /// A session ended; the detail names the reason.
    SessionEnded = "session.ended",
    /// All sessions of an account ended but perhaps one.
    SessionsEnded = "session.all_ended",
    /// A session was given another token after a change of privilege.
    SessionRenewed = "session.renewed",
    /// A session was given a name.
    SessionNamed = "session.named",
    /// An old refresh token came back: its family was ended.
    RefreshReplayed = "token.refresh_replayed",
    /// A refresh token came back late, and its successor, which nobody has used, was given once more: the first answer was
    /// lost, or somebody has a copy.
    RefreshRepeated = "token.refresh_repeated",
    /// An access token was revoked.
    TokenRevoked = "token.revoked",
    /// A permission was made known, or its description changed: by a program's start (`system`), or by somebody for an
    /// application elsewhere; the detail is its name.
    PermissionDeclared = "permission.declared",
    /// A permission was taken from every role and forgotten.
    PermissionWithdrawn = "permission.withdrawn",
    /// A role was created.
    RoleCreated = "role.created",
    /// A role was deleted.
    RoleDeleted = "role.deleted",
    /// A role's permissions or parents changed.
    RoleChanged = "role.changed",
    /// A role was given to an account.
    RoleAssigned = "role.assigned",
    /// A role was taken from an account.
    RoleUnassigned = "role.unassigned",
    /// A resource was shared; the detail names action, resource, subject and end.
    GrantGiven = "grant.given",
    /// A grant was taken back; the detail names action, resource and subject.
    GrantTaken = "grant.taken",
    /// Every grant on a resource was taken back; the detail names the resource.
    GrantsTaken = "grant.all_taken",
    /// Other policies are in force on a node; the detail says how many, how many of them forbid, and names each file
    /// with the SHA-256 of its text.
    PoliciesChanged = "policies.changed",
    /// A known caller was refused; the detail names the rule.
    AccessDenied = "access.denied",
    /// A signing key was added.
    KeyAdded = "key.added",
    /// The signing keys were rotated.
    KeyRotated = "key.rotated",
    /// A signing key of a former algorithm signs no more; the detail is its name.
    KeyRetired = "key.retired",
    /// A signing key was taken out of the ring before its time; the detail is its name.
    KeyWithdrawn = "key.withdrawn",
    /// An organization was created; the detail of this and what follows begins with its id.
    OrganizationCreated = "organization.created",
    /// An organization's name or slug was set.
    OrganizationRenamed = "organization.renamed",
    /// An organization's state was set.
    OrganizationStateSet = "organization.state_set",
    /// An account became a member without an invitation.
    MemberAdded = "organization.member_added",
    /// An account accepted an invitation.
    MemberJoined = "organization.member_joined",
    /// A member left the organization of their own accord.
    MemberLeft = "organization.member_left",
    /// A member was removed.
    MemberRemoved = "organization.member_removed",
    /// A member's roles were set.
    MemberRolesSet = "organization.member_roles_set",
    /// An owner made another member owner instead.
    OwnershipTransferred = "organization.ownership_transferred",
    /// The organization has no owner who can act any more: the last one was locked or disabled.
    OrganizationOwnerless = "organization.ownerless",
    /// An address was invited.
    MemberInvited = "organization.invited",
    /// An invitation was revoked.
    InvitationRevoked = "organization.invitation_revoked",
    /// A service account was made.
    ServiceAccountCreated = "service_account.created",
    /// An API key was made; the detail of this and the next is its id.
    ApiKeyCreated = "api_key.created",
    /// An API key was made of a text from elsewhere.
    ApiKeyImported = "api_key.imported",
    /// An API key's name, networks or limit changed, or it was disabled or enabled; the detail says to what.
    ApiKeyChanged = "api_key.changed",
    /// An API key was given another text; if another end too, the detail says which.
    ApiKeyRotated = "api_key.rotated",
    /// An API key was ended for ever.
    ApiKeyRevoked = "api_key.revoked",
    /// The owner of an API key was told that it ends soon.
    ApiKeyExpiring = "api_key.expiring",
    /// That it ends soon was told to nobody, for too many e-mails were written; it is tried again.
    ApiKeyUntold = "api_key.untold",
    /// What tiers allow was set; the detail says to what.
    TiersSet = "tiers.set",
    /// An e-mail was not written, for too many were; the detail says what it was about.
    JobWithheld = "job.withheld",
    /// An e-mail was given up; the detail says what it was about, and why.
    JobGivenUp = "job.given_up",
}

/// One row of the log.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Its id, ordered by time.
    pub id: Uuid,
    /// When it was done or refused, in UTC: the one moment that its whole operation used.
    pub at: Timestamp,
    /// The action's stored form.
    pub action: String,
    /// `anonymous`, `operator`, `system` or the acting account's id.
    pub actor: String,
    /// The account it was done to.
    pub account: Option<AccountId>,
    /// The session it was about.
    pub session: Option<SessionId>,
    /// The API key that the actor came with, if it was one.
    pub api_key: Option<ApiKeyId>,
    /// The client's IP address as text; `None` where there was no client.
    pub ip: Option<String>,
    /// The client's user agent.
    pub user_agent: Option<String>,
    /// The request's trace id.
    pub trace: Option<Uuid>,
    /// What the action's own documentation says.
    pub detail: Option<String>,
}

/// An event that follows no change in the database: a refusal, or what happened elsewhere.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// What was refused, or what happened.
    pub action: Action,
    /// The account it was about, if one is known.
    pub account: Option<AccountId>,
    /// The session it was about, if one is known.
    pub session: Option<SessionId>,
    /// The reason, in words of ours: never the caller's input.
    pub detail: String,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only events about or by this account.
    pub account: Option<AccountId>,
    /// Only this action (its stored form).
    pub action: Option<String>,
    /// Only the event of this request.
    pub trace: Option<Uuid>,
    /// Only what was done, or refused, with this API key.
    pub api_key: Option<ApiKeyId>,
    /// Only events before this one: the next page.
    pub before: Option<Uuid>,
}

port! {
    /// Where events are kept.
    pub trait Store => audit_port;

    /// Appends what follows no change: a refusal, or what happened elsewhere.
    write fn append(occurrence: Occurrence, by: Context) -> ();

    /// Up to `limit` events, newest first.
    read fn list(filter: EventFilter, limit: u32) -> Vec<Event>;
}
