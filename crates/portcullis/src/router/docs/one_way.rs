//! The same document with one way in.
//!
//! Many generated clients send everything they hold at once, one credential for every alternative of an operation's
//! `security`; a request with several is refused. A document that knows one scheme has nothing to send twice.

use portcullis_core::defends;
use serde_json::{Map, Value, json};

use super::openapi;

/// The schemes that a document offers.
pub(super) fn schemes(document: &Value) -> Vec<String> {
    let schemes = document
        .pointer("/components/securitySchemes")
        .and_then(Value::as_object);
    schemes
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

/// The document of what can be called by `scheme`, or by nobody in particular. What asks for another kind of credential is
/// left out: it must not read as if it were open.
pub(super) fn document(whole: &Value, scheme: &str) -> Value {
    defends!("T018");
    let mut document = whole.clone();
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for operations in paths.values_mut().filter_map(Value::as_object_mut) {
            // What stands beside operations is a mounted router's: nobody generates a client for it.
            operations.retain(|method, operation| is_method(method) && narrow(operation, scheme));
        }
        paths.retain(|_, operations| {
            operations
                .as_object()
                .is_some_and(|operations| !operations.is_empty())
        });
    }
    if let Some(schemes) = document
        .pointer_mut("/components/securitySchemes")
        .and_then(Value::as_object_mut)
    {
        schemes.retain(|name, _| name == scheme);
    }
    forget_tags(&mut document);
    openapi::sweep(&mut document);
    document
}

fn is_method(name: &str) -> bool {
    ["get", "post", "put", "patch", "delete"].contains(&name)
}

/// Leaves the alternatives of one scheme; `false` if the operation has others only.
fn narrow(operation: &mut Value, scheme: &str) -> bool {
    let Some(security) = operation.get_mut("security").and_then(Value::as_array_mut) else {
        return false;
    };
    if security.is_empty() {
        return true;
    }
    let open = json!({});
    security.retain(|alternative| *alternative == open || alternative.get(scheme).is_some());
    !security.is_empty()
}

/// Leaves out the headings that nothing is under any more.
fn forget_tags(document: &mut Value) {
    let used: Vec<Value> = openapi::operations(document)
        .filter_map(|operation| operation.get("tags").and_then(Value::as_array))
        .flatten()
        .cloned()
        .collect();
    if let Some(tags) = document.get_mut("tags").and_then(Value::as_array_mut) {
        tags.retain(|tag| {
            tag.as_object()
                .and_then(|tag: &Map<_, _>| tag.get("name"))
                .is_some_and(|name| used.contains(name))
        });
    }
}
