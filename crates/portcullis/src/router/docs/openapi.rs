//! The OpenAPI 3.1 document.

use std::collections::{BTreeSet, HashSet};

use http::Method;
use portcullis_core::defends;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::operation::{self, Described};
use super::{names, security};
use crate::describe::{Operation, Settled};
use crate::problem::Wire;
use crate::route::asked;
use crate::router::{Document, Mount, Route, holds_for};

/// Describes every route of a document.
pub(crate) fn document<S>(api: &Document<'_, S>) -> Value {
    let (operations, schemas) = describe_all(api.routes.iter().copied());
    let token_url = api
        .docs
        .token_url
        .as_deref()
        .filter(|url| gives_tokens(api.all, url));
    let mut paths = Map::new();
    let named = operations.into_iter().zip(names::operation_ids(&api.routes));
    for (route, (mut described, id)) in api.routes.iter().zip(named) {
        let whole = api.limits.iter().filter(|_| holds_for(&route.path));
        described.limits.extend(whole.map(ToString::to_string));
        let item = paths
            .entry(documented_path(&route.path))
            .or_insert_with(|| json!({}));
        let method = route.method.as_str().to_ascii_lowercase();
        let complete = operation::complete(route, described, id, token_url.is_some());
        set(item, &method, complete);
    }
    paths.extend(api.mounts.iter().map(|mount| mounted(mount)));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": info(api),
        "tags": tags(api),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": operation::headers(),
            "securitySchemes": security::scheme_objects(api.docs, token_url, &scopes(api)),
        },
    });
    if !api.elsewhere.is_empty() {
        let each = api
            .elsewhere
            .iter()
            .map(|(title, url)| json!({ "title": title, "url": url }));
        set(&mut document, "x-portcullis-documents", each.collect());
    }
    if let Some(server) = &api.docs.server {
        set(&mut document, "servers", json!([{ "url": server }]));
    }
    sweep(&mut document);
    if let Some(change) = api.change {
        change_all_but_rules(&mut document, change);
    }
    document
}

/// What the document says of the API itself.
fn info<S>(api: &Document<'_, S>) -> Value {
    let mut info = json!({ "title": api.title, "version": api.version });
    let docs = api.docs;
    let about = about(api);
    for (name, text) in [
        ("description", about.as_deref()),
        ("termsOfService", docs.terms_of_service.as_deref()),
    ] {
        if let Some(text) = text {
            set(&mut info, name, json!(text));
        }
    }
    if let Some(contact) = &docs.contact {
        set(&mut info, "contact", json!(contact));
    }
    if let Some(licence) = &docs.license {
        set(
            &mut info,
            "license",
            json!({ "name": licence, "identifier": licence }),
        );
    }
    if let Some(logo) = &docs.logo {
        set(&mut info, "x-logo", json!({ "url": logo }));
    }
    info
}

/// What the API is about, with where the rest of it is described.
fn about<S>(api: &Document<'_, S>) -> Option<String> {
    let said = api.about.map(ToOwned::to_owned);
    if api.elsewhere.is_empty() {
        return said;
    }
    let mut text = said.map_or_else(String::new, |said| format!("{said}\n\n"));
    text.push_str("These parts have documents of their own:\n");
    for (title, url) in &api.elsewhere {
        text.push_str(&format!("\n- [{title}]({url})"));
    }
    Some(text)
}

/// A mounted router: what it answers isn't known, but who may ask it.
fn mounted(mount: &Mount) -> (String, Value) {
    let rule = asked(&mount.guard.rule, &[]);
    let prefix = &mount.prefix;
    let mut description =
        format!("Everything below `{prefix}` is answered by a router of its own. Who may call it: {rule}.");
    if let Some(said) = &mount.deprecated {
        description = format!("{said}\n\n{description}");
    }
    let item = json!({
        "summary": "A router of its own",
        "description": description,
        "parameters": [{ "in": "path", "name": "path", "required": true, "schema": { "type": "string" } }],
        "x-portcullis-rule": rule,
    });
    (format!("{prefix}/{{path}}"), item)
}

/// Whether somebody gets tokens at this address: a route of the API's own, or somewhere else altogether.
fn gives_tokens<S>(routes: &[Route<S>], url: &str) -> bool {
    let here = |route: &Route<S>| route.method == Method::POST && route.path == url;
    !url.starts_with('/') || routes.iter().any(here)
}

/// Runs the program's own change. What is enforced is said as it was.
fn change_all_but_rules(document: &mut Value, change: &super::Change) {
    defends!("T018");
    let before = document.clone();
    change(document);
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else {
        return;
    };
    for (path, item) in paths {
        let place = format!("/paths/{}/x-portcullis-rule", escaped(path));
        if let Some(said) = before.pointer(&place) {
            set(item, "x-portcullis-rule", said.clone());
        }
        let operations = item.as_object_mut().into_iter().flatten();
        for (method, operation) in operations.filter(|(_, operation)| operation.is_object()) {
            for name in ["security", "x-portcullis-rule"] {
                if let Some(said) = before.pointer(&format!("/paths/{}/{method}/{name}", escaped(path))) {
                    set(operation, name, said.clone());
                }
            }
        }
    }
}

/// A member's name in a JSON pointer.
///
/// Source: RFC 6901 §3
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The schemas that the routes speak of, described in this order.
pub(super) fn schemas<'r, S: 'r>(routes: impl Iterator<Item = &'r Route<S>>) -> Map<String, Value> {
    describe_all(routes).1
}

/// Runs the routes' own descriptions with one schema generator.
fn describe_all<'r, S: 'r>(
    routes: impl Iterator<Item = &'r Route<S>>,
) -> (Vec<Described>, Map<String, Value>) {
    let mut generator = generator();
    generator.subschema_for::<Wire<'_>>();
    let described = routes
        .map(|route| {
            let mut operation = Operation::new(&mut generator);
            (route.document)(&mut operation);
            let settled = operation.settle();
            let parameters = &route.text.parameters;
            let parameters = parameters.iter().map(|parameter| {
                let schema = (parameter.schema)(&mut generator).to_value();
                (parameter.name.clone(), schema)
            });
            Described {
                parameters: parameters.collect(),
                limits: route.rates.iter().map(ToString::to_string).collect(),
                settled,
            }
        })
        .collect();
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(plain_choice);
    (described, schemas)
}

/// What one operation's types say, for itself.
pub(crate) fn settle(describe: fn(&mut Operation<'_>)) -> Settled {
    let mut generator = generator();
    let mut operation = Operation::looking(&mut generator);
    describe(&mut operation);
    operation.settle()
}

/// What makes schemas in the place that OpenAPI keeps them.
fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    SchemaGenerator::new(settings)
}

/// A choice of texts, each described, as one `enum` and one description: of alternatives that are constants, generators
/// make no type that has their names.
fn plain_choice(schema: &mut Value) {
    let alternatives = schema.get("oneOf").and_then(Value::as_array).cloned();
    let constant = |one: &Value| Some(one.get("const")?.as_str()?.to_owned());
    let texts: Option<Vec<String>> = alternatives.iter().flatten().map(constant).collect();
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
        return;
    };
    let said = |one: &Value| {
        one.get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut description = said(schema);
    for (text, one) in texts.iter().zip(alternatives.iter().flatten()) {
        description.push_str(&format!("\n- `{text}`: {}", said(one)));
    }
    *schema = json!({ "type": "string", "enum": texts, "description": description.trim() });
}

/// Leaves out the components that no operation leads to.
pub(super) fn sweep(document: &mut Value) {
    let mut used: HashSet<String> = HashSet::new();
    let mut waiting = Vec::new();
    references(document.get("paths").unwrap_or(&Value::Null), &mut waiting);
    while let Some(reference) = waiting.pop() {
        if let Some(target) = reference
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer))
            && used.insert(reference)
        {
            references(target, &mut waiting);
        }
    }
    let schemes: HashSet<String> = operations(document)
        .filter_map(|operation| operation.get("security")?.as_array())
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|alternative| alternative.keys().cloned())
        .collect();
    if let Some(known) = document
        .pointer_mut("/components/securitySchemes")
        .and_then(Value::as_object_mut)
    {
        known.retain(|name, _| schemes.contains(name));
    }
    for kind in ["schemas", "headers"] {
        let place = format!("/components/{kind}");
        if let Some(components) = document.pointer_mut(&place).and_then(Value::as_object_mut) {
            components.retain(|name, _| used.contains(&format!("#{place}/{name}")));
        }
    }
}

/// Every `$ref` below `value`.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Every operation of the document, in the order of its paths.
pub(super) fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flat_map(Map::values);
    items.filter_map(Value::as_object).flat_map(Map::values)
}

/// `/files/{*rest}` is written `/files/{rest}`: OpenAPI has no parameter that spans segments.
fn documented_path(path: &str) -> String {
    path.replace("{*", "{")
}

/// Every permission that a rule names, with its description.
fn scopes<S>(api: &Document<'_, S>) -> Map<String, Value> {
    let mut scopes = Map::new();
    for route in api
        .routes
        .iter()
        .map(|route| route.info())
        .chain(api.mounts.iter().map(|mount| mount.info()))
    {
        route.each_permission(&mut |permission| {
            scopes.insert(permission.name.to_owned(), json!(permission.description));
        });
    }
    scopes
}

/// The headings, in the order in which they were described, then those that were only used.
fn tags<S>(api: &Document<'_, S>) -> Value {
    let described = api
        .groups
        .iter()
        .map(|(name, group)| json!({ "name": name, "description": group.description }));
    let used: BTreeSet<&String> = api.routes.iter().flat_map(|route| &route.text.tags).collect();
    let only_used = used.into_iter().filter(|name| !api.groups.contains_key(*name));
    described
        .chain(only_used.map(|name| json!({ "name": name })))
        .collect()
}

pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
