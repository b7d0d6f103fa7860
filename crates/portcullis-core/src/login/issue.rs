//! Makes the access token of a login or a refresh, with what services read of it that verify without asking back.

use serde_json::{Map, Value};

use super::{LoginError, Manager};
use crate::authz::Facts;
use crate::defends;
use crate::token::{self, AccessToken, Audience, MintError};

impl Manager {
    /// Makes the access token, with the account's roles and permissions for services that verify without asking
    /// back, and the program's own claims. A session narrowed by scopes carries no roles, as one could allow what the scopes leave
    /// out, and permissions only where its scopes name more than the account has: such a service would take the scopes for
    /// permissions (`T183`).
    pub(super) async fn issue(
        &self,
        exchanged: token::Exchanged,
        audience: &Audience,
    ) -> Result<token::IssuedTokens, LoginError> {
        let token::Exchanged {
            subject,
            refresh_token,
        } = exchanged;
        let (session, settings) = (&subject.session, self.on.issuer.settings());
        let carries = session.scopes.is_some() || settings.carry_permissions || !self.on.claims.is_empty();
        let facts = match carries {
            true => {
                let now = self.on.environment.now();
                self.on.directory.facts(subject.account.id, now).await?
            }
            false => None,
        };
        let facts = facts.as_deref();
        let mint = |extra| self.on.issuer.mint_access_for(&subject, audience, extra);
        let own = facts.map(|facts| self.own_claims(&subject, facts, audience));
        let own = own.unwrap_or_default();
        let access = match (facts, &session.scopes) {
            (None, None) => mint(own)?,
            (facts, Some(scopes)) => narrowed(scopes, facts, own, mint)?,
            (Some(facts), None) => {
                let carried = match settings.carry_permissions {
                    true => token::carried(&facts.rights.roles, &facts.rights.permission_names),
                    false => Some(Map::new()),
                };
                whole(&subject, carried, own, mint)?
            }
        };
        Ok(token::Issuer::pair(access, refresh_token))
    }

    fn own_claims(
        &self,
        subject: &token::TokenSubject,
        facts: &Facts,
        audience: &Audience,
    ) -> Map<String, Value> {
        self.on.claims.of(token::ClaimSubject {
            account: &subject.account,
            attributes: &facts.attributes,
            session: &subject.session,
            audience: audience.as_str(),
        })
    }
}

/// The token of a session that scopes narrow.
fn narrowed(
    scopes: &[String],
    facts: Option<&Facts>,
    own: Map<String, Value>,
    mint: impl Fn(Map<String, Value>) -> Result<AccessToken, MintError>,
) -> Result<AccessToken, MintError> {
    defends!("T183");
    let has = |name: &&String| facts.is_some_and(|facts| facts.has(name));
    let held: Vec<String> = scopes.iter().filter(has).cloned().collect();
    let mut claims = token::entitled(scopes, &held);
    claims.extend(own);
    match mint(claims) {
        // The scopes alone fit: that was seen to when the session began.
        Err(MintError::TooLarge) => mint(token::entitled(scopes, &[])),
        minted => minted,
    }
}

/// The token of a session that may everything that its account may; `None` is more than any token holds.
fn whole(
    subject: &token::TokenSubject,
    carried: Option<Map<String, Value>>,
    own: Map<String, Value>,
    mint: impl Fn(Map<String, Value>) -> Result<AccessToken, MintError>,
) -> Result<AccessToken, MintError> {
    let all = carried.map(|mut claims| {
        claims.extend(own);
        claims
    });
    match all.map_or(Err(MintError::TooLarge), &mint) {
        Err(MintError::TooLarge) => {
            tracing::warn!(
                account = %subject.account.id,
                most = token::jws::LONGEST_ISSUED,
                "roles, permissions and own claims are too long for a token and left out: services that verify it \
                 without asking back will refuse it; give the account fewer, or log in with scopes"
            );
            mint(Map::new())
        }
        minted => minted,
    }
}
