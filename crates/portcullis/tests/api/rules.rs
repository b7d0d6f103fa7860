//! Every shape of rule against every kind of caller, through the real router.

use std::time::Duration;

use http::{Method, StatusCode};
use portcullis::core::account::AccountState;
use portcullis::core::checks;
use portcullis::core::session::Token;
use portcullis::{
    Allow, Any, Api, AuditContext, Authenticated, FreshLogin, Json, Jwt, OptionalAuth, Public, Role, Session,
    Via, permissions, roles,
};

use crate::support::{ACCOUNT, Bench, Client, START, bearer, cookie};

permissions! {
    pub PostsRead = "posts:read": "Read posts";
    pub PostsWrite = "posts:write": "Create and change posts";
}
roles! {
    pub Admin = "admin";
    pub Auditor = "auditor";
}

async fn known(who: Allow<Authenticated>) -> String {
    who.id().to_string()
}
async fn read(_: Allow<PostsRead>) {}
async fn both(_: Allow<(PostsRead, PostsWrite)>) {}
async fn either(_: Allow<Any<(PostsRead, PostsWrite)>>) {}
async fn admin(_: Allow<Role<Admin>>) {}
async fn fresh(_: Allow<FreshLogin<300>>) {}
async fn mixed(_: Allow<(PostsRead, Any<(Role<Admin>, Role<Auditor>)>)>) {}
async fn jwt_only(_: Allow<Authenticated, Via<Jwt>>) {}
async fn session_only(_: Allow<Authenticated, Via<Session>>) {}
async fn any_kind(_: Allow<Authenticated, Via<(Jwt, Session)>>) {}
async fn public(_: Public) {}
async fn visitor(who: OptionalAuth) -> &'static str {
    who.principal().map_or("nobody", |_| "somebody")
}
async fn change(_: Allow<Authenticated>) {}
async fn around(_: Allow<Authenticated>, around: AuditContext) -> Json<[String; 4]> {
    let context = around.0;
    let show = |text: Option<String>| text.unwrap_or_default();
    Json([
        format!("{:?}", context.actor),
        show(context.ip.map(|ip| ip.to_string())),
        show(context.user_agent),
        context.at.to_string(),
    ])
}

fn api() -> Api {
    Api::new("Test", "1")
        .get("/known", known)
        .get("/read", read)
        .get("/both", both)
        .get("/either", either)
        .get("/admin", admin)
        .get("/fresh", fresh)
        .get("/mixed", mixed)
        .get("/jwt-only", jwt_only)
        .get("/session-only", session_only)
        .get("/any-kind", any_kind)
        .get("/public", public)
        .get("/visitor", visitor)
        .post("/change", change)
        .get("/around", around)
}

fn start() -> (Bench, Client) {
    let bench = Bench::with(|settings| settings.origin = Some("https://app.example".parse().unwrap()));
    let client = bench.client(api());
    (bench, client)
}

/// All routes that ask for a caller.
const GUARDED: [&str; 10] = [
    "/known",
    "/read",
    "/both",
    "/either",
    "/admin",
    "/fresh",
    "/mixed",
    "/jwt-only",
    "/session-only",
    "/around",
];

#[tokio::test]
async fn without_a_credential_every_rule_answers_401_and_asks_for_one() {
    checks!("T017");
    let (_bench, client) = start();
    for path in GUARDED {
        let answer = client.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.code(), "authentication_required", "{path}");
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer realm=\"portcullis\"",
            "{path}"
        );
    }
    for path in ["/public", "/visitor"] {
        assert_eq!(client.get(path, &[]).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn what_has_no_form_of_a_credential_is_refused() {
    let (bench, client) = start();
    bench.grant(&["posts:read", "posts:write"], &["admin"]);
    let token = bench.token();
    let jwt = bench.jwt(None);
    let (unsigned, _) = jwt.rsplit_once('.').unwrap();
    let endless = format!("{}.b.c", "a".repeat(20_000));
    let table: [(&str, String, u16, &str); 17] = [
        ("authorization", "Bearer".into(), 400, "invalid_request"),
        ("authorization", "Bearer ".into(), 400, "invalid_request"),
        ("authorization", "".into(), 400, "invalid_request"),
        (
            "authorization",
            format!("Bearer  {token}"),
            400,
            "invalid_request",
        ),
        (
            "authorization",
            format!("Bearer {token}, {token}"),
            400,
            "invalid_request",
        ),
        (
            "authorization",
            format!("Bearer \"{token}\""),
            400,
            "invalid_request",
        ),
        ("authorization", "Bearer a b".into(), 400, "invalid_request"),
        ("authorization", "Bearer garbage".into(), 401, "invalid_token"),
        ("authorization", "Bearer a.b.c".into(), 401, "invalid_token"),
        (
            "authorization",
            format!("Bearer {unsigned}."),
            401,
            "invalid_token",
        ),
        ("authorization", format!("Bearer {endless}"), 401, "invalid_token"),
        ("authorization", format!("Bearer {token}A"), 401, "invalid_token"),
        (
            "authorization",
            token.replace("pcs_", "Bearer pcr_"),
            401,
            "invalid_token",
        ),
        (
            "authorization",
            "Basic YWRhOnNlY3JldA==".into(),
            401,
            "credential_not_accepted",
        ),
        ("x-session-token", jwt.clone(), 401, "invalid_token"),
        ("x-session-token", format!("Bearer {token}"), 401, "invalid_token"),
        ("cookie", cookie("\"x\""), 401, "invalid_token"),
    ];
    for (name, value, status, code) in &table {
        for path in ["/known", "/visitor"] {
            let answer = client.get(path, &[(name, value)]).await;
            assert_eq!(answer.status.as_u16(), *status, "{path} {name}: {value}");
            assert_eq!(answer.code(), *code, "{path} {name}: {value}");
            assert!(
                answer.header("www-authenticate").contains("error="),
                "{path} {name}: {value}"
            );
        }
    }
}

// Shows: TK-2
#[tokio::test]
async fn whatever_is_wrong_with_a_credential_the_answer_is_the_same() {
    checks!("T033");
    let (bench, client) = start();
    let (ended, ended_token) = bench.session(None);
    bench.end(ended);
    let (_, idle_token) = bench.session(None);
    assert_eq!(
        client
            .get("/known", &[("authorization", &bearer(&idle_token))])
            .await
            .status,
        200
    );
    bench.pass(Duration::from_secs(1_800));
    let unknown = Token::mint(&bench.environment).expose().to_string();
    let expired_jwt = {
        let jwt = bench.jwt(None);
        bench.pass(Duration::from_secs(15 * 60 + 30));
        jwt
    };
    let live = bench.token();
    bench.set_state(AccountState::Disabled);
    let mut answers = Vec::new();
    for token in [&ended_token, &idle_token, &unknown, &expired_jwt, &live] {
        let answer = client.get("/known", &[("authorization", &bearer(token))]).await;
        answers.push((
            answer.status,
            answer.problem(),
            answer.header("www-authenticate").to_owned(),
        ));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0].1["code"], "invalid_token");
    assert_eq!(
        answers[0].2,
        "Bearer realm=\"portcullis\", error=\"invalid_token\""
    );
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

// Shows: SE-1
#[tokio::test]
async fn a_session_is_honoured_until_the_second_it_times_out() {
    let (bench, client) = start();
    let token = bench.token();
    let header = bearer(&token);
    bench.pass(Duration::from_secs(1_799));
    assert_eq!(
        client.get("/known", &[("authorization", &header)]).await.status,
        200
    );
    bench.pass(Duration::from_secs(1_799));
    assert_eq!(
        client.get("/known", &[("authorization", &header)]).await.status,
        200
    );
    bench.pass(Duration::from_secs(1_800));
    assert_eq!(
        client.get("/known", &[("authorization", &header)]).await.status,
        401
    );
}

#[tokio::test]
async fn an_access_token_is_honoured_until_the_second_it_expires() {
    let (bench, client) = start();
    let header = bearer(&bench.jwt(None));
    bench.pass(Duration::from_secs(15 * 60 + 29));
    assert_eq!(
        client.get("/known", &[("authorization", &header)]).await.status,
        200
    );
    bench.pass(Duration::from_secs(1));
    assert_eq!(
        client.get("/known", &[("authorization", &header)]).await.status,
        401
    );
}

// Shows: PW-9
#[tokio::test]
async fn a_disabled_account_is_refused_at_once_and_an_enabled_one_let_in_again() {
    checks!("T016");
    let (bench, client) = start();
    let headers = [bearer(&bench.token()), bearer(&bench.jwt(None))];
    for (state, status) in [
        (AccountState::Active, 200),
        (AccountState::Disabled, 401),
        (AccountState::Locked, 401),
        (AccountState::Unverified, 200),
    ] {
        bench.set_state(state);
        for header in &headers {
            let answer = client.get("/known", &[("authorization", header)]).await;
            assert_eq!(answer.status.as_u16(), status, "{state:?}");
        }
    }
}

// Shows: AZ-2
#[tokio::test]
async fn and_or_and_roles_are_decided_as_written() {
    let (bench, client) = start();
    let header = bearer(&bench.token());
    let (r, w) = ("posts:read", "posts:write");
    #[rustfmt::skip]
    let table: [(&[&str], &[&str], [u16; 5]); 8] = [
        // permissions, roles                /read /both /either /admin /mixed
        (&[],           &[],                 [403, 403, 403, 403, 403]),
        (&[r],          &[],                 [200, 403, 200, 403, 403]),
        (&[w],          &[],                 [403, 403, 200, 403, 403]),
        (&[r, w],       &[],                 [200, 200, 200, 403, 403]),
        (&[],           &["admin"],          [403, 403, 403, 200, 403]),
        (&[r],          &["admin"],          [200, 403, 200, 200, 200]),
        (&[r],          &["auditor"],        [200, 403, 200, 403, 200]),
        (&[w],          &["admin"],          [403, 403, 200, 200, 403]),
    ];
    for (permissions, roles, expected) in table {
        bench.grant(permissions, roles);
        for (path, status) in ["/read", "/both", "/either", "/admin", "/mixed"]
            .iter()
            .zip(expected)
        {
            let answer = client.get(path, &[("authorization", &header)]).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{path} with {permissions:?} {roles:?}"
            );
        }
    }
}

// Shows: AZ-2
#[tokio::test]
async fn a_refusal_names_what_is_missing() {
    let (bench, client) = start();
    let header = bearer(&bench.token());
    for (path, code, detail, challenge) in [
        (
            "/read",
            "missing_permission",
            "the account needs the permission posts:read",
            "Bearer realm=\"portcullis\", error=\"insufficient_scope\", scope=\"posts:read\"",
        ),
        (
            "/admin",
            "missing_role",
            "this needs role(admin)",
            "Bearer realm=\"portcullis\", error=\"insufficient_scope\"",
        ),
        (
            "/either",
            "no_alternative",
            "this needs posts:read or posts:write",
            "Bearer realm=\"portcullis\", error=\"insufficient_scope\"",
        ),
    ] {
        let answer = client.get(path, &[("authorization", &header)]).await;
        let problem = answer.problem();
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(
            (&problem["code"], &problem["detail"]),
            (&code.into(), &detail.into()),
            "{path}"
        );
        assert_eq!(answer.header("www-authenticate"), challenge, "{path}");
    }
}

// Shows: AZ-3
#[tokio::test]
async fn scopes_narrow_and_never_widen() {
    checks!("T024");
    let (bench, client) = start();
    bench.grant(&["posts:read"], &["admin"]);
    for token in [
        bench.jwt(Some(&["posts:write"])),
        bench.session(Some(&["posts:write"])).1,
    ] {
        let header = bearer(&token);
        let narrowed = client.get("/read", &[("authorization", &header)]).await;
        assert_eq!(
            (narrowed.status.as_u16(), narrowed.code().as_str()),
            (403, "insufficient_scope")
        );
        let widened = client.get("/both", &[("authorization", &header)]).await;
        assert_eq!(widened.status, 403);
        let role = client.get("/admin", &[("authorization", &header)]).await;
        assert_eq!(
            role.code(),
            "missing_role",
            "a narrowed credential carries no roles"
        );
    }
    let header = bearer(&bench.jwt(Some(&["posts:read"])));
    assert_eq!(
        client.get("/read", &[("authorization", &header)]).await.status,
        200
    );
}

// Shows: AZ-8
#[tokio::test]
async fn a_login_is_fresh_until_the_second_it_is_stale() {
    let (bench, client) = start();
    for mint in [Bench::token, |bench: &Bench| bench.jwt(None)] {
        let header = bearer(&mint(&bench));
        let login = bench.environment.now();
        bench.pass(Duration::from_secs(299));
        assert_eq!(
            client.get("/fresh", &[("authorization", &header)]).await.status,
            200
        );
        bench.pass(Duration::from_secs(1));
        let answer = client.get("/fresh", &[("authorization", &header)]).await;
        assert_eq!(bench.environment.now().since(login), Duration::from_secs(300));
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (401, "login_too_old")
        );
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer realm=\"portcullis\", error=\"insufficient_user_authentication\", max_age=\"300\""
        );
    }
}

#[tokio::test]
async fn a_kind_that_the_route_does_not_accept_is_refused_and_the_accepted_ones_named() {
    let (bench, client) = start();
    let (session, jwt) = (bearer(&bench.token()), bearer(&bench.jwt(None)));
    for (path, header, status) in [
        ("/jwt-only", &session, 401),
        ("/jwt-only", &jwt, 200),
        ("/session-only", &session, 200),
        ("/session-only", &jwt, 401),
        ("/any-kind", &session, 200),
        ("/any-kind", &jwt, 200),
    ] {
        let answer = client.get(path, &[("authorization", header)]).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        if status == 401 {
            assert_eq!(answer.code(), "credential_not_accepted");
            let accepted = path.trim_start_matches('/').trim_end_matches("-only");
            assert!(
                answer.json()["detail"]
                    .as_str()
                    .unwrap()
                    .ends_with(&format!("only: {accepted}"))
            );
        }
    }
}

// Shows: SE-3
#[tokio::test]
async fn a_session_token_is_taken_from_bearer_header_and_cookie() {
    let (bench, client) = start();
    let token = bench.token();
    for (name, value) in [
        ("authorization", bearer(&token)),
        ("authorization", format!("bearer {token}")),
        ("x-session-token", token.clone()),
        ("cookie", cookie(&token)),
        ("cookie", format!("theme=dark; {}; lang=en", cookie(&token))),
    ] {
        let answer = client.get("/known", &[(name, &value)]).await;
        assert_eq!(answer.text, ACCOUNT.to_string(), "{name}: {value}");
    }
    for value in [
        format!("portcullis={token}"),
        format!("x__Host-portcullis={token}"),
        format!("__Host-portcullis2={token}"),
        format!("__host-portcullis={token}"),
    ] {
        let answer = client.get("/known", &[("cookie", &value)]).await;
        assert_eq!(
            answer.code(),
            "authentication_required",
            "another cookie: {value}"
        );
    }
}

#[tokio::test]
async fn two_credentials_at_once_are_refused() {
    checks!("T019");
    let (bench, client) = start();
    let (one, two) = (bench.token(), bench.token());
    let (jwt, good) = (bearer(&bench.jwt(None)), bearer(&one));
    let (cookie_one, cookie_two) = (cookie(&one), cookie(&two));
    let pair = format!("{cookie_one}; {cookie_two}");
    let same = format!("{cookie_one}; {cookie_one}");
    let table: [&[(&str, &str)]; 10] = [
        &[("authorization", &good), ("authorization", &jwt)],
        &[("authorization", &good), ("authorization", &good)],
        &[("authorization", &good), ("authorization", "Basic YTpi")],
        &[("authorization", "Basic YTpi"), ("cookie", &cookie_one)],
        &[("authorization", &jwt), ("cookie", &cookie_one)],
        &[("authorization", &jwt), ("x-session-token", &one)],
        &[("x-session-token", &one), ("x-session-token", &two)],
        &[("x-session-token", &one), ("cookie", &cookie_one)],
        &[("cookie", &cookie_one), ("cookie", &cookie_two)],
        &[("authorization", "Bearer garbage"), ("cookie", &cookie_one)],
    ];
    for headers in table {
        let answer = client.get("/known", headers).await;
        assert_eq!(answer.status, 400, "{headers:?}");
        assert_eq!(answer.code(), "multiple_credentials", "{headers:?}");
    }
    for value in [&pair, &same] {
        assert_eq!(
            client.get("/known", &[("cookie", value)]).await.code(),
            "multiple_credentials"
        );
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_not_looked_at() {
    let (bench, client) = start();
    for token in [bench.token(), bench.jwt(None)] {
        for name in ["access_token", "token", "session"] {
            let answer = client.get(&format!("/known?{name}={token}"), &[]).await;
            assert_eq!(answer.code(), "authentication_required");
        }
    }
}

// Shows: WP-4
#[tokio::test]
async fn a_cookie_changes_nothing_when_another_site_sends_it() {
    checks!("T023");
    let (bench, client) = start();
    let token = bench.token();
    let (cookie, csrf) = (cookie(&token), bench.csrf(&token));
    let site = "sec-fetch-site";
    let table: [(&[(&str, &str)], u16); 16] = [
        (&[], 403),
        (&[(site, "same-origin")], 200),
        (&[(site, "none")], 200),
        (&[(site, "same-site")], 403),
        (&[(site, "cross-site")], 403),
        (&[(site, "")], 403),
        (&[(site, "same-origin"), (site, "cross-site")], 403),
        (&[(site, "cross-site"), ("origin", "https://app.example")], 403),
        (&[(site, "same-origin"), ("origin", "https://evil.example")], 200),
        (&[("origin", "https://app.example")], 200),
        (&[("origin", "https://app.example:443")], 200),
        (&[("origin", "http://app.example")], 403),
        (&[("origin", "https://app.example:8443")], 403),
        (&[("origin", "https://app.example.evil.example")], 403),
        (&[("origin", "null")], 403),
        (
            &[
                ("origin", "https://app.example"),
                ("origin", "https://evil.example"),
            ],
            403,
        ),
    ];
    for (extra, status) in table {
        let mut headers = vec![("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
        headers.extend_from_slice(extra);
        let answer = client.call(Method::POST, "/change", &headers, "").await;
        assert_eq!(answer.status.as_u16(), status, "{extra:?}");
        if status == 403 {
            assert_eq!(answer.code(), "cross_site_request");
        }
    }
    // Reading is safe, and a token in a header is put there by a script of the site itself.
    assert_eq!(
        client
            .get("/known", &[("cookie", &cookie), (site, "cross-site")])
            .await
            .status,
        200
    );
    let header = bearer(&bench.token());
    let answer = client
        .call(
            Method::POST,
            "/change",
            &[("authorization", &header), (site, "cross-site")],
            "",
        )
        .await;
    assert_eq!(answer.status, 200);
}

// Shows: WP-4
#[tokio::test]
async fn without_a_public_origin_no_origin_header_is_good_enough() {
    let bench = Bench::default();
    let client = bench.client(api());
    let token = bench.token();
    let (cookie, csrf) = (cookie(&token), bench.csrf(&token));
    for origin in ["null", "https://app.example", "http://localhost", ""] {
        let headers = [
            ("cookie", cookie.as_str()),
            ("x-csrf-token", csrf.as_str()),
            ("origin", origin),
        ];
        assert_eq!(
            client.call(Method::POST, "/change", &headers, "").await.status,
            403,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_database_that_fails_lets_nobody_in_and_says_nothing() {
    checks!("T037");
    let (bench, client) = start();
    bench.grant(&["posts:read"], &[]);
    let header = bearer(&bench.token());
    let warm = bearer(&bench.token());
    assert_eq!(client.get("/read", &[("authorization", &warm)]).await.status, 200);
    bench.world.down.store(true, std::sync::atomic::Ordering::Relaxed);
    for path in ["/known", "/read", "/visitor"] {
        let answer = client.get(path, &[("authorization", &header)]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("retry-after")),
            (503, "1"),
            "{path}"
        );
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    // What is remembered needs no database.
    assert_eq!(client.get("/read", &[("authorization", &warm)]).await.status, 200);
}

#[tokio::test]
async fn a_visitor_is_known_or_nobody_but_never_wrongly_somebody() {
    let (bench, client) = start();
    assert_eq!(client.get("/visitor", &[]).await.text, "nobody");
    let (id, token) = bench.session(None);
    let header = bearer(&token);
    assert_eq!(
        client.get("/visitor", &[("authorization", &header)]).await.text,
        "somebody"
    );
    bench.end(id);
    assert_eq!(
        client.get("/visitor", &[("authorization", &header)]).await.status,
        401
    );
}

#[tokio::test]
async fn a_denial_is_audited_with_its_rule_and_a_good_call_is_not() {
    let (bench, client) = start();
    let (session, token) = bench.session(None);
    let header = bearer(&token);
    client.get("/known", &[("authorization", &header)]).await;
    let answer = client
        .get("/mixed", &[("authorization", &header), ("user-agent", "curl")])
        .await;
    bench.gate.settled().await;
    let audited = bench.world.audited.lock().unwrap();
    let [(refusal, by)] = audited.as_slice() else {
        panic!("{audited:?}")
    };
    assert_eq!(refusal.action.as_str(), "access.denied");
    assert_eq!(refusal.account, Some(ACCOUNT));
    assert_eq!(refusal.session, Some(session));
    assert_eq!(
        refusal.detail,
        "posts:read and (role(admin) or role(auditor)): missing_permission"
    );
    assert_eq!(by.at, START);
    assert_eq!(by.ip, Some([192, 0, 2, 7].into()));
    assert_eq!(by.user_agent.as_deref(), Some("curl"));
    assert_eq!(by.trace.unwrap().to_string(), answer.header("x-request-id"));
}

#[tokio::test]
async fn a_flood_of_denials_is_bounded_counted_and_never_waits() {
    let (bench, client) = start();
    let header = bearer(&bench.token());
    // The store takes nothing now.
    let room = bench.world.audit_room.available_permits();
    bench.world.audit_room.forget_permits(room);
    for _ in 0..300 {
        assert_eq!(
            client.get("/read", &[("authorization", &header)]).await.status,
            403
        );
    }
    // One account has a pace of its own, below what may wait in all.
    assert_eq!(bench.gate.denials_dropped(), 300 - 100);
    bench.world.audit_room.add_permits(300);
    bench.gate.settled().await;
    assert_eq!(bench.world.audited.lock().unwrap().len(), 100);
}

#[tokio::test]
async fn circumstances_tell_who_when_from_where_and_with_what() {
    let (bench, client) = start();
    let header = bearer(&bench.token());
    let agent = format!("a\t{}", "x".repeat(400));
    let forged = [
        ("authorization", header.as_str()),
        ("user-agent", &agent),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
    ];
    let answer = client.get("/around", &forged).await;
    let [actor, ip, user_agent, at]: [String; 4] = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(actor, format!("Account({ACCOUNT})"));
    assert_eq!(ip, "192.0.2.7");
    assert_eq!(user_agent.chars().count(), 256);
    assert!(
        user_agent.starts_with("a\u{fffd}x"),
        "no control characters: {user_agent}"
    );
    assert_eq!(at, START.to_string());
}

#[tokio::test]
async fn a_guarded_handler_without_a_gate_lets_nobody_in() {
    let bench = Bench::default();
    let naked = axum::Router::new().route("/", axum::routing::get(known));
    let header = bearer(&bench.token());
    let answer = Client(naked).get("/", &[("authorization", &header)]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (500, "internal")
    );
}

/// What proxies, gateways and frameworks tell each other means nothing here: only a credential lets somebody in.
#[tokio::test]
async fn headers_that_speak_of_somebody_let_nobody_in() {
    checks!("T017");
    let (bench, client) = start();
    bench.grant(&["posts:read", "posts:write"], &["admin"]);
    let account = ACCOUNT.to_string();
    for name in [
        "x-middleware-subrequest",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-uri",
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-groups",
        "x-forwarded-access-token",
        "x-auth-request-user",
        "x-remote-user",
        "remote-user",
        "x-user",
        "x-user-id",
        "x-account-id",
        "x-authenticated",
        "x-internal",
        "x_forwarded_user",
        "x-http-method-override",
        "x-client-cert",
        "x-ssl-client-verify",
        "via",
    ] {
        for value in [
            account.as_str(),
            "middleware:middleware",
            "/public",
            "admin",
            "SUCCESS",
            "1",
        ] {
            for path in GUARDED {
                let answer = client.get(path, &[(name, value)]).await;
                assert_eq!(answer.code(), "authentication_required", "{path} {name}: {value}");
            }
        }
    }
}
