//! The table of routes in `docs/http.md`, made from what the routes declare: method, path, rule, body, query, answers, and
//! what their handlers say of themselves.
//!
//! The words for a rule are here and nowhere else.

use portcullis_identity::Api;
use portcullis_identity::core::authz::{CredentialKind, Kinds, Rule};
use portcullis_identity::enforcer::Caller;
use portcullis_identity::router::RouteInfo;
use serde_json::Value;

/// The rows of all routes in the order in which they are registered, with the table's head.
pub(crate) fn routes(api: &Api) -> String {
    let document = api.openapi();
    let rows = api.routes().map(|route| {
        let verb = route.verb().as_str();
        let what = match operation(&document, verb, route.path()) {
            Some(operation) => described(&document, operation),
            None => undocumented(route.path()).to_owned(),
        };
        format!("| `{verb} {}` | {} | {what} |\n", route.path(), who(&route))
    });
    format!(
        "| route | who | what |\n|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

/// Whom the route answers, in words.
fn who(route: &RouteInfo<'_>) -> String {
    match route.caller() {
        Caller::Ignored => return "anybody".to_owned(),
        Caller::Optional => return "anybody; a credential counts".to_owned(),
        Caller::Required => {}
    }
    let mut words = vec![subject(route.kinds()).to_owned()];
    ask(route.rule(), &mut words);
    words.extend(route.asks().iter().map(|asks| format!("`{asks}`")));
    words.join(", ")
}

fn subject(kinds: Kinds) -> &'static str {
    if kinds == Kinds::of(&[CredentialKind::Session]) {
        "a session"
    } else if kinds == Kinds::PERSONAL {
        "a person"
    } else {
        "a known caller"
    }
}

/// Adds what a rule asks for, part by part.
fn ask(rule: &Rule, words: &mut Vec<String>) {
    words.push(match rule {
        Rule::Public | Rule::Authenticated => return,
        Rule::All(rules) => return rules.iter().for_each(|rule| ask(rule, words)),
        Rule::Member(rule) => {
            words.push("a member".to_owned());
            return ask(rule, words);
        }
        Rule::Unscoped => "unscoped".to_owned(),
        Rule::Permission(permission) => format!("with `{}`", permission.name),
        Rule::Role(name) => format!("with the role `{name}`"),
        Rule::FreshLogin(seconds) => format!("logged in within {} minutes", seconds / 60),
        Rule::SecondFactor => "with two factors".to_owned(),
        Rule::Signed => "who signed it".to_owned(),
        Rule::Policy(action) => format!("whom a policy permits `{action}`"),
        Rule::Any(_) => format!("`{rule}`"),
    });
}

fn operation<'a>(document: &'a Value, verb: &str, path: &str) -> Option<&'a Value> {
    document["paths"].get(path)?.get(verb.to_lowercase())
}

/// What is sent, what comes back, and what the route says of itself.
fn described(document: &Value, operation: &Value) -> String {
    let sent: Vec<String> = query(operation)
        .into_iter()
        .chain(body(document, operation))
        .collect();
    let statuses = operation["responses"].as_object().unwrap().keys();
    let answers: Vec<_> = statuses
        .filter(|status| status.starts_with('2'))
        .map(String::as_str)
        .collect();
    let sent = match sent.is_empty() {
        true => String::new(),
        false => format!("{} ", sent.join(" ")),
    };
    let said = |name: &str| {
        let text = operation[name].as_str().unwrap_or_default();
        assert!(!text.is_empty() && !text.contains('|'), "{name} of {operation}");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (summary, description) = (said("summary"), said("description"));
    let stop = if summary.ends_with('?') { "" } else { "." };
    format!("{sent}→ {}. {summary}{stop} {description}", answers.join(" or "))
}

/// `?cursor=&limit=`
fn query(operation: &Value) -> Option<String> {
    let all = operation["parameters"].as_array()?.iter();
    let names = all
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| format!("{}=", parameter["name"].as_str().unwrap()));
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| format!("`?{}`", names.join("&")))
}

/// `{name, expires_at?}`, a form marked as one.
fn body(document: &Value, operation: &Value) -> Option<String> {
    let (media, content) = operation["requestBody"]["content"].as_object()?.iter().next()?;
    let mut schema = &content["schema"];
    if let Some(name) = schema["$ref"].as_str() {
        schema = document.pointer(name.trim_start_matches('#')).unwrap();
    }
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let fields = schema["properties"].as_object()?.keys().map(|name| {
        let optional = !required.iter().any(|known| known == name);
        format!("{name}{}", if optional { "?" } else { "" })
    });
    let fields = fields.collect::<Vec<_>>().join(", ");
    let form = if media.ends_with("form-urlencoded") {
        "form "
    } else {
        ""
    };
    Some(format!("{form}`{{{fields}}}`"))
}

/// What the document doesn't say, because it is about itself.
fn undocumented(path: &str) -> &'static str {
    match path {
        "/openapi.json" => {
            "OpenAPI 3.1; `?scheme=bearer` (`session`, `sessionCookie`, `apiKey`, `oauth2`; those that a route accepts) is the same with \
             [one way in](#generating-clients); 400 `unknown_scheme` for another"
        }
        "/docs" => "Swagger UI, nothing loaded from elsewhere; Authorize logs in by the password form",
        "/redoc" => "Redoc",
        "/scalar" => "Scalar",
        other => panic!("neither the OpenAPI document nor this page says what {other} does"),
    }
}
