//! The API keys of the cast.

use std::time::Duration;

use portcullis_identity::core::account;
use portcullis_identity::core::api_key::{ApiKey, Change, KeyName, Networks, Renewal, Store as _};
use portcullis_identity::core::authn::{Bearer, Credential};
use portcullis_identity::core::authz::{CredentialKind, Principal};
use portcullis_identity::core::environment::{Clock as _, Timestamp};
use portcullis_identity::core::issuance::Form;

use super::cast::Held;
use crate::TestApp;

/// A key of the account that just logged in with this access token: with these permissions, or with all that it has.
pub(super) async fn held(
    app: &TestApp,
    access_token: &str,
    permissions: Option<Vec<String>>,
    expires_at: Option<Timestamp>,
) -> Held {
    let authenticator = app.portcullis.gate().authenticator();
    let credential = Credential::Jwt(Bearer(access_token));
    let who = authenticator
        .authenticate(&credential, None, app.clock.now())
        .await
        .unwrap();
    let form = Form {
        name: KeyName::parse("of the matrix").unwrap(),
        permissions: permissions.unwrap_or_else(|| everything(&who)),
        expires_at,
        networks: Networks::default(),
        limit: None,
    };
    let keys = app.portcullis.api_keys();
    let issued = keys.create(&who, form, app.by_operator()).await.unwrap();
    Held {
        kind: CredentialKind::ApiKey,
        text: issued.secret.expose().to_owned(),
        csrf: String::new(),
    }
}

fn everything(who: &Principal) -> Vec<String> {
    who.permissions().into_iter().map(ToOwned::to_owned).collect()
}

/// Revokes every key of the account.
pub(super) async fn revoke(app: &TestApp, account: account::Id) {
    for key in all(app, account).await {
        let revoked = app
            .portcullis
            .api_keys()
            .revoke(account, key.id, app.by_operator())
            .await;
        assert!(revoked.unwrap());
    }
}

/// Switches every key of the account off.
pub(super) async fn switch_off(app: &TestApp, account: account::Id) {
    for key in all(app, account).await {
        let change = Change {
            enabled: Some(false),
            ..Change::default()
        };
        let store = app.portcullis.database();
        let changed = store.change_key(account, key.id, change, None, app.by_operator());
        assert!(changed.await.unwrap().is_ok());
    }
}

/// Gives every key of the account another text, without overlap.
pub(super) async fn replace(app: &TestApp, account: account::Id, access_token: &str) {
    let authenticator = app.portcullis.gate().authenticator();
    let credential = Credential::Jwt(Bearer(access_token));
    let who = authenticator
        .authenticate(&credential, None, app.clock.now())
        .await
        .unwrap();
    for key in all(app, account).await {
        let keys = app.portcullis.api_keys();
        keys.rotate(
            &who,
            key.id,
            Renewal::overlapping(Duration::ZERO),
            app.by_operator(),
        )
        .await
        .unwrap();
    }
}

async fn all(app: &TestApp, account: account::Id) -> Vec<ApiKey> {
    app.portcullis.api_keys().list(account).await.unwrap()
}
