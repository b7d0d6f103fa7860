//! What is called, and where its callers have their accounts.

use axum::Router;
use http::Method;
use portcullis_identity::Gate;
use portcullis_identity::core::authn::Authentication;

use super::route::Route;
use super::tenants::Naming;
#[cfg(feature = "remote")]
use crate::RemoteApp;
use crate::{Answer, Request, TestApp};

/// By what a gate checks a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Believes {
    /// By the records, at this moment.
    Records,
    /// By what a signed token claims, until it ends.
    Claims,
}

impl Believes {
    pub(super) fn of(gate: &Gate) -> Self {
        match gate.authenticator() {
            Authentication::Embedded(_) => Self::Records,
            Authentication::Remote(_) => Self::Claims,
        }
    }
}

/// An API behind its gate, and the deployment where its callers log in: the same one, or an issuer elsewhere.
pub(super) struct Target {
    pub(super) issuer: TestApp,
    pub(super) gate: Gate,
    router: Router,
}

impl Target {
    pub(super) fn embedded(app: TestApp) -> Self {
        Self {
            gate: app.portcullis.gate().clone(),
            router: app.router().clone(),
            issuer: app,
        }
    }

    #[cfg(feature = "remote")]
    pub(super) fn detached(app: RemoteApp) -> Self {
        Self {
            gate: app.remote.gate().clone(),
            router: app.router().clone(),
            issuer: app.issuer,
        }
    }

    pub(super) fn believes(&self) -> Believes {
        Believes::of(&self.gate)
    }

    /// Calls a route with these headers, saying which organization it is for where that is asked.
    pub(super) async fn call(
        &self,
        route: &Route,
        (method, path): (&Method, &str),
        headers: &[(&'static str, String)],
        naming: Naming,
    ) -> Answer {
        let mut request = Request::new(&self.router, method.clone(), &naming.path(path)).behind(&self.gate);
        if route.rule.needs_organization() {
            for value in naming.headers() {
                request = request.header("x-organization-id", value);
            }
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send_for_refusal().await
    }
}
