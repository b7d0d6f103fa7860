//! What a refusal leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis::core::authz::{
    Decision, DecisionContext, Policies, PolicyFilters, Principal, Reasons, ResourceFacts, ResourceKind,
    Verdict,
};
use portcullis::core::checks;
use portcullis::{
    Allow, Any, Api, Authenticated, FreshLogin, Jwt, OptionalAuth, Policy, Problem, Public, Role, Via,
    actions, permissions, roles,
};

use crate::support::{ACCOUNT, Bench, Client, START, bearer, cookie};

permissions! {
    PostsRead = "posts:read": "Read posts";
    PostsWrite = "posts:write": "Change posts";
}

roles! {
    Admin = "admin";
}

async fn edit(_: Allow<(PostsWrite, Any<(Role<Admin>, FreshLogin<300>)>)>) {}
async fn read(_: Allow<PostsRead>) {}
async fn known(_: Allow<Authenticated>) {}
async fn jwt_only(_: Allow<Authenticated, Via<Jwt>>) {}
async fn public(_: Public) {}
async fn visitor(_: OptionalAuth) {}

fn start() -> (Bench, Client) {
    let bench = Bench::default();
    let inner = axum::Router::new().route("/{name}", axum::routing::any(async || "inside"));
    let api = Api::new("Test", "1")
        .put("/posts/{id}", edit)
        .get("/posts", read)
        .get("/known", known)
        .post("/known", known)
        .get("/jwt-only", jwt_only)
        .get("/public", public)
        .get("/visitor", visitor)
        .mount::<Allow<PostsRead>>("/inner", inner);
    let client = bench.client(api);
    (bench, client)
}

/// The only decision there is.
async fn decision(bench: &Bench) -> Decision {
    bench.gate.settled().await;
    let mut all = bench.world.decisions.lock().unwrap();
    let [one] = std::mem::take(&mut *all).try_into().unwrap();
    one
}

// Shows: AZ-7
#[tokio::test]
async fn every_refusal_leaves_its_reason_and_never_the_credential() {
    checks!("T075");
    let (bench, client) = start();
    let token = bench.token();
    let (session, ended) = bench.session(None);
    bench.end(session);
    let jwt = bench.jwt(None);
    let (body, _) = jwt.rsplit_once('.').unwrap();
    let unknown = format!("pcs_{}", "A".repeat(43));
    let required = "present a credential: jwt, session, api-key";
    for (method, path, header, operation, code, why, kind) in [
        (
            "GET",
            "/posts?x=secret",
            None,
            "GET /posts",
            "authentication_required",
            required,
            None,
        ),
        (
            "HEAD",
            "/posts",
            None,
            "HEAD /posts",
            "authentication_required",
            required,
            None,
        ),
        (
            "GET",
            "/inner/secret",
            None,
            "GET /inner/*",
            "authentication_required",
            required,
            None,
        ),
        (
            "SECRET",
            "/inner/secret",
            None,
            "OTHER /inner/*",
            "authentication_required",
            required,
            None,
        ),
        (
            "GET",
            "/posts",
            Some(bearer(&unknown)),
            "GET /posts",
            "invalid_token",
            "the session token is unknown",
            Some("session"),
        ),
        (
            "GET",
            "/visitor",
            Some(bearer(&ended)),
            "GET /visitor",
            "invalid_token",
            "the session token is unknown",
            Some("session"),
        ),
        (
            "GET",
            "/posts",
            Some(bearer(&format!("{body}.AAAA"))),
            "GET /posts",
            "invalid_token",
            "the token's signature is wrong",
            Some("jwt"),
        ),
        (
            "GET",
            "/posts",
            Some(bearer("rubbish")),
            "GET /posts",
            "invalid_token",
            "the credential is not valid; log in again",
            None,
        ),
        (
            "GET",
            "/jwt-only",
            Some(bearer(&token)),
            "GET /jwt-only",
            "credential_not_accepted",
            "this kind of credential is not accepted here, only: jwt",
            Some("session"),
        ),
    ] {
        let headers: Vec<_> = header
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        let answer = client.call(method.parse().unwrap(), path, &headers, "").await;
        assert_eq!(answer.status, 401, "{method} {path}");
        let kept = decision(&bench).await;
        assert_eq!(kept.trace.to_string(), answer.header("x-request-id"));
        assert_eq!(
            (&*kept.operation, &*kept.code, &*kept.why),
            (operation, code, why)
        );
        assert_eq!(kept.credential.as_deref(), kind, "{path} {header:?}");
        assert_eq!((kept.at, kept.account, &kept.tree), (START, None, &None));
        let text = format!("{kept:?}");
        for secret in [&token[4..], "secret", "SECRET", "AAAA", "rubbish", body] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
    assert!(
        bench.world.audited.lock().unwrap().is_empty(),
        "strangers don't fill the audit log"
    );
}

#[tokio::test]
async fn a_cookie_from_another_site_leaves_its_reason() {
    let (bench, client) = start();
    let cookie = cookie(&bench.token());
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")];
    let answer = client.call(http::Method::POST, "/known", &headers, "").await;
    assert_eq!(answer.status, 403);
    let kept = decision(&bench).await;
    assert_eq!(
        (&*kept.code, kept.credential.as_deref()),
        ("cross_site_request", Some("session"))
    );
}

#[tokio::test]
async fn a_decision_against_a_known_caller_leaves_its_whole_tree() {
    let (bench, client) = start();
    bench.grant(&["posts:read", "posts:write"], &[]);
    let (session, token) = bench.session(Some(&["posts:read"]));
    bench.pass(Duration::from_secs(10));
    let answer = client
        .call(
            http::Method::PUT,
            "/posts/7",
            &[("authorization", &bearer(&token))],
            "",
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.code()),
        (403, "insufficient_scope")
    );
    let kept = decision(&bench).await;
    assert_eq!(kept.trace.to_string(), answer.header("x-request-id"));
    assert_eq!(kept.operation, "PUT /posts/{id}");
    assert_eq!(kept.rule, "posts:write and (role(admin) or fresh-login(300))");
    assert_eq!(
        (&*kept.code, kept.credential.as_deref()),
        ("insufficient_scope", Some("session"))
    );
    assert_eq!(kept.why, "the credential's scopes leave out posts:write");
    assert_eq!((kept.account, kept.session), (Some(ACCOUNT), Some(session)));
    assert_eq!(kept.scopes, Some(vec!["posts:read".to_owned()]));
    assert_eq!(kept.authenticated_at, Some(START));
    let tree = kept.tree.unwrap();
    let told: Vec<_> = tree
        .parts
        .iter()
        .map(|part| (&*part.rule, part.holds, &*part.code))
        .collect();
    assert_eq!(
        told,
        [
            ("posts:write", false, "insufficient_scope"),
            ("role(admin) or fresh-login(300)", true, "holds")
        ]
    );
    assert!(!tree.holds);
}

#[tokio::test]
async fn what_is_no_refusal_leaves_nothing() {
    let (bench, client) = start();
    bench.grant(&["posts:read"], &[]);
    let good = bearer(&bench.token());
    for (path, header, status) in [
        ("/posts", good.as_str(), 200),
        ("/public", "Bearer rubbish", 200),
        ("/posts", "Bearer", 400),
        ("/nowhere", "Bearer rubbish", 404),
    ] {
        let answer = client.get(path, &[("authorization", header)]).await;
        assert_eq!(answer.status, status, "{path} {header}");
    }
    bench.world.down.store(true, Ordering::SeqCst);
    let header = bearer(&bench.token());
    assert_eq!(
        client.get("/posts", &[("authorization", &header)]).await.status,
        503
    );
    bench.gate.settled().await;
    assert!(bench.world.decisions.lock().unwrap().is_empty());
}

// Shows: AZ-7
#[tokio::test]
async fn a_flood_of_strangers_neither_waits_nor_takes_the_room_of_the_known() {
    checks!("T076");
    let (bench, client) = start();
    let header = bearer(&bench.token());
    let room = bench.world.audit_room.available_permits();
    bench.world.audit_room.forget_permits(room);
    for _ in 0..300 {
        assert_eq!(client.get("/posts", &[]).await.status, 401);
    }
    assert_eq!(bench.gate.denials_dropped(), 300 - 64, "the store takes nothing");
    assert_eq!(
        client.get("/posts", &[("authorization", &header)]).await.status,
        403
    );
    assert_eq!(bench.gate.denials_dropped(), 300 - 64);
    bench.world.audit_room.add_permits(10_000);
    bench.gate.settled().await;
    for _ in 0..300 {
        client.get("/posts", &[]).await;
        bench.gate.settled().await;
    }
    let kept = bench.world.decisions.lock().unwrap().len();
    assert_eq!(kept, 200 + 1, "no more than the pace, however fast the store is");
    assert_eq!(bench.world.audited.lock().unwrap().len(), 1);
}

/// Policies that are replaced while a request is under way.
#[derive(Debug)]
struct Replaced(AtomicUsize);

/// What was in force before.
#[derive(Debug)]
struct Forbidding;

macro_rules! policies {
    ($type:ty, $verdict:expr, $snapshot:expr) => {
        impl Policies for $type {
            fn snapshot(&self) -> Option<Arc<dyn Policies>> {
                $snapshot
            }
            fn decide(
                &self,
                _: &Principal,
                _: &DecisionContext<'_>,
                _: &str,
                _: Option<&ResourceFacts>,
            ) -> Verdict {
                let verdict: fn(&Self) -> Verdict = $verdict;
                verdict(self)
            }
            fn reasons(
                &self,
                who: &Principal,
                context: &DecisionContext<'_>,
                action: &str,
                on: Option<&ResourceFacts>,
            ) -> Reasons {
                Reasons {
                    verdict: self.decide(who, context, action, on),
                    permitting: Vec::new(),
                    forbidding: Vec::new(),
                    errors: Vec::new(),
                }
            }
            fn filters(
                &self,
                _: &Principal,
                _: &DecisionContext<'_>,
                _: &str,
                _: &'static ResourceKind,
            ) -> PolicyFilters {
                panic!("no test lists here")
            }
        }
    };
}

policies!(Forbidding, |_| Verdict::Forbidden, None);
policies!(
    Replaced,
    |policies| match policies.0.fetch_add(1, Ordering::SeqCst) {
        0 => Verdict::Forbidden,
        _ => Verdict::Permitted,
    },
    Some(Arc::new(Forbidding))
);

actions! {
    Export = "posts:export";
}

#[tokio::test]
async fn policies_that_are_replaced_meanwhile_never_make_a_refusal_that_holds() {
    let bench = Bench::with(|settings| settings.policies = Arc::new(Replaced(AtomicUsize::new(0))));
    let export = async |_: Allow<Policy<Export>>| {};
    let client = bench.client(Api::new("Test", "1").get("/export", export));
    let answer = client
        .get("/export", &[("authorization", &bearer(&bench.token()))])
        .await;
    assert_eq!(answer.code(), "forbidden_by_policy");
    let tree = decision(&bench).await.tree.unwrap();
    assert_eq!((tree.holds, &*tree.code), (false, "forbidden_by_policy"));
}

// Shows: AZ-7
#[tokio::test]
async fn a_handlers_refusal_leaves_its_reason_whatever_it_answers() {
    checks!("T086");
    let bench = Bench::default();
    let problem = async |_: Allow<Authenticated>| Problem::forbidden("not_today", "come back tomorrow");
    let plain = async |_: Allow<Authenticated>| http::StatusCode::FORBIDDEN;
    let visitor = async |_: OptionalAuth| http::StatusCode::UNAUTHORIZED;
    let public = async |_: Public| http::StatusCode::FORBIDDEN;
    let inner = axum::Router::new().route("/x", axum::routing::get(async || http::StatusCode::FORBIDDEN));
    let client = bench.client(
        Api::new("Test", "1")
            .get("/problem", problem)
            .get("/plain", plain)
            .get("/visitor", visitor)
            .get("/public", public)
            .mount::<Allow<Authenticated>>("/inner", inner),
    );
    let header = bearer(&bench.token());
    let plain = "the handler refused and gave no reason";
    for (path, rule, code, why) in [
        ("/problem", "authenticated", "not_today", "come back tomorrow"),
        ("/plain", "authenticated", "refused_by_handler", plain),
        ("/visitor", "public", "refused_by_handler", plain),
        ("/inner/x", "authenticated", "refused_by_handler", plain),
    ] {
        let answer = client.get(path, &[("authorization", &header)]).await;
        let kept = decision(&bench).await;
        assert_eq!(kept.trace.to_string(), answer.header("x-request-id"));
        assert_eq!(
            (&*kept.rule, &*kept.code, &*kept.why),
            (rule, code, why),
            "{path}"
        );
        assert_eq!((kept.account, kept.tree), (Some(ACCOUNT), None));
        assert_eq!(bench.world.audited.lock().unwrap().len(), 1);
        bench.world.audited.lock().unwrap().clear();
    }
    for path in ["/public", "/visitor"] {
        client.get(path, &[]).await;
    }
    bench.gate.settled().await;
    assert!(
        bench.world.decisions.lock().unwrap().is_empty(),
        "nobody was let in"
    );
}
