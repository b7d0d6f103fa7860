//! Policies from a folder, through the real router.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use http::Method;
use portcullis_core::authz::resource::{FieldKind, ResourceField, Tenancy};
use portcullis_core::authz::{Permit, ResourceKind};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_identity::{Allow, Api, ApiError, PoliciesError, Policy, Portcullis, Public, actions};
use portcullis_testkit::{Account, Request, TestApp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixtures::log_in_with;
use crate::slow_body::begin_with;

actions! {
    ExportReports = "reports:export";
    ReadReports = "reports:read";
}

static POST: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Anywhere,
    fields: &[ResourceField {
        name: "draft",
        kind: FieldKind::Bool,
        optional: false,
    }],
    actions: &["posts:edit"],
};

async fn export(_: Allow<Policy<ExportReports>>) -> &'static str {
    "report"
}

async fn read(_: Allow<Policy<ReadReports>>) -> &'static str {
    "report"
}

async fn status(_: Public) -> &'static str {
    "up"
}

fn api(portcullis: &Portcullis) -> Api {
    portcullis
        .api()
        .get("/export", export)
        .get("/read", read)
        .get("/status", status)
}

const EXPORT: &str = "@id(\"export\")\npermit(principal, action == Action::\"reports:export\", resource)";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

async fn app_in(folder: &TempDir) -> TestApp {
    TestApp::with(
        |settings| settings.policies(folder.path()).resources(&[&POST]),
        api,
    )
    .await
}

/// A deployment whose policies for exporting are these.
async fn app(text: &str) -> (TestApp, TempDir) {
    let folder = folder(&[("a.cedar", text)]);
    (app_in(&folder).await, folder)
}

#[track_caller]
fn refused(answer: &portcullis_testkit::Answer, code: &str) {
    assert_eq!(answer.status(), 403, "{}", answer.text());
    assert_eq!(answer.code(), code, "{}", answer.text());
}

async fn ask(app: &TestApp, who: &Account) -> portcullis_testkit::Answer {
    app.get("/export").bearer(&who.access_token).send().await
}

async fn start(files: &[(&str, &str)]) -> Result<(), PoliciesError> {
    let folder = folder(files);
    start_in(folder.path()).await
}

async fn start_in(folder: &Path) -> Result<(), PoliciesError> {
    let portcullis = Portcullis::builder()
        .database("sqlite::memory:")
        .policies(folder)
        .resources(&[&POST])
        .open()
        .await
        .unwrap();
    let api = api(&portcullis);
    portcullis.declare_actions(&api).await
}

// Shows: AZ-4
#[tokio::test]
async fn a_start_with_bad_policies_is_refused_with_every_fault_and_its_place() {
    checks!("T061");
    let error = start(&[
        ("a.cedar", "permit(principal, action, resource"),
        (
            "b.cedar",
            "\n  permit(principal, action == Action::\"reports:exprot\", resource);",
        ),
        (
            "c.cedar",
            "permit(principal, action == Action::\"posts:edit\", resource) when { resource.draf };",
        ),
    ])
    .await
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("\na.cedar:1:35: "),
        "what doesn't parse hides the rest: {text}"
    );
    let error = start(&[
        (
            "b.cedar",
            "\n  permit(principal, action == Action::\"reports:exprot\", resource);",
        ),
        (
            "c.cedar",
            "permit(principal, action == Action::\"posts:edit\", resource) when { resource.draf };",
        ),
    ])
    .await
    .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("\nb.cedar:2:31: "), "{text}");
    assert!(
        text.contains("did you mean `Action::\"reports:export\"`"),
        "{text}"
    );
    assert!(text.contains("\nc.cedar:1:68: "), "{text}");
    assert!(start(&[("a.cedar", &format!("{EXPORT};"))]).await.is_ok());
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_no_policies_at_all() {
    checks!("T061");
    let missing = tempfile::tempdir().unwrap().path().join("gone");
    assert!(matches!(
        start_in(&missing).await,
        Err(PoliciesError::Unreadable { .. })
    ));
    for files in [
        &[][..],
        &[("policies.txt", "")],
        &[(".hidden.cedar", "")],
        &[("a.cedar", "\u{fffd}")],
    ] {
        assert!(start(files).await.is_err(), "{files:?}");
    }
    let binary = tempfile::tempdir().unwrap();
    fs::write(binary.path().join("a.cedar"), [0xff, 0xfe]).unwrap();
    assert!(start_in(binary.path()).await.is_err());
    let long = tempfile::tempdir().unwrap();
    fs::write(long.path().join("a.cedar"), vec![b' '; 1024 * 1024 + 1]).unwrap();
    assert!(start_in(long.path()).await.is_err());
    fs::write(long.path().join("a.cedar"), vec![b' '; 1024 * 1024]).unwrap();
    assert!(start_in(long.path()).await.is_ok());
}

#[tokio::test]
async fn nothing_is_permitted_without_a_policy_and_nobody_is_asked_without_a_credential() {
    let (app, _folder) = app("// nothing yet").await;
    let anna = app.user("anna@example.com").await;
    refused(&ask(&app, &anna).await, "no_policy_permits");
    assert_eq!(app.get("/export").send().await.status(), 401);
    // Without a folder it is the same.
    let bare = TestApp::with(|settings| settings, api).await;
    let anna = bare.user("anna@example.com").await;
    refused(&ask(&bare, &anna).await, "no_policy_permits");
    assert_eq!(bare.portcullis.policy_status().generation, 0);
}

// Shows: AZ-4
#[tokio::test]
async fn one_policy_that_forbids_outweighs_all_that_permit() {
    checks!("T060");
    let folder = folder(&[
        ("a.cedar", &format!("{EXPORT};")),
        (
            "b.cedar",
            "@id(\"frozen\") forbid(principal, action == Action::\"reports:read\", resource);",
        ),
        (
            "c.cedar",
            "permit(principal, action == Action::\"reports:read\", resource);",
        ),
    ]);
    let app = app_in(&folder).await;
    let anna = app.user("anna@example.com").await;
    ask(&app, &anna).await.expect(200);
    let denied = app.get("/read").bearer(&anna.access_token).send().await;
    refused(&denied, "forbidden_by_policy");
    assert!(
        !denied.text().contains("frozen"),
        "the names of policies stay inside"
    );
}

#[tokio::test]
async fn a_changed_file_counts_once_it_stands_still() {
    let (app, folder) = app(&format!("{EXPORT};")).await;
    let anna = app.user("anna@example.com").await;
    ask(&app, &anna).await.expect(200);
    write(folder.path(), "a.cedar", "// nothing");
    app.portcullis.watch_policies().await.unwrap();
    ask(&app, &anna).await.expect(200);
    app.portcullis.watch_policies().await.unwrap();
    refused(&ask(&app, &anna).await, "no_policy_permits");
    assert_eq!(app.portcullis.policy_status().generation, 2);
    app.portcullis.watch_policies().await.unwrap();
    assert_eq!(app.portcullis.policy_status().generation, 2, "nothing changed");
    // A file beside it, and its removal.
    write(folder.path(), "b.cedar", &format!("{EXPORT};"));
    app.portcullis.reload_policies().await.unwrap();
    ask(&app, &anna).await.expect(200);
    fs::remove_file(folder.path().join("b.cedar")).unwrap();
    app.portcullis.reload_policies().await.unwrap();
    refused(&ask(&app, &anna).await, "no_policy_permits");
}

// Shows: AZ-4
#[tokio::test]
async fn a_bad_change_is_reported_and_the_last_good_policies_stay() {
    checks!("T061");
    let (app, folder) = app(&format!("{EXPORT};")).await;
    let anna = app.user("anna@example.com").await;
    let root = app.administrator("root@example.com").await;
    let show = async || -> Value {
        let path = "/admin/api/v1/policies";
        app.get(path)
            .bearer(&root.access_token)
            .send()
            .await
            .expect(200)
            .json()
    };
    let before = show().await;
    assert_eq!(before["generation"], 1);
    assert_eq!(before["files"], json!(["a.cedar"]));
    assert_eq!(before["last_error"], Value::Null);
    app.clock.advance_secs(10);
    for bad in [
        "permit(",
        "permit(principal, action == Action::\"x:y\", resource);",
    ] {
        write(folder.path(), "a.cedar", bad);
        assert!(app.portcullis.reload_policies().await.is_err());
        ask(&app, &anna).await.expect(200);
        let after = show().await;
        assert_eq!(after["generation"], 1);
        assert_eq!(after["loaded_at"], before["loaded_at"]);
        assert_eq!(after["last_error"]["flaws"][0]["file"], "a.cedar");
        assert_eq!(after["last_error"]["flaws"][0]["line"], 1);
    }
    // Files that vanish lift nothing.
    fs::remove_file(folder.path().join("a.cedar")).unwrap();
    assert!(app.portcullis.watch_policies().await.is_ok(), "seen once");
    assert!(app.portcullis.watch_policies().await.is_err(), "told once");
    assert!(app.portcullis.watch_policies().await.is_ok(), "and not again");
    ask(&app, &anna).await.expect(200);
    app.get("/health/ready").send().await.expect(200);
    write(folder.path(), "a.cedar", &format!("{EXPORT};"));
    app.portcullis.reload_policies().await.unwrap();
    let after = show().await;
    assert_eq!(after["generation"], 2);
    assert_eq!(after["last_error"], Value::Null);
}

// Shows: AZ-4
#[tokio::test]
async fn a_change_in_force_is_audited() {
    checks!("T061");
    let folder = folder(&[
        ("a.cedar", &format!("{EXPORT};")),
        (
            "b.cedar",
            "@id(\"frozen\") forbid(principal, action, resource) when { context.mfa };",
        ),
    ]);
    let app = app_in(&folder).await;
    let told = async || {
        let events = crate::fixtures::events(&app, "policies.changed").await;
        let told = events.into_iter().map(|event| {
            assert_eq!(event.actor, "system");
            event.detail.unwrap()
        });
        told.collect::<Vec<_>>()
    };
    let first = told().await;
    assert_eq!(first.len(), 1);
    assert!(
        first[0].starts_with("2 policies, 1 of them forbid: a.cedar "),
        "{first:?}"
    );
    // The same files again are no change, nor is what isn't put in force.
    app.portcullis.reload_policies().await.unwrap();
    write(folder.path(), "b.cedar", "forbid(");
    assert!(app.portcullis.reload_policies().await.is_err());
    assert_eq!(told().await, first);
    write(folder.path(), "b.cedar", "");
    app.portcullis.reload_policies().await.unwrap();
    let second = told().await;
    assert_eq!(second.len(), 2);
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(
        second[0].starts_with("1 policies, 0 of them forbid: "),
        "{second:?}"
    );
    assert!(second[0].ends_with(&format!(" b.cedar {empty}")), "{second:?}");
}

// Shows: AZ-4
#[tokio::test]
async fn two_apis_of_one_deployment_are_both_declared() {
    let folder = folder(&[(
        "a.cedar",
        "permit(principal, action == Action::\"reports:export\", resource);
         permit(principal, action == Action::\"posts:edit\", resource);",
    )]);
    let portcullis = Portcullis::builder()
        .database("sqlite::memory:")
        .policies(folder.path())
        .resources(&[&POST])
        .open()
        .await
        .unwrap();
    let one = Api::<()>::new("", "").get("/export", export);
    let other = Api::<()>::new("", "").get("/read", read);
    portcullis.declare_actions(&one).await.unwrap();
    // The policies speak of the first one's action, which the second one doesn't know.
    portcullis.declare_actions(&other).await.unwrap();
    write(
        folder.path(),
        "b.cedar",
        "permit(principal, action == Action::\"reports:read\", resource);",
    );
    portcullis.reload_policies().await.unwrap();
    assert_eq!(portcullis.policy_status().policies, 3);
    // What doesn't fit changes nothing of what was declared.
    write(folder.path(), "c.cedar", "permit(");
    let third = Api::<()>::new("", "").get("/status", status);
    portcullis.declare_actions(&third).await.unwrap();
    assert_eq!(portcullis.policy_status().generation, 3);
}

// Shows: AZ-4
#[tokio::test]
async fn a_router_whose_actions_nobody_made_known_is_refused_when_it_is_built() {
    let folder = folder(&[("a.cedar", &format!("{EXPORT};"))]);
    let open = async || {
        let builder = Portcullis::builder().database("sqlite::memory:");
        builder.policies(folder.path()).open().await.unwrap()
    };
    let (forgetful, careful) = (open().await, open().await);
    let asks = || Api::<()>::new("", "").get("/export", export);
    let gate = |portcullis: &Portcullis| portcullis.gate().clone();
    let errors = asks().into_router(gate(&forgetful)).unwrap_err();
    assert_eq!(
        errors.0,
        [ApiError::Undeclared("the action reports:export".to_owned())]
    );
    // What asks nothing of the policies needs nothing made known.
    let plain = Api::<()>::new("", "").get("/status", status);
    let _ = plain.into_router(gate(&forgetful)).unwrap();
    let _ = careful.router(asks()).await.unwrap();
    let _ = asks().into_router(gate(&careful)).unwrap();
    let more = asks().get("/read", read).into_router(gate(&careful)).unwrap_err();
    assert_eq!(
        more.0,
        [ApiError::Undeclared("the action reports:read".to_owned())]
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_policy_file_whose_name_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    checks!("T061");
    let folder = folder(&[("a.cedar", &format!("{EXPORT};"))]);
    let name = std::ffi::OsStr::from_bytes(b"\xff.cedar");
    fs::write(folder.path().join(name), "forbid(principal, action, resource);").unwrap();
    assert!(matches!(
        start_in(folder.path()).await,
        Err(PoliciesError::Unreadable { .. })
    ));
}

#[tokio::test]
async fn what_is_in_force_is_shown_to_those_who_may_see_it() {
    let (app, _folder) = app(&format!("{EXPORT};")).await;
    let anna = app.user("anna@example.com").await;
    let path = "/admin/api/v1/policies";
    app.get(path).send().await.refused(401, "authentication_required");
    app.get(path)
        .bearer(&anna.access_token)
        .send()
        .await
        .refused(403, "missing_permission");
    let reader = app
        .user_with("reader@example.com", &["portcullis:policies:read"])
        .await;
    let shown = app
        .get(path)
        .bearer(&reader.access_token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(shown["policies"], 1);
}

// Shows: AZ-4
#[tokio::test]
async fn conditions_on_time_hold_from_boundary_to_boundary() {
    let (app, _folder) = app(&format!(
        "{EXPORT} when {{ context has login_age_seconds && context.login_age_seconds < 300 }};"
    ))
    .await;
    let anna = app.user("anna@example.com").await;
    app.clock.advance_secs(299);
    ask(&app, &anna).await.expect(200);
    app.clock.advance_secs(1);
    refused(&ask(&app, &anna).await, "no_policy_permits");
    let now = Timestamp::from_seconds(app.portcullis.environment().now().as_seconds() + 60);
    let until = now.to_string().replace("Z", ".000Z");
    let folder = folder(&[(
        "a.cedar",
        &format!("{EXPORT} when {{ context.now < datetime(\"{until}\") }};"),
    )]);
    let timed = app_in(&folder).await;
    timed
        .clock
        .set(Timestamp::from_micros(now.as_micros() - 60_000_000));
    let anna = timed.user("anna@example.com").await;
    ask(&timed, &anna).await.expect(200);
    timed.clock.set(Timestamp::from_micros(now.as_micros() - 1_000));
    ask(&timed, &anna).await.expect(200);
    timed.clock.set(now);
    refused(&ask(&timed, &anna).await, "no_policy_permits");
}

// Shows: AZ-4
#[tokio::test]
async fn conditions_on_the_address_hold_for_the_peer_and_not_for_what_it_says() {
    let (app, _folder) = app(&format!(
        "{EXPORT} when {{ context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\")) }};"
    ))
    .await;
    let anna = app.user("anna@example.com").await;
    let from = async |address: &str| {
        let peer: SocketAddr = address.parse().unwrap();
        let router = app.router().clone().layer(Extension(ConnectInfo(peer)));
        let request = Request::new(&router, Method::GET, "/export");
        request
            .bearer(&anna.access_token)
            .header("x-forwarded-for", "10.0.0.1")
            .header("forwarded", "for=10.0.0.1")
            .send()
            .await
    };
    from("10.1.2.3:1").await.expect(200);
    from("[::ffff:10.1.2.3]:1").await.expect(200);
    refused(&from("192.0.2.1:1").await, "no_policy_permits");
    refused(&from("[::1]:1").await, "no_policy_permits");
    // No address is known here.
    refused(&ask(&app, &anna).await, "no_policy_permits");
}

#[tokio::test]
async fn one_factor_is_not_two() {
    let (app, _folder) = app(&format!(
        "{EXPORT}; forbid(principal, action, resource) unless {{ context.mfa }};"
    ))
    .await;
    let anna = app.user("anna@example.com").await;
    refused(&ask(&app, &anna).await, "forbidden_by_policy");
}

#[tokio::test]
async fn a_token_narrowed_by_scopes_gains_nothing_by_its_accounts_roles() {
    checks!("T058");
    let (app, _folder) = app(
        "permit(principal in Role::\"administrator\", action == Action::\"reports:export\", resource);
         permit(principal, action == Action::\"reports:read\", resource) when { context.permissions.contains(\"portcullis:audit:read\") };",
    )
    .await;
    let root = app.administrator("root@example.com").await;
    ask(&app, &root).await.expect(200);
    for (scope, reads) in [("portcullis:audit:read", 200), ("portcullis:roles:read", 403)] {
        let narrowed = log_in_with(&app, "root@example.com", &json!({ "scope": scope })).await;
        let token = narrowed.expect(200).json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        let answer = app.get("/export").bearer(&token).send().await;
        refused(&answer, "no_policy_permits");
        app.get("/read").bearer(&token).send().await.expect(reads);
    }
}

#[tokio::test]
async fn a_role_that_is_given_or_taken_counts_at_once() {
    checks!("T062");
    let (app, _folder) =
        app("permit(principal in Role::\"auditor\", action == Action::\"reports:export\", resource);").await;
    let permit = Permit::dangerous_for_operator();
    let roles = app.portcullis.roles();
    assert!(
        roles
            .create(&permit, "auditor", "", app.by_operator())
            .await
            .is_ok()
    );
    let anna = app.user("anna@example.com").await;
    for _ in 0..3 {
        refused(&ask(&app, &anna).await, "no_policy_permits");
        refused(&ask(&app, &anna).await, "no_policy_permits");
        app.assign(&anna, "auditor").await;
        ask(&app, &anna).await.expect(200);
        ask(&app, &anna).await.expect(200);
        assert!(
            roles
                .unassign(
                    &Permit::dangerous_for_operator(),
                    anna.id,
                    "auditor",
                    app.by_operator(),
                )
                .await
                .is_ok()
        );
    }
    refused(&ask(&app, &anna).await, "no_policy_permits");
}

#[tokio::test]
async fn what_a_route_asks_of_the_policies_is_documented_and_locked() {
    let (app, folder) = app(&format!("{EXPORT};")).await;
    let api = api(&app.portcullis);
    assert!(api.authz_lock().contains("policy(reports:export)"));
    let operation = &api.openapi()["paths"]["/export"]["get"];
    assert!(
        operation.to_string().contains("policy(reports:export)"),
        "{operation}"
    );
    let schema = app.portcullis.policy_schema(&api).unwrap();
    assert!(schema.contains("action \"reports:export\" appliesTo"), "{schema}");
    assert!(schema.contains("entity Post {"), "{schema}");
    let notes = app.portcullis.check_policies(&api, folder.path()).await.unwrap();
    assert_eq!(notes, []);
    write(
        folder.path(),
        "b.cedar",
        "permit(principal, action, resource) when { 1 };",
    );
    assert!(app.portcullis.check_policies(&api, folder.path()).await.is_err());
    assert_eq!(
        app.portcullis.policy_status().failure,
        None,
        "checking changes nothing"
    );
}

async fn publish(_: Allow<Policy<ExportReports>>, text: String) -> String {
    text
}

#[tokio::test]
async fn a_policy_that_changes_while_the_body_arrives_decides_as_it_is_by_then() {
    checks!("T180");
    let permits = format!("{EXPORT};");
    let unless_away = format!("{EXPORT};\n// says the same in another file");
    let forbids = format!("{permits}\nforbid(principal, action == Action::\"reports:export\", resource);");
    for (then, status) in [(unless_away.as_str(), 200), ("// nothing", 403), (&forbids, 403)] {
        let folder = folder(&[("a.cedar", &permits)]);
        let app = TestApp::with(
            |settings| settings.policies(folder.path()),
            |portcullis| portcullis.api().post("/publish", publish),
        )
        .await;
        let anna = app.user("anna@example.com").await;
        let head = http::Request::post("/publish")
            .header("content-type", "text/plain")
            .header("authorization", format!("Bearer {}", anna.access_token));
        let late = begin_with(&app, head, Bytes::from_static(b"a report")).await;
        write(folder.path(), "a.cedar", then);
        app.portcullis.reload_policies().await.unwrap();
        assert_eq!(late.answered().await.status().as_u16(), status, "{then}");
    }
}
