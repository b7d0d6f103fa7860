//! Whether answers are what the OpenAPI document says.
//!
//! Every answer of a [`TestApp`](crate::TestApp) comes by here, so that a member that is said to be there always and
//! is left out once, an undocumented status or another media type fails the test that met it, and nobody has to
//! remember to ask.
//!
//! **Limits:** what a route's handler answers untyped (a bare axum response) the document doesn't describe, and
//! neither does it a path of a mounted router: such answers pass. Of what a layer compressed, status and media type are compared.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, Mutex};

use http::Method;
use jsonschema::{Draft, Validator};
use portcullis_identity::Api;
use serde_json::{Value, json};

use crate::Answer;

/// The documents of an API, to compare answers with: its own, and those of its parts.
#[derive(Debug)]
pub(crate) struct Documented {
    documents: Vec<Value>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Documented {
    /// The documents of `api`; `None` where it has none.
    pub(crate) fn of(api: &Api) -> Option<Arc<Self>> {
        let served = api.openapi_documents();
        let documents: Vec<_> = served.into_iter().map(|(_, document)| document).collect();
        (!documents.is_empty()).then(|| Self::from_documents(documents))
    }

    fn from_documents(documents: Vec<Value>) -> Arc<Self> {
        Arc::new(Self {
            documents,
            validators: Mutex::default(),
        })
    }

    /// Asserts that the document describes this answer.
    pub(crate) fn assert_describes(
        &self,
        method: &Method,
        path: &str,
        answer: &Answer,
        caller: &Location<'_>,
    ) {
        let path = path.split('?').next().unwrap_or_default();
        if let Err(why) = self.check(method, path, answer) {
            panic!(
                "{caller}: {method} {path} answers {} otherwise than /openapi.json says: {why}\n{}",
                answer.status(),
                String::from_utf8_lossy(answer.bytes())
            );
        }
    }

    fn check(&self, method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
        let Some((document, template, operation)) = self.operation(method, path) else {
            return Ok(());
        };
        let responses = &operation["responses"];
        let status = answer.status().to_string();
        let name = if responses.get(&status).is_some() {
            status.as_str()
        } else {
            "default"
        };
        let succeeds = |status: &String| status.starts_with('2');
        let describes_success = responses.as_object().is_some_and(|all| all.keys().any(succeeds));
        if name == "default" && answer.status() < 400 {
            return if describes_success {
                Err("there is no such status".to_owned())
            } else {
                Ok(())
            };
        }
        let response = &responses[name];
        let content = response.get("content").and_then(Value::as_object);
        let Some(content) = content.filter(|content| !content.is_empty()) else {
            let empty = answer.bytes().is_empty();
            return if empty {
                Ok(())
            } else {
                Err("there is no body".to_owned())
            };
        };
        let media_type = essence(answer.header("content-type"));
        let Some((_, media)) = content.iter().find(|(known, _)| essence(known) == media_type) else {
            return Err(format!("`{media_type}` is none of its media types"));
        };
        let schema = &media["schema"];
        if !answer.header("content-encoding").is_empty() {
            return Ok(());
        }
        if *method == Method::HEAD || !media_type.ends_with("json") || !schema.is_object() {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(answer.bytes()).map_err(|error| error.to_string())?;
        let key = format!("{method} {template} {name} {media_type}");
        let validator = self.validator(&key, schema, document);
        let faults: Vec<_> = validator
            .iter_errors(&body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.join("; "))
        }
    }

    /// The operation that answers there: a path without parameters before one with.
    fn operation(&self, method: &Method, path: &str) -> Option<(&Value, &str, &Value)> {
        let method = if *method == Method::HEAD {
            "get".to_owned()
        } else {
            method.as_str().to_ascii_lowercase()
        };
        let paths = self.documents.iter().flat_map(|document| {
            let paths = document["paths"].as_object().into_iter().flatten();
            paths.map(move |(template, item)| (document, template, item))
        });
        let matching = paths.filter(|(_, template, _)| matches(template, path));
        let (document, template, item) =
            matching.min_by_key(|(_, template, _)| template.matches('{').count())?;
        item.get(&method)
            .map(|operation| (document, template.as_str(), operation))
    }

    fn validator(&self, key: &str, schema: &Value, document: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let validator = validators.entry(key.to_owned()).or_insert_with(|| {
            let mut schema = schema.clone();
            schema["components"] = json!({ "schemas": document["components"]["schemas"] });
            let options = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true);
            Arc::new(options.build(&schema).unwrap())
        });
        Arc::clone(validator)
    }
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a request to `path` comes to `template`.
fn matches(template: &str, path: &str) -> bool {
    let (mut expected, mut asked) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), asked.next()) {
            (None, None) => return true,
            (Some(expected), Some(asked)) if expected.starts_with('{') && !asked.is_empty() => {}
            (Some(expected), Some(asked)) if expected == asked => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::IntoResponse;
    use axum::routing::get;
    use http::StatusCode;
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::Request;

    fn document() -> Value {
        let problem =
            json!({ "content": { "application/problem+json": { "schema": { "type": "object" } } } });
        let post = json!({ "$ref": "#/components/schemas/Post" });
        json!({
            "paths": { "/posts/{id}": { "get": { "responses": {
                "200": { "content": { "application/json": { "schema": post } } },
                "204": {},
                "default": problem,
            } } } },
            "components": { "schemas": { "Post": {
                "type": "object",
                "properties": { "id": { "type": "string", "format": "uuid" }, "parts": { "type": "array" } },
                "required": ["id", "parts"],
            } } },
        })
    }

    async fn fault(status: u16, media_type: &'static str, body: &'static str) -> String {
        let answer = move || async move {
            (
                StatusCode::from_u16(status).unwrap(),
                [(CONTENT_TYPE, media_type)],
                body,
            )
                .into_response()
        };
        let router = Router::new().route("/posts/{id}", get(answer));
        let answer = Request::new(&router, Method::GET, "/posts/7").send().await;
        let documented = Documented::from_documents(vec![document()]);
        documented
            .check(&Method::GET, "/posts/7", &answer)
            .err()
            .unwrap_or_default()
    }

    // Shows: KIT-1
    #[tokio::test]
    async fn an_answer_that_the_document_does_not_describe_is_found() {
        const GOOD: &str = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","parts":[]}"#;
        const JSON: &str = "application/json";
        for (status, media_type, body, expected) in [
            (200, JSON, GOOD, ""),
            (204, JSON, "", ""),
            (404, "application/problem+json", "{}", ""),
            (
                200,
                JSON,
                r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057"}"#,
                "\"parts\" is a required property",
            ),
            (200, JSON, r#"{"id":"7","parts":[]}"#, "is not a \"uuid\""),
            (200, "text/plain", GOOD, "none of its media types"),
            (201, JSON, GOOD, "no such status"),
            (204, JSON, GOOD, "there is no body"),
            (404, JSON, "{}", "none of its media types"),
        ] {
            let found = fault(status, media_type, body).await;
            let good = if expected.is_empty() {
                found.is_empty()
            } else {
                found.contains(expected)
            };
            assert!(good, "{status} {media_type} {body}: {found}");
        }
    }
}
