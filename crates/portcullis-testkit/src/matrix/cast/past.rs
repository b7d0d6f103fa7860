//! What was made before the routes are called: logins that have expired, and logins that are too old for some rule.

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis_identity::core::environment::Clock as _;
use portcullis_identity::core::login::{Delivery, Stay};
use portcullis_identity::core::token::RefreshToken;

use super::login::jwt;
use super::stage::Stage;
use super::{Held, Limited};
use crate::matrix::keys;
use crate::matrix::privileges::ages;
use crate::matrix::route::Route;

impl Stage<'_> {
    /// What was made before the routes are called: logins that have expired, and logins that are too old for some
    /// rule.
    pub(super) async fn before(&mut self, routes: &[Route]) -> (Vec<Held>, Vec<Limited>) {
        let mut wanted = BTreeSet::new();
        routes.iter().for_each(|route| ages(&route.rule, &mut wanted));
        wanted.retain(|age| *age <= OLDEST);
        let mut moments = wanted.clone();
        moments.extend([SESSION_OVER, TOKEN_OVER]);
        let everything = self.everything.clone();
        let (name, _) = self.account(&everything).await;
        let (mut expired, mut logins) = (Vec::new(), Vec::new());
        let mut ahead = moments.last().copied().unwrap_or_default();
        for moment in moments.iter().rev() {
            self.advance(ahead - moment);
            ahead = *moment;
            if *moment == SESSION_OVER {
                expired.push(
                    self.log_in(&name, Delivery::Session(Stay::Brief), None)
                        .await
                        .held,
                );
            }
            if *moment == TOKEN_OVER {
                let login = self.log_in(&name, Delivery::Tokens, None).await.held;
                let end = self.app.clock.now().plus(Duration::from_secs(60));
                expired.push(keys::held(self.app, &login.text, None, Some(end)).await);
                expired.push(login);
            }
            if wanted.contains(moment) {
                let tokens = self.log_in(&name, Delivery::Tokens, None).await;
                let session = self
                    .log_in(&name, Delivery::Session(Stay::Remembered), None)
                    .await;
                logins.push((*moment, tokens.refresh, session.held));
            }
        }
        self.advance(ahead);
        let mut stale = Vec::new();
        for (age, refresh, session) in logins {
            stale.push(Limited {
                name: format!("a login {age} s ago"),
                held: vec![self.refreshed(refresh).await, session],
                privileges: everything.clone(),
                age,
            });
        }
        (expired, stale)
    }

    fn advance(&self, seconds: u32) {
        self.app.clock.advance_secs(seconds.into());
    }

    /// A new access token of an old login.
    async fn refreshed(&self, refresh: Option<String>) -> Held {
        let refresh = RefreshToken::parse(&refresh.unwrap()).unwrap();
        let sessions = self.app.portcullis.sessions();
        let issued = sessions.refresh(&refresh, self.app.by_operator()).await.unwrap();
        jwt(issued.access_token.expose())
    }
}

/// Longer than any browser's session lives, in seconds.
const SESSION_OVER: u32 = 13 * 3_600;

/// Longer than an access token lives, its session still there, in seconds.
const TOKEN_OVER: u32 = 3_600;

/// No login can be older and have an access token: by then its refresh token has expired.
const OLDEST: u32 = 7 * 24 * 3_600 - 1;
