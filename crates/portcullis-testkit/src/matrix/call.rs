//! Calls a route and judges what it answers.

use http::Method;
use portcullis::core::access::{CredentialKind, Kinds};

use super::basic;
use super::cases::Case;
use super::cast::Cast;
use super::privileges::{NO_LOGIN, Privileges};
use super::report::Cell;
use super::route::Route;
use super::tenants::{HOME, Naming};
use crate::{Answer, Request, TestApp};

/// Calls with a credential that must be refused.
pub(super) async fn refused(app: &TestApp, route: &Route, case: &Case, mut cell: Cell<'_>) {
    for (method, path) in route.requests(case.methods) {
        let path = case.naming.path(path);
        let mut request = app.request(method.clone(), &format!("{path}{}", case.query));
        request = select(request, route, case.naming);
        for (name, value) in &case.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        let mut faults = judge(&answer, method, case);
        faults.extend(judge_challenges(&answer, route));
        cell.note(&format!("{method} {path}"), answer.status(), &faults);
    }
}

/// Says which organization the request is for, where that is asked.
fn select(request: Request, route: &Route, naming: Naming) -> Request {
    if !route.rule.needs_organization() {
        return request;
    }
    let values = naming.headers().into_iter();
    values.fold(request, |request, value| {
        request.header("x-organization-id", value)
    })
}

fn judge(answer: &Answer, method: &Method, case: &Case) -> Vec<String> {
    let mut faults = Vec::new();
    let status = answer.status();
    if !case.refusals.contains(&status) {
        let expected: Vec<_> = case.refusals.iter().map(u16::to_string).collect();
        let expected = expected.join(" or ");
        faults.push(if status < 400 {
            format!("let in, and should be refused with {expected}")
        } else {
            format!("should be refused with {expected}")
        });
    }
    if answer.header("cache-control") != "no-store" {
        faults.push("a cache may keep the refusal".to_owned());
    }
    if answer.header("content-type") != "application/problem+json" {
        faults.push("not application/problem+json".to_owned());
    } else if *method != Method::HEAD {
        faults.extend(judge_body(answer));
    }
    if !case.secret.is_empty() && answer.text().contains(&case.secret) {
        faults.push("the answer repeats the credential".to_owned());
    }
    faults
}

/// A 401 says how to come back, and only in ways that the route accepts.
fn judge_challenges(answer: &Answer, route: &Route) -> Vec<String> {
    let all = answer.headers().get_all("www-authenticate").iter();
    let all: Vec<&str> = all.filter_map(|value| value.to_str().ok()).collect();
    let basic = route.accepts(CredentialKind::Basic);
    let known =
        |said: &&str| said.starts_with("Bearer realm=") || (basic && said.starts_with("Basic realm="));
    let mut faults = Vec::new();
    if answer.status() == 401 && all.is_empty() {
        faults.push("no WWW-Authenticate says how to come back".to_owned());
    }
    if !all.iter().all(known) {
        faults.push("WWW-Authenticate names what the route doesn't accept".to_owned());
    }
    faults
}

fn judge_body(answer: &Answer) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(answer.text()).unwrap_or_default();
    let text = |name: &str| {
        body.get(name)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    };
    let mut faults = Vec::new();
    if body.get("status").and_then(serde_json::Value::as_u64) != Some(answer.status().into()) {
        faults.push("the problem's status isn't the answer's".to_owned());
    }
    if text("code").is_empty() {
        faults.push("the problem has no code".to_owned());
    }
    if uuid::Uuid::try_parse(text("trace_id")).is_err() {
        faults.push("the problem has no trace id".to_owned());
    }
    faults
}

/// Calls a route for anybody: it must not ask for a credential.
pub(super) async fn open(app: &TestApp, route: &Route, mut cell: Cell<'_>) {
    for (method, path) in route.requests(|_| true) {
        let answer = app.request(method.clone(), path).send().await;
        let faults = match answer.status() {
            401 | 403 => vec!["public, and asks for something".to_owned()],
            _ => Vec::new(),
        };
        cell.note(&format!("{method} {path}"), answer.status(), &faults);
    }
}

/// Calls with a good credential of each kind that is read: the rule must let it pass, or the other calls prove
/// nothing. What the handler says of a request without a body is its own business.
pub(super) async fn accepted(app: &TestApp, cast: &Cast, route: &Route, mut cell: Cell<'_>) {
    let privileges = Privileges::named_by(&route.rule);
    if !privileges.satisfy(&route.rule, 0) {
        return;
    }
    for kind in Kinds::DEFAULT.iter().filter(|kind| route.accepts(*kind)) {
        let (as_key, no_login) = privileges.clone().of_a_key();
        if kind == CredentialKind::ApiKey && !as_key.satisfy(&route.rule, no_login) {
            continue;
        }
        for (method, path) in route.requests(|_| true) {
            let held = cast.fresh(app, kind).await;
            cast.settle(app).await;
            let request = select(app.request(method.clone(), path), route, Naming::All(HOME));
            let answer = request.bearer(&held.text).send().await;
            let faults = match (answer.status(), answer.code().as_str()) {
                (401, code) => vec![format!("a good {} is refused: {code}", kind.as_str())],
                (403, code) if DECIDED.contains(&code) => {
                    vec![format!("a good {} is refused: {code}", kind.as_str())]
                }
                _ => Vec::new(),
            };
            cell.note(&format!("{method} {path}"), answer.status(), &faults);
        }
    }
    let kind = CredentialKind::Basic;
    if route.accepts(kind) && privileges.satisfy(&route.rule, NO_LOGIN) {
        let held = cast.fresh(app, kind).await;
        for (method, path) in route.requests(|_| true) {
            let mut request = app.request(method.clone(), path);
            for (name, value) in basic::header(&held.text) {
                request = request.header(name, &value);
            }
            let answer = request.send().await;
            let faults = match answer.status() {
                401 | 403 => vec![format!("a good basic is refused: {}", answer.code())],
                _ => Vec::new(),
            };
            cell.note(&format!("{method} {path}"), answer.status(), &faults);
        }
    }
}

/// The codes of a decision against a known caller.
const DECIDED: [&str; 6] = [
    "missing_permission",
    "insufficient_scope",
    "missing_role",
    "no_alternative",
    "not_a_member",
    "organization_suspended",
];
