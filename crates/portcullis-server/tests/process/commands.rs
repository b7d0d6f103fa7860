//! The command line beside a running server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::checks;
use serde_json::{Value, json};

use crate::server::{Place, Server, client, printed, said, within};

const PASSWORD: &str = "a gate that closes";

fn works(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    assert_eq!(said(output), "");
    printed(output)
}

fn fails(output: &Output, code: i32, says: &str) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(
        text.starts_with("portcullis: ") && text.contains(says),
        "{says} in {text}"
    );
    assert_eq!(printed(output), "");
}

/// An account that is created: nobody has proven its address.
fn created(place: &Place, email: &str) -> Value {
    let output = place.run_with(
        &["account", "create", "--unverified", "--email", email, "--json"],
        &format!("{PASSWORD}\n"),
    );
    serde_json::from_str(&works(&output)).unwrap()
}

/// The id of such an account.
fn created_id(place: &Place, email: &str) -> String {
    created(place, email)["id"].as_str().unwrap().to_owned()
}

async fn log_in(server: &Server, email: &str) -> (u16, Value) {
    let form = json!({ "identifier": email, "password": PASSWORD });
    let answer = client()
        .post(server.url("/auth/login"))
        .json(&form)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn me(server: &Server, token: &str) -> u16 {
    client()
        .get(server.url("/auth/me"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

fn access_token(body: &Value) -> String {
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_disabled_account_is_refused_by_the_running_server_within_a_second() {
    checks!("T016");
    let place = Place::new();
    let server = place.serve(&[]);
    created(&place, "anna@example.com");
    let (status, body) = log_in(&server, "anna@example.com").await;
    assert_eq!(status, 200);
    let token = access_token(&body);
    assert_eq!(me(&server, &token).await, 200);

    let text = works(&place.run(&["account", "disable", "Anna@Example.com"]));
    assert_eq!(text, "anna@example.com is disabled\n");
    let refused = within(Duration::from_secs(1), || async {
        me(&server, &token).await == 401
    })
    .await;
    assert!(refused, "{}", server.log());
    assert_ne!(log_in(&server, "anna@example.com").await.0, 200);

    fails(
        &place.run(&["account", "unlock", "anna@example.com"]),
        1,
        "is disabled, not locked",
    );
    works(&place.run(&["account", "enable", "anna@example.com"]));
    assert_eq!(log_in(&server, "anna@example.com").await.0, 200);
    assert_eq!(
        me(&server, &token).await,
        401,
        "what it was given before stays ended"
    );
}

#[tokio::test]
async fn locking_and_logging_out_reach_the_running_server() {
    checks!("T020");
    let place = Place::new();
    let server = place.serve(&[]);
    let id = created(&place, "anna@example.com")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let token = access_token(&log_in(&server, "anna@example.com").await.1);
    assert_eq!(me(&server, &token).await, 200);
    works(&place.run(&["account", "lock", &id]));
    assert!(
        within(Duration::from_secs(1), || async {
            me(&server, &token).await == 401
        })
        .await
    );
    works(&place.run(&["account", "unlock", &id]));
    assert!(
        within(Duration::from_secs(1), || async {
            me(&server, &token).await == 200
        })
        .await
    );
    let text = works(&place.run(&["account", "logout", &id]));
    assert_eq!(text, "anna@example.com is logged out: sessions ended: 1\n");
    assert!(
        within(Duration::from_secs(1), || async {
            me(&server, &token).await == 401
        })
        .await
    );
}

#[tokio::test]
async fn roles_given_by_command_are_honoured_and_taken_back() {
    let place = Place::new();
    let server = place.serve(&[]);
    let anna = created_id(&place, "anna@example.com");
    let token = access_token(&log_in(&server, "anna@example.com").await.1);
    let may_read = || async {
        let asked = client()
            .get(server.url("/admin/api/v1/accounts"))
            .bearer_auth(&token);
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(may_read().await, 403);
    for arguments in [
        &["role", "create", "reader", "--description", "Reads"][..],
        &["role", "create", "chief"],
        &["role", "allow", "reader", "portcullis:accounts:read"],
        &["role", "inherit", "chief", "reader"],
        &["role", "assign", "chief", &anna],
    ] {
        assert_eq!(works(&place.run(arguments)), "done\n", "{arguments:?}");
    }
    assert!(within(Duration::from_secs(1), || async { may_read().await == 200 }).await);
    let roles: Value = serde_json::from_str(&works(&place.run(&["role", "list", "--json"]))).unwrap();
    let chief = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "chief")
        .unwrap();
    assert_eq!(chief["inherits"], json!(["reader"]));

    fails(
        &place.run(&["role", "members", "nobodys"]),
        1,
        "there is no such role",
    );
    let members = |role: &str| works(&place.run(&["role", "members", role]));
    assert!(
        members("chief").contains("anna@example.com"),
        "{}",
        members("chief")
    );
    assert!(
        !members("reader").contains("anna@example.com"),
        "given, not inherited"
    );
    works(&place.run(&["role", "disinherit", "chief", "reader"]));
    assert!(within(Duration::from_secs(1), || async { may_read().await == 403 }).await);
    works(&place.run(&["role", "disallow", "reader", "portcullis:accounts:read"]));
    works(&place.run(&["role", "unassign", "chief", "anna@example.com"]));
    works(&place.run(&["role", "delete", "chief"]));
}

// Shows: AZ-1
#[test]
fn permissions_of_applications_elsewhere_are_declared_given_and_withdrawn() {
    let place = Place::new();
    drop(place.serve(&[]));
    for (arguments, code, says) in [
        (
            &["permission", "declare", "posts", "Read posts"][..],
            2,
            "a permission's name",
        ),
        (
            &["permission", "declare", "posts:read", "two\nlines"],
            2,
            "one line",
        ),
        (
            &["permission", "declare", "portcullis:all", "All"],
            1,
            "Portcullis' own",
        ),
        (&["permission", "withdraw", "posts:read"], 1, "no such permission"),
    ] {
        fails(&place.run(arguments), code, says);
    }
    let declare = || works(&place.run(&["permission", "declare", "posts:read", "Read posts"]));
    assert_eq!(declare(), "done\n");
    assert_eq!(declare(), "it was so already\n");
    works(&place.run(&["role", "create", "reader"]));
    works(&place.run(&["role", "allow", "reader", "posts:read"]));
    let listed: Value = serde_json::from_str(&works(&place.run(&["permission", "list", "--json"]))).unwrap();
    let ours = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "posts:read");
    assert_eq!(ours.unwrap()["description"], "Read posts");
    works(&place.run(&["permission", "withdraw", "posts:read"]));
    let roles = works(&place.run(&["role", "list"]));
    assert!(!roles.contains("posts:read"), "{roles}");
}

// Shows: AZ-1
#[test]
fn impossible_role_changes_say_why() {
    checks!("T025");
    let place = Place::new();
    drop(place.serve(&[]));
    let anna = created_id(&place, "anna@example.com");
    for arguments in [
        &["role", "create", "reader"][..],
        &["role", "create", "chief"],
        &["role", "inherit", "chief", "reader"],
        &["role", "assign", "chief", &anna],
    ] {
        works(&place.run(arguments));
    }
    let again = place.run(&["role", "assign", "chief", &anna]);
    assert_eq!(works(&again), "it was so already\n");
    for (arguments, code, says) in [
        (
            &["role", "inherit", "reader", "chief"][..],
            1,
            "inherit from itself",
        ),
        (&["role", "create", "chief"], 1, "exists"),
        (&["role", "create", "Not A Name"], 2, "a role's name"),
        (&["role", "allow", "chief", "no:such"], 1, "permission declare"),
        (&["role", "allow", "chief", "no"], 2, "a permission's name"),
        (&["role", "disallow", "chief", "no:such"], 1, "permission declare"),
        (&["role", "inherit", "chief", "nobody"], 1, "role list"),
        (
            &["role", "inherit", "administrator", "chief"],
            1,
            "Portcullis' own",
        ),
        (&["role", "show", "nobody"], 1, "role list"),
        (&["role", "delete", "nobody"], 1, "role list"),
        (&["role", "delete", "administrator"], 1, "Portcullis' own"),
        (&["role", "assign", "nobody", &anna], 1, "role list"),
        (
            &["role", "assign", "chief", "bert@example.com"],
            1,
            "account list",
        ),
    ] {
        fails(&place.run(arguments), code, says);
    }
}

#[test]
fn add_by_an_unproven_address_is_refused() {
    checks!("T092");
    let place = Place::new();
    drop(place.serve(&[]));
    let (anna, eve) = (
        created_id(&place, "anna@example.com"),
        created_id(&place, "ceo@acme.com"),
    );
    works(&place.run(&["organization", "create", "acme", "Acme", "--owner", &anna]));
    works(&place.run(&["role", "create", "chief"]));
    // Eve registered with an address that isn't hers. What takes goes by it; nothing is given to it.
    for arguments in [
        &["organization", "add", "acme", "ceo@acme.com", "--owner"][..],
        &["organization", "add", "acme", "CEO@acme.com"],
        &[
            "organization",
            "create",
            "other",
            "Other",
            "--owner",
            "ceo@acme.com",
        ],
        &["role", "assign", "administrator", "ceo@acme.com"],
    ] {
        let output = place.run(arguments);
        fails(&output, 1, "proven");
        assert!(said(&output).contains(&eve), "{}", said(&output));
    }
    works(&place.run(&["role", "assign", "chief", &eve]));
    works(&place.run(&["role", "unassign", "chief", "ceo@acme.com"]));
    works(&place.run(&["account", "lock", "ceo@acme.com"]));
    // An id has one spelling: digits without hyphens are no id, and nobody's name either.
    let short = eve.replace('-', "");
    fails(
        &place.run(&["role", "assign", "chief", &short]),
        1,
        "account list",
    );
    let arguments = ["account", "create", "--username", &short];
    fails(
        &place.run_with(&arguments, &format!("{PASSWORD}\n")),
        2,
        "is no id",
    );
}

// Shows: AZ-6
#[test]
#[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
fn organization_commands_say_what_is_wrong() {
    let place = Place::new();
    drop(place.serve(&[]));
    let (anna, ben) = (
        created_id(&place, "anna@example.com"),
        created_id(&place, "ben@example.com"),
    );
    let nobody = "01890000-0000-7000-8000-000000000000";
    let made = works(&place.run(&[
        "organization",
        "create",
        "acme",
        "Acme & Co",
        "--owner",
        &anna,
        "--json",
    ]));
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(
        (&made["slug"], &made["name"]),
        (&json!("acme"), &json!("Acme & Co"))
    );
    works(&place.run(&["role", "create", "title"]));
    works(&place.run(&["role", "create", "helper"]));
    works(&place.run(&["role", "allow", "helper", "portcullis:audit:read"]));
    for (arguments, code, says) in [
        (
            &["organization", "create", "acme", "Other", "--owner", &anna][..],
            1,
            "another organization's",
        ),
        (
            &["organization", "create", "Acme", "Other", "--owner", &anna],
            2,
            "a slug has",
        ),
        (
            &["organization", "create", "other", "a\nb", "--owner", &anna],
            2,
            "a name has",
        ),
        (
            &["organization", "create", "other", "Other", "--owner", nobody],
            1,
            "account list",
        ),
        (&["organization", "add", "nowhere", &ben], 1, "organization list"),
        (&["organization", "add", "acme", nobody], 1, "account list"),
        (
            &["organization", "add", "acme", &ben, "--role", "ghost"],
            1,
            "role list",
        ),
        (
            &["organization", "add", "acme", &ben, "--role", "administrator"],
            1,
            "the server's",
        ),
        (
            &["organization", "add", "acme", &ben, "--role", "helper"],
            1,
            "the server's",
        ),
        (
            &["organization", "remove", "acme", &ben],
            1,
            "organization members",
        ),
        (&["organization", "remove", "acme", &anna], 1, "last owner"),
        (
            &["organization", "add", "acme", &anna, "--role", "title"],
            1,
            "last owner",
        ),
        (&["organization", "suspend", "nowhere"], 1, "organization list"),
    ] {
        fails(&place.run(arguments), code, says);
    }
    let members = || -> Value {
        let listed = works(&place.run(&["organization", "members", "acme", "--json"]));
        serde_json::from_str(&listed).unwrap()
    };
    assert_eq!(members().as_array().unwrap().len(), 1);
    for (arguments, says) in [
        (
            &["organization", "add", "acme", &ben, "--role", "title"][..],
            "done\n",
        ),
        (
            &["organization", "add", "acme", &ben, "--role", "title"],
            "it was so already\n",
        ),
        (&["organization", "suspend", "acme"], "done\n"),
        (&["organization", "suspend", "acme"], "it was so already\n"),
        // The operator tends a suspended one, too.
        (&["organization", "add", "acme", &ben, "--owner"], "done\n"),
        (&["organization", "resume", "acme"], "done\n"),
        (&["organization", "remove", "acme", &anna], "done\n"),
    ] {
        assert_eq!(works(&place.run(arguments)), says, "{arguments:?}");
    }
    let left = members();
    assert_eq!(
        (&left[0]["account"], &left[0]["roles"]),
        (&json!(ben), &json!(["organization-owner"]))
    );
    let listed: Value =
        serde_json::from_str(&works(&place.run(&["organization", "list", "--json"]))).unwrap();
    assert_eq!(listed[0]["state"], "active");
}

#[tokio::test]
async fn rotated_keys_are_known_to_the_running_server() {
    let place = Place::new();
    let server = place.serve(&[]);
    created(&place, "anna@example.com");
    let before = access_token(&log_in(&server, "anna@example.com").await.1);
    fails(
        &place.run(&["key", "rotate"]),
        1,
        "published a moment ago, so verifiers may not know it yet",
    );
    let kid = works(&place.run(&["key", "rotate", "--force"]))
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    let signs_now = || async {
        let token = access_token(&log_in(&server, "anna@example.com").await.1);
        let list = works(&place.run(&["key", "list", "--json"]));
        assert!(list.contains(&kid), "{list}");
        header_kid(&token) == kid
    };
    assert!(within(Duration::from_secs(2), signs_now).await);
    assert_eq!(
        me(&server, &before).await,
        200,
        "what the former key signed stays good"
    );
    fails(&place.run(&["key", "withdraw", &kid]), 1, "signs: rotate first");
    fails(&place.run(&["key", "withdraw", "x"]), 1, "no signing key");
    works(&place.run(&["key", "withdraw", &header_kid(&before)]));
    let refused = || async { me(&server, &before).await == 401 };
    assert!(within(Duration::from_secs(2), refused).await);
}

/// The `kid` of a token.
fn header_kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one operator's way")]
async fn accounts_are_created_with_a_password_nobody_sees() {
    checks!("T030");
    let place = Place::new();
    let server = place.serve(&[]);
    let anna = created(&place, "anna@example.com");
    assert_eq!(anna["state"], "unverified");
    let emails: Vec<_> = fs::read_dir(place.path("data/mail")).unwrap().collect();
    assert_eq!(emails.len(), 1, "the e-mail that proves the address");
    assert_eq!(log_in(&server, "anna@example.com").await.0, 200);

    fs::write(place.path("password"), format!("{PASSWORD}\n")).unwrap();
    let arguments = [
        "account",
        "create",
        "--username",
        "bert",
        "--password-file",
        "password",
    ];
    let text = works(&place.run(&arguments));
    assert!(text.starts_with("bert was created (active), id "), "{text}");
    assert_eq!(log_in(&server, "bert").await.0, 200);

    fails(&place.run(&arguments), 1, "this user name already");
    let create =
        |email: &str, password: &str| place.run_with(&["account", "create", "--email", email], password);
    // Whose the address is, an operator says: then nobody else claims it any more.
    created(&place, "anna@example.com");
    let named = place.run(&["account", "prove-email", "anna@example.com"]);
    fails(&named, 1, "several accounts claim the address");
    let id = anna["id"].as_str().unwrap();
    fails(
        &place.run(&["account", "enable", id]),
        1,
        "portcullis account prove-email",
    );
    let text = works(&place.run(&["account", "prove-email", id]));
    assert!(text.contains("active, its address is proven"), "{text}");
    fails(
        &place.run(&["account", "prove-email", id]),
        1,
        "no address that isn't proven",
    );
    let audit = works(&place.run(&["audit", "list"]));
    assert!(audit.contains("account.email_verified"), "{audit}");
    assert_eq!(log_in(&server, "anna@example.com").await.0, 200);
    fails(&create("anna@example.com", PASSWORD), 1, "this address already");
    fails(&create("nobody", PASSWORD), 2, "not an e-mail address");
    fails(
        &create("carl@example.com", "short"),
        1,
        "use at least 8 characters",
    );
    fails(&create("carl@example.com", ""), 1, "no password was given");
    fails(
        &create("carl@example.com", &"x y".repeat(2_000)),
        1,
        "use at most",
    );
    let argument = place.run(&[
        "account",
        "create",
        "--email",
        "carl@example.com",
        "--password",
        PASSWORD,
    ]);
    assert_eq!(argument.status.code(), Some(2));

    let list: Value = serde_json::from_str(&works(&place.run(&["account", "list", "--json"]))).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 3);
    let log = works(&place.run(&["audit", "list", "--limit", "1000"])) + &server.log();
    assert!(!log.contains(PASSWORD), "{log}");
    fails(
        &place.run(&["account", "show", "carl@example.com"]),
        1,
        "account list",
    );
    assert!(works(&place.run(&["account", "show", "bert"])).contains("state              active"));
}

#[tokio::test]
async fn an_address_that_the_operator_names_counts_as_proven() {
    let place = Place::new();
    let server = place.serve(&["--set", "require_verified_email=true"]);
    let claimant = created_id(&place, "anna@example.com");
    assert_eq!(log_in(&server, "anna@example.com").await.0, 403, "not proven");
    let create = ["account", "create", "--email", "anna@example.com"];
    let unproven = place.run_with(
        &["account", "create", "--unverified", "--username", "bert"],
        PASSWORD,
    );
    assert_eq!(unproven.status.code(), Some(2), "there is no address");
    let text = works(&place.run_with(&create, PASSWORD));
    assert!(
        text.starts_with("anna@example.com was created (active), id "),
        "{text}"
    );
    assert_eq!(log_in(&server, "anna@example.com").await.0, 200);
    let lost: Value =
        serde_json::from_str(&works(&place.run(&["account", "show", &claimant, "--json"]))).unwrap();
    assert_eq!(lost["email"], Value::Null, "whoever claimed it has lost it");
    let arguments = ["audit", "list", "--account", "anna@example.com", "--json"];
    let events: Value = serde_json::from_str(&works(&place.run(&arguments))).unwrap();
    let proof = events
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["action"] == "account.email_verified");
    let proof = proof.unwrap_or_else(|| panic!("{events}"));
    assert_eq!(
        (&proof["actor"], &proof["detail"]),
        (&json!("operator"), &json!("by whoever acts, without a code"))
    );
    let emails = fs::read_dir(place.path("data/mail")).unwrap().count();
    assert_eq!(emails, 1, "for the claim alone");
    fails(&place.run_with(&create, PASSWORD), 1, "this address already");
}

#[tokio::test]
async fn the_audit_log_names_the_operator() {
    let place = Place::new();
    let _server = place.serve(&[]);
    let id = created(&place, "anna@example.com")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    created(&place, "bert@example.com");
    works(&place.run(&["account", "disable", "anna@example.com"]));
    let arguments = [
        "audit",
        "list",
        "--account",
        "anna@example.com",
        "--action",
        "account.state_set",
        "--json",
    ];
    let events: Value = serde_json::from_str(&works(&place.run(&arguments))).unwrap();
    let events = events.as_array().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["actor"], &events[0]["account"]),
        (&json!("operator"), &json!(id))
    );
    assert_eq!(events[0]["detail"], "disabled");
    assert_eq!(events[0]["api_key"], Value::Null);
    // No key has this id.
    let none = works(&place.run(&["audit", "list", "--json", "--api-key", &id]));
    assert_eq!(none.trim(), "[]");
    fails(
        &place.run(&["audit", "list", "--action", "account.flown"]),
        2,
        "account.state_set",
    );
}

// Shows: AZ-7
#[tokio::test]
async fn a_refusal_is_explained_on_the_command_line() {
    checks!("T075");
    let place = Place::new();
    let server = place.serve(&[]);
    created(&place, "anna@example.com");
    let token = access_token(&log_in(&server, "anna@example.com").await.1);
    let refused = client()
        .get(server.url("/admin/api/v1/roles"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    let refused: Value = refused.json().await.unwrap();
    let trace = refused["trace_id"].as_str().unwrap().to_owned();
    let written = within(Duration::from_secs(5), || async {
        place.run(&["why", &trace]).status.success()
    });
    assert!(written.await, "{}", server.log());
    let text = works(&place.run(&["why", &trace]));
    assert!(
        text.starts_with("GET /admin/api/v1/roles was refused: missing_permission\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\nno   portcullis:roles:read: the account lacks it\n"),
        "{text}"
    );
    let json: Value = serde_json::from_str(&works(&place.run(&["why", &trace, "--json"]))).unwrap();
    assert_eq!(
        (&json["trace"], &json["credential"]),
        (&json!(trace), &json!("jwt"))
    );
    assert_eq!(json["explanation"]["code"], "missing_permission");
    assert!(!text.contains(&token) && !json.to_string().contains(&token));

    let unknown = "0198c5a4-0000-7000-8000-000000000000";
    fails(&place.run(&["why", unknown]), 1, "no refusal with the trace id");
    assert_eq!(place.run(&["why", "x"]).status.code(), Some(2));
}

// Shows: AZ-7
#[test]
fn what_an_account_could_do_is_shown_before_it_tries() {
    let place = Place::new();
    drop(place.serve(&[]));
    let anna = created_id(&place, "anna@example.com");
    let access = |more: &[&str]| {
        let mut arguments = vec!["account", "access", "anna@example.com", "--json"];
        arguments.extend(more);
        let rows: Value = serde_json::from_str(&works(&place.run(&arguments))).unwrap();
        rows.as_array().unwrap().clone()
    };
    let all = access(&[]);
    assert!(all.len() > 30, "{}", all.len());
    let roles = access(&["--method", "get", "--path", "/admin/api/v1/roles"]);
    assert_eq!(roles.len(), 1);
    assert_eq!(
        (&roles[0]["allowed"], &roles[0]["why"]),
        (&json!(false), &json!("the account lacks it"))
    );
    works(&place.run(&["role", "assign", "administrator", &anna]));
    let roles = access(&[
        "--path",
        "/admin/api/v1/roles",
        "--method",
        "GET",
        "--second-factor",
    ]);
    assert_eq!(
        (&roles[0]["allowed"], &roles[0]["why"]),
        (&json!(true), &json!("the account has it"))
    );
    works(&place.run(&["organization", "create", "acme", "Acme", "--owner", &anna]));
    let members = ["--path", "/auth/organizations/acme/members", "--method", "GET"];
    let open = access(&members);
    assert_eq!(
        (&open[0]["allowed"], &open[0]["code"]),
        (&Value::Null, &json!("depends_on_organization"))
    );
    let named = access(&[&members[..], &["--organization", "acme"]].concat());
    assert_eq!(
        (&named[0]["allowed"], &named[0]["code"]),
        (&json!(true), &json!("holds"))
    );
    for unknown in ["nobodys", "ACME"] {
        fails(
            &place.run(&["account", "access", &anna, "--organization", unknown]),
            1,
            "organization list",
        );
    }
    fails(
        &place.run(&["account", "access", "anna@example.com", "--path", "/nowhere"]),
        1,
        "no route",
    );
    fails(
        &place.run(&["account", "access", "bert@example.com"]),
        1,
        "account list",
    );
}

#[tokio::test]
async fn a_new_setup_link_voids_the_old_one_until_an_administrator_exists() {
    checks!("T031");
    let place = Place::new();
    let server = place.serve(&[]);
    let old = server.setup_link().unwrap().to_owned();
    let public = server.address.clone();
    let link = works(&place.run(&["setup-link", "--public-url", &public]));
    let status = async |link: &str| client().get(link.trim()).send().await.unwrap().status().as_u16();
    assert_eq!(status(&old).await, 410);
    assert_eq!(status(&link).await, 200);
    let anna = created_id(&place, "anna@example.com");
    works(&place.run(&["role", "assign", "administrator", &anna]));
    assert_eq!(status(&link).await, 410);
    fails(&place.run(&["setup-link"]), 1, "an administrator exists");
    fails(
        &place.run(&["role", "unassign", "administrator", "anna@example.com"]),
        1,
        "last holder",
    );
}

#[test]
fn the_configuration_is_checked_and_shown_without_secrets() {
    checks!("T030");
    let place = Place::new();
    fs::write(place.path("address"), "postgres://me:canary@127.0.0.1/p\n").unwrap();
    fs::set_permissions(place.path("address"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(
        place.path("portcullis.toml"),
        "database_file = \"address\"\n[sessions]\nidle = \"10m\"\n",
    )
    .unwrap();
    assert_eq!(
        works(&place.run(&["config", "check"])),
        "the configuration is fine\n"
    );
    let shown = works(&place.run(&["config", "show", "--log", "warn"]));
    assert!(!shown.contains("canary"), "{shown}");
    for (key, value, from) in [
        ("database ", "postgres://127.0.0.1/p", "default"),
        ("sessions.idle ", "10m", "portcullis.toml:3"),
        ("log.filter ", "warn", "--log"),
    ] {
        let line = shown.lines().find(|line| line.starts_with(key)).unwrap();
        assert!(line.contains(value) && line.contains(from), "{line}");
    }
    let json: Value = serde_json::from_str(&works(&place.run(&["config", "show", "--json"]))).unwrap();
    assert!(json.as_array().unwrap().len() > 30);
    fails(
        &place.run(&["config", "check", "--set", "mode=x"]),
        2,
        "must be development or production",
    );
    assert!(!place.path("data").exists(), "looking changes nothing");
}

// Shows: AZ-4
#[test]
fn policies_are_checked_and_their_schema_is_shown() {
    checks!("T061");
    let place = Place::new();
    let schema = works(&place.run(&["policy", "schema"]));
    assert!(schema.contains("\nentity Account in [Role] {\n"), "{schema}");
    fails(&place.run(&["policy", "check"]), 2, "policies.directory");
    fs::create_dir(place.path("policies")).unwrap();
    let check = ["policy", "check", "policies"];
    fails(&place.run(&check), 1, "there is no file *.cedar");
    let write = |text: &str| fs::write(place.path("policies/a.cedar"), text).unwrap();
    write("permit(principal, action == Action::\"x:y\", resource);");
    fails(&place.run(&check), 1, "a.cedar:1:29: ");
    write("// nothing yet\n");
    assert_eq!(works(&place.run(&check)), "the policies are fine\n");
    let configured = ["policy", "check", "--set", "policies.directory=policies"];
    assert_eq!(works(&place.run(&configured)), "the policies are fine\n");

    // Those of an application, by what it says that they may name.
    write("permit(principal, action == Action::\"posts:edit\", resource is Post) when { resource.draft };");
    fails(&place.run(&check), 1, "a.cedar:1:29: ");
    let against = ["policy", "check", "--schema", "app.cedarschema", "policies"];
    fails(
        &place.run(&against),
        1,
        "the schema app.cedarschema can't be read",
    );
    let declared = "\nentity Post {\n  id: String,\n  owner?: Account,\n  organization?: Organization,\n  \"draft\": Bool,\n};\n\
         \naction \"posts:edit\" appliesTo { principal: [Account], resource: [Post], context: DecisionContext };\n";
    let of_application = |text: &str| fs::write(place.path("app.cedarschema"), text).unwrap();
    for other in [declared, "", &format!("{schema}{declared}// mine")] {
        of_application(other);
        fails(&place.run(&against), 1, "isn't a schema as this version");
    }
    of_application(&format!("{schema}{declared}"));
    assert_eq!(works(&place.run(&against)), "the policies are fine\n");
    write("permit(principal, action == Action::\"posts:edit\", resource is Post) when { resource.draught };");
    fails(&place.run(&against), 1, "a.cedar:1:");
    assert!(!place.path("data").exists(), "looking changes nothing");
}

#[test]
fn completions_and_version_need_no_configuration() {
    let place = Place::new();
    fs::write(place.path("portcullis.toml"), "nonsense").unwrap();
    assert!(works(&place.run(&["completions", "bash"])).contains("setup-link"));
    assert_eq!(
        works(&place.run(&["--version"])),
        format!("portcullis {}\n", env!("CARGO_PKG_VERSION"))
    );
}
