//! How tokens are issued.

use std::time::Duration;

use super::MAX_LEEWAY;
use crate::token::{Expectation, InvalidResource, Resource};

/// How tokens are issued.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The `iss` of access tokens.
    pub issuer: String,
    /// The `aud` of access tokens for the issuer itself, and the `client_id` of all: whoever asks for tokens here is
    /// the deployment's own client.
    pub audience: String,
    /// The applications elsewhere that tokens may be for.
    pub resources: Vec<Resource>,
    /// How long an access token is good for.
    pub access_lifetime: Duration,
    /// How long a token of a program's own purpose ([`Purpose`](crate::token::Purpose)) may be good for: 15 minutes, at most 30
    /// days. Signing keys that retired verify at least as long.
    pub purpose_lifetime: Duration,
    /// How long a refresh token is good for if it isn't used.
    pub refresh_lifetime: Duration,
    /// How long after its use a refresh token, whose successor was used as well, is refused without ending its session.
    pub refresh_grace: Duration,
    /// How far clocks may differ: at most 60 s.
    pub leeway: Duration,
    /// Whether an account without a proven address gets no tokens.
    pub require_verified_email: bool,
    /// Whether access tokens say which roles and permissions the account has (`roles`, `entitlements`), for services
    /// that verify without asking back. Without it such a service can honour tokens with scopes only. Where
    /// the token would be longer than [`LONGEST_ISSUED`](crate::token::jws::LONGEST_ISSUED) they are left out.
    pub carry_permissions: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "portcullis".into(),
            audience: "portcullis".into(),
            resources: Vec::new(),
            access_lifetime: Duration::from_secs(15 * 60),
            purpose_lifetime: Duration::from_secs(15 * 60),
            refresh_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            refresh_grace: Duration::from_secs(10),
            leeway: Duration::from_secs(30),
            require_verified_email: false,
            carry_permissions: true,
        }
    }
}

impl Settings {
    /// Whether every resource is another than the issuer itself.
    ///
    /// # Errors
    /// [`InvalidResource::Own`] if one is the issuer's own audience.
    pub fn check(&self) -> Result<(), InvalidResource> {
        match self.resources.iter().find(|r| r.as_str() == self.audience) {
            Some(own) => Err(InvalidResource::Own(own.to_string())),
            None => Ok(()),
        }
    }

    /// What a verifier of these tokens insists on.
    pub fn expectation(&self) -> Expectation {
        Expectation {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            leeway: self.leeway.min(MAX_LEEWAY),
        }
    }

    /// How long an access token for this audience lives.
    pub fn lifetime_for(&self, audience: &str) -> Duration {
        let resource = self
            .resources
            .iter()
            .find(|resource| resource.as_str() == audience);
        resource
            .and_then(Resource::lifetime)
            .unwrap_or(self.access_lifetime)
    }

    /// How long a retired key must still verify.
    pub fn key_overlap(&self) -> Duration {
        crate::defends!("T219");
        let lifetimes = self.resources.iter().filter_map(Resource::lifetime);
        let longest = lifetimes
            .fold(self.access_lifetime, Duration::max)
            .max(self.longest_purpose());
        longest.saturating_add(MAX_LEEWAY)
    }

    /// How long a token of a program's own purpose is good for at most.
    pub fn longest_purpose(&self) -> Duration {
        self.purpose_lifetime.min(LONGEST_PURPOSE)
    }
}

/// A key that retired isn't kept for longer on account of a link.
pub(crate) const LONGEST_PURPOSE: Duration = Duration::from_secs(30 * 86_400);
