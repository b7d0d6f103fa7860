//! One operation: what a route knows, added to what its handler's types said.

use std::borrow::Cow;

use portcullis_core::authz::{CredentialKind, Rule};
use serde_json::{Value, json};

use super::openapi::set;
use super::security;
use crate::describe::{Settled, problem};
use crate::enforcer::{is_safe, organization};
use crate::request::Voice;
use crate::route::{Caller, How, asked, parameter_names};
use crate::router::Route;

/// What a handler's types say, and what was said of the path's parameters.
pub(super) struct Described {
    pub(super) settled: Settled,
    pub(super) parameters: Vec<(Cow<'static, str>, Value)>,
    /// How often it may be called, in words.
    pub(super) limits: Vec<String>,
}

/// Adds what the route knows to what its handler's types said.
pub(super) fn complete<S>(route: &Route<S>, described: Described, id: String, gives_tokens: bool) -> Value {
    let Described {
        settled,
        parameters,
        limits,
    } = described;
    let mut operation = json!({});
    let named = name_parameters(&route.path, &parameters, settled.parameters, settled.unnamed);
    if !named.is_empty() {
        set(&mut operation, "parameters", Value::Array(named));
    }
    if let Some(body) = settled.body {
        set(&mut operation, "requestBody", body);
    }
    set(&mut operation, "responses", Value::Object(settled.responses));
    name_organization(route, &mut operation);
    strip_null(&mut operation);
    set(&mut operation, "operationId", Value::String(id));
    set(
        &mut operation,
        "security",
        security::requirements(&route.guard, gives_tokens),
    );
    set(
        &mut operation,
        "x-portcullis-rule",
        json!(asked(&route.guard.rule, &route.asks)),
    );
    if !limits.is_empty() {
        set(&mut operation, "x-portcullis-limits", json!(limits));
    }
    if let Some(summary) = &route.text.summary {
        set(&mut operation, "summary", json!(summary));
    }
    let texts = [
        route.text.deprecated.as_deref(),
        route.text.description.as_deref(),
    ];
    let texts: Vec<_> = texts.into_iter().flatten().collect();
    if !texts.is_empty() {
        set(&mut operation, "description", json!(texts.join("\n\n")));
    }
    if route.text.deprecated.is_some() {
        set(&mut operation, "deprecated", json!(true));
    }
    if !route.text.tags.is_empty() {
        set(&mut operation, "tags", json!(route.text.tags));
    }
    refusals(route, &limits, &mut operation);
    if route.voice == Voice::OAuth {
        say_as_oauth(&mut operation);
    }
    name_headers(
        &mut operation,
        route.text.deprecated.is_some(),
        !limits.is_empty(),
    );
    operation
}

/// The answers of the enforcer.
fn refusals<S>(route: &Route<S>, limits: &[String], operation: &mut Value) {
    let mut add = |status: &str, text: &str| {
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            responses.entry(status).or_insert_with(|| problem(text));
        }
    };
    add("default", "A problem");
    match limits.is_empty() {
        true => add("429", "Too many requests"),
        false => add("429", &format!("Too many requests: {}", limits.join("; "))),
    }
    add("503", "Not possible right now");
    if !route.addresses.is_empty() {
        add("403", "Not answered to every address");
    }
    if route.guard.caller == Caller::Ignored {
        return;
    }
    add("400", "Several credentials, or one that can't be read");
    add("401", "No credential, or one that isn't honoured");
    for asks in &route.asks {
        if let How::One { hidden, .. } = asks.how {
            let (kind, action) = (asks.kind.name, asks.action.name());
            if hidden {
                add(
                    "404",
                    &format!("There is no such {kind}, or you are not allowed {action} on it"),
                );
                add("403", &format!("The credential's scopes leave {action} out"));
            } else {
                add("404", &format!("There is no such {kind}"));
                add(
                    "403",
                    &format!(
                        "Not allowed: this needs {}",
                        asked(&route.guard.rule, &route.asks)
                    ),
                );
            }
        }
    }
    let cookie = route.guard.kinds.accepts(CredentialKind::Session) && !is_safe(&route.method);
    match route.guard.rule {
        Rule::Public | Rule::Authenticated if cookie => add(
            "403",
            "A cookie without its session's CSRF token, or from another site's page",
        ),
        Rule::Public | Rule::Authenticated => {}
        rule => add("403", &format!("Not allowed: this needs {rule}")),
    }
}

/// Names the path's parameters that the handler takes by position, and declares those that it doesn't take. Of what it
/// takes as plain text the route may have said more.
fn name_parameters(
    path: &str,
    said: &[(Cow<'static, str>, Value)],
    mut parameters: Vec<Value>,
    unnamed: Vec<Value>,
) -> Vec<Value> {
    let mut unnamed = unnamed.into_iter();
    for name in parameter_names(path) {
        if parameters
            .iter()
            .any(|known| known.get("in") == Some(&json!("path")) && known.get("name") == Some(&json!(name)))
        {
            continue;
        }
        let text = json!({ "type": "string" });
        let mut schema = unnamed.next().unwrap_or_else(|| text.clone());
        if let Some((_, more)) = said
            .iter()
            .find(|(known, _)| known == name)
            .filter(|_| schema == text)
        {
            schema = more.clone();
        }
        let description = schema
            .as_object_mut()
            .and_then(|members| members.remove("description"));
        let mut parameter = json!({ "in": "path", "name": name, "required": true, "schema": schema });
        if let Some(description) = description {
            set(&mut parameter, "description", description);
        }
        parameters.push(parameter);
    }
    parameters
}

/// Declares the header that names the organization, where the rule asks for one and the path doesn't.
fn name_organization<S>(route: &Route<S>, operation: &mut Value) {
    let in_path = parameter_names(&route.path).any(|name| name == organization::PARAMETER);
    let Some(members) = operation.as_object_mut() else {
        return;
    };
    if !route.guard.rule.needs_organization() || in_path {
        return;
    }
    let parameters = members.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(json!({
            "in": "header",
            "name": "X-Organization-ID",
            "description": "The organization that the request is for: its id or its slug. A subdomain may name it instead.",
            "required": false,
            "schema": { "type": "string" },
        }));
    }
}

/// A query can't say null: an optional parameter is simply not there.
fn strip_null(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let Some(kind) = parameter.pointer_mut("/schema/type") else {
            continue;
        };
        if let Some([one, null]) = kind.as_array().map(Vec::as_slice)
            && null == "null"
        {
            *kind = one.clone();
        }
    }
}

/// What goes wrong at an OAuth endpoint is said in its clients' form, whatever it is; a faulty field like any other.
///
/// Source: RFC 6749 §5.2
fn say_as_oauth(operation: &mut Value) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    responses.retain(|status, _| status != "422");
    for (_, response) in responses
        .iter_mut()
        .filter(|(status, _)| !status.starts_with('2'))
    {
        let schema = json!({ "$ref": "#/components/schemas/OAuthError" });
        set(
            response,
            "content",
            json!({ "application/json": { "schema": schema } }),
        );
    }
}

/// The headers that answers carry, each described once.
pub(super) fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "The trace id: it finds the request in the log, in the audit log and among the decisions.",
            "schema": { "type": "string", "format": "uuid" },
        },
        "RetryAfter": {
            "description": "After how many seconds the next request may come.",
            "schema": { "type": "integer", "minimum": 1 },
        },
        "RateLimit": {
            "description": "What is left of each limit (`r`), and for how many seconds (`t`); a server may be set to send the older X-RateLimit-Limit, -Remaining and -Reset instead.",
            "schema": { "type": "string" },
        },
        "RateLimitPolicy": {
            "description": "How many requests each limit allows (`q`), in how many seconds (`w`).",
            "schema": { "type": "string" },
        },
        "Challenge": {
            "description": "What to authenticate with, and what is missing (RFC 9110 §11.6.1, RFC 9470).",
            "schema": { "type": "string" },
        },
        "Deprecation": {
            "description": "Since when this is deprecated, in seconds since 1970 behind an @ (RFC 9745).",
            "schema": { "type": "string" },
        },
        "Sunset": {
            "description": "When this will be gone (RFC 8594).",
            "schema": { "type": "string" },
        },
        "Link": {
            "description": "What to do (`deprecation`) and what takes its place (`successor-version`) (RFC 8288).",
            "schema": { "type": "string" },
        },
        "SessionCookies": {
            "description": "The session's cookie and its CSRF token's, set or taken back; more than one line.",
            "schema": { "type": "string" },
        },
    })
}

/// Declares the headers of every answer, and those that its status brings.
fn name_headers(operation: &mut Value, deprecated: bool, limited: bool) {
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        let mut declare = |name: &str, component: &str| {
            if response.get("headers").is_none() {
                set(response, "headers", json!({}));
            }
            if let Some(headers) = response.get_mut("headers") {
                set(
                    headers,
                    name,
                    json!({ "$ref": format!("#/components/headers/{component}") }),
                );
            }
        };
        declare("X-Request-Id", "RequestId");
        if deprecated {
            declare("Deprecation", "Deprecation");
            declare("Sunset", "Sunset");
            declare("Link", "Link");
        }
        if limited {
            declare("RateLimit", "RateLimit");
            declare("RateLimit-Policy", "RateLimitPolicy");
        }
        match status.as_str() {
            "401" => declare("WWW-Authenticate", "Challenge"),
            "429" | "503" => declare("Retry-After", "RetryAfter"),
            _ => {}
        }
    }
}
