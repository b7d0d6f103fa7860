//! Invitations: a mailed token that lets one address in, once.

use std::time::Duration;

use super::{Id, InvitationId};
use crate::account::{self, EmailAddress};
use crate::environment::Timestamp;
use crate::job::NewJob;
use crate::secret::{Digest, Opaque, TokenKind};
use crate::throttle::Budget;

/// The kind of token that lets an invited address into an organization.
#[derive(Debug)]
pub enum InvitationKind {}

impl TokenKind for InvitationKind {
    const PREFIX: &'static str = "pci_";
}

/// A token that lets an invited address into an organization; mailed, single use.
pub type InvitationToken = Opaque<InvitationKind>;

/// How long an invitation is good.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What [`Store::invite`](super::Store::invite) writes of an invitation.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The invitation's id, minted by whoever invites; it is no secret, the token is.
    pub id: InvitationId,
    /// The organization that it lets the address into.
    pub organization: Id,
    /// The only address that may accept it.
    pub email: EmailAddress,
    /// The roles it brings.
    pub roles: Vec<String>,
    /// The digest of its token.
    pub digest: Digest<InvitationKind>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// How many may be open at once.
    pub limit: u32,
    /// What its e-mail is counted against; a revoked or replaced one gives nothing back.
    pub budgets: Vec<Budget>,
    /// What mails it, where it is mailed.
    pub mail: Option<NewJob>,
}

/// An open invitation, as members see it. Its token is nowhere but in the e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The invitation's id: what it is revoked by. It lets nobody in.
    pub id: InvitationId,
    /// The invited address, as typed.
    pub email: String,
    /// The roles it brings, sorted.
    pub roles: Vec<String>,
    /// Who invited; `None` for the operator.
    pub invited_by: Option<account::Id>,
    /// When it was written, in UTC.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}
