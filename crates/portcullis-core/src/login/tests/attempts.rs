//! Who is let in, and what the session is that is handed to the store.

use super::*;
use crate::checks;
use crate::problem::Refusal as _;

const TOKENS: Delivery = Delivery::Tokens;
const BRIEF: Delivery = Delivery::Session(Stay::Brief);

/// Of a login: the code of its refusal, and what is in the audit log of it.
async fn outcome(
    (world, manager): &(Arc<World>, Manager),
    form: LoginForm,
) -> (Option<&'static str>, Option<(Option<account::Id>, String)>) {
    let code = manager.log_in(form, by()).await.err();
    let refused = world.refused.lock().unwrap().pop();
    assert!(world.refused.lock().unwrap().is_empty());
    if refused.is_some() {
        let signed = world.signed.lock().unwrap().take().unwrap();
        assert_eq!((signed.at, signed.trace), (START, by().trace));
    }
    (code.map(|error| error.details().code), refused)
}

#[tokio::test]
async fn only_who_knows_the_password_learns_of_the_account_and_every_refusal_is_on_record() {
    checks!("T012");
    use AccountState::{Active, Disabled, Locked, Unverified};
    const WRONG: &str = "invalid_credentials";
    for (state, required, has_password, typed, refusal) in [
        (Active, false, true, "wrong", Some((WRONG, "wrong password"))),
        (Locked, false, true, "wrong", Some((WRONG, "wrong password"))),
        (Active, false, false, "right", Some((WRONG, "unknown identifier"))),
        (
            Locked,
            false,
            true,
            "right",
            Some(("account_locked", "account locked")),
        ),
        (
            Disabled,
            false,
            true,
            "right",
            Some(("account_disabled", "account disabled")),
        ),
        (
            Unverified,
            true,
            true,
            "right",
            Some(("account_unverified", "account unverified")),
        ),
        (Unverified, false, true, "right", None),
        (Active, true, true, "right", None),
        (Active, false, true, "right", None),
    ] {
        let mut deployment = Deployment::new(&[]).await;
        deployment.settings.require_verified_email = required;
        {
            let mut logins = deployment.world.logins.lock().unwrap();
            let found = logins.first_mut().unwrap();
            found.account.state = state;
            found.password = found.password.take().filter(|_| has_password);
        }
        let deployment = deployment.start();
        let mut form = form(BRIEF, None);
        form.password = SecretText::new(typed.into());
        let case = format!("{state:?} {required} {has_password} {typed}");
        let (code, on_record) = outcome(&deployment, form).await;
        assert_eq!(code, refusal.map(|(code, _)| code), "{case}");
        let about = refusal.map(|(_, reason)| (Some(id(1)), reason.to_owned()));
        assert_eq!(on_record, about, "{case}");
        let opened = deployment.0.opened.lock().unwrap().pop();
        assert_eq!(opened.is_some(), refusal.is_none(), "{case}");
        assert!(
            opened.is_none_or(|new| new.require_verified == required),
            "{case}"
        );
    }
}

#[tokio::test]
async fn nobody_costs_what_a_wrong_password_costs_and_where_addresses_are_hidden_what_most_claimants_cost() {
    checks!("T012");
    checks!("T123");
    let claimants = account::LOGIN_CLAIMS + 1;
    for (hidden, typed, known, hashes) in [
        (false, "anna@example.com", true, 1),
        (false, "anna@example.com", false, 1),
        (true, "anna@example.com", false, claimants),
        (true, "anna@example.com", true, claimants),
        (true, "anna", false, 1),
        (true, "", false, 1),
    ] {
        let mut deployment = Deployment::new(&[]).await;
        deployment.settings.hide_addresses = hidden;
        deployment.world.logins.lock().unwrap().retain(|_| known);
        let deployment = deployment.start();
        let mut form = form(BRIEF, None);
        form.identifier = typed.into();
        form.password = SecretText::new("wrong".into());
        let case = format!("{hidden} {typed:?} {known}");
        let (code, on_record) = outcome(&deployment, form).await;
        assert_eq!(code, Some("invalid_credentials"), "{case}");
        let (about, reason) = on_record.unwrap();
        assert_eq!(about, known.then_some(id(1)), "{case}");
        let said = if known {
            "wrong password"
        } else {
            "unknown identifier"
        };
        assert_eq!(reason, said, "{case}");
        assert_eq!(deployment.0.hashes.load(Ordering::Relaxed), hashes, "{case}");
    }
}

#[tokio::test]
async fn of_several_claimants_the_password_says_who_it_is_and_a_refusal_is_about_whoever_proved_the_address()
{
    for (proven, typed, refusal, who) in [
        (None, "wrong", Some(None), None),
        (Some(1), "wrong", Some(Some(id(2))), None),
        (None, "first", None, Some(id(1))),
        (Some(0), "second", None, Some(id(2))),
    ] {
        let deployment = Deployment::new(&[]).await;
        let mut logins = Vec::new();
        for (number, password) in [(1, Some("first")), (2, Some("second")), (3, None)] {
            let account = account(number, AccountState::Active);
            logins.push(login(&deployment.hasher, account, password).await);
        }
        if let Some(index) = proven {
            let claimant: &mut Login = &mut logins[index];
            claimant.account.email_verified_at = Some(START);
        }
        *deployment.world.logins.lock().unwrap() = logins;
        let deployment = deployment.start();
        let mut form = form(BRIEF, None);
        form.password = SecretText::new(typed.into());
        let (_, on_record) = outcome(&deployment, form).await;
        assert_eq!(on_record.map(|(about, _)| about), refusal, "{proven:?} {typed}");
        let opened = deployment.0.opened.lock().unwrap().pop();
        assert_eq!(opened.map(|new| new.account), who, "{proven:?} {typed}");
    }
}

#[tokio::test]
async fn scopes_are_kept_as_far_as_the_account_has_them() {
    checks!("T024");
    checks!("T182");
    const BEYOND: &str = "no such scope for this account";
    for (asked, granted) in [
        (Some(&[PLAIN][..]), Err(BEYOND)),
        (Some(&["org:members:read"]), Err(BEYOND)),
        (Some(&[ACTION, PLAIN]), Ok(Some(&[ACTION][..]))),
        (Some(&["elsewhere:read"]), Err(BEYOND)),
        (Some(&["login-test"]), Err(BEYOND)),
        (Some(&[]), Err(BEYOND)),
        (None, Ok(None)),
        (Some(&[READ]), Ok(Some(&[READ]))),
        (Some(&["elsewhere:read", READ]), Ok(Some(&[READ]))),
        (Some(&[WRITE, READ, WRITE]), Ok(Some(&[READ, WRITE]))),
    ] {
        for delivery in [TOKENS, BRIEF] {
            let deployment = Deployment::new(&[WRITE, READ]).await.start();
            let (code, on_record) = outcome(&deployment, form(delivery, asked)).await;
            let opened = deployment.0.opened.lock().unwrap().pop();
            let case = format!("{asked:?} {delivery:?}");
            match granted {
                Ok(scopes) => {
                    assert_eq!((code, on_record), (None, None), "{case}");
                    assert_eq!(opened.unwrap().scopes, scopes.map(owned), "{case}");
                }
                Err(reason) => {
                    assert_eq!(code, Some("invalid_scope"), "{case}");
                    assert_eq!(on_record, Some((Some(id(1)), reason.into())), "{case}");
                    assert!(opened.is_none(), "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_session_that_no_token_can_be_made_of_does_not_begin() {
    let names: Vec<String> = (0..900).map(|number| format!("long:{number:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let deployment = Deployment::new(&names).await.start();
    let issuer = &deployment.1.on.issuer;
    let most = (1..names.len())
        .rfind(|count| issuer.holds_scopes(&owned(&names[..*count])))
        .unwrap();
    for (delivery, count, refused) in [
        (TOKENS, most + 1, true),
        (TOKENS, most, false),
        (BRIEF, most + 1, false),
    ] {
        let (code, on_record) = outcome(&deployment, form(delivery, Some(&names[..count]))).await;
        let case = format!("{delivery:?} {count}");
        assert_eq!(code, refused.then_some("invalid_scope"), "{case}");
        let about = refused.then(|| (Some(id(1)), "more scopes than a token holds".to_owned()));
        assert_eq!(on_record, about, "{case}");
        let opened = deployment.0.opened.lock().unwrap().pop();
        assert_eq!(opened.is_some(), !refused, "{case}");
    }
}

#[tokio::test]
async fn an_account_that_changed_during_the_login_gets_no_session() {
    checks!("T035");
    const CHANGED: &str = "the account changed during the login";
    for (state, code, reason) in [
        (AccountState::Active, "invalid_credentials", CHANGED),
        (AccountState::Locked, "account_locked", "account locked"),
        (AccountState::Disabled, "account_disabled", "account disabled"),
    ] {
        for delivery in [TOKENS, BRIEF] {
            let deployment = Deployment::new(&[]).await;
            *deployment.world.opens.lock().unwrap() = Err(state);
            let deployment = deployment.start();
            let (told, on_record) = outcome(&deployment, form(delivery, None)).await;
            assert_eq!(told, Some(code), "{state:?}");
            assert_eq!(on_record, Some((Some(id(1)), reason.to_owned())), "{state:?}");
        }
    }
    // Gone, when its scopes are looked up.
    let deployment = Deployment::new(&[READ]).await;
    *deployment.world.facts.lock().unwrap() = None;
    let deployment = deployment.start();
    let (told, on_record) = outcome(&deployment, form(BRIEF, Some(&[READ]))).await;
    assert_eq!(told, Some("invalid_credentials"));
    assert_eq!(on_record, Some((Some(id(1)), CHANGED.to_owned())));
    assert!(deployment.0.opened.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_store_is_handed_the_session_that_was_asked_for_and_the_device_its_secret() {
    let minutes = |count: u32| MINUTE * count;
    for (delivery, idle, absolute) in [
        (TOKENS, minutes(5), minutes(6)),
        (Delivery::Session(Stay::Brief), minutes(1), minutes(2)),
        (Delivery::Session(Stay::Remembered), minutes(3), minutes(4)),
        (Delivery::Cookie(Stay::Brief), minutes(1), minutes(2)),
        (Delivery::Cookie(Stay::Remembered), minutes(3), minutes(4)),
    ] {
        let mut deployment = Deployment::new(&[]).await;
        deployment.settings = Settings {
            idle: minutes(1),
            absolute: minutes(2),
            remembered_idle: minutes(3),
            remembered_absolute: minutes(4),
            tokens_absolute: minutes(6),
            per_account: 7,
            ..Settings::default()
        };
        deployment.issuing.refresh_lifetime = minutes(5);
        *deployment.world.opens.lock().unwrap() = Ok(delivery == TOKENS);
        let (world, manager) = deployment.start();
        let given = manager.log_in(form(delivery, None), by()).await.unwrap();
        let new = world.opened.lock().unwrap().pop().unwrap();
        let anna = account(1, AccountState::Active);
        assert_eq!((new.account, new.stamp), (anna.id, anna.stamp), "{delivery:?}");
        assert_eq!(
            (new.idle, new.expires_at),
            (idle, START.plus(absolute)),
            "{delivery:?}"
        );
        assert_eq!((new.limit, new.require_verified), (7, false), "{delivery:?}");
        assert_eq!(
            (&new.device, new.method.amr()),
            (&device(), "pwd"),
            "{delivery:?}"
        );
        assert!(new.news.is_none(), "{delivery:?}");
        what_the_device_holds(given, delivery, &new);
    }
}

/// What the login gave is what was asked for, and its secret the one whose digest the store was handed.
fn what_the_device_holds(given: LoggedIn, asked: Delivery, new: &NewSession) {
    let anna = account(1, AccountState::Active);
    match given {
        LoggedIn::Tokens {
            issued,
            account,
            new_device,
        } => {
            assert_eq!((asked, account, new_device), (TOKENS, anna, true));
            let refresh = new.refresh.unwrap();
            assert_eq!(refresh.digest, issued.refresh_token.digest());
            assert_eq!(refresh.expires_at, START.plus(new.idle));
            assert!(new.token.is_none());
            let claims = claims(&issued.access_token, "portcullis");
            assert_eq!((claims.session, claims.stamp), (new.id, new.stamp));
            assert_eq!(claims.authenticated_at, START);
            // It ends with its session.
            assert_eq!(claims.expires_at, new.expires_at);
        }
        LoggedIn::Session {
            id,
            token,
            account,
            expires_at,
            delivery,
            new_device,
        } => {
            assert_eq!((id, delivery, account, new_device), (new.id, asked, anna, false));
            assert_eq!(expires_at, new.expires_at);
            assert_eq!(new.token, Some(token.digest()));
            assert!(new.refresh.is_none() && asked != TOKENS);
        }
    }
}

#[tokio::test]
async fn a_new_device_is_told_only_to_who_proved_the_address() {
    checks!("T132");
    for (wired, proven, told) in [(true, false, false), (false, true, false), (true, true, true)] {
        let mut deployment = Deployment::new(&[]).await;
        deployment.news = wired;
        if proven {
            let mut logins = deployment.world.logins.lock().unwrap();
            logins.first_mut().unwrap().account.email_verified_at = Some(START);
        }
        let (world, manager) = deployment.start();
        manager.log_in(form(BRIEF, None), by()).await.unwrap();
        let new = world.opened.lock().unwrap().pop().unwrap();
        assert_eq!(new.news.is_some(), told, "{wired} {proven}");
        assert_eq!(world.worded.load(Ordering::Relaxed), usize::from(told));
        assert!(new.news.is_none_or(|job| job.account == Some(id(1))));
    }
}
