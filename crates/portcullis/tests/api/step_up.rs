//! What a caller is asked for who must log in again.

use std::time::Duration;

use portcullis::core::checks;
use portcullis::{Allow, Any, Api, FreshLogin, Role, SecondFactor, permissions, roles};

use crate::support::{Bench, bearer};

permissions! {
    PostsWrite = "posts:write": "Change posts";
}

roles! {
    Admin = "admin";
}

async fn fresh(_: Allow<FreshLogin<300>>) {}
async fn sure(_: Allow<SecondFactor>) {}
async fn both(_: Allow<(FreshLogin<300>, SecondFactor)>) {}
async fn turned(_: Allow<(SecondFactor, (FreshLogin<300>, FreshLogin<60>))>) {}
async fn either(_: Allow<Any<(Role<Admin>, FreshLogin<300>)>>) {}
async fn hopeless(_: Allow<Any<(Role<Admin>, (PostsWrite, FreshLogin<300>))>>) {}
async fn write(_: Allow<(PostsWrite, FreshLogin<300>)>) {}

// Shows: AZ-8
#[tokio::test]
async fn one_challenge_names_everything_that_the_next_login_must_bring() {
    checks!("T078");
    let bench = Bench::default();
    let client = bench.client(
        Api::new("Test", "1")
            .get("/fresh", fresh)
            .get("/sure", sure)
            .get("/both", both)
            .get("/turned", turned)
            .get("/either", either)
            .get("/hopeless", hopeless)
            .get("/write", write),
    );
    let tokens = [bearer(&bench.token()), bearer(&bench.jwt(None))];
    let login = "error=\"insufficient_user_authentication\"";
    let acr = "acr_values=\"urn:portcullis:acr:2\"";
    let check = async |path: &str, status: u16, code: &str, asked: &[&str]| {
        for header in &tokens {
            let answer = client.get(path, &[("authorization", header)]).await;
            assert_eq!(
                (answer.status.as_u16(), &*answer.code()),
                (status, code),
                "{path}"
            );
            let challenge = match asked {
                [] => String::new(),
                _ => format!("Bearer realm=\"portcullis\", {}", asked.join(", ")),
            };
            assert_eq!(answer.header("www-authenticate"), challenge, "{path}");
        }
    };
    let scope = "error=\"insufficient_scope\"";
    check("/fresh", 200, "", &[]).await;
    check("/both", 401, "second_factor_required", &[login, acr]).await;
    check("/either", 200, "", &[]).await;
    bench.pass(Duration::from_secs(300));
    check("/fresh", 401, "login_too_old", &[login, "max_age=\"300\""]).await;
    check("/sure", 401, "second_factor_required", &[login, acr]).await;
    check("/both", 401, "login_too_old", &[login, "max_age=\"300\"", acr]).await;
    check(
        "/turned",
        401,
        "second_factor_required",
        &[login, "max_age=\"60\"", acr],
    )
    .await;
    check("/either", 401, "no_alternative", &[login, "max_age=\"300\""]).await;
    check("/hopeless", 403, "no_alternative", &[scope]).await;
    check(
        "/write",
        403,
        "missing_permission",
        &[scope, "scope=\"posts:write\""],
    )
    .await;
}

#[tokio::test]
async fn a_step_up_route_names_no_machine_credential() {
    checks!("T077");
    let bench = Bench::default();
    let api = Api::new("Test", "1")
        .get("/fresh", fresh)
        .get("/write", write)
        .get("/either", either)
        .get("/hopeless", hopeless);
    let lock = api.authz_lock();
    for (path, kinds) in [
        ("/fresh", "via jwt, session"),
        ("/write", "via jwt, session"),
        // An administrator's key gets in without a login.
        ("/either", "via jwt, session, api-key"),
        ("/hopeless", "via jwt, session, api-key"),
    ] {
        let line = lock.lines().find(|line| line.contains(path)).unwrap();
        assert!(line.ends_with(kinds), "{line}");
    }
    let client = bench.client(api);
    let document = client.get("/openapi.json", &[]).await.json();
    let security = document["paths"]["/fresh"]["get"]["security"].to_string();
    assert!(
        security.contains("bearer") && !security.contains("apiKey"),
        "{security}"
    );
    let refused = client.get("/fresh", &[]).await;
    assert!(
        refused.text.contains("present a credential: jwt, session\""),
        "{}",
        refused.text
    );
}
