//! How sessions end, get names and other tokens.

use super::*;
use crate::authz::DecisionContext;
use crate::authz::fixtures::{LOGIN, principal};
use crate::checks;

const SESSIONS: &str = "portcullis:sessions:write";
const KEYS: &str = "portcullis:api-keys:write";
const AUDIT: &str = "portcullis:audit:read";

/// The right to end sessions, of account 1 with these permissions by a credential with these scopes.
fn permit(permissions: &[&str], scopes: Option<&[&str]>) -> Permit<SessionsWrite> {
    (SessionsWrite::PERMISSION.id)();
    (ApiKeysWrite::PERMISSION.id)();
    let who = principal(permissions, &[], scopes);
    assert_eq!(who.id(), id(1));
    Permit::decide(who, &DecisionContext::at(LOGIN)).unwrap()
}

#[tokio::test]
async fn an_administrator_ends_what_an_account_has_that_may_do_no_more_on_the_server() {
    checks!("T090");
    use ApiKeyHandling::{Disable, Revoke, Stay};
    let all = &[SESSIONS, KEYS][..];
    for (has, scopes, whose, theirs, keys, missing) in [
        (&[SESSIONS][..], None, 2, &[AUDIT][..], Stay, &[AUDIT][..]),
        (&[SESSIONS], None, 2, &[AUDIT, KEYS], Stay, &[KEYS, AUDIT]),
        (&[SESSIONS], None, 2, &[READ], Disable, &[KEYS]),
        (&[SESSIONS], None, 2, &[READ], Revoke, &[KEYS]),
        (&[SESSIONS], None, 1, &[AUDIT], Revoke, &[KEYS]),
        (all, Some(&[SESSIONS][..]), 2, &[READ], Revoke, &[KEYS]),
        (all, Some(&[SESSIONS]), 2, &[KEYS], Stay, &[KEYS]),
        (&[SESSIONS], None, 2, &[READ, SESSIONS], Stay, &[]),
        (&[SESSIONS], None, 1, &[AUDIT], Stay, &[]),
        (all, None, 2, &[READ], Disable, &[]),
        (all, None, 2, all, Revoke, &[]),
    ] {
        let (world, manager) = Deployment::new(theirs).await.start();
        let permit = permit(has, scopes);
        let ended = manager.end_everything_of(&permit, id(whose), keys, by()).await;
        let case = format!("{has:?} {scopes:?} {whose} {theirs:?} {keys:?}");
        let asked = world.asked.lock().unwrap().pop();
        if missing.is_empty() {
            let ended = ended.unwrap();
            assert_eq!((ended.sessions, ended.keys, ended.keys_left), (2, 4, 6), "{case}");
            assert_eq!(asked, Some(Asked::EndEverything(id(whose), keys)), "{case}");
            let signed = world.signed.lock().unwrap().take().unwrap();
            assert_eq!(signed.actor, audit::Actor::Account(id(1)), "{case}");
        } else {
            let missing = owned(missing);
            assert_eq!(ended, Err(AccountsError::Forbidden { missing }), "{case}");
            assert_eq!(asked, None, "{case}");
        }
    }
}

#[tokio::test]
async fn the_operator_ends_everything_and_nobody_what_an_unknown_account_has() {
    let (world, manager) = Deployment::new(&[AUDIT, KEYS]).await.start();
    let operator = Permit::<SessionsWrite>::dangerous_for_operator();
    let ended = manager.end_everything_of(&operator, id(2), ApiKeyHandling::Revoke, by());
    assert_eq!(ended.await.unwrap().keys, 4);
    assert_eq!(manager.end_all_of(&operator, id(2), by()).await, Ok(2));
    let signed = world.signed.lock().unwrap().take().unwrap();
    assert_eq!((signed.actor, signed.trace), (audit::Actor::Operator, by().trace));
    let asked = std::mem::take(&mut *world.asked.lock().unwrap());
    let everything = |keys| Asked::EndEverything(id(2), keys);
    assert_eq!(
        asked,
        [
            everything(ApiKeyHandling::Revoke),
            everything(ApiKeyHandling::Stay)
        ]
    );
    *world.facts.lock().unwrap() = None;
    let unknown = manager.end_all_of(&operator, id(2), by()).await;
    assert_eq!(unknown, Err(AccountsError::UnknownAccount));
    assert!(world.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_the_account_may_do_by_now_counts_and_not_what_is_remembered() {
    let (world, manager) = Deployment::new(&[]).await.start();
    manager.on.directory.facts(id(2), START).await.unwrap();
    let promoted = owned(&[AUDIT]);
    world.facts.lock().unwrap().as_mut().unwrap().permissions = promoted.clone();
    let refused = manager.end_all_of(&permit(&[SESSIONS], None), id(2), by()).await;
    assert_eq!(refused, Err(AccountsError::Forbidden { missing: promoted }));
}

#[tokio::test]
async fn ending_everything_gives_the_account_another_stamp_each_time() {
    let (world, manager) = Deployment::new(&[]).await.start();
    assert_eq!(manager.log_out_everywhere(id(1), by()).await, Ok(2));
    let ended = manager.end_everything(id(1), ApiKeyHandling::Disable, by()).await;
    assert_eq!(ended.unwrap().keys_left, 6);
    let everything = |keys| Asked::EndEverything(id(1), keys);
    assert_eq!(
        *world.asked.lock().unwrap(),
        [
            everything(ApiKeyHandling::Stay),
            everything(ApiKeyHandling::Disable)
        ]
    );
    let stamps = world.stamps.lock().unwrap();
    assert_ne!(stamps[0], stamps[1]);
    assert!(
        stamps
            .iter()
            .all(|stamp| *stamp != account(1, AccountState::Active).stamp)
    );
}

#[tokio::test]
async fn each_end_has_its_reason() {
    for known in [false, true] {
        let mut deployment = Deployment::new(&[]).await;
        deployment.world.renews = known;
        let (world, manager) = deployment.start();
        assert_eq!(manager.log_out(id(1), SESSION, by()).await, Ok(known));
        assert_eq!(manager.end(id(1), SESSION, by()).await, Ok(known));
        assert_eq!(manager.end_others(id(1), SESSION, by()).await, Ok(3));
        let name = DeviceName::parse(" phone ").unwrap();
        assert_eq!(manager.rename(id(1), SESSION, name, by()).await, Ok(known));
        assert_eq!(manager.list(id(1)).await, Ok(vec![session(None)]));
        assert_eq!(
            *world.asked.lock().unwrap(),
            [
                Asked::End(id(1), SESSION, Ending::Logout),
                Asked::End(id(1), SESSION, Ending::Ended),
                Asked::EndOthers(id(1), SESSION),
                Asked::Rename(id(1), SESSION, "phone".into()),
                Asked::List(id(1), START),
            ]
        );
    }
}

#[tokio::test]
async fn revoking_a_token_ends_its_session_and_one_that_leads_nowhere_is_no_error() {
    for (knows, lives, ends) in [(false, true, false), (true, false, false), (true, true, true)] {
        let mut deployment = Deployment::new(&[]).await;
        deployment.world.knows_refresh = knows;
        deployment.world.session.get_mut().unwrap().take_if(|_| !lives);
        let (world, manager) = deployment.start();
        let refresh = RefreshToken::mint(&environment(8), SESSION);
        assert_eq!(manager.revoke_refresh(&refresh, by()).await, Ok(()));
        let logged_out = Asked::End(id(1), SESSION, Ending::Logout);
        let asked = world.asked.lock().unwrap().pop();
        assert_eq!(asked, ends.then(|| logged_out.clone()), "{knows} {lives}");
        let token = Token::mint(&environment(8));
        assert_eq!(manager.revoke_session(&token, by()).await, Ok(()));
        let asked = world.asked.lock().unwrap().pop();
        assert_eq!(asked, lives.then_some(logged_out), "{knows} {lives}");
    }
}

#[tokio::test]
async fn a_session_gets_another_token_for_its_present_one_only() {
    checks!("T022");
    for present in [false, true] {
        let mut deployment = Deployment::new(&[]).await;
        deployment.world.renews = present;
        let (world, manager) = deployment.start();
        let old = Token::mint(&environment(8));
        let renewed = manager.renew(SESSION, &old, by()).await.unwrap();
        let (session, from, to) = world.renewals.lock().unwrap().pop().unwrap();
        assert_eq!((session, from), (SESSION, old.digest()));
        assert_ne!(to, from);
        assert_eq!(renewed.map(|token| token.digest()), present.then_some(to));
    }
}
