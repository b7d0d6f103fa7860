//! The matrix over a gate that believes what tokens claim.

use axum::middleware::map_response;
use axum::response::Response;
use portcullis_identity::Api;

use super::{api, check, problem, read, trusting};
use crate::Matrix;

#[tokio::test]
async fn every_kind_of_rule_refuses_what_it_must_where_claims_are_believed() {
    let matrix = Matrix::detached(api).lock(&api().authz_lock());
    let report = matrix.run().await;
    report.assert_sound();
    let table = report.to_string();
    let line = |row: &str| {
        let line = table.lines().find(|line| line.starts_with(row));
        line.unwrap_or_else(|| panic!("no row {row:?}:\n{table}"))
    };
    // Refused at once, as where the records are.
    for row in [
        "nothing",
        "alg none, no signature",
        "another issuer",
        "another audience",
        "not valid yet",
        "jwt expired (bearer)",
        "jwt with a login 500000 s ago (bearer)",
        "jwt with all but matrix:write (bearer)",
        "jwt with scopes without matrix:read, matrix:write (bearer)",
        "two: jwt (bearer), session (cookie)",
        "session revoked (cookie)",
        "api-key of a locked account (header)",
        "good session, not read here (cookie)",
        "good api-key, not read here (header)",
        "good basic, not read here (basic)",
        "jwt of a member of another organization (bearer)",
    ] {
        assert!(!line(row).contains("200"), "{}", line(row));
    }
    // Believed until they end, and no longer.
    for withdrawn in [
        "jwt revoked (bearer)",
        "jwt of an ended session (bearer)",
        "jwt logged out everywhere (bearer)",
        "jwt of a locked account (bearer)",
        "jwt of a disabled account (bearer)",
        "another stamp",
        "unknown session",
    ] {
        assert!(line(withdrawn).contains("200~"), "{}", line(withdrawn));
        let ended = line(&format!("{withdrawn}, ended"));
        assert!(ended.contains("401") && !ended.contains("200"), "{ended}");
    }
    assert!(line("good jwt, ended").contains("401"));
}

#[tokio::test]
async fn a_detached_route_that_honours_ended_tokens_is_found() {
    let report = Matrix::detached(|| trusting(Api::new("Trusting", "1").get("/posts", read)))
        .run()
        .await;
    check(
        &report,
        "with jwt revoked (bearer), ended answers 200: let in, and should be refused with 401",
    );
    let ended = |fault: &String| fault.contains(", ended answers 200");
    assert!(report.faults().iter().all(ended), "{report}");
}

#[tokio::test]
async fn a_detached_route_that_refuses_what_its_token_says_is_found() {
    let strict = map_response(|answer: Response| async {
        if answer.status().is_success() {
            problem(403, "missing_permission")
        } else {
            answer
        }
    });
    let api = || Api::new("Strict", "1").get("/posts", read).route_layer(strict);
    let report = Matrix::detached(api).run().await;
    check(
        &report,
        "with jwt revoked (bearer) answers 403: a good believed jwt is refused: missing_permission",
    );
}
