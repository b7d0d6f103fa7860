//! A password rule of the program's own, wherever somebody chooses a password.

use portcullis_core::account::{Registration, RegistrationError, Username};
use portcullis_core::checks;
use portcullis_core::secret::SecretText;
use portcullis_identity::Portcullis;
use portcullis_testkit::TestApp;
use serde_json::json;

use crate::fixtures::{complaints, pairs};

const SENTENCE: &str = "don't use the company's name";
const REFUSED: &str = "acme horse battery";

async fn app() -> TestApp {
    let settings = |builder: portcullis_identity::Builder| {
        builder.password_rule(|password, account| {
            if account.identifiers.contains(&"panic") {
                panic!("{}", password.expose());
            }
            if password.expose().contains("acme") {
                return Err(SENTENCE.to_owned());
            }
            Ok(())
        })
    };
    TestApp::with(settings, Portcullis::api).await
}

// Shows: PW-4
#[tokio::test]
async fn a_rule_of_ones_own_is_asked_wherever_a_password_is_chosen() {
    let app = app().await;
    let body = json!({ "username": "anna", "password": "acme" });
    let answer = app.post("/auth/register").json(&body).send().await;
    let both = [
        ("/password", "password_rule"),
        ("/password", "password_too_short"),
    ];
    assert_eq!(complaints(&answer.refused(422, "invalid_fields")), pairs(&both));
    let body = json!({ "email": "anna@example.com", "password": REFUSED });
    let answer = app
        .post("/auth/register")
        .json(&body)
        .send()
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/password", "password_rule")]));
    assert_eq!(answer.json()["errors"][0]["detail"], SENTENCE);

    let token = app.portcullis.registrar().offer_setup().await.unwrap().unwrap();
    let body = json!({ "token": *token.expose(), "username": "root", "password": REFUSED });
    let answer = app
        .post("/auth/setup")
        .json(&body)
        .send()
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/password", "password_rule")]));

    app.user("ben@example.com").await;
    let code = app.mailer.code_to("ben@example.com").await;
    let body = json!({ "token": code, "new_password": REFUSED });
    let answer = app
        .post("/auth/email/verify")
        .json(&body)
        .send()
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/new_password", "password_rule")]));

    // What a command line of the program registers by.
    let form = Registration {
        email: None,
        username: Some(Username::parse("carla").unwrap()),
        password: SecretText::new(REFUSED.into()),
    };
    let registrar = app.portcullis.registrar();
    let refused = registrar
        .register_vouched(form, app.by_operator())
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistrationError::Password(_)), "{refused}");
    assert_eq!(
        refused.to_string(),
        format!("the password was refused: {SENTENCE}")
    );
}

#[tokio::test]
async fn a_rule_that_panics_refuses_and_its_words_are_not_told() {
    checks!("T213");
    let app = app().await;
    let body = json!({ "username": "panic", "password": "correct horse battery" });
    let answer = app
        .post("/auth/register")
        .json(&body)
        .send()
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/password", "password_rule")]));
    assert!(!answer.text().contains("correct horse"), "{}", answer.text());
    app.user("anna@example.com").await;
}
