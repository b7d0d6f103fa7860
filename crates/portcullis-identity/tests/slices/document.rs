//! The document of the server's own routes: what clients are generated from.

use portcullis_identity::{Api, Portcullis};
use portcullis_testkit::TestApp;
use serde_json::{Map, Value};

async fn document() -> Value {
    TestApp::new()
        .await
        .get("/openapi.json")
        .send()
        .await
        .expect(200)
        .json()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

fn schemas(document: &Value) -> &Map<String, Value> {
    document["components"]["schemas"].as_object().unwrap()
}

/// Every object below `value`.
fn each_object<'v>(value: &'v Value, visit: &mut dyn FnMut(&'v Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(members);
            members.values().for_each(|member| each_object(member, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| each_object(item, visit)),
        _ => {}
    }
}

// Shows: KIT-1
#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let document = document().await;
    let mut ids = Vec::new();
    for (operation, says) in operations(&document) {
        let id = says["operationId"].as_str().unwrap();
        let given =
            id.chars().all(|c| c.is_ascii_alphanumeric()) && id.starts_with(|c: char| c.is_ascii_lowercase());
        // What begins with the method is made of the path: `.operation_id(…)` is missing.
        let (method, path) = operation.split_once(' ').unwrap();
        let made = path
            .split(|c: char| !c.is_ascii_alphanumeric())
            .fold(method.to_owned(), |id, word| {
                id + &word.get(..1).unwrap_or_default().to_ascii_uppercase()
                    + word.get(1..).unwrap_or_default()
            });
        assert!(given && id != made, "{operation}: {id}");
        for member in ["summary", "description"] {
            assert!(
                says[member].as_str().is_some_and(|text| text.len() > 5),
                "{operation}: no {member}"
            );
        }
        for parameter in says["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{operation}: {parameter}");
        }
        ids.push(id);
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((all, all > 70), (ids.len(), true));
}

#[tokio::test]
async fn every_operation_says_what_success_and_refusals_look_like() {
    let document = document().await;
    for (operation, says) in operations(&document) {
        let responses = says["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{operation}"
        );
        for (status, response) in responses {
            let headers = &response["headers"];
            assert!(headers["X-Request-Id"].is_object(), "{operation} {status}");
            let header = match status.as_str() {
                "401" => "WWW-Authenticate",
                "429" | "503" => "Retry-After",
                _ => "X-Request-Id",
            };
            assert!(headers[header].is_object(), "{operation} {status}: {header}");
            let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
            let oauth = &response["content"]["application/json"]["schema"]["$ref"];
            match status.as_str() {
                "200" | "201" | "202" | "204" => {}
                _ if operation.contains("/oauth/") => {
                    assert_eq!(oauth, "#/components/schemas/OAuthError", "{operation} {status}");
                }
                _ => assert_eq!(problem, "#/components/schemas/Problem", "{operation} {status}"),
            }
        }
        assert!(
            ["default", "429", "503"]
                .iter()
                .all(|status| responses.contains_key(*status)),
            "{operation}"
        );
    }
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        let answer = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"];
        assert!(answer["schema"]["$ref"].is_string(), "{path}");
    }
    let login = &document["paths"]["/auth/login"]["post"]["responses"]["200"];
    assert_eq!(
        login["content"]["application/json"]["schema"]["oneOf"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(login["headers"]["Set-Cookie"].is_object());
}

// Shows: KIT-1
#[tokio::test]
async fn names_of_types_depend_on_no_order_and_every_type_is_used() {
    let document = document().await;
    let names: Vec<_> = schemas(&document).keys().collect();
    let numbered = |name: &&&String| name.ends_with(|c: char| c.is_ascii_digit());
    assert_eq!(names.iter().find(numbered), None);
    for name in ["AccountList", "RoleList", "EventList", "MemberList"] {
        assert!(schemas(&document).contains_key(name), "{name}");
    }
    let mut references = Vec::new();
    each_object(&document, &mut |object| {
        references.extend(object.get("$ref").and_then(Value::as_str));
    });
    for name in names {
        assert!(
            references.contains(&&*format!("#/components/schemas/{name}")),
            "{name} is used nowhere"
        );
    }

    let reversed = |portcullis: &Portcullis| {
        Api::new("Portcullis", "1")
            .nest("/health", portcullis.health_routes())
            .nest("/admin/api/v1", portcullis.admin_routes())
            .nest("/.well-known", portcullis.well_known_routes())
            .nest("/oauth", portcullis.oauth_routes())
            .nest("/auth", portcullis.routes())
    };
    let app = TestApp::with(|builder| builder, reversed).await;
    let other = app.get("/openapi.json").send().await.expect(200).json();
    assert_eq!(schemas(&document), schemas(&other));
}

/// A generator that takes `password` for a type of its own sends stars.
#[tokio::test]
async fn no_text_is_declared_a_password_and_every_id_and_moment_has_its_format() {
    let document = document().await;
    let mut formats = Vec::new();
    each_object(&document, &mut |object| {
        formats.extend(object.get("format").and_then(Value::as_str));
    });
    assert!(formats.contains(&"uuid") && formats.contains(&"date-time"));
    assert!(!formats.contains(&"password"));
    for (name, schema) in schemas(&document) {
        for (member, says) in schema["properties"].as_object().into_iter().flatten() {
            let text =
                says["type"] == "string" || says["type"].as_array().is_some_and(|kinds| kinds[0] == "string");
            let expected = match member.as_str() {
                "at" => Some("date-time"),
                moment if moment.ends_with("_at") || moment.ends_with("_until") => Some("date-time"),
                id if id == "id" || id.ends_with("_id") => Some("uuid"),
                _ => None,
            };
            if let Some(expected) = expected.filter(|_| text) {
                assert_eq!(says["format"], expected, "{name}.{member}");
            }
        }
    }
}

#[tokio::test]
async fn the_form_for_tokens_asks_for_one_of_the_grants() {
    let document = document().await;
    let form = &document["paths"]["/oauth/token"]["post"]["requestBody"]["content"];
    let reference = form["application/x-www-form-urlencoded"]["schema"]["$ref"]
        .as_str()
        .unwrap();
    let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
    assert!(
        schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .any(|name| name == "grant_type")
    );
    let grants = &schemas(&document)["GrantType"];
    assert_eq!(grants["enum"], serde_json::json!(["password", "refresh_token"]));
    // Described choices are still one type of texts.
    each_object(&document, &mut |object| {
        let choices = object.get("oneOf").and_then(Value::as_array);
        assert!(
            choices
                .into_iter()
                .flatten()
                .all(|one| one.get("const").is_none()),
            "{object:?}"
        );
    });
}

// Shows: KIT-1
#[tokio::test]
async fn one_way_in_shows_what_it_opens_and_nothing_else() {
    let app = TestApp::new().await;
    let whole = document().await;
    let refused = app
        .get("/openapi.json?scheme=carrier-pigeon")
        .send()
        .await
        .refused(400, "unknown_scheme");
    assert_eq!(refused.code(), "unknown_scheme");
    assert!(refused.text().contains("apiKey, bearer"), "{}", refused.text());
    for scheme in ["apiKey", "bearer", "oauth2", "session", "sessionCookie"] {
        let narrowed = app
            .get(&format!("/openapi.json?scheme={scheme}"))
            .send()
            .await
            .expect(200)
            .json();
        let schemes = narrowed["components"]["securitySchemes"].as_object().unwrap();
        assert_eq!(schemes.keys().collect::<Vec<_>>(), [scheme]);
        let there: Vec<_> = operations(&narrowed).collect();
        for (operation, says) in &there {
            let security = says["security"].as_array().unwrap();
            let one = |way: &Value| way.as_object().unwrap().keys().all(|name| name == scheme);
            assert!(security.iter().all(one), "{scheme} {operation}");
        }
        for (operation, says) in operations(&whole) {
            let security = says["security"].as_array().unwrap();
            // `{}` among the ways: nobody has to come by any.
            let nobody = |way: &Value| way.as_object().is_some_and(Map::is_empty);
            let opens = security.is_empty()
                || security
                    .iter()
                    .any(|way| nobody(way) || way.get(scheme).is_some());
            let found = there.iter().find(|(name, _)| *name == operation);
            assert_eq!(found.is_some(), opens, "{scheme} {operation}");
            if let Some((_, found)) = found {
                assert_eq!(
                    found["security"] == serde_json::json!([]),
                    security.is_empty(),
                    "{scheme} {operation}"
                );
            }
        }
    }
}
