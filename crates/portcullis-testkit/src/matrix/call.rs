//! Calls a route and checks what it answers.

use http::Method;
use portcullis_identity::core::authz::{CredentialKind, Kinds};

use super::cases::{Case, Headers, presentations};
use super::cast::Cast;
use super::ledger::Ledger;
use super::privileges::{NO_LOGIN, Privileges};
use super::report::Cell;
use super::route::Route;
use super::target::Target;
use super::tenants::{HOME, Naming};
use crate::Answer;

/// Calls with a credential that must be refused.
pub(super) async fn refused(
    target: &Target,
    route: &Route,
    case: &Case,
    ledger: &mut Ledger,
    mut cell: Cell<'_>,
) {
    for (method, path) in route.requests(case.methods) {
        let answer = present(target, route, case, (method, path)).await;
        let faults = faults_of(&answer, route, method, case, (case.refusals)(route));
        let request = format!("{method} {path}");
        cell.note(&request, answer.status(), &faults);
        if case.of_known_caller && answer.status() == 403 {
            ledger.expect(&request, &case.name, &answer);
        }
    }
    // What is to be recorded is recorded beside the answers, and only so much at once.
    target.gate.settled().await;
}

/// Calls with a token that was withdrawn where its claims are believed until it ends: whoever has these privileges is
/// let in as the rule says.
pub(super) async fn believed(
    target: &Target,
    route: &Route,
    case: &Case,
    privileges: &Privileges,
    mut cell: Cell<'_>,
) {
    for (method, path) in route.requests(case.methods) {
        let answer = present(target, route, case, (method, path)).await;
        let faults = if !route.accepts(CredentialKind::Jwt) {
            faults_of(&answer, route, method, case, &[401])
        } else if route.is_satisfied_by(privileges, 0) {
            judge_welcome(&answer, "believed jwt")
        } else {
            faults_of(&answer, route, method, case, route.refusals(privileges, 0))
        };
        cell.note(&format!("{method} {path}"), answer.status(), &faults);
    }
}

async fn present(target: &Target, route: &Route, case: &Case, (method, path): (&Method, &str)) -> Answer {
    let path = format!("{path}{}", case.query);
    target
        .call(route, (method, &path), &case.headers, case.naming)
        .await
}

fn faults_of(answer: &Answer, route: &Route, method: &Method, case: &Case, refusals: &[u16]) -> Vec<String> {
    let mut faults = Vec::new();
    let status = answer.status();
    if !refusals.contains(&status) {
        let expected: Vec<_> = refusals.iter().map(u16::to_string).collect();
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
    faults.extend(judge_challenges(answer, route));
    faults
}

/// A 401 says how to come back, and only in ways that the route accepts.
fn judge_challenges(answer: &Answer, route: &Route) -> Vec<String> {
    let all = answer.headers().get_all("www-authenticate").iter();
    let all: Vec<&str> = all.filter_map(|value| value.to_str().ok()).collect();
    let basic = route.accepts(CredentialKind::Basic);
    let signed = route.accepts(CredentialKind::Signature) || route.accepts(CredentialKind::SignedUrl);
    let known = |said: &&str| {
        said.starts_with("Bearer realm=")
            || (basic && said.starts_with("Basic realm="))
            || (signed && said.starts_with("Signature realm="))
    };
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

/// What a good credential must not be told. What the handler says of a request without a body is its own business.
fn judge_welcome(answer: &Answer, what: &str) -> Vec<String> {
    let code = answer.code();
    let refused = match answer.status() {
        401 => true,
        400 | 403 => DECIDED.contains(&code.as_str()),
        _ => false,
    };
    refused
        .then(|| format!("a good {what} is refused: {code}"))
        .into_iter()
        .collect()
}

/// Calls a route for anybody: it must not ask for a credential.
pub(super) async fn open(target: &Target, route: &Route, mut cell: Cell<'_>) {
    for (method, path) in route.requests(|_| true) {
        let answer = target
            .call(route, (method, path), &Headers::new(), Naming::All(HOME))
            .await;
        let faults = match answer.status() {
            401 | 403 => vec!["public, and asks for something".to_owned()],
            _ => Vec::new(),
        };
        cell.note(&format!("{method} {path}"), answer.status(), &faults);
    }
}

/// Calls with a good credential of each kind that is read and can satisfy the rule: it must pass, or the other calls
/// prove nothing.
pub(super) async fn accepted(target: &Target, cast: &Cast, route: &Route, mut cell: Cell<'_>) {
    let named = Privileges::named_by(&route.rule);
    for kind in Kinds::OF_ACCOUNTS.iter().filter(|kind| route.accepts(*kind)) {
        let (privileges, age) = match kind {
            CredentialKind::ApiKey => named.clone().of_a_key(),
            CredentialKind::Basic => (named.clone(), NO_LOGIN),
            CredentialKind::Jwt
            | CredentialKind::Session
            | CredentialKind::Signature
            | CredentialKind::SignedUrl => (named.clone(), 0),
        };
        if !route.is_satisfied_by(&privileges, age) {
            continue;
        }
        for (method, path) in route.requests(|_| true) {
            let held = cast.fresh(&target.issuer, kind).await;
            cast.settle(&target.issuer).await;
            let (_, headers) = presentations(&held).swap_remove(0);
            let answer = target
                .call(route, (method, path), &headers, Naming::All(HOME))
                .await;
            let faults = judge_welcome(&answer, kind.as_str());
            cell.note(&format!("{method} {path}"), answer.status(), &faults);
        }
    }
}

/// The codes of a decision against a known caller, and of a request that doesn't say where it stands.
const DECIDED: [&str; 9] = [
    "missing_permission",
    "insufficient_scope",
    "missing_role",
    "no_alternative",
    "not_a_member",
    "organization_suspended",
    "no_organization",
    "invalid_organization",
    "organization_conflict",
];
