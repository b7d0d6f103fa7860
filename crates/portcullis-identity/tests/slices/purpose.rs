//! Tokens of the program's own purposes, with the deployment's keys.

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::authz::Permit;
use portcullis_core::checks;
use portcullis_core::key::Algorithm;
use portcullis_core::token::{InvalidToken, KeptPurpose, Purpose, Settings, SignError, UseError};
use portcullis_identity::{Builder, OpenError, Portcullis, Problem};
use portcullis_testkit::TestApp;
use serde::{Deserialize, Serialize};

use crate::fixtures::events;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Download {
    file: String,
}

const DOWNLOAD: Purpose<Download> = Purpose::new("download");
const HOUR: Duration = Duration::from_secs(3_600);

fn report() -> Download {
    Download {
        file: "report.pdf".into(),
    }
}

async fn app(settings: impl FnOnce(Builder) -> Builder) -> TestApp {
    TestApp::with(settings, Portcullis::api).await
}

// Shows: TK-6
#[tokio::test]
async fn an_access_token_and_a_purposes_are_never_taken_for_each_other() {
    checks!("T217");
    for algorithm in [Algorithm::ES256, Algorithm::HS256] {
        let app = app(|builder| builder.algorithm(algorithm)).await;
        let anna = app.user("anna@example.com").await;
        let tokens = app.portcullis.tokens_for(DOWNLOAD);
        let token = tokens
            .sign(&report(), Some(anna.id), Duration::from_secs(60))
            .unwrap();
        let read = tokens.verify(&token).unwrap();
        assert_eq!((read.claims, read.subject), (report(), Some(anna.id)));
        app.get("/auth/me")
            .bearer(&token)
            .send()
            .await
            .refused(401, "invalid_token");
        app.get("/auth/me")
            .bearer(&anna.access_token)
            .send()
            .await
            .expect(200);
        assert_eq!(tokens.verify(&anna.access_token), Err(InvalidToken::WrongType));
        assert!(tokens.verify(&anna.refresh_token).is_err());
        app.clock.advance(Duration::from_secs(59));
        assert!(tokens.verify(&token).is_ok());
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(tokens.verify(&token), Err(InvalidToken::Expired));
    }
}

#[tokio::test]
async fn a_token_outlives_the_rotation_of_its_key_and_not_its_withdrawal() {
    checks!("T219");
    let long = Settings {
        purpose_lifetime: 3 * HOUR,
        ..Settings::default()
    };
    let app = app(|builder| builder.tokens(long).key_age(HOUR)).await;
    let tokens = app.portcullis.tokens_for(DOWNLOAD);
    let sign = || tokens.sign(&report(), None, 3 * HOUR).unwrap();
    let first = app.portcullis.keyring().signer().kid().to_owned();
    let token = sign();
    app.clock.advance(HOUR);
    app.portcullis.tend_keys().await.unwrap();
    assert_ne!(app.portcullis.keyring().signer().kid(), first);
    app.clock.advance(2 * HOUR - Duration::from_secs(1));
    app.portcullis.tend_keys().await.unwrap();
    assert!(tokens.verify(&token).is_ok());
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(tokens.verify(&token), Err(InvalidToken::Expired));

    let another = sign();
    let signer = app.portcullis.keyring().signer().kid().to_owned();
    app.clock.advance(HOUR);
    app.portcullis.tend_keys().await.unwrap();
    assert!(tokens.verify(&another).is_ok());
    let keys = app.portcullis.signing_keys();
    let withdrawn = keys
        .withdraw(&Permit::dangerous_for_operator(), &signer, app.by_operator())
        .await;
    withdrawn.unwrap();
    assert_eq!(tokens.verify(&another), Err(InvalidToken::UnknownKey));
    let too_long = tokens.sign(&report(), None, 4 * HOUR);
    assert_eq!(too_long, Err(SignError::Lifetime { longest: 3 * HOUR }));
}

#[tokio::test]
async fn a_life_longer_than_keys_can_be_kept_for_opens_nothing() {
    for (hours, opens) in [(7, true), (8, false)] {
        let tokens = Settings {
            purpose_lifetime: hours * HOUR,
            ..Settings::default()
        };
        let builder = Portcullis::builder().database("sqlite::memory:").tokens(tokens);
        let opened = builder.key_age(HOUR).open().await;
        assert_eq!(opened.is_ok(), opens, "{hours}");
        assert!(matches!(opened, Ok(_) | Err(OpenError::PurposeLifetime)));
    }
}

const ONCE: KeptPurpose<Download> = Purpose::new("download").once();
const REVOCABLE: KeptPurpose<Download> = Purpose::new("download").revocable();
const MINUTE: Duration = Duration::from_secs(60);

// Shows: TK-6
#[tokio::test]
async fn a_token_that_is_good_once_is_taken_once() {
    checks!("T241");
    let app = app(|builder| builder).await;
    let tokens = app.portcullis.kept_tokens_for(ONCE);
    let token = tokens.sign(&report(), None, MINUTE).unwrap();
    assert_eq!(tokens.look(&token).await.unwrap().claims, report());
    let taken = join_all((0..20).map(|_| tokens.take(&token))).await;
    let winners: Vec<_> = taken.iter().filter_map(|taken| taken.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(winners[0].claims, report());
    let others = taken.iter().filter_map(|taken| taken.as_ref().err());
    assert!(others.into_iter().all(|error| matches!(error, UseError::Spent)));
    assert!(matches!(tokens.look(&token).await, Err(UseError::Spent)));
    let late = tokens.sign(&report(), None, MINUTE).unwrap();
    app.clock.advance(MINUTE);
    let late = tokens.take(&late).await;
    assert!(matches!(late, Err(UseError::Invalid(InvalidToken::Expired))));
}

#[tokio::test]
async fn what_is_taken_in_a_transaction_that_is_undone_is_still_good() {
    checks!("T241");
    let app = app(|builder| builder).await;
    let portcullis = &app.portcullis;
    let tokens = portcullis.kept_tokens_for(ONCE);
    let token = tokens.sign(&report(), None, MINUTE).unwrap();
    let redeem = async |fails: bool| {
        portcullis
            .transaction(|_| async {
                tokens.take(&token).await.map_err(|_| Problem::not_found())?;
                match fails {
                    true => Err(Problem::conflict("sold_out", "come back tomorrow")),
                    false => Ok(()),
                }
            })
            .await
    };
    assert_eq!(redeem(true).await.unwrap_err().code(), "sold_out");
    redeem(false).await.unwrap();
    assert_eq!(redeem(false).await.unwrap_err().code(), "not_found");
}

// Shows: TK-6
#[tokio::test]
async fn a_token_that_was_revoked_by_its_id_is_not_taken() {
    checks!("T241");
    let app = app(|builder| builder).await;
    for purpose in [ONCE, REVOCABLE] {
        let tokens = app.portcullis.kept_tokens_for(purpose);
        let (token, other) = (
            tokens.sign(&report(), None, MINUTE).unwrap(),
            tokens.sign(&report(), None, MINUTE).unwrap(),
        );
        let id = tokens.look(&token).await.unwrap().id;
        tokens.revoke(id, app.by_operator()).await.unwrap();
        tokens.revoke(id, app.by_operator()).await.unwrap();
        assert!(matches!(tokens.take(&token).await, Err(UseError::Spent)));
        tokens.take(&other).await.unwrap();
    }
    let again = app.portcullis.kept_tokens_for(REVOCABLE);
    let token = again.sign(&report(), None, MINUTE).unwrap();
    again.take(&token).await.unwrap();
    again.take(&token).await.unwrap();
    assert_eq!(events(&app, "token.revoked").await.len(), 2);
}

#[tokio::test]
async fn who_cannot_ask_the_store_never_takes_what_is_good_once() {
    checks!("T242");
    let app = app(|builder| builder).await;
    let portcullis = &app.portcullis;
    let free = portcullis.tokens_for(DOWNLOAD);
    let kept = [
        portcullis.kept_tokens_for(ONCE),
        portcullis.kept_tokens_for(REVOCABLE),
    ];
    let [once, revocable] = &kept;
    for tokens in &kept {
        let token = tokens.sign(&report(), None, MINUTE).unwrap();
        assert_eq!(free.verify(&token), Err(InvalidToken::WrongType));
        let token = free.sign(&report(), None, MINUTE).unwrap();
        let taken = tokens.take(&token).await;
        assert!(matches!(taken, Err(UseError::Invalid(InvalidToken::WrongType))));
    }
    let token = once.sign(&report(), None, MINUTE).unwrap();
    assert!(matches!(revocable.take(&token).await, Err(UseError::Invalid(_))));
    once.take(&token).await.unwrap();
}
