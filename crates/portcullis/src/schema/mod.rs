//! How extractors and answers describe themselves in the OpenAPI document: bodies, parameters, answers; and what single
//! texts look like ([`shape`]).
//!
//! Used by whatever reads or answers something, and by the document that is made of it: it knows neither.

pub mod shape;

use aide::generate::GenContext;
use aide::openapi::{
    MediaType, Operation, ReferenceOr, RequestBody, Response, SchemaObject, StatusCode as Code,
};
use aide::operation::{ParamLocation, add_parameters, parameters_from_schema};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::Value;

/// The operation's body is a `T`.
pub fn body<T: JsonSchema>(context: &mut GenContext, operation: &mut Operation, media_type: &str) {
    let body = RequestBody {
        content: content(media_type, context.schema.subschema_for::<T>()),
        required: true,
        ..RequestBody::default()
    };
    operation.request_body = Some(ReferenceOr::Item(body));
}

/// The operation has the members of `T` as parameters. Path parameters without names of their own (one value, or a
/// tuple) wait under [`UNNAMED`] for the names in the route's path.
pub fn parameters<T: JsonSchema>(context: &mut GenContext, operation: &mut Operation, place: ParamLocation) {
    let schema = context.schema.subschema_for::<T>();
    let resolved = context.resolve_schema(&schema).clone();
    if place == ParamLocation::Path && resolved.get("properties").is_none() {
        let each = resolved.get("prefixItems").and_then(Value::as_array).cloned();
        let schemas = each.unwrap_or_else(|| vec![schema.to_value()]);
        operation
            .extensions
            .insert(UNNAMED.to_owned(), Value::Array(schemas));
        return;
    }
    let parameters = parameters_from_schema(context, schema, place);
    add_parameters(context, operation, parameters);
}

/// Where schemas of unnamed path parameters wait.
pub const UNNAMED: &str = "x-portcullis-unnamed";

/// An answer with a `T`.
pub fn answer<T: JsonSchema>(context: &mut GenContext, media_type: &str, description: &str) -> Response {
    Response {
        description: description.to_owned(),
        content: content(media_type, context.schema.subschema_for::<T>()),
        ..Response::default()
    }
}

/// An answer without a body.
pub fn plain(description: &str) -> Response {
    Response {
        description: description.to_owned(),
        ..Response::default()
    }
}

/// A problem, documented once for all operations.
pub fn problem(description: &str) -> Response {
    Response {
        description: description.to_owned(),
        content: content(
            "application/problem+json",
            json_schema!({ "$ref": "#/components/schemas/Problem" }),
        ),
        ..Response::default()
    }
}

/// What reading a body may answer.
pub fn body_problems() -> Vec<(Option<Code>, Response)> {
    [
        (400, "The body can't be read"),
        (413, "The body is too long"),
        (415, "The body has another media type"),
        (422, "Some fields are not accepted"),
    ]
    .map(|(status, text)| (Some(Code::Code(status)), problem(text)))
    .into()
}

/// What reading parameters may answer.
pub fn parameter_problems() -> Vec<(Option<Code>, Response)> {
    [
        (400, "The parameters can't be read"),
        (422, "Some parameters are not accepted"),
    ]
    .map(|(status, text)| (Some(Code::Code(status)), problem(text)))
    .into()
}

/// One answer for each status: the bodies of several are alternatives.
pub fn one_by_status(answers: Vec<(Option<Code>, Response)>) -> Vec<(Option<Code>, Response)> {
    let mut merged: Vec<(Option<Code>, Response)> = Vec::new();
    for (status, answer) in answers {
        match merged.iter_mut().find(|(known, _)| *known == status) {
            Some((_, known)) => add_alternatives(known, answer),
            None => merged.push((status, answer)),
        }
    }
    merged
}

fn add_alternatives(known: &mut Response, more: Response) {
    for (media_type, media) in more.content {
        match known.content.get_mut(&media_type).zip(media.schema) {
            Some((
                MediaType {
                    schema: Some(one), ..
                },
                other,
            )) if one.json_schema != other.json_schema => {
                let mut alternatives = match one.json_schema.get("oneOf").and_then(Value::as_array) {
                    Some(several) => several.clone(),
                    None => vec![one.json_schema.clone().to_value()],
                };
                alternatives.push(other.json_schema.to_value());
                one.json_schema = json_schema!({ "oneOf": alternatives });
            }
            _ => {}
        }
    }
}

/// The answer carries a header that the document describes under `component`.
pub fn declare_header(response: &mut Response, name: &str, component: &str) {
    let reference = ReferenceOr::Reference {
        reference: format!("#/components/headers/{component}"),
        summary: None,
        description: None,
    };
    response.headers.insert(name.to_owned(), reference);
}

fn content(media_type: &str, schema: Schema) -> IndexMap<String, MediaType> {
    let media = MediaType {
        schema: Some(SchemaObject {
            json_schema: schema,
            example: None,
            external_docs: None,
        }),
        ..MediaType::default()
    };
    IndexMap::from_iter([(media_type.to_owned(), media)])
}
