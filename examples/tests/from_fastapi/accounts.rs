//! Passwords and accounts.

use portcullis_identity::core::account::{EmailAddress, Registration};
use portcullis_identity::core::authz::AccountsWrite;
use portcullis_identity::core::password::{self, Cost, InvalidCost, PasswordPolicy};
use portcullis_identity::core::secret::SecretText;
use portcullis_identity::{
    Allow, Api, AuditContext, Authenticated, Builder, Created, Enumeration, FieldErrors, HookError, Json,
    Mine, NoContent, OfCaller, Path, Portcullis, Principal, Problem, Registering, Role, State, roles,
};
use portcullis_testkit::{PASSWORD, TestApp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

roles! { Admin = "admin"; }

async fn me(who: Allow<Authenticated>) -> String {
    format!("you are {}", who.id())
}

async fn delete_post(_: Allow<Role<Admin>>, Path(id): Path<u64>) -> NoContent {
    assert_eq!(id, 7);
    NoContent
}

struct Profile {
    nickname: String,
}

impl OfCaller<Portcullis> for Profile {
    async fn of_caller(caller: &Principal, portcullis: &Portcullis) -> Result<Self, Problem> {
        let sql = "SELECT nickname FROM profiles WHERE account = $1";
        let rows = portcullis.query(sql, [caller.id().into()]).await?;
        let row = rows.first().ok_or_else(Problem::not_found)?;
        Ok(Self {
            nickname: row.get(0)?,
        })
    }
}

async fn greet(_: Allow<Authenticated>, Mine(me): Mine<Profile>) -> String {
    format!("Hello, {}", me.nickname)
}

const PROFILES: &str =
    "CREATE TABLE IF NOT EXISTS profiles (account BLOB PRIMARY KEY, nickname TEXT NOT NULL)";

async fn profile(new: Registering) -> Result<(), HookError> {
    let name = new.account.email.as_deref().unwrap_or("you");
    let sql = "INSERT INTO profiles (account, nickname) VALUES ($1, $2)";
    new.tx.execute(sql, [new.account.id.into(), name.into()]).await?;
    Ok(())
}

fn with_profiles(builder: Builder) -> Builder {
    builder.tables([PROFILES]).on_registration("profile", profile)
}

/// What an administrator writes.
#[derive(Deserialize, JsonSchema)]
struct NewPerson {
    email: String,
    password: String,
}

/// What they get.
#[derive(Serialize, JsonSchema)]
struct Person {
    id: String,
}

async fn create_person(
    _: Allow<AccountsWrite>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(new): Json<NewPerson>,
) -> Result<Created<Person>, Problem> {
    let email = EmailAddress::parse(&new.email)
        .map_err(|error| FieldErrors::of("/email", "invalid_email", error.to_string()))?;
    let password = SecretText::new(new.password);
    let form = Registration {
        email: Some(email),
        username: None,
        password,
    };
    let id = portcullis.register(form, by).await?.account.id.to_string();
    Ok(Created(Person { id }))
}

fn api(portcullis: &Portcullis) -> Api {
    Api::new("Shop", "1.0")
        .get("/me", me)
        .get("/greeting", greet)
        .post("/people", create_person)
        .delete("/posts/{id}", delete_post)
        .with_state(portcullis.clone())
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

fn long_passwords(builder: Builder) -> Builder {
    let mut policy = PasswordPolicy::default();
    policy.min_characters = 15;
    builder.password_policy(policy)
}

fn with_a_digit(builder: Builder) -> Builder {
    builder.password_rule(|password, _| match password.expose().contains(char::is_numeric) {
        true => Ok(()),
        false => Err("use a digit".to_owned()),
    })
}

fn hidden(builder: Builder) -> Builder {
    builder.enumeration(Enumeration::Hidden)
}

fn costly(builder: Builder) -> Result<Builder, InvalidCost> {
    let mut passwords = password::Settings::default();
    passwords.cost = Cost::new(65_536, 3, 1)?;
    Ok(builder.passwords(passwords))
}

async fn app() -> TestApp {
    TestApp::with(with_profiles, api).await
}

#[tokio::test]
async fn the_password_form_and_json_log_in_and_a_taken_address_is_told() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let form = [
        ("grant_type", "password"),
        ("username", "anna@example.com"),
        ("password", PASSWORD),
    ];
    let tokens = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .expect(200)
        .json();
    let token = tokens["access_token"].as_str().unwrap();
    let me = app.get("/me").bearer(token).send().await.expect(200);
    assert_eq!(me.text(), format!("you are {}", anna.id));
    app.get("/me")
        .send()
        .await
        .refused(401, "authentication_required");
    let name = json!({ "username": "anna", "password": PASSWORD });
    app.post("/auth/register").json(&name).send().await.expect(201);
    app.post("/auth/register")
        .json(&name)
        .send()
        .await
        .refused(409, "username_taken");
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_look_alike() {
    let app = app().await;
    app.user("anna@example.com").await;
    for identifier in ["anna@example.com", "nobody@example.com"] {
        let form = json!({ "identifier": identifier, "password": "guessed guessed" });
        let refused = app.post("/auth/login").json(&form).send().await;
        refused.refused(401, "invalid_credentials");
    }
    let app = TestApp::with(|builder| hidden(with_profiles(builder)), api).await;
    for _ in 0..2 {
        let form = json!({ "email": "anna@example.com", "password": PASSWORD });
        app.post("/auth/register").json(&form).send().await.expect(202);
    }
}

#[tokio::test]
async fn the_row_of_a_caller_is_made_at_the_registration_and_loaded_for_the_handler() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let greeting = app.get("/greeting").bearer(&anna.access_token).send().await;
    assert_eq!(greeting.expect(200).text(), "Hello, anna@example.com");
}

#[tokio::test]
async fn administrators_list_create_and_disable_people() {
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let form = json!({ "email": "ben@example.com", "password": PASSWORD });
    let create = async |token: &str| app.post("/people").bearer(token).json(&form).send().await;
    let made = create(&root.access_token).await.expect(201).json();
    let ben = app.log_in("ben@example.com").await;
    assert_eq!(made["id"], ben.id.to_string());
    create(&ben.access_token).await.refused(403, "missing_permission");
    let wrong = json!({ "email": "ben", "password": PASSWORD });
    let wrong = app
        .post("/people")
        .bearer(&root.access_token)
        .json(&wrong)
        .send()
        .await;
    wrong.refused(422, "invalid_fields");
    let all = app
        .get("/admin/api/v1/accounts")
        .bearer(&root.access_token)
        .send()
        .await;
    assert_eq!(all.expect(200).json()["items"].as_array().unwrap().len(), 2);

    // A disabled account is refused at once, whatever token it has.
    app.get("/me").bearer(&ben.access_token).send().await.expect(200);
    let state = format!("/admin/api/v1/accounts/{}/state", ben.id);
    let disable = app.put(&state).bearer(&root.access_token);
    disable
        .json(&json!({ "state": "disabled" }))
        .send()
        .await
        .expect(200);
    app.get("/me").bearer(&ben.access_token).send().await.expect(401);
}

#[tokio::test]
async fn only_the_role_deletes() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let delete = async || app.delete("/posts/7").bearer(&anna.access_token).send().await;
    delete().await.refused(403, "missing_role");
    let permit = portcullis_identity::Permit::dangerous_for_operator();
    let roles = app.portcullis.roles();
    assert!(
        roles
            .create(&permit, "admin", "", app.by_operator())
            .await
            .is_ok()
    );
    app.assign(&anna, "admin").await;
    delete().await.expect(204);
}

#[tokio::test]
async fn passwords_are_as_long_and_hashes_as_costly_as_the_program_says() {
    let app = TestApp::with(|builder| long_passwords(with_profiles(builder)), api).await;
    let short = json!({ "username": "anna", "password": "fourteen chars" });
    let refused = app.post("/auth/register").json(&short).send().await;
    assert!(
        refused
            .refused(422, "invalid_fields")
            .text()
            .contains("/password")
    );
    let app = TestApp::with(|builder| with_a_digit(with_profiles(builder)), api).await;
    for (password, status) in [("correct horse battery", 422), ("correct horse battery 5", 201)] {
        let form = json!({ "username": "anna", "password": password });
        let answer = app.post("/auth/register").json(&form).send().await.expect(status);
        assert_eq!(answer.text().contains("use a digit"), status == 422);
    }
    let app = TestApp::with(|builder| costly(with_profiles(builder)).unwrap(), api).await;
    app.user("anna@example.com").await;
    assert!(Cost::new(8, 1, 1).is_err(), "a weak cost is refused");
}
