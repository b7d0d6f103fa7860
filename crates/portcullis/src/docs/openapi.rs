//! The OpenAPI 3.1 document.

use std::collections::BTreeSet;

use aide::generate::in_context;
use portcullis_core::access::{CredentialKind, Rule};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::{schema, security};
use crate::enforcer::{Caller, is_safe, organization};
use crate::problem::Wire;
use crate::resource::How;
use crate::router::{Api, Route, asked};

/// Describes every route of `api`.
pub(crate) fn document<S: Clone + Send + Sync + 'static>(api: &Api<S>) -> Value {
    let (operations, schemas) = describe_all(&api.routes);
    let mut paths = Map::new();
    for (route, operation) in api.routes.iter().zip(operations) {
        let item = paths
            .entry(documented_path(&route.path))
            .or_insert_with(|| json!({}));
        let method = route.method.as_str().to_ascii_lowercase();
        set(
            item,
            &method,
            complete(route, operation, api.docs.token_url.is_some()),
        );
    }
    let mut info = json!({ "title": api.title, "version": api.version });
    if let Some(about) = &api.about {
        set(&mut info, "description", json!(about));
    }
    json!({
        "openapi": "3.1.0",
        "info": info,
        "tags": tags(api),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": security::scheme_objects(&api.docs, &scopes(api)),
        },
    })
}

/// Runs the routes' own descriptions with a fresh schema generator. The generator's home is a thread-local of the
/// OpenAPI crate; what stood there before is put back.
fn describe_all<S>(routes: &[Route<S>]) -> (Vec<Value>, Map<String, Value>) {
    in_context(|context| {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let before = std::mem::replace(&mut context.schema, SchemaGenerator::new(settings));
        context.schema.subschema_for::<Wire<'_>>();
        let operations = routes
            .iter()
            .map(|route| serde_json::to_value((route.document)(context)).unwrap_or_default())
            .collect();
        let schemas = context.schema.take_definitions(true);
        context.schema = before;
        (operations, schemas)
    })
}

/// Adds what the route knows to what its handler's types said.
fn complete<S>(route: &Route<S>, mut operation: Value, gives_tokens: bool) -> Value {
    name_parameters(&route.path, &mut operation);
    name_organization(route, &mut operation);
    strip_null(&mut operation);
    set(
        &mut operation,
        "operationId",
        json!(operation_id(route.method.as_str(), &route.path)),
    );
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
    if let Some(summary) = &route.text.summary {
        set(&mut operation, "summary", json!(summary));
    }
    if let Some(description) = &route.text.description {
        set(&mut operation, "description", json!(description));
    }
    if !route.text.tags.is_empty() {
        set(&mut operation, "tags", json!(route.text.tags));
    }
    refusals(route, &mut operation);
    operation
}

/// The answers of the enforcer.
fn refusals<S>(route: &Route<S>, operation: &mut Value) {
    let mut add = |status: &str, text: &str| {
        let problem = serde_json::to_value(schema::problem(text)).unwrap_or_default();
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            responses.entry(status).or_insert(problem);
        }
    };
    add("default", "A problem");
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

/// Names the path's parameters that the handler takes by position, and declares those that it doesn't take.
fn name_parameters(path: &str, operation: &mut Value) {
    let waiting = operation
        .as_object_mut()
        .and_then(|members| members.remove(schema::UNNAMED));
    let mut waiting = waiting.as_ref().and_then(Value::as_array).into_iter().flatten();
    let known = operation.get("parameters").and_then(Value::as_array);
    let mut parameters = known.cloned().unwrap_or_default();
    for name in crate::router::parameter_names(path) {
        if parameters
            .iter()
            .any(|known| known.get("in") == Some(&json!("path")) && known.get("name") == Some(&json!(name)))
        {
            continue;
        }
        let schema = waiting
            .next()
            .cloned()
            .unwrap_or_else(|| json!({ "type": "string" }));
        parameters.push(json!({ "in": "path", "name": name, "required": true, "schema": schema }));
    }
    if let Some(members) = operation.as_object_mut() {
        members.remove("parameters");
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), Value::Array(parameters));
        }
    }
}

/// Declares the header that names the organization, where the rule asks for one and the path doesn't.
fn name_organization<S>(route: &Route<S>, operation: &mut Value) {
    let in_path = crate::router::parameter_names(&route.path).any(|name| name == organization::PARAMETER);
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

/// `/files/{*rest}` is written `/files/{rest}`: OpenAPI has no parameter that spans segments.
fn documented_path(path: &str) -> String {
    path.replace("{*", "{")
}

fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_ascii_lowercase();
    if path == "/" {
        id.push_str("_root");
    }
    for part in path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
    {
        id.push('_');
        id.push_str(part);
    }
    id
}

/// Every permission that a rule names, with its description.
fn scopes<S: Clone + Send + Sync + 'static>(api: &Api<S>) -> Map<String, Value> {
    let mut scopes = Map::new();
    for route in api.routes() {
        route.each_permission(&mut |permission| {
            scopes.insert(permission.name.to_owned(), json!(permission.description));
        });
    }
    scopes
}

/// The headings, in the order in which they were described, then those that were only used.
fn tags<S>(api: &Api<S>) -> Value {
    let described = api
        .groups
        .iter()
        .map(|(name, text)| json!({ "name": name, "description": text }));
    let used: BTreeSet<&String> = api.routes.iter().flat_map(|route| &route.text.tags).collect();
    let only_used = used.into_iter().filter(|name| !api.groups.contains_key(*name));
    described
        .chain(only_used.map(|name| json!({ "name": name })))
        .collect()
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
