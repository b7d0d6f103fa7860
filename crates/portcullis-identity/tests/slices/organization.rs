//! Organizations: who is in, who gets in, and what of one tenant another can reach.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::authz::{MembersWrite, OrganizationsWrite};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::{self, Creation, INVITATION_LIFETIME, Id, MayLetIn, OWNER};
use portcullis_identity::{
    Allow, Api, Json, Member, OpenError, Permit, Portcullis, Role, permissions, roles,
};
use portcullis_testkit::{Account, Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{complaints, decision_of, events, log_in_with, pairs, proven, text, with_role};

permissions! {
    ProjectsRead = "projects:read": "Read projects";
    ProjectsWrite = "projects:write": "Change projects";
}
roles! { Boss = "boss"; }

async fn read(who: Allow<Member<ProjectsRead>>) -> Json<Value> {
    Json(json!({ "organization": who.organization().id(), "slug": who.organization().organization().slug }))
}

async fn write(_: Allow<Member<ProjectsWrite>>) -> &'static str {
    "written"
}

async fn boss(_: Allow<Member<Role<Boss>>>) -> &'static str {
    "boss"
}

async fn everywhere(_: Allow<ProjectsRead>) -> &'static str {
    "outside of organizations"
}

fn api(portcullis: &Portcullis) -> Api {
    portcullis
        .api()
        .get("/projects", read)
        .post("/projects", write)
        .get("/boss", boss)
        .get("/t/{organization}/projects", read)
        .get("/everywhere", everywhere)
}

async fn app() -> TestApp {
    app_with(|builder| builder).await
}

async fn app_with(
    more: impl FnOnce(portcullis_identity::Builder) -> portcullis_identity::Builder,
) -> TestApp {
    let at_a_subdomain = |builder: portcullis_identity::Builder| {
        let own = "https://id.app.example.com/".parse().unwrap();
        more(builder.base_domain("app.example.com").public_url(own))
    };
    let app = TestApp::with(at_a_subdomain, api).await;
    for (role, permissions) in [
        ("reader", &["projects:read"][..]),
        ("writer", &["projects:write"]),
        ("manager", &["org:members:write"]),
        ("boss", &[]),
    ] {
        with_role(&app, role, permissions).await;
    }
    app
}

/// Creates an organization through its route; answers its id.
async fn create(app: &TestApp, owner: &Account, slug: &str) -> String {
    let body = json!({ "name": "Some Name", "slug": slug });
    let made = post(app, owner, "/auth/organizations", &body).await.expect(201);
    text(&made.json(), "id")
}

async fn post(app: &TestApp, who: &Account, path: &str, body: &Value) -> Answer {
    app.post(path).bearer(&who.access_token).json(body).send().await
}

async fn put(app: &TestApp, who: &Account, path: &str, body: &Value) -> Answer {
    app.put(path).bearer(&who.access_token).json(body).send().await
}

async fn get(app: &TestApp, who: &Account, path: &str) -> Answer {
    app.get(path).bearer(&who.access_token).send().await
}

async fn delete(app: &TestApp, who: &Account, path: &str) -> Answer {
    app.delete(path).bearer(&who.access_token).send().await
}

/// Calls a route of the application for an organization.
async fn projects(app: &TestApp, who: &Account, organization: &str) -> Answer {
    let request = app.get("/projects").bearer(&who.access_token);
    request.header("x-organization-id", organization).send().await
}

/// Makes somebody a member, at the machine's own command line.
async fn join(app: &TestApp, organization: &str, who: &Account, roles: &[&str]) {
    let permit = Permit::<Member<MembersWrite>>::dangerous_for_operator_in(organization.parse().unwrap());
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let organizations = app.portcullis.organizations();
    let change = organizations.add(&permit, who.id, roles, app.by_operator()).await;
    assert_eq!(change.unwrap(), Effect::Changed);
}

async fn suspend(app: &TestApp, organization: &str, state: organization::OrganizationState) {
    let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
    let (organizations, id): (_, Id) = (app.portcullis.organizations(), organization.parse().unwrap());
    let change = organizations
        .set_state(&permit, id, state, app.by_operator())
        .await;
    assert_eq!(change.unwrap(), Effect::Changed);
}

async fn invite(app: &TestApp, who: &Account, organization: &str, email: &str, roles: &[&str]) -> Answer {
    let path = format!("/auth/organizations/{organization}/invitations");
    post(app, who, &path, &json!({ "email": email, "roles": roles })).await
}

/// The code in the next e-mail of an invitation; what came before is read over.
async fn invitation_to(app: &TestApp, email: &str) -> String {
    loop {
        let email = app.mailer.email_to(email).await;
        let code = email
            .text
            .split_whitespace()
            .find(|word| word.starts_with("pci_"));
        if let Some(code) = code {
            return code.to_owned();
        }
    }
}

async fn accept(app: &TestApp, who: &Account, code: &str) -> Answer {
    post(app, who, "/auth/invitations/accept", &json!({ "token": code })).await
}

fn codes(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.code())
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn select_refuses_what_names_no_organization_of_the_callers() {
    checks!("T068");
    checks!("T074");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    let other = create(&app, &ben, "other").await;
    for (organization, status, code) in [
        // Somebody else's and nobody's look the same.
        (other.as_str(), 403, "not_a_member"),
        ("other", 403, "not_a_member"),
        ("ghost", 403, "not_a_member"),
        ("01890000-0000-7000-8000-000000000000", 403, "not_a_member"),
        ("", 400, "invalid_organization"),
        ("Acme", 400, "invalid_organization"),
        ("ACME", 400, "invalid_organization"),
        ("аcme", 400, "invalid_organization"),
        ("acmе", 400, "invalid_organization"),
        ("acme ,other", 400, "invalid_organization"),
        ("acme,acme", 400, "invalid_organization"),
        ("acme%20", 400, "invalid_organization"),
        ("../acme", 400, "invalid_organization"),
        ("xn--cme-7cd", 400, "invalid_organization"),
        (
            "00000000-0000-0000-0000-000000000000",
            400,
            "invalid_organization",
        ),
        (&acme.to_uppercase(), 400, "invalid_organization"),
        (&acme.replace('-', ""), 400, "invalid_organization"),
        (&format!("{{{acme}}}"), 400, "invalid_organization"),
    ] {
        let answer = projects(&app, &anna, organization).await;
        assert_eq!(codes(&answer), refusal(status, code), "{organization:?}");
    }
    let stranger = projects(&app, &anna, "other").await.json();
    let nobodys = projects(&app, &anna, "ghost").await.json();
    assert_eq!(stranger["detail"], nobodys["detail"]);
    let nothing = get(&app, &anna, "/projects").await;
    assert_eq!(codes(&nothing), refusal(400, "no_organization"));
    let twice = app.get("/projects").bearer(&anna.access_token);
    let twice = twice
        .header("x-organization-id", "acme")
        .header("x-organization-id", "acme");
    assert_eq!(codes(&twice.send().await), refusal(400, "invalid_organization"));
    let nobody = app
        .get("/projects")
        .header("x-organization-id", "acme")
        .send()
        .await;
    assert_eq!(nobody.status(), 401);
    for organization in [acme.as_str(), "acme"] {
        let answer = projects(&app, &anna, organization).await.expect(200).json();
        assert_eq!(
            (text(&answer, "organization"), text(&answer, "slug")),
            (acme.clone(), "acme".to_owned())
        );
    }
}

// Shows: AZ-6
#[tokio::test]
async fn select_refuses_places_that_disagree() {
    checks!("T068");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    let second = create(&app, &anna, "second").await;
    let other = create(&app, &ben, "other").await;
    for (path, header, host, status, code) in [
        // Both hers; one hers and one another's, either way around; both another's; one nobody's.
        ("acme", Some(second.as_str()), None, 400, "organization_conflict"),
        (&acme, Some("second"), None, 400, "organization_conflict"),
        ("acme", Some("other"), None, 400, "organization_conflict"),
        ("other", Some("acme"), None, 400, "organization_conflict"),
        (&other, Some(&acme), None, 400, "organization_conflict"),
        ("other", Some(&other), None, 400, "organization_conflict"),
        ("acme", Some("ghost"), None, 400, "organization_conflict"),
        (
            "acme",
            None,
            Some("second.app.example.com"),
            400,
            "organization_conflict",
        ),
        (
            "acme",
            Some(&acme),
            Some("other.app.example.com"),
            400,
            "organization_conflict",
        ),
        ("acme", Some(""), None, 400, "invalid_organization"),
        ("Acme", Some("acme"), None, 400, "invalid_organization"),
        ("ac%20me", None, None, 400, "invalid_organization"),
        ("%ff", None, None, 400, "invalid_organization"),
        (
            "other",
            Some("other"),
            Some("other.app.example.com"),
            403,
            "not_a_member",
        ),
        ("acme", Some(&acme), Some("acme.app.example.com"), 200, ""),
        (&acme, Some("acme"), Some("ACME.App.Example.com:8443"), 200, ""),
        (&acme, None, Some("www.app.example.com"), 200, ""),
    ] {
        let mut request = app.get(&format!("/t/{path}/projects")).bearer(&anna.access_token);
        for (name, value) in [("x-organization-id", header), ("host", host)] {
            request = value
                .into_iter()
                .fold(request, |request, value| request.header(name, value));
        }
        let answer = request.send().await;
        assert_eq!(
            codes(&answer),
            refusal(status, code),
            "{path:?} {header:?} {host:?}"
        );
    }
}

#[tokio::test]
async fn select_by_subdomain_reads_the_configured_domain_only() {
    checks!("T074");
    // Hosts that are answered for, so that it is the domain which doesn't select.
    let elsewhere = [
        "acme.evil.example",
        "acme.app.example.com.evil.example",
        "acmeapp.example.com",
        "acme.xapp.example.com",
    ];
    let app = app_with(|builder| {
        elsewhere
            .into_iter()
            .fold(builder, portcullis_identity::Builder::host)
    })
    .await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    create(&app, &anna, "acme").await;
    create(&app, &ben, "other").await;
    let call = async |hosts: &[&str]| {
        let request = app.get("/projects").bearer(&anna.access_token);
        let request = hosts
            .iter()
            .fold(request, |request, host| request.header("host", host));
        codes(&request.send().await)
    };
    for (host, status, code) in [
        ("other.app.example.com", 403, "not_a_member"),
        ("ghost.app.example.com", 403, "not_a_member"),
        // Another base, a base that only ends alike, and the base itself: nothing is selected.
        ("acme.evil.example", 400, "no_organization"),
        ("acme.app.example.com.evil.example", 400, "no_organization"),
        ("acmeapp.example.com", 400, "no_organization"),
        ("acme.xapp.example.com", 400, "no_organization"),
        ("app.example.com", 400, "no_organization"),
        ("www.app.example.com", 400, "no_organization"),
        ("id.app.example.com", 400, "no_organization"),
        ("127.0.0.1:8080", 400, "no_organization"),
        ("[::1]:8080", 400, "no_organization"),
        ("acme.acme.app.example.com", 400, "invalid_organization"),
        (".app.example.com", 400, "invalid_organization"),
        ("xn--cme-7cd.app.example.com", 400, "invalid_organization"),
        ("ac_me.app.example.com", 400, "invalid_organization"),
        ("acme@app.example.com", 400, "invalid_host"),
        ("acme.app.example.com/x", 400, "invalid_host"),
        ("acme.app.example.com", 200, ""),
        ("acme.app.example.com.", 200, ""),
        ("Acme.APP.example.com:443", 200, ""),
    ] {
        assert_eq!(call(&[host]).await, refusal(status, code), "{host}");
    }
    let two = call(&["acme.app.example.com", "other.app.example.com"]).await;
    assert_eq!(two, refusal(400, "invalid_host"));
    // Where no base domain is configured, no host selects anything.
    let plain = TestApp::with(|builder| builder.host("acme.app.example.com"), api).await;
    let anna = plain.user("anna@example.com").await;
    create(&plain, &anna, "acme").await;
    let request = plain.get("/projects").bearer(&anna.access_token);
    let answer = request.header("host", "acme.app.example.com").send().await;
    assert_eq!(codes(&answer), refusal(400, "no_organization"));
}

/// The routes whose rule asks for a member, as the lock names them.
fn routes_for_members() -> BTreeSet<String> {
    let lines = include_str!("../../../../authz.lock").lines();
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let asking = words.filter(|words| words.iter().skip(2).any(|word| word.starts_with("member")));
    asking.map(|words| words[..2].join(" ")).collect()
}

// Shows: AZ-6
/// Every route of the slice that works on one organization, on somebody else's.
#[tokio::test]
async fn another_tenants_organization_is_out_of_reach_on_every_route() {
    checks!("T068");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        proven(&app, "ben@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    let other = create(&app, &ben, "other").await;
    let invited = invite(&app, &ben, &other, "eve@example.com", &[])
        .await
        .expect(201)
        .json();
    let invitation = text(&invited, "id");
    let (hers, his) = (anna.id.to_string(), ben.id.to_string());
    let mut tried = BTreeSet::new();
    for (method, template, id, body) in [
        ("GET", "", "", None),
        ("PATCH", "", "", Some(json!({ "name": "Mine" }))),
        ("POST", "/leave", "", None),
        ("GET", "/members", "", None),
        (
            "PUT",
            "/members/{account}/roles",
            &his,
            Some(json!({ "roles": [] })),
        ),
        (
            "PUT",
            "/members/{account}/roles",
            &hers,
            Some(json!({ "roles": [OWNER] })),
        ),
        ("DELETE", "/members/{account}", &his, None),
        ("POST", "/ownership", "", Some(json!({ "account": hers }))),
        ("GET", "/invitations", "", None),
        (
            "POST",
            "/invitations",
            "",
            Some(json!({ "email": "anna@example.com", "roles": [OWNER] })),
        ),
        ("DELETE", "/invitations/{invitation}", &invitation, None),
    ] {
        tried.insert(format!("{method} /auth/organizations/{{organization}}{template}"));
        let path = template.replace("{account}", id).replace("{invitation}", id);
        let call = async |organization: &str, header: Option<&str>| {
            let path = format!("/auth/organizations/{organization}{path}");
            let mut request = app
                .request(method.parse().unwrap(), &path)
                .bearer(&anna.access_token);
            if let Some(header) = header {
                request = request.header("x-organization-id", header);
            }
            if let Some(body) = &body {
                request = request.json(body);
            }
            codes(&request.send().await)
        };
        for foreign in [other.as_str(), "other", "ghost"] {
            assert_eq!(
                call(foreign, None).await,
                refusal(403, "not_a_member"),
                "{method} {path}"
            );
            let disagreeing = call(foreign, Some(&acme)).await;
            assert_eq!(
                disagreeing,
                refusal(400, "organization_conflict"),
                "{method} {path}"
            );
        }
    }
    assert_eq!(tried, routes_for_members(), "a route for members is not tried");
    // What belongs to the other organization isn't in hers.
    for (method, path) in [
        ("DELETE", format!("/auth/organizations/{acme}/members/{}", ben.id)),
        (
            "DELETE",
            format!("/auth/organizations/{acme}/invitations/{invitation}"),
        ),
        (
            "PUT",
            format!("/auth/organizations/{acme}/members/{}/roles", ben.id),
        ),
        ("POST", format!("/auth/organizations/{acme}/ownership")),
    ] {
        let request = app
            .request(method.parse().unwrap(), &path)
            .bearer(&anna.access_token);
        let answer = match method {
            "PUT" => request.json(&json!({ "roles": ["reader"] })).send().await,
            "POST" => {
                request
                    .json(&json!({ "account": ben.id.to_string() }))
                    .send()
                    .await
            }
            _ => request.send().await,
        };
        assert_eq!(answer.status(), 404, "{method} {path}: {}", answer.text());
    }
    let members = get(&app, &ben, "/auth/organizations/other/members")
        .await
        .expect(200)
        .json();
    assert_eq!(members["items"].as_array().unwrap().len(), 1);
    let open = get(&app, &ben, "/auth/organizations/other/invitations")
        .await
        .expect(200)
        .json();
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
    let mine = get(&app, &anna, "/auth/organizations").await.expect(200).json();
    assert_eq!(mine["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&mine["items"][0]["slug"], &mine["items"][0]["roles"]),
        (&json!("acme"), &json!([OWNER]))
    );
}

// Shows: AZ-6
#[tokio::test]
async fn accept_refuses_everybody_but_the_invited() {
    checks!("T070");
    let app = app().await;
    let anna = proven(&app, "anna@example.com").await;
    let eve = proven(&app, "eve@example.com").await;
    let cleo = app.user("cleo@example.com").await;
    let acme = create(&app, &anna, "acme").await;
    let invited = invite(&app, &anna, &acme, "Cleo@Example.com", &["reader"])
        .await
        .expect(201);
    assert!(!invited.text().contains("pci_"), "{}", invited.text());
    let code = invitation_to(&app, "Cleo@example.com").await;
    for (who, code, expected) in [
        (&eve, code.clone(), refusal(403, "another_address")),
        // The right address, not proven.
        (&cleo, code.clone(), refusal(403, "another_address")),
        (
            &cleo,
            code.replace("pci_", "pcv_"),
            refusal(400, "invalid_invitation"),
        ),
        (&cleo, format!("{code}="), refusal(400, "invalid_invitation")),
        (
            &cleo,
            format!("pci_{}", "A".repeat(43)),
            refusal(400, "invalid_invitation"),
        ),
        (&cleo, String::new(), refusal(400, "invalid_invitation")),
    ] {
        assert_eq!(
            codes(&accept(&app, who, &code).await),
            expected,
            "{} {code}",
            who.email
        );
    }
    let token = app.mailer.code_to("cleo@example.com").await;
    let verify = json!({ "token": token, "password": PASSWORD });
    app.post("/auth/email/verify")
        .json(&verify)
        .send()
        .await
        .expect(200);
    // A code of one purpose is none of another.
    let wrong = json!({ "token": code.replace("pci_", "pcv_") });
    app.post("/auth/email/verify")
        .json(&wrong)
        .send()
        .await
        .refused(400, "invalid_code");
    let unknown = json!({ "token": code, "organization": acme });
    post(&app, &cleo, "/auth/invitations/accept", &unknown)
        .await
        .refused(422, "invalid_fields");
    app.post("/auth/invitations/accept")
        .json(&json!({ "token": code }))
        .send()
        .await
        .refused(401, "authentication_required");
    assert_eq!(
        codes(&projects(&app, &cleo, &acme).await),
        refusal(403, "not_a_member")
    );
    let joined = join_all((0..50).map(|_| accept(&app, &cleo, &code))).await;
    let good: Vec<_> = joined.iter().filter(|answer| answer.status() == 200).collect();
    assert_eq!(good.len(), 1);
    assert_eq!(good[0].json()["roles"], json!(["reader"]));
    assert!(
        joined
            .iter()
            .all(|answer| answer.status() == 200 || answer.code() == "invalid_invitation")
    );
    projects(&app, &cleo, &acme).await.expect(200);
    assert_eq!(events(&app, "organization.member_joined").await.len(), 1);
}

#[tokio::test]
async fn an_invitation_ends_at_its_time_when_replaced_and_when_revoked() {
    checks!("T070");
    let app = app().await;
    let anna = proven(&app, "anna@example.com").await;
    let acme = create(&app, &anna, "acme").await;
    for (index, late) in [(0, true), (1, false)] {
        let email = format!("guest{index}@example.com");
        proven(&app, &email).await;
        let anna = app.log_in("anna@example.com").await;
        invite(&app, &anna, &acme, &email, &[]).await.expect(201);
        let code = invitation_to(&app, &email).await;
        let before = if late {
            Duration::ZERO
        } else {
            Duration::from_secs(1)
        };
        app.clock.advance_secs((INVITATION_LIFETIME - before).as_secs());
        let guest = app.log_in(&email).await;
        let answer = accept(&app, &guest, &code).await;
        assert_eq!(answer.status(), if late { 400 } else { 200 }, "{}", answer.text());
    }
    let (anna, cleo) = (
        app.log_in("anna@example.com").await,
        proven(&app, "cleo@example.com").await,
    );
    invite(&app, &anna, &acme, "cleo@example.com", &["writer"])
        .await
        .expect(201);
    let first = invitation_to(&app, "cleo@example.com").await;
    let again = invite(&app, &anna, &acme, "cleo@example.com", &["reader"])
        .await
        .expect(201)
        .json();
    let second = invitation_to(&app, "cleo@example.com").await;
    assert_eq!(
        codes(&accept(&app, &cleo, &first).await),
        refusal(400, "invalid_invitation")
    );
    let path = format!("/auth/organizations/{acme}/invitations/{}", text(&again, "id"));
    delete(&app, &anna, &path).await.expect(204);
    assert_eq!(
        codes(&delete(&app, &anna, &path).await),
        refusal(404, "unknown_invitation")
    );
    assert_eq!(
        codes(&accept(&app, &cleo, &second).await),
        refusal(400, "invalid_invitation")
    );
}

// Shows: AZ-6
#[tokio::test]
async fn nobody_gives_or_takes_beyond_their_own_roles() {
    checks!("T071");
    checks!("T073");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let (cleo, root) = (
        app.user("cleo@example.com").await,
        app.administrator("root@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &["manager", "reader"]).await;
    join(&app, &acme, &cleo, &["writer"]).await;
    // Being the server's administrator is nothing here.
    join(&app, &acme, &root, &["manager"]).await;
    let member = |who: &Account| format!("/auth/organizations/{acme}/members/{}", who.id);
    for who in [&ben, &root] {
        for role in ["writer", "boss", OWNER, "administrator"] {
            let answer = invite(&app, who, &acme, "eve@example.com", &[role]).await;
            assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"), "{role}");
            let body = json!({ "roles": ["manager", "reader", role] });
            let answer = put(&app, who, &format!("{}/roles", member(&ben)), &body).await;
            assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"), "{role}");
        }
        for target in [&anna, &cleo] {
            let answer = delete(&app, who, &member(target)).await;
            assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"));
            let body = json!({ "roles": [] });
            let answer = put(&app, who, &format!("{}/roles", member(target)), &body).await;
            assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"));
        }
        let path = format!("/auth/organizations/{acme}/ownership");
        let body = json!({ "account": who.id.to_string() });
        assert_eq!(
            codes(&post(&app, who, &path, &body).await),
            refusal(403, "missing_role")
        );
        let path = format!("/auth/organizations/{acme}");
        let answer = app
            .patch(&path)
            .bearer(&who.access_token)
            .json(&json!({ "name": "Mine" }));
        assert_eq!(codes(&answer.send().await), refusal(403, "missing_permission"));
    }
    // Not even an owner gives what is the server's, and nobody takes it into an organization by a detour.
    let body = json!({ "roles": ["administrator"] });
    let answer = put(&app, &anna, &format!("{}/roles", member(&cleo)), &body).await;
    assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"));
    for (path, method) in [
        (
            format!("/admin/api/v1/roles/{OWNER}/permissions/portcullis:roles:write"),
            "PUT",
        ),
        (
            format!("/admin/api/v1/roles/{OWNER}/inherits/administrator"),
            "PUT",
        ),
        (format!("/admin/api/v1/roles/reader/inherits/{OWNER}"), "PUT"),
        (format!("/admin/api/v1/accounts/{}/roles/{OWNER}", anna.id), "PUT"),
        (format!("/admin/api/v1/roles/{OWNER}"), "DELETE"),
    ] {
        let request = app
            .request(method.parse().unwrap(), &path)
            .bearer(&root.access_token);
        assert_eq!(
            codes(&request.send().await),
            refusal(409, "protected"),
            "{method} {path}"
        );
    }
    let admin = get(&app, &anna, "/admin/api/v1/organizations").await;
    assert_eq!(codes(&admin), refusal(403, "missing_permission"));
    let many: Vec<String> = (0..21).map(|n| format!("role{n}")).collect();
    let answer = put(
        &app,
        &anna,
        &format!("{}/roles", member(&cleo)),
        &json!({ "roles": many }),
    )
    .await;
    assert_eq!(
        complaints(&answer.refused(422, "invalid_fields")),
        pairs(&[("/roles", "too_many_roles")])
    );
    let unknown = put(
        &app,
        &anna,
        &format!("{}/roles", member(&cleo)),
        &json!({ "roles": ["ghost"] }),
    )
    .await;
    assert_eq!(codes(&unknown), refusal(404, "unknown_role"));
    let given = put(
        &app,
        &ben,
        &format!("{}/roles", member(&ben)),
        &json!({ "roles": ["reader"] }),
    )
    .await;
    assert_eq!(given.status(), 204, "giving up one's own is nobody's loss");
}

// Shows: AZ-6
#[tokio::test]
async fn a_narrowed_credential_gives_no_role_and_takes_what_its_scopes_name() {
    checks!("T071");
    let app = app().await;
    // An owner who may all of it everywhere: scopes are granted of what the account itself may do.
    let all = ["org:members:write", "projects:read", "projects:write"];
    let anna = app.user_with("anna@example.com", &all).await;
    let (ben, eve) = (
        app.user("ben@example.com").await,
        app.user("eve@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &["writer"]).await;
    join(&app, &acme, &eve, &[]).await;
    let scope = json!({ "scope": "org:members:write projects:read" });
    let narrow = log_in_with(&app, "anna@example.com", &scope).await.expect(200);
    let narrow = Account {
        access_token: text(&narrow.json(), "access_token"),
        ..anna.clone()
    };
    let member = |who: &Account| format!("/auth/organizations/{acme}/members/{}", who.id);
    for role in [OWNER, "writer", "boss", "manager,writer", "reader"] {
        let roles: Vec<&str> = role.split(',').collect();
        let body = json!({ "roles": roles });
        let answer = put(&app, &narrow, &format!("{}/roles", member(&eve)), &body).await;
        assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"), "{role}");
        let answer = invite(&app, &narrow, &acme, "zoe@example.com", &roles).await;
        assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"), "{role}");
    }
    let answer = delete(&app, &narrow, &member(&ben)).await;
    assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"));
    let roles = format!("{}/roles", member(&eve));
    for (who, given) in [
        (&anna, json!(["reader"])),
        (&narrow, json!([])),
        (&anna, json!([OWNER])),
    ] {
        put(&app, who, &roles, &json!({ "roles": given }))
            .await
            .expect(204);
    }
}

// Shows: AZ-6
/// A session that was left open makes nobody an owner.
#[tokio::test]
async fn giving_in_an_organization_asks_for_a_person_who_just_logged_in() {
    checks!("T112");
    let app = app().await;
    let (anna, ben) = (
        proven(&app, "anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &["reader"]).await;
    let path = |rest: &str| format!("/auth/organizations/{acme}{rest}");
    let roles = path(&format!("/members/{}/roles", ben.id));
    app.clock.advance_secs(900);
    let fresh = Account {
        access_token: app.log_in(&anna.email).await.access_token,
        ..anna.clone()
    };
    let stale = crate::fixtures::refresh(&app, &anna.refresh_token)
        .await
        .expect(200);
    let stale = Account {
        access_token: text(&stale.json(), "access_token"),
        ..anna.clone()
    };
    for (who, statuses) in [(&stale, [401, 401, 401]), (&fresh, [204, 201, 204])] {
        let given = put(&app, who, &roles, &json!({ "roles": ["writer"] })).await;
        let invited = invite(&app, who, &acme, "zoe@example.com", &["reader"]).await;
        let handed = post(&app, who, &path("/ownership"), &json!({ "account": ben.id })).await;
        let answers = [given, invited, handed];
        if who.access_token == stale.access_token {
            let challenge = answers[0].header("www-authenticate");
            assert!(
                challenge.contains("insufficient_user_authentication"),
                "{challenge}"
            );
        }
        assert_eq!(answers.each_ref().map(Answer::status), statuses);
    }
}

#[tokio::test]
async fn an_organization_keeps_an_owner() {
    checks!("T072");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let stranger = app.user("eve@example.com").await;
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &["reader"]).await;
    let path = |rest: &str| format!("/auth/organizations/{acme}{rest}");
    let own = format!("/members/{}", anna.id);
    assert_eq!(
        codes(&post(&app, &anna, &path("/leave"), &json!({})).await).0,
        409
    );
    assert_eq!(
        codes(&delete(&app, &anna, &path(&own)).await),
        refusal(409, "last_owner")
    );
    let demoted = put(
        &app,
        &anna,
        &path(&format!("{own}/roles")),
        &json!({ "roles": ["reader"] }),
    )
    .await;
    assert_eq!(codes(&demoted), refusal(409, "last_owner"));
    for (to, expected) in [
        (stranger.id.to_string(), refusal(404, "unknown_member")),
        ("me".to_owned(), refusal(404, "unknown_member")),
        (anna.id.to_string(), refusal(204, "")),
    ] {
        let answer = post(&app, &anna, &path("/ownership"), &json!({ "account": to })).await;
        assert_eq!(codes(&answer), expected, "{to}");
    }
    let transferred = json!({ "account": ben.id.to_string() });
    post(&app, &anna, &path("/ownership"), &transferred)
        .await
        .expect(204);
    let again = post(&app, &anna, &path("/ownership"), &transferred).await;
    assert_eq!(codes(&again), refusal(403, "missing_role"));
    let here = get(&app, &ben, &path("")).await.expect(200).json();
    assert_eq!(here["roles"], json!([OWNER, "reader"]));
    post(&app, &anna, &path("/leave"), &json!({})).await.expect(204);
    assert_eq!(
        codes(&get(&app, &anna, &path("")).await),
        refusal(403, "not_a_member")
    );
}

// Shows: AZ-6
#[tokio::test]
async fn what_is_taken_away_counts_from_the_next_request_on() {
    checks!("T069");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &["reader"]).await;
    // Warm by both names.
    projects(&app, &ben, &acme).await.expect(200);
    projects(&app, &ben, "acme").await.expect(200);
    let member = format!("/auth/organizations/{acme}/members/{}", ben.id);
    put(&app, &anna, &format!("{member}/roles"), &json!({ "roles": [] }))
        .await
        .expect(204);
    assert_eq!(
        codes(&projects(&app, &ben, "acme").await),
        refusal(403, "missing_permission")
    );
    put(
        &app,
        &anna,
        &format!("{member}/roles"),
        &json!({ "roles": ["reader"] }),
    )
    .await
    .expect(204);
    projects(&app, &ben, "acme").await.expect(200);
    suspend(&app, &acme, organization::OrganizationState::Suspended).await;
    for who in [&anna, &ben] {
        for organization in [acme.as_str(), "acme"] {
            let answer = projects(&app, who, organization).await;
            assert_eq!(codes(&answer), refusal(403, "organization_suspended"));
        }
    }
    let mine = get(&app, &ben, "/auth/organizations").await.expect(200).json();
    assert_eq!(mine["items"][0]["state"], "suspended");
    suspend(&app, &acme, organization::OrganizationState::Active).await;
    projects(&app, &ben, "acme").await.expect(200);
    // The role itself changes, outside of any organization.
    let (roles, permit) = (app.portcullis.roles(), Permit::dangerous_for_operator());
    assert!(
        roles
            .disallow(&permit, "reader", "projects:read", app.by_operator())
            .await
            .is_ok()
    );
    assert_eq!(
        codes(&projects(&app, &ben, "acme").await),
        refusal(403, "missing_permission")
    );
    assert!(
        roles
            .allow(
                &Permit::dangerous_for_operator(),
                "reader",
                "projects:read",
                app.by_operator(),
            )
            .await
            .is_ok()
    );
    projects(&app, &ben, "acme").await.expect(200);
    // The old slug selects nothing from the renaming on, and stays reserved.
    let renamed = app
        .patch(&format!("/auth/organizations/{acme}"))
        .bearer(&anna.access_token);
    renamed
        .json(&json!({ "slug": "acme-new" }))
        .send()
        .await
        .expect(204);
    assert_eq!(
        codes(&projects(&app, &ben, "acme").await),
        refusal(403, "not_a_member")
    );
    projects(&app, &ben, "acme-new").await.expect(200);
    let taken = json!({ "name": "Another", "slug": "acme" });
    assert_eq!(
        codes(&post(&app, &ben, "/auth/organizations", &taken).await),
        refusal(409, "slug_taken")
    );
    delete(&app, &anna, &member).await.expect(204);
    for organization in [acme.as_str(), "acme-new"] {
        assert_eq!(
            codes(&projects(&app, &ben, organization).await),
            refusal(403, "not_a_member")
        );
    }
}

#[tokio::test]
async fn what_counts_here_does_not_count_there() {
    checks!("T024");
    checks!("T073");
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let ben = app
        .user_with("ben@example.com", &["projects:read", "projects:write"])
        .await;
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &[]).await;
    app.assign(&ben, "boss").await;
    // The owner may everything in the organization and nothing outside, the member the other way around.
    projects(&app, &anna, "acme").await.expect(200);
    assert_eq!(
        codes(&get(&app, &anna, "/everywhere").await),
        refusal(403, "missing_permission")
    );
    get(&app, &ben, "/everywhere").await.expect(200);
    assert_eq!(
        codes(&projects(&app, &ben, "acme").await),
        refusal(403, "missing_permission")
    );
    let boss = app
        .get("/boss")
        .bearer(&ben.access_token)
        .header("x-organization-id", "acme");
    assert_eq!(codes(&boss.send().await), refusal(403, "missing_role"));
    // A credential narrowed by scopes is narrowed here, too.
    let permit = Permit::<MayLetIn>::dangerous_for_operator_in(acme.parse().unwrap());
    let all = ["boss", "reader", "writer"].map(ToOwned::to_owned).to_vec();
    let organizations = app.portcullis.organizations();
    assert!(
        organizations
            .set_roles(&permit, ben.id, all, app.by_operator())
            .await
            .is_ok()
    );
    let narrowed = log_in_with(&app, "ben@example.com", &json!({ "scope": "projects:read" })).await;
    let narrowed = Account {
        access_token: text(&narrowed.expect(200).json(), "access_token"),
        ..ben.clone()
    };
    projects(&app, &narrowed, "acme").await.expect(200);
    let here = get(&app, &narrowed, "/auth/organizations/acme")
        .await
        .expect(200)
        .json();
    assert_eq!(here["permissions"], json!(["projects:read"]));
    for (method, path, expected) in [
        ("POST", "/projects", refusal(403, "insufficient_scope")),
        ("GET", "/boss", refusal(403, "missing_role")),
    ] {
        let call = async |who: &Account| {
            let request = app
                .request(method.parse().unwrap(), path)
                .bearer(&who.access_token);
            codes(&request.header("x-organization-id", "acme").send().await)
        };
        assert_eq!(call(&narrowed).await, expected, "{method} {path}");
        assert_eq!(call(&ben).await.0, 200, "{method} {path}");
    }
}

#[tokio::test]
async fn create_refuses_bad_names_taken_slugs_and_too_many() {
    checks!("T074");
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    for (name, slug, expected) in [
        (
            "",
            "",
            pairs(&[("/name", "invalid_name"), ("/slug", "invalid_slug")]),
        ),
        ("Acme\r\nBcc: x@y.z", "acme", pairs(&[("/name", "invalid_name")])),
        ("Acme", "Acme", pairs(&[("/slug", "invalid_slug")])),
        ("Acme", "аcme", pairs(&[("/slug", "invalid_slug")])),
        ("Acme", "www", pairs(&[("/slug", "invalid_slug")])),
        ("Acme", "xn--acme", pairs(&[("/slug", "invalid_slug")])),
        ("Acme", &anna.id.to_string(), pairs(&[("/slug", "invalid_slug")])),
    ] {
        let body = json!({ "name": name, "slug": slug });
        let answer = post(&app, &anna, "/auth/organizations", &body)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&answer), expected, "{name:?} {slug:?}");
    }
    let owned = json!({ "name": "Acme", "slug": "acme", "owner": anna.id.to_string() });
    post(&app, &anna, "/auth/organizations", &owned)
        .await
        .refused(422, "invalid_fields");
    for n in 0..50 {
        create(&app, &anna, &format!("acme-{n}")).await;
    }
    let more = json!({ "name": "Acme", "slug": "acme" });
    let answer = post(&app, &anna, "/auth/organizations", &more).await;
    assert_eq!(codes(&answer), refusal(409, "too_many_organizations"));
}

#[tokio::test]
async fn administrators_alone_see_suspend_and_where_wanted_create() {
    let closed = |builder: portcullis_identity::Builder| {
        let mut settings = organization::Settings::default();
        settings.creation = Creation::Administrators;
        builder.organizations(settings)
    };
    let app = TestApp::with(closed, Portcullis::api).await;
    let (anna, root) = (
        app.user("anna@example.com").await,
        app.administrator("root@example.com").await,
    );
    let admin = "/admin/api/v1/organizations";
    let body = json!({ "name": "Acme", "slug": "acme" });
    let refused = post(&app, &anna, "/auth/organizations", &body).await;
    assert_eq!(codes(&refused), refusal(403, "creation_closed"));
    for (method, path) in [
        ("GET", admin.to_owned()),
        ("POST", admin.to_owned()),
        ("GET", format!("{admin}/acme")),
        ("PUT", format!("{admin}/acme/state")),
    ] {
        let request = app
            .request(method.parse().unwrap(), &path)
            .bearer(&anna.access_token);
        let answer = request.json(&json!({ "state": "suspended" })).send().await;
        assert_eq!(
            codes(&answer),
            refusal(403, "missing_permission"),
            "{method} {path}"
        );
    }
    let nobody = "01890000-0000-7000-8000-000000000000";
    for (owner, status) in [("anna", 422), (nobody, 404)] {
        let body = json!({ "name": "Acme", "slug": "acme", "owner": owner });
        post(&app, &root, admin, &body).await.expect(status);
    }
    let body = json!({ "name": "Acme", "slug": "acme", "owner": anna.id.to_string() });
    let acme = text(&post(&app, &root, admin, &body).await.expect(201).json(), "id");
    // Ids are ordered by their millisecond.
    app.clock.advance_secs(1);
    create(&app, &root, "roots").await;
    get(&app, &anna, "/auth/organizations/acme").await.expect(200);
    // Who may administer all organizations is still in none.
    let inside = get(&app, &root, "/auth/organizations/acme").await;
    assert_eq!(codes(&inside), refusal(403, "not_a_member"));
    let page = get(&app, &root, &format!("{admin}?limit=1"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&page["items"][0]["slug"], &page["next_cursor"]),
        (&json!("acme"), &json!(acme))
    );
    let rest = get(&app, &root, &format!("{admin}?cursor={acme}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&rest["items"][0]["slug"], &rest["next_cursor"]),
        (&json!("roots"), &json!(null))
    );
    for organization in ["acme", acme.as_str()] {
        get(&app, &root, &format!("{admin}/{organization}"))
            .await
            .expect(200);
    }
    for organization in ["ghost", "Acme", nobody] {
        get(&app, &root, &format!("{admin}/{organization}"))
            .await
            .refused(404, "not_found");
        let path = format!("{admin}/{organization}/state");
        put(&app, &root, &path, &json!({ "state": "suspended" }))
            .await
            .refused(404, "not_found");
    }
    let state = format!("{admin}/{acme}/state");
    put(&app, &root, &state, &json!({ "state": "deleted" }))
        .await
        .refused(422, "invalid_fields");
    put(&app, &root, &state, &json!({ "state": "suspended" }))
        .await
        .expect(204);
    let refused = get(&app, &anna, "/auth/organizations/acme").await;
    assert_eq!(codes(&refused), refusal(403, "organization_suspended"));
    put(&app, &root, &state, &json!({ "state": "active" }))
        .await
        .expect(204);
    get(&app, &anna, "/auth/organizations/acme").await.expect(200);
    let told: Vec<_> = events(&app, "organization.state_set").await;
    let told: Vec<_> = told
        .iter()
        .map(|event| (event.detail.clone().unwrap(), event.actor.clone()))
        .collect();
    let expected = |state: &str| (format!("{acme} {state}"), root.id.to_string());
    assert_eq!(told, [expected("active"), expected("suspended")]);
}

// Shows: AZ-7
#[tokio::test]
async fn an_attempt_to_give_more_is_explained_and_audited() {
    checks!("T086");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &["manager"]).await;
    let path = format!("/auth/organizations/{acme}/members/{}/roles", ben.id);
    let answer = put(&app, &ben, &path, &json!({ "roles": [OWNER] })).await;
    assert_eq!(codes(&answer), refusal(403, "beyond_your_roles"));
    let kept = decision_of(&app, &answer).await.unwrap();
    assert_eq!(
        (&*kept.operation, &*kept.code, kept.account),
        (
            "PUT /auth/organizations/{organization}/members/{account}/roles",
            "beyond_your_roles",
            Some(ben.id)
        )
    );
    assert_eq!(
        kept.rule,
        format!("member(org:members:write and fresh-login(900)) in {acme}")
    );
    assert_eq!(kept.why, text(&answer.json(), "detail"));
    let denied = events(&app, "access.denied").await;
    assert_eq!(denied.len(), 1, "once");
    assert_eq!(denied[0].actor, ben.id.to_string());
    let detail = denied[0].detail.clone().unwrap();
    assert!(detail.ends_with(": beyond_your_roles"), "{detail}");
    // What is no refusal leaves nothing.
    let answer = put(&app, &ben, &path, &json!({ "roles": ["nothing"] })).await;
    assert_eq!(codes(&answer), refusal(404, "unknown_role"));
    assert!(decision_of(&app, &answer).await.is_none());
}

/// One path must never be read as another by what stands before the server or in it.
#[tokio::test]
async fn another_spelling_of_a_path_reaches_no_other_organization() {
    checks!("T068");
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let (acme, other) = (
        create(&app, &anna, "acme").await,
        create(&app, &ben, "other").await,
    );
    for path in [
        "/t//other/projects",
        "//t/other/projects",
        "/t/acme/../other/projects",
        "/t/acme/%2e%2e/other/projects",
        "/t/acme%2f..%2fother/projects",
        "/t/acme%2fother/projects",
        "/t/other;x/projects",
        "/t/acme;x/projects",
        "/t/other%00/projects",
        "/t/other%2fprojects",
        "/t/%6fther/projects",
        "/t/OTHER/projects",
        "/t/other/projects/",
    ] {
        let answer = get(&app, &anna, path).await;
        assert!(
            matches!(answer.status(), 400 | 403 | 404),
            "{path}: {}",
            answer.status()
        );
        assert!(!answer.text().contains(&other), "{path}");
        let named = format!("/auth/organizations/{}", path.trim_start_matches("/t/"));
        let answer = get(&app, &anna, &named).await;
        assert!(
            !answer.text().contains(&other) && answer.status() >= 400,
            "{named}"
        );
    }
    assert!(get(&app, &anna, "/t/acme/projects").await.text().contains(&acme));
}

#[tokio::test]
async fn without_its_database_nobody_is_a_member_and_nobody_becomes_one() {
    checks!("T037");
    let app = app().await;
    let (anna, ben) = (
        proven(&app, "anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let eve = proven(&app, "eve@example.com").await;
    let acme = create(&app, &anna, "acme").await;
    join(&app, &acme, &ben, &["reader"]).await;
    invite(&app, &anna, &acme, "eve@example.com", &[])
        .await
        .expect(201);
    let code = invitation_to(&app, "eve@example.com").await;
    app.portcullis.database().close().await;
    for answer in [
        projects(&app, &ben, "acme").await,
        get(&app, &ben, &format!("/auth/organizations/{acme}")).await,
        accept(&app, &eve, &code).await,
    ] {
        assert_eq!(codes(&answer), refusal(503, "unavailable"));
    }
}

// Shows: AZ-6
#[tokio::test]
async fn invite_beyond_the_rate_sends_no_email() {
    checks!("T091");
    let app = app().await;
    let (anna, ben) = (
        proven(&app, "anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let acme = create(&app, &anna, "acme").await;
    let bens = create(&app, &ben, "bens").await;
    let unproven = invite(&app, &ben, &bens, "eve@example.com", &[]).await;
    assert_eq!(codes(&unproven), refusal(403, "address_not_proven"));
    let path = format!("/auth/organizations/{acme}/invitations");
    let mut sent = 0;
    for spelling in [
        "eve@example.com",
        "Eve@Example.com",
        "EVE@example.com",
        "eve@EXAMPLE.com",
    ] {
        let answer = invite(&app, &anna, &acme, spelling, &[]).await;
        if answer.status() == 201 {
            sent += 1;
            let one = format!("{path}/{}", text(&answer.json(), "id"));
            delete(&app, &anna, &one).await.expect(204);
            continue;
        }
        assert_eq!(codes(&answer), refusal(429, "too_many_requests"));
        assert_eq!(answer.header("retry-after"), "28800");
    }
    assert_eq!(sent, 3);
    // From as many organizations as one likes, an address gets ten a day.
    for n in 0..8 {
        let more = create(&app, &anna, &format!("more-{n}")).await;
        let answer = invite(&app, &anna, &more, "eve@example.com", &[]).await;
        assert_eq!(answer.status(), if n < 7 { 201 } else { 429 }, "{n}");
        sent += u32::from(answer.status() == 201);
    }
    assert_eq!(sent, 10);
    // And one account writes fifty an hour to whomever.
    for n in 0..41 {
        let answer = invite(&app, &anna, &acme, &format!("guest{n}@example.com"), &[]).await;
        assert_eq!(answer.status(), if n < 40 { 201 } else { 429 }, "{n}");
    }
}

#[tokio::test]
async fn invite_where_nothing_can_be_mailed_is_refused() {
    let app = app().await;
    let anna = proven(&app, "anna@example.com").await;
    let mut passwords = portcullis_core::password::Settings::default();
    passwords.cost = portcullis_core::password::Cost::DANGEROUSLY_CHEAP;
    let nameless = Portcullis::builder()
        .database("sqlite::memory:")
        .environment(portcullis_testkit::environment(&app.clock, 2))
        .passwords(passwords)
        .open()
        .await
        .unwrap();
    let api = nameless.api();
    nameless.declare_permissions(&api).await.unwrap();
    let router = api.into_router(nameless.gate().clone()).unwrap();
    let send = async |path: &str, token: Option<&str>, body: Value| {
        let mut request =
            portcullis_testkit::Request::new(&router, http::Method::POST, path).behind(nameless.gate());
        if let Some(token) = token {
            request = request.bearer(token);
        }
        request.json(&body).send().await
    };
    let credentials = json!({ "email": anna.email, "password": PASSWORD });
    send("/auth/register", None, credentials).await.expect(201);
    let credentials = json!({ "identifier": anna.email, "password": PASSWORD });
    let tokens = send("/auth/login", None, credentials).await.expect(200).json();
    let token = text(&tokens, "access_token");
    let made = json!({ "name": "Acme", "slug": "acme" });
    send("/auth/organizations", Some(&token), made).await.expect(201);
    let path = "/auth/organizations/acme/invitations";
    let answer = send(path, Some(&token), json!({ "email": "eve@example.com" })).await;
    assert_eq!(codes(&answer), refusal(409, "cannot_mail"));
    let filter = portcullis_core::audit::EventFilter {
        action: Some("organization.invited".to_owned()),
        ..Default::default()
    };
    let written = nameless
        .audit()
        .list(&Permit::dangerous_for_operator(), filter, 10)
        .await;
    assert_eq!(written.unwrap().len(), 0);
}

// Shows: AZ-6
#[tokio::test]
async fn invite_leads_to_the_page_that_was_named_and_to_no_other() {
    checks!("T028");
    for page in [
        "http://app.example.com/invited",
        "https://app.example.com/?token=x",
    ] {
        let builder = Portcullis::builder().database("sqlite::memory:");
        let refused = builder.invitation_url(page.parse().unwrap()).open().await;
        assert!(matches!(refused, Err(OpenError::InvitationUrl)), "{page}");
    }
    for (page, link) in [
        (None, "https://id.example.com/accept-invitation?token="),
        (
            Some("https://app.example.com/in/vited"),
            "https://app.example.com/in/vited?token=",
        ),
    ] {
        let named = |builder: portcullis_identity::Builder| match page {
            Some(page) => builder.invitation_url(page.parse().unwrap()),
            None => builder,
        };
        let app = TestApp::with(named, Portcullis::api).await;
        let anna = proven(&app, "anna@example.com").await;
        let acme = create(&app, &anna, "acme").await;
        invite(&app, &anna, &acme, "ben@example.com", &[])
            .await
            .expect(201);
        let email = app.mailer.email_to("ben@example.com").await.text;
        assert!(email.contains(&format!("{link}pci_")), "{email}");
        assert_eq!(email.matches("://").count(), 1, "{email}");
        assert!(email.contains("at id.example.com."), "{email}");
    }
}
