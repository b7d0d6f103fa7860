//! Attributes of a program's own: set by hooks and administrators, read by handlers, in tokens and in policies.

use std::collections::BTreeSet;

use portcullis_core::attribute::InvalidAttribute;
use portcullis_core::authz::Authenticated;
use portcullis_core::checks;
use portcullis_identity::{Allow, Api, Attribute, Builder, Json, OpenError, OwnClaim, Portcullis};
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{complaints, events, pairs, refresh, text};

const DEPARTMENT: Attribute<String> = Attribute::new("department").in_policies().in_tokens();
const LEVEL: Attribute<i64> = Attribute::new("level").in_policies();
const STAFF: Attribute<bool> = Attribute::new("staff").in_tokens();
const TEAMS: Attribute<BTreeSet<String>> = Attribute::new("teams").in_policies();

async fn desk(who: Allow<Authenticated>) -> Json<Vec<String>> {
    let department = who
        .attribute(DEPARTMENT)
        .unwrap_or_else(|| "reception".to_owned());
    let level = who
        .attribute(LEVEL)
        .map_or_else(|| "none".to_owned(), |level| level.to_string());
    Json(vec![department, level])
}

fn api(portcullis: &Portcullis) -> Api {
    portcullis.api().get("/desk", desk)
}

fn declared(builder: Builder) -> Builder {
    builder
        .attribute(DEPARTMENT)
        .attribute(LEVEL)
        .attribute(STAFF)
        .attribute(TEAMS)
        .on_registration("department", |new| async move {
            let sells = new
                .account
                .email
                .as_deref()
                .is_some_and(|email| email.starts_with("sales"));
            match sells {
                true => new.set([DEPARTMENT.set("sales"), LEVEL.set(1)]).await,
                false => Ok(()),
            }
        })
}

async fn app() -> TestApp {
    TestApp::with(declared, api).await
}

async fn at_desk(app: &TestApp, bearer: &str) -> Value {
    app.get("/desk").bearer(bearer).send().await.expect(200).json()
}

/// The claims of a token; its signature is others' to check.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

// Shows: AZ-4
#[tokio::test]
async fn what_a_hook_sets_is_what_handlers_read_and_tokens_carry() {
    let app = app().await;
    let (sally, anna) = (
        app.user("sales-1@example.com").await,
        app.user("anna@example.com").await,
    );
    assert_eq!(at_desk(&app, &sally.access_token).await, json!(["sales", "1"]));
    assert_eq!(
        at_desk(&app, &anna.access_token).await,
        json!(["reception", "none"])
    );
    let said = claims(&sally.access_token);
    assert_eq!(said["department"], "sales");
    // What isn't asked to be in tokens isn't, and what an account doesn't have neither.
    assert!(
        said.get("level").is_none() && said.get("staff").is_none(),
        "{said}"
    );
    assert!(claims(&anna.access_token).get("department").is_none());
    // A narrowed one says it, too: it is what somebody is, not what they may.
    let narrowed =
        json!({ "identifier": "sales-1@example.com", "password": PASSWORD, "scope": "portcullis:none" });
    app.post("/auth/login")
        .json(&narrowed)
        .send()
        .await
        .refused(400, "invalid_scope");
}

// Shows: AZ-4
#[tokio::test]
async fn administrators_set_attributes_and_what_was_cached_moves_at_once() {
    let app = app().await;
    let admin = app.administrator("admin@example.com").await;
    let anna = app.user("anna@example.com").await;
    let path = format!("/admin/api/v1/accounts/{}/attributes", anna.id);
    assert_eq!(
        at_desk(&app, &anna.access_token).await,
        json!(["reception", "none"])
    );
    let form = json!({ "department": "legal", "level": 3, "staff": true, "teams": ["red", "blue", "red"] });
    let set = app
        .patch(&path)
        .bearer(&admin.access_token)
        .json(&form)
        .send()
        .await;
    set.expect(204);
    assert_eq!(at_desk(&app, &anna.access_token).await, json!(["legal", "3"]));
    let shown = app
        .get(&path)
        .bearer(&admin.access_token)
        .send()
        .await
        .expect(200)
        .json();
    let all = json!({ "department": "legal", "level": 3, "staff": true, "teams": ["blue", "red"] });
    assert_eq!(shown, all);
    let event = &events(&app, "account.attributes_set").await[0];
    assert_eq!(event.detail.as_deref(), Some("department, level, staff, teams"));
    assert_eq!(event.actor, admin.id.to_string());
    // Tokens say it from the next one on.
    assert!(claims(&anna.access_token).get("department").is_none());
    let next = refresh(&app, &anna.refresh_token).await.expect(200).json();
    let said = claims(&text(&next, "access_token"));
    assert_eq!(
        (&said["department"], &said["staff"]),
        (&json!("legal"), &json!(true))
    );
    let clear = json!({ "department": null });
    app.patch(&path)
        .bearer(&admin.access_token)
        .json(&clear)
        .send()
        .await
        .expect(204);
    assert_eq!(at_desk(&app, &anna.access_token).await, json!(["reception", "3"]));
    let nobody = "/admin/api/v1/accounts/01890000-0000-7000-8000-000000000000/attributes";
    app.get(nobody)
        .bearer(&admin.access_token)
        .send()
        .await
        .refused(404, "not_found");
    let missing = app
        .patch(nobody)
        .bearer(&admin.access_token)
        .json(&clear)
        .send()
        .await;
    missing.refused(404, "not_found");
}

// Shows: TK-2
#[tokio::test]
async fn tokens_carry_claims_of_ones_own_and_live_as_long_as_their_application_says() {
    const BLOG: &str = "https://blog.example.com";
    const SHOP: &str = "https://shop.example.com";
    let settings = |builder: Builder| {
        declared(builder)
            .resource(BLOG)
            .resource_living(SHOP, std::time::Duration::from_secs(60))
            .claim(OwnClaim::new("tier", |whose| {
                whose.attributes.get(LEVEL).map(|level| json!(level * 10))
            }))
            .claim(OwnClaim::new("cart", |whose| Some(json!({ "of": whose.audience }))).only_for(SHOP))
            .claim(OwnClaim::new("odd", |_| panic!("a bug of the program")))
    };
    let app = TestApp::with(settings, api).await;
    for name in ["sales-1@example.com", "anna@example.com"] {
        let form = json!({ "email": name, "password": PASSWORD });
        app.post("/auth/register").json(&form).send().await.expect(201);
    }
    let said = async |name: &str, resource: Option<&str>| {
        let mut form = json!({ "identifier": name, "password": PASSWORD });
        if let Some(resource) = resource {
            form["resource"] = json!(resource);
        }
        let answer = app
            .post("/auth/login")
            .json(&form)
            .send()
            .await
            .expect(200)
            .json();
        (
            claims(&text(&answer, "access_token")),
            answer["expires_in"].clone(),
        )
    };
    let (own, lives) = said("sales-1@example.com", None).await;
    assert_eq!((&own["tier"], &lives), (&json!(10), &json!(900)));
    assert!(own.get("cart").is_none() && own.get("odd").is_none(), "{own}");
    let (shop, lives) = said("sales-1@example.com", Some(SHOP)).await;
    assert_eq!((&shop["tier"], &lives), (&json!(10), &json!(60)));
    assert_eq!(shop["cart"], json!({ "of": SHOP }));
    let (blog, lives) = said("anna@example.com", Some(BLOG)).await;
    assert_eq!(lives, json!(900));
    assert!(blog.get("cart").is_none() && blog.get("tier").is_none(), "{blog}");
}

#[tokio::test]
async fn claims_and_lifetimes_that_can_not_be_are_refused_at_the_start() {
    checks!("T231");
    let open = async |builder: Builder| builder.database("sqlite::memory:").open().await;
    let subject = Portcullis::builder().claim(OwnClaim::new("sub", |_| None));
    assert!(matches!(open(subject).await, Err(OpenError::Claim(_))));
    let twice = declared(Portcullis::builder()).claim(OwnClaim::new("department", |_| None));
    assert!(matches!(open(twice).await, Err(OpenError::Claim(_))));
    for seconds in [0, 9, 86_401] {
        let life = std::time::Duration::from_secs(seconds);
        let builder = Portcullis::builder().resource_living("https://a.example.com", life);
        assert!(
            matches!(open(builder).await, Err(OpenError::Resource(_))),
            "{seconds}"
        );
    }
}

#[tokio::test]
async fn changes_that_can_not_be_name_every_field_and_change_nothing() {
    let app = app().await;
    let admin = app.administrator("admin@example.com").await;
    let anna = app.user("anna@example.com").await;
    let path = format!("/admin/api/v1/accounts/{}/attributes", anna.id);
    let form = json!({
        "level": 3, "department": 7, "staff": "yes", "teams": ["x".repeat(300)], "sub": "somebody else",
    });
    let answer = app
        .patch(&path)
        .bearer(&admin.access_token)
        .json(&form)
        .send()
        .await;
    let answer = answer.refused(422, "invalid_fields");
    let expected = [
        ("", "unknown_attribute"),
        ("/department", "wrong_type"),
        ("/staff", "wrong_type"),
        ("/teams", "invalid_attribute"),
    ];
    assert_eq!(complaints(&answer), pairs(&expected));
    assert!(!answer.text().contains("somebody else"));
    let shown = app
        .get(&path)
        .bearer(&admin.access_token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(shown, json!({}));
}

#[tokio::test]
async fn attributes_are_for_those_who_may_give() {
    checks!("T229");
    let app = app().await;
    let helpdesk = app
        .user_with(
            "help@example.com",
            &["portcullis:accounts:read", "portcullis:accounts:write"],
        )
        .await;
    let path = format!("/admin/api/v1/accounts/{}/attributes", helpdesk.id);
    let form = json!({ "department": "board" });
    let refused = app
        .patch(&path)
        .bearer(&helpdesk.access_token)
        .json(&form)
        .send()
        .await;
    assert_eq!(refused.status(), 403);
    app.get(&path)
        .bearer(&helpdesk.access_token)
        .send()
        .await
        .expect(200);
    // Not for who gives, but has less than the account.
    let admin = app.administrator("admin@example.com").await;
    let giver = app
        .user_with("giver@example.com", &["portcullis:roles:write"])
        .await;
    let path = format!("/admin/api/v1/accounts/{}/attributes", admin.id);
    let refused = app
        .patch(&path)
        .bearer(&giver.access_token)
        .json(&form)
        .send()
        .await;
    refused.refused(403, "beyond_your_permissions");
    app.get(&path)
        .bearer(&giver.access_token)
        .send()
        .await
        .refused(403, "missing_permission");
}

#[tokio::test]
async fn attributes_that_can_not_be_declared_are_refused_at_the_start() {
    checks!("T228");
    const SUBJECT: Attribute<String> = Attribute::new("sub");
    const OTHER_LEVEL: Attribute<bool> = Attribute::new("level");
    let open = async |builder: Builder| builder.database("sqlite::memory:").open().await;
    for (wrong, expected) in [
        (
            Portcullis::builder().attribute(SUBJECT),
            InvalidAttribute::Reserved("sub"),
        ),
        (
            Portcullis::builder().attribute(LEVEL).attribute(OTHER_LEVEL),
            InvalidAttribute::Twice("level"),
        ),
    ] {
        match open(wrong).await {
            Err(OpenError::Attribute(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_attribute_that_nobody_declared_is_a_fault_of_the_program() {
    let undeclared = |builder: Builder| {
        builder.on_registration(
            "odd",
            |new| async move { new.set([DEPARTMENT.set("sales")]).await },
        )
    };
    let app = TestApp::with(undeclared, api).await;
    let form = json!({ "email": "anna@example.com", "password": PASSWORD });
    app.post("/auth/register")
        .json(&form)
        .send()
        .await
        .refused(500, "internal");
}

#[tokio::test]
async fn where_no_attributes_are_declared_there_are_no_routes_for_them() {
    let app = TestApp::with(|builder| builder, api).await;
    let admin = app.administrator("admin@example.com").await;
    let path = format!("/admin/api/v1/accounts/{}/attributes", admin.id);
    app.get(&path)
        .bearer(&admin.access_token)
        .send()
        .await
        .refused(404, "not_found");
}

#[cfg(feature = "policies")]
mod policies {
    use portcullis_identity::{Policy, actions};

    use super::*;

    actions! { SeeFigures = "figures:see"; }

    async fn figures(_: Allow<Policy<SeeFigures>>) -> &'static str {
        "42"
    }

    const RULES: &str = r#"
@id("sales-from-level-2")
permit (principal, action == Action::"figures:see", resource)
when { principal has department && principal.department == "sales" && principal has level && principal.level >= 2 };

@id("not-the-red-team")
forbid (principal, action, resource)
when { principal has teams && principal.teams.contains("red") };
"#;

    // Shows: AZ-4
    #[tokio::test]
    async fn policies_decide_by_attributes_and_by_the_next_ones_at_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.cedar"), RULES).unwrap();
        let app = TestApp::with(
            |builder| declared(builder).policies(folder.path()),
            |portcullis| api(portcullis).get("/figures", figures),
        )
        .await;
        let admin = app.administrator("admin@example.com").await;
        let sally = app.user("sales-1@example.com").await;
        let see = async || {
            app.get("/figures")
                .bearer(&sally.access_token)
                .send()
                .await
                .status()
        };
        let path = format!("/admin/api/v1/accounts/{}/attributes", sally.id);
        for (form, expected) in [
            (json!({}), 403),
            (json!({ "level": 2 }), 200),
            (json!({ "teams": ["red"] }), 403),
            (json!({ "teams": ["blue"] }), 200),
            (json!({ "department": null }), 403),
        ] {
            app.patch(&path)
                .bearer(&admin.access_token)
                .json(&form)
                .send()
                .await
                .expect(204);
            // Asked twice: the second is what was remembered.
            assert_eq!((see().await, see().await), (expected, expected), "{form}");
        }
        let schema = app.portcullis.policy_schema(&api(&app.portcullis)).unwrap();
        assert!(
            schema.contains("  department?: String,\n  level?: Long,\n  teams?: Set<String>,\n};"),
            "{schema}"
        );
        let again = portcullis_core::authz::policy::Schema::read(&schema).unwrap();
        assert_eq!(again.text(), schema);
    }

    #[tokio::test]
    async fn policies_may_name_what_is_declared_for_them_alone() {
        for wrong in ["staff", "nothing", "level == \"high\" && principal.level"] {
            let folder = tempfile::tempdir().unwrap();
            let rule = format!(
                "permit (principal, action, resource) when {{ principal has level && principal.{wrong} }};"
            );
            std::fs::write(folder.path().join("a.cedar"), rule).unwrap();
            let builder = declared(Portcullis::builder())
                .database("sqlite::memory:")
                .master_key(
                    portcullis_core::key::MasterKey::parse("a = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
                        .unwrap(),
                )
                .policies(folder.path());
            let portcullis = builder.open().await.unwrap();
            let api = api(&portcullis).get("/figures", figures);
            assert!(portcullis.declare_actions(&api).await.is_err(), "{wrong}");
        }
    }
}
