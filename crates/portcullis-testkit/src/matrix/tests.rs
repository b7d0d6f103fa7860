//! The matrix finds what is wrong, and only that.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use portcullis_core::checks;
use portcullis_core::organization::Owner;
use portcullis_identity::{
    Allow, Any, Api, Authenticated, Basic, FreshLogin, Json, Jwt, Member, OptionalAuth, Public, Role,
    SecondFactor, Session, Via, permissions, roles,
};

use super::{Matrix, Report};

mod detached;

permissions! {
    MatrixRead = "matrix:read": "Read";
    MatrixWrite = "matrix:write": "Write";
}
roles! { Editor = "matrix-editor"; Boss = "administrator"; }

async fn read(_: Allow<MatrixRead>) -> Json<u8> {
    Json(1)
}
async fn write(_: Allow<(MatrixRead, MatrixWrite, FreshLogin<300>)>) -> Json<u8> {
    Json(1)
}
async fn either(_: Allow<Any<(Role<Editor>, MatrixWrite)>>) -> Json<u8> {
    Json(1)
}
async fn boss(_: Allow<Role<Boss>, Via<Session>>) -> Json<u8> {
    Json(1)
}
async fn known(_: Allow<Authenticated, Via<Jwt>>) -> Json<u8> {
    Json(1)
}
async fn weekly(_: Allow<FreshLogin<500_000>>) -> Json<u8> {
    Json(1)
}
async fn basic(_: Allow<MatrixRead, Via<Basic>>) -> Json<u8> {
    Json(1)
}
async fn mixed(_: Allow<(FreshLogin<60>, MatrixRead), Via<(Jwt, Session, Basic)>>) -> Json<u8> {
    Json(1)
}
async fn surely(_: Allow<(MatrixRead, SecondFactor)>) -> Json<u8> {
    Json(1)
}
async fn visitor(_: OptionalAuth) -> Json<u8> {
    Json(1)
}
async fn open(_: Public) -> Json<u8> {
    Json(1)
}

async fn member(_: Allow<Member<MatrixRead>>) -> Json<u8> {
    Json(1)
}
async fn owner(_: Allow<(Member<Role<Owner>>, FreshLogin<300>), Via<Session>>) -> Json<u8> {
    Json(1)
}
async fn inside_or_outside(_: Allow<Any<(Member<Role<Editor>>, MatrixWrite)>>) -> Json<u8> {
    Json(1)
}

fn api() -> Api {
    let files = axum::Router::new().fallback(|| async { "a file" });
    Api::new("Every rule", "1")
        .get("/posts/{id}", read)
        .put("/posts/{id}", write)
        .delete("/posts/{id}/files/{*rest}", either)
        .patch("/boss", boss)
        .post("/known", known)
        .get("/weekly", weekly)
        .post("/basic", basic)
        .put("/mixed", mixed)
        .get("/surely", surely)
        .get("/visitor", visitor)
        .get("/open", open)
        .get("/projects", member)
        .put("/organizations/{organization}/projects/{id}", member)
        .delete("/organizations/{organization}", owner)
        .post("/projects", inside_or_outside)
        .mount::<Allow<MatrixRead>>("/files", files)
}

async fn faults_of(make: impl FnOnce() -> Api, lock: Option<&str>) -> Report {
    let matrix = Matrix::of(|_| make());
    match lock {
        Some(lock) => matrix.lock(lock).run().await,
        None => matrix.run().await,
    }
}

#[track_caller]
fn check(report: &Report, expected: &str) {
    let found = report.faults().iter().any(|fault| fault.contains(expected));
    assert!(found, "no fault says {expected:?}:\n{report}");
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
async fn every_kind_of_rule_refuses_what_it_must() {
    let report = faults_of(api, Some(&api().authz_lock())).await;
    report.assert_sound();
    assert_eq!(report.public()[..2], ["GET /visitor", "GET /open"]);
    assert!(report.credentials() > 80, "{}", report.credentials());
    let table = report.to_string();
    for row in [
        "nothing",
        "alg none, no signature",
        "jwt expired (bearer)",
        "session revoked (cookie)",
        "jwt of a disabled account (bearer)",
        "session with a login 300 s ago (header)",
        "jwt with a login 500000 s ago (bearer)",
        "jwt with all but matrix:write (bearer)",
        "session with all but role(administrator) (cookie)",
        "jwt with scopes without matrix:read, matrix:write (bearer)",
        "two: jwt (bearer), session (cookie)",
        "good cookie from another site",
        "good cookie with no CSRF token",
        "good cookie with a forged CSRF token",
        "good cookie with another session's CSRF token",
        "basic with a wrong password",
        "basic with an unknown name",
        "basic with no colon",
        "basic of a locked account (basic)",
        "basic of a disabled account (basic)",
        "basic with all but matrix:read (basic)",
        "basic with no login (basic)",
        "good basic from another site",
        "good basic, not read here (basic)",
        "two: basic (basic), session (cookie)",
        "good session, not read here (bearer)",
        "good api-key, not read here (header)",
        "good jwt in X-API-Key",
        "a key of another environment",
        "a key with a forged checksum",
        "api-key expired (header)",
        "api-key revoked (bearer)",
        "api-key switched off (header)",
        "api-key rotated away (header)",
        "api-key of a locked account (header)",
        "api-key of a disabled account (header)",
        "api-key with all but matrix:write (header)",
        "api-key with everything but a login (header)",
        "two: jwt (bearer), api-key (header)",
        "jwt of a member of another organization (bearer)",
        "session of a removed member (cookie)",
        "jwt of a member of a suspended organization (bearer)",
        "jwt with no organization (bearer)",
        "session with header and path that disagree (bearer)",
        "session with all but role(organization-owner) (header)",
    ] {
        assert!(
            table.lines().any(|line| line.starts_with(row)),
            "no row {row:?}:\n{table}"
        );
    }
    // Every guarded route was called with nothing and with a good credential.
    for row in ["nothing ", "a good one of each kind"] {
        let line = table.lines().find(|line| line.starts_with(row)).unwrap();
        let cells = line.matches("200").count() + line.matches("401").count();
        assert!(cells >= 7, "{line}");
    }
}

#[tokio::test]
async fn a_route_that_lets_everybody_in_is_found() {
    let api = || api().route_layer(map_response(|_: Response| async { Json(1).into_response() }));
    let report = faults_of(api, None).await;
    for route in [
        "GET /posts/",
        "HEAD /posts/",
        "PUT /posts/",
        "DELETE /posts/",
        "PATCH /boss",
        "POST /known",
        "GET /files with nothing",
        "DELETE /files/",
    ] {
        check(&report, route);
    }
    check(&report, "let in, and should be refused with 401");
    check(&report, "let in, and should be refused with 403");
    assert!(report.to_string().contains("200!"));
}

/// The API behind a gate in front of its gate that lets in for ever whom it has seen let in once.
fn trusting(api: Api) -> Api {
    let seen: Arc<Mutex<HashSet<String>>> = Arc::default();
    api.route_layer(from_fn(move |request: Request, next: Next| {
        let seen = Arc::clone(&seen);
        async move {
            let credential = request.headers().get("authorization").cloned();
            let call = format!("{} {} {credential:?}", request.method(), request.uri());
            let answer = next.run(request).await;
            if answer.status().is_success() {
                seen.lock().unwrap().insert(call);
            } else if seen.lock().unwrap().contains(&call) {
                return Json(1).into_response();
            }
            answer
        }
    }))
}

// Shows: AZ-6
#[tokio::test]
async fn a_membership_that_is_remembered_beyond_its_end_is_found() {
    let report = faults_of(
        || trusting(Api::new("Trusting", "1").get("/projects", member)),
        None,
    )
    .await;
    for credential in [
        "jwt of a removed member (bearer)",
        "session of a removed member (bearer)",
        "jwt of a member of a suspended organization (bearer)",
    ] {
        check(&report, &format!("with {credential} answers 200: let in"));
    }
}

// Shows: AZ-2
/// Who may not call a route learns nothing of what is behind it, not even that there is nothing.
#[tokio::test]
async fn a_route_that_lets_the_underprivileged_reach_a_404_is_found() {
    let lenient = map_response(|answer: Response| async {
        if answer.status() == StatusCode::FORBIDDEN {
            problem(404, "not_found")
        } else {
            answer
        }
    });
    let api = || {
        Api::new("Lenient", "1")
            .get("/posts/{id}", read)
            .route_layer(lenient)
    };
    let report = faults_of(api, None).await;
    check(
        &report,
        "with jwt with no permissions (bearer) answers 404: should be refused with 403",
    );
}

#[tokio::test]
async fn a_refusal_that_is_not_recorded_is_found() {
    // Somebody answers in the gate's place: nothing of that trace is kept.
    let silent = map_response(|answer: Response| async {
        if answer.status() == StatusCode::FORBIDDEN {
            problem(403, "missing_permission")
        } else {
            answer
        }
    });
    let api = || Api::new("Silent", "1").get("/posts", read).route_layer(silent);
    let report = faults_of(api, None).await;
    check(
        &report,
        "GET /posts with jwt with no permissions (bearer) is refused with missing_permission, and kept are no decision",
    );
}

/// A problem as a gate answers it, of a request that nobody has recorded.
fn problem(status: u16, code: &str) -> Response {
    let trace = "01890000-0000-7000-8000-00000000beef";
    let body = Json(serde_json::json!({ "status": status, "code": code, "trace_id": trace }));
    let headers = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("x-request-id", trace),
    ];
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

#[tokio::test]
async fn a_route_that_lets_other_tenants_in_is_found() {
    // The rule is asked, and the answer of a decision about the organization is thrown away.
    let lenient = map_response(|answer: Response| async {
        if matches!(answer.status().as_u16(), 400 | 403) {
            Json(1).into_response()
        } else {
            answer
        }
    });
    let api = || {
        let api = Api::new("Tenants", "1").get("/projects", member);
        api.put("/organizations/{organization}/projects", member)
            .route_layer(lenient.clone())
    };
    let report = faults_of(api, None).await;
    for credential in [
        "jwt of a member of another organization (bearer)",
        "session of a removed member (header)",
        "jwt of a member of a suspended organization (bearer)",
        "jwt with no organization (bearer)",
        "jwt with an organization nobody knows (bearer)",
        "jwt with header and path that disagree (bearer)",
        "jwt with two headers (bearer)",
        "jwt with no permissions (bearer)",
    ] {
        check(&report, &format!("with {credential} answers 200: let in"));
    }
}

#[tokio::test]
async fn a_route_that_refuses_without_a_problem_is_found() {
    let bare =
        |status: u16| map_response(move |_: Response| async move { StatusCode::from_u16(status).unwrap() });
    let report = faults_of(|| api().route_layer(bare(401)), None).await;
    check(&report, "not application/problem+json");
    check(&report, "no WWW-Authenticate");
    check(&report, "public, and asks for something");
    check(&report, "a good jwt is refused");
    let report = faults_of(|| api().route_layer(bare(500)), None).await;
    check(&report, "answers 500: should be refused with 401");
}

#[tokio::test]
async fn a_lock_that_differs_is_found() {
    checks!("T018");
    let lock = api().authz_lock();
    let lacking: Vec<_> = lock.lines().filter(|line| !line.contains("/boss")).collect();
    check(
        &faults_of(api, Some(&lacking.join("\n"))).await,
        "authz.lock lacks PATCH /boss: role(administrator) via session",
    );
    let more = format!("{lock}GET /gone public\n");
    check(
        &faults_of(api, Some(&more)).await,
        "authz.lock names GET /gone, and there is no such route",
    );
    let weaker = lock.replace("matrix:read and matrix:write and fresh-login(300)", "matrix:read");
    check(
        &faults_of(api, Some(&weaker)).await,
        "authz.lock says PUT /posts/{id}: matrix:read via jwt, session, but the route says: matrix:read and \
         matrix:write and fresh-login(300) via jwt, session",
    );
}
