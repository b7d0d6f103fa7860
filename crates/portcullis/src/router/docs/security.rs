//! Rules as OpenAPI security: AND in one object, OR as alternatives.
//!
//! Source: OpenAPI 3.1 §4.8.30 (Security Requirement Object)

use portcullis_core::authz::{CredentialKind, Kinds, Rule};
use portcullis_core::defends;
use portcullis_core::signature::Urls;
use serde_json::{Map, Value, json};

use super::Docs;
use crate::route::{Caller, Guard};

/// What one alternative asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Conjunction {
    scopes: Vec<&'static str>,
    roles: Vec<&'static str>,
}

/// The `security` of an operation, where tokens can be had at this server or can't.
pub(super) fn requirements(guard: &Guard, gives_tokens: bool) -> Value {
    defends!("T018");
    if guard.caller == Caller::Ignored {
        return json!([]);
    }
    let mut alternatives: Vec<Value> = Vec::new();
    if guard.caller == Caller::Optional {
        alternatives.push(json!({}));
    }
    for conjunction in normalise(&guard.rule) {
        for scheme in schemes(guard.kinds).filter(|scheme| gives_tokens || *scheme != OAUTH2) {
            let mut requirement = Map::new();
            requirement.insert(scheme.to_owned(), asked(scheme, &conjunction));
            let requirement = Value::Object(requirement);
            if !alternatives.contains(&requirement) {
                alternatives.push(requirement);
            }
        }
    }
    Value::Array(alternatives)
}

/// Permissions are scopes everywhere. Roles are named where the specification takes role names: not with OAuth 2.
fn asked(scheme: &str, conjunction: &Conjunction) -> Value {
    let mut names: Vec<String> = conjunction.scopes.iter().map(|&scope| scope.to_owned()).collect();
    if scheme != OAUTH2 {
        names.extend(conjunction.roles.iter().map(|role| format!("role:{role}")));
    }
    json!(names)
}

/// The alternatives of a rule, each a list of things that are all needed.
fn normalise(rule: &Rule) -> Vec<Conjunction> {
    match *rule {
        // That no scopes narrow a credential is nothing that a scope could say.
        Rule::Public
        | Rule::Authenticated
        | Rule::Unscoped
        | Rule::FreshLogin(_)
        | Rule::SecondFactor
        | Rule::Signed
        | Rule::Policy(_) => {
            vec![Conjunction::default()]
        }
        Rule::Permission(permission) => vec![Conjunction {
            scopes: vec![permission.name],
            ..Conjunction::default()
        }],
        Rule::Role(name) => vec![Conjunction {
            roles: vec![name],
            ..Conjunction::default()
        }],
        Rule::Member(rule) => normalise(rule),
        Rule::Any(rules) => rules.iter().flat_map(normalise).collect(),
        Rule::All(rules) => rules
            .iter()
            .map(normalise)
            .fold(vec![Conjunction::default()], |all, each| product(&all, &each)),
    }
}

/// Every alternative of the one with every alternative of the other. Beyond [`MOST`] the documentation only says
/// that a credential is needed; the rule's own text beside it stays exact.
fn product(left: &[Conjunction], right: &[Conjunction]) -> Vec<Conjunction> {
    if left.len().saturating_mul(right.len()) > MOST {
        return vec![Conjunction::default()];
    }
    let both = |a: &Conjunction, b: &Conjunction| Conjunction {
        scopes: union(&a.scopes, &b.scopes),
        roles: union(&a.roles, &b.roles),
    };
    left.iter()
        .flat_map(|a| right.iter().map(move |b| both(a, b)))
        .collect()
}

fn union(a: &[&'static str], b: &[&'static str]) -> Vec<&'static str> {
    let mut all = a.to_vec();
    all.extend(b.iter().filter(|name| !a.contains(name)));
    all
}

fn schemes(kinds: Kinds) -> impl Iterator<Item = &'static str> {
    kinds
        .iter()
        .flat_map(|kind| match kind {
            CredentialKind::Jwt => [OAUTH2, BEARER].as_slice(),
            CredentialKind::Session => [SESSION_HEADER, SESSION_COOKIE].as_slice(),
            CredentialKind::ApiKey => [API_KEY].as_slice(),
            CredentialKind::Basic => [BASIC].as_slice(),
            CredentialKind::Signature => [SIGNATURE].as_slice(),
            CredentialKind::SignedUrl => [SIGNED_URL].as_slice(),
        })
        .copied()
}

/// The `securitySchemes` of the document. Pages offer them in this order, those first that a person can use at once.
pub(super) fn scheme_objects(docs: &Docs, token_url: Option<&str>, scopes: &Map<String, Value>) -> Value {
    let mut objects = Map::new();
    if let Some(token_url) = token_url {
        let flow = json!({ "tokenUrl": token_url, "refreshUrl": token_url, "scopes": scopes });
        let oauth2 = json!({
            "type": "oauth2",
            "description": "Log in with identifier and password.",
            "flows": { "password": flow },
        });
        objects.insert(OAUTH2.to_owned(), oauth2);
    }
    let others = json!({
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token.",
        },
        SESSION_HEADER: {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "A session token, for clients that keep no cookies.",
        },
        SESSION_COOKIE: {
            "type": "apiKey",
            "in": "cookie",
            "name": docs.cookie.as_ref(),
            "description": "A session token, for browsers. A change also needs its CSRF token, in a header.",
        },
        API_KEY: {
            "type": "apiKey",
            "in": "header",
            "name": docs.api_key_header.as_ref(),
            "description": "An API key, for programs.",
        },
        BASIC: {
            "type": "http",
            "scheme": "basic",
            "description": "Identifier and password with every request.",
        },
        SIGNATURE: {
            "type": "apiKey",
            "in": "header",
            "name": "Signature",
            "description": "A signature over the request by RFC 9421, with `Signature-Input`, and `Content-Digest` where there is a body.",
        },
        SIGNED_URL: {
            "type": "apiKey",
            "in": "query",
            "name": Urls::PARAMETER,
            "description": "An address that this server signed, as it was given out.",
        },
    });
    if let Value::Object(others) = others {
        objects.extend(others);
    }
    Value::Object(objects)
}

const OAUTH2: &str = "oauth2";
const BEARER: &str = "bearer";
const SESSION_HEADER: &str = "session";
const SESSION_COOKIE: &str = "sessionCookie";
const API_KEY: &str = "apiKey";
const BASIC: &str = "basic";
const SIGNATURE: &str = "signature";
const SIGNED_URL: &str = "signedUrl";

/// The most alternatives that are written out.
const MOST: usize = 32;
