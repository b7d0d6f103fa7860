//! Invitations: written, listed, revoked, accepted.

use axum::extract::State;
use portcullis_core::account::EmailAddress;
use portcullis_core::audit;
use portcullis_core::authn::Credential;
use portcullis_core::authz::{DecisionContext, Member, MembersRead, MembersWrite, Unscoped};
use portcullis_core::email::About;
use portcullis_core::login::{Delivery, LoggedIn, LoginError, LoginForm, Stay};
use portcullis_core::organization::{
    Belonging, InvitationToken, Invite, Invited, MayLetIn, OrganizationsError,
};
use portcullis_core::secret::SecretText;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::view::{InvitationView, OrganizationMembership};
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::emails::{host_of, organization as emails};
use crate::page::Items;
use crate::plan::by_hand;
use crate::{
    Allow, Api, AuditContext, Created, FieldErrors, Json, NoContent, Path, Permit, Personal, Problem, Via,
};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.post("/organizations/{organization}/invitations", invite)
        .summary("Invite an address")
        .operation_id("inviteMember")
        .description(
            "Mails a code that is good once, to an account that has proven the address. An earlier invitation \
             of the address is void. 429 beyond the rates of e-mails.",
        )
        .get("/organizations/{organization}/invitations", list)
        .summary("Open invitations, oldest first")
        .operation_id("listInvitations")
        .description("What was invited and not yet accepted, revoked or over.")
        .delete("/organizations/{organization}/invitations/{invitation}", revoke)
        .summary("Revoke an invitation")
        .operation_id("revokeInvitation")
        .description("The mailed code is good no more.")
        .post("/invitations/accept", accept)
        .summary("Accept an invitation with the mailed code")
        .operation_id("acceptInvitation")
        .description(
            "The caller becomes a member, with the roles that the invitation brings. Asks for an account that \
             has proven the invited address.",
        )
}

/// Whom to invite.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    /// The address; only an account that has proven it can accept.
    #[schemars(with = "shape::Email")]
    email: String,
    /// The roles it is to have, at most 20; none unless said otherwise.
    #[serde(default)]
    #[schemars(with = "Vec<shape::RoleName>", length(max = 20), transform = by_hand)]
    roles: Vec<String>,
}

async fn invite(
    who: Allow<MayLetIn, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<NewInvitation>,
) -> Result<Created<InvitationView>, Problem> {
    let mut fields = FieldErrors::new();
    let email = fields.check("/email", "invalid_email", EmailAddress::parse(&form.email));
    let Some(email) = email else {
        return Err(fields.into());
    };
    if portcullis.invitation_page().is_none() {
        return Err(Problem::conflict(
            "cannot_mail",
            "this server has no address that an e-mail could lead to: its operator sets one",
        ));
    }
    let invite = Invite {
        email,
        roles: form.roles,
    };
    let invited = portcullis.invite(who.permit(), invite, by).await?;
    Ok(Created(InvitationView::from(invited.invitation)))
}

impl Portcullis {
    /// Invites an address into an organization and mails the code that lets it in. Without an address that the e-mail
    /// could lead to ([`Builder::public_url`](crate::Builder::public_url),
    /// [`Builder::invitation_url`](crate::Builder::invitation_url)) nothing is mailed: the code is in the answer, for the
    /// caller to deliver.
    ///
    /// # Errors
    /// [`OrganizationsError`]; nothing was written, and nothing is mailed.
    pub async fn invite(
        &self,
        permit: &Permit<MayLetIn>,
        invite: Invite,
        by: audit::Context,
    ) -> Result<Invited, OrganizationsError> {
        let page = self.invitation_page();
        let mailed = |organization: &_, invitation: &_, token: &_, by: &_| {
            let Some(page) = page.clone() else {
                return Ok(None);
            };
            let host = host_of(self.http_settings().public_url.as_ref().unwrap_or(&page));
            let email = emails::invitation(page, &host, organization, invitation, token);
            self.emails().write(&email, About::Invitation, None, by).map(Some)
        };
        let invited = self.organizations().invite(permit, invite, &mailed, by).await?;
        self.emails().wake();
        Ok(invited)
    }

    /// Where the link of an invitation leads to.
    fn invitation_page(&self) -> Option<Url> {
        let http_settings = self.http_settings();
        let own = || http_settings.public_url.as_ref()?.join("accept-invitation").ok();
        http_settings.invitation_url.clone().or_else(own)
    }
}

/// Why nobody accepted an invitation by password. Nobody joined.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Nobody could be logged in.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The login was good for nothing a moment later: the account was closed, or its session ended.
    #[error("the login ended before the invitation was accepted")]
    Ended,
    /// The invitation is none, or not for this account.
    #[error(transparent)]
    Invitation(#[from] OrganizationsError),
}

impl Portcullis {
    /// Accepts an invitation in the name of whoever knows the password: in a session that ends with it, so that nothing stays
    /// in the browser. For a page without script, which can't send what a session cookie needs beside it.
    ///
    /// # Errors
    /// [`AcceptError`]; nobody joined, and the invitation is as good as it was.
    pub async fn accept_invitation(
        &self,
        token: &InvitationToken,
        (identifier, password): (String, SecretText),
        by: AuditContext,
    ) -> Result<Belonging, AcceptError> {
        let form = LoginForm {
            identifier,
            password,
            delivery: Delivery::Session(Stay::Brief),
            scopes: None,
            audience: None,
            device: by.device(),
        };
        let AuditContext(by) = by;
        let LoggedIn::Session {
            id, token: session, ..
        } = self.log_in(form, by.clone()).await?
        else {
            return Err(AcceptError::Ended);
        };
        let credential = Credential::Session(session);
        let verified = self
            .gate()
            .authenticator()
            .authenticate(&credential, by.ip, by.at)
            .await;
        let Ok(principal) = verified else {
            return Err(AcceptError::Ended);
        };
        let account = principal.id();
        let joined = match Permit::decide(principal, &DecisionContext::at(by.at)) {
            Ok(permit) => {
                let joined = self.organizations().accept(&permit, token, by.clone()).await;
                joined.map_err(AcceptError::from)
            }
            Err(_) => Err(AcceptError::Ended),
        };
        self.sessions()
            .log_out(account, id, by)
            .await
            .map_err(LoginError::from)?;
        joined
    }
}

async fn list(
    who: Allow<Member<MembersRead>>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<Items<InvitationView>>, Problem> {
    let all = portcullis.organizations().invitations(who.permit()).await?;
    Ok(Items::whole(all.into_iter().map(InvitationView::from).collect()))
}

async fn revoke(
    who: Allow<Member<MembersWrite>, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    Path((_, invitation)): Path<(String, String)>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    let unknown = || Problem::unknown("unknown_invitation", "there is no such open invitation");
    let invitation = invitation.parse().map_err(|_| unknown())?;
    Ok(NoContent::from(
        portcullis
            .organizations()
            .revoke(who.permit(), invitation, by)
            .await?,
    ))
}

/// A mailed code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InvitationCode {
    /// The code from the e-mail, `pci_…`.
    #[schemars(with = "String")]
    token: SecretText,
}

async fn accept(
    who: Allow<Unscoped, Via<Personal>>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(form): Json<InvitationCode>,
) -> Result<Json<OrganizationMembership>, Problem> {
    let token = InvitationToken::parse(form.token.expose()).ok_or(OrganizationsError::InvalidInvitation)?;
    let joined = portcullis
        .organizations()
        .accept(who.permit(), &token, by)
        .await?;
    Ok(Json(OrganizationMembership::from(&joined)))
}
