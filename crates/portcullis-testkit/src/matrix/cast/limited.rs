//! Good credentials of people who lack something.

use std::collections::BTreeSet;

use super::Limited;
use super::stage::Stage;
use crate::matrix::basic;
use crate::matrix::privileges::{NO_LOGIN, Privileges};
use crate::matrix::route::Route;

impl Stage<'_> {
    /// Somebody without anything, and for every name in a rule somebody who has all but that.
    pub(super) async fn underprivileged(&mut self, routes: &[Route]) -> Vec<Limited> {
        let mut lacking = BTreeSet::new();
        for route in routes {
            let named = Privileges::named_by(&route.rule);
            lacking.extend(named.singles());
            lacking.insert(named);
        }
        lacking.retain(|privileges| !privileges.is_empty());
        let mut limited = vec![("no permissions".to_owned(), Privileges::default())];
        for lacking in lacking {
            let rest = self.everything.without(&lacking).without_rulers();
            limited.push((format!("all but {lacking}"), rest));
        }
        let mut all = Vec::new();
        for (name, privileges) in limited {
            let (account, _) = self.account(&privileges).await;
            all.push(Limited {
                name: name.clone(),
                held: vec![basic::hold(&account)],
                privileges: privileges.clone(),
                age: NO_LOGIN,
            });
            all.push(Limited {
                name,
                held: self.all_kinds(&account, None).await,
                privileges,
                age: 0,
            });
        }
        all
    }

    /// Somebody with everything, narrowed by scopes to all but what some rule asks for.
    pub(super) async fn narrowed(&mut self, routes: &[Route]) -> Vec<Limited> {
        let named: BTreeSet<_> = routes
            .iter()
            .map(|route| Privileges::named_by(&route.rule))
            .collect();
        let everything = self.everything.clone();
        let mut all = Vec::new();
        for named in named.iter().filter(|named| !named.is_empty()) {
            let scopes = everything.without(named).permissions;
            if scopes.is_empty() {
                continue;
            }
            // One account each: the sessions of an account are limited.
            let (account, _) = self.account(&everything).await;
            let asked = scopes.iter().cloned().collect();
            all.push(Limited {
                name: format!("scopes without {named}"),
                held: self.all_kinds(&account, Some(asked)).await,
                privileges: Privileges::narrowed_to(scopes),
                age: 0,
            });
        }
        all
    }
}
