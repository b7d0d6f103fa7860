//! What e-mails are counted against, so that nobody is buried in them.

use std::net::IpAddr;
use std::time::Duration;

use crate::account::{self, EmailAddress};
use crate::audit::{Actor, Context};
use crate::defends;
use crate::throttle::{Budget, BudgetSubject, Per, Rate};

/// What an e-mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum About {
    /// It proves an address.
    Verification,
    /// Somebody tried to register an address that has an account.
    AlreadyRegistered,
    /// An account was used on another device.
    NewDevice,
    /// An address is invited into an organization.
    Invitation,
    /// An API key ends soon.
    KeyExpiring,
}

impl About {
    /// How the audit log and the program's log name it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Verification => "e-mail that proves an address",
            Self::AlreadyRegistered => "e-mail about a taken address",
            Self::NewDevice => "e-mail about a new device",
            Self::Invitation => "invitation",
            Self::KeyExpiring => "e-mail about a key that ends",
        }
    }

    /// How long it is of use: a code in it is good for no longer.
    pub(super) const fn lasts(self) -> Duration {
        match self {
            Self::Verification => account::VERIFICATION_LIFETIME,
            _ => TWO_DAYS,
        }
    }
}

const TWO_DAYS: Duration = Duration::from_secs(48 * 3_600);

/// How many e-mails are sent. What is beyond is not: the audit log says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// To one address, whatever its tag (`anna+shop@…` is `anna@…`).
    pub to_address: Rate,
    /// Of these, those that were caused by somebody who isn't logged in.
    pub to_address_by_strangers: Rate,
    /// To all addresses of one domain.
    pub to_domain: Rate,
    /// Caused by one account.
    pub by_account: Rate,
    /// Caused from one client address; from an IPv6 network of 64 bits.
    pub by_client: Rate,
    /// About new devices of one account.
    pub new_devices: Rate,
    /// How long handing one over may take.
    pub limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            to_address: Rate::clamped(20, Per::Day),
            to_address_by_strangers: Rate::clamped(8, Per::Day),
            to_domain: Rate::clamped(1_000, Per::Hour),
            by_account: Rate::clamped(100, Per::Hour),
            by_client: Rate::clamped(100, Per::Hour),
            new_devices: Rate::clamped(3, Per::Day),
            limit: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// What an e-mail to this address is counted against. Whoever has the machine is not counted.
    pub(super) fn budgets(
        &self,
        to: &str,
        about: About,
        account: Option<account::Id>,
        by: &Context,
    ) -> Vec<Budget> {
        defends!("T130");
        if by.actor == Actor::Operator {
            return Vec::new();
        }
        let (mailbox, domain) = fold(to);
        match (about, account) {
            // Counted apart: whoever uses up what an address gets must not silence what its owner should hear.
            (About::NewDevice, Some(account)) => {
                let account = account.as_uuid();
                return vec![budget("new devices", &[account.as_bytes()], self.new_devices)];
            }
            (About::KeyExpiring, _) => {
                return vec![budget("keys that end", &[mailbox.as_bytes()], self.to_address)];
            }
            _ => {}
        }
        let mut all = vec![
            budget("e-mails to address", &[mailbox.as_bytes()], self.to_address),
            budget("e-mails to domain", &[domain.as_bytes()], self.to_domain),
        ];
        if let Some(ip) = by.ip {
            all.push(budget("e-mails by client", &[&network(ip)], self.by_client));
        }
        match by.actor {
            Actor::Account(actor) => {
                let actor = actor.as_uuid();
                all.push(budget("e-mails by account", &[actor.as_bytes()], self.by_account));
            }
            Actor::Anonymous => all.push(budget(
                "e-mails to address by strangers",
                &[mailbox.as_bytes()],
                self.to_address_by_strangers,
            )),
            Actor::Operator | Actor::System => {}
        }
        all
    }
}

fn budget(purpose: &'static str, parts: &[&[u8]], rate: Rate) -> Budget {
    Budget {
        subject: BudgetSubject::new(purpose, parts),
        rate,
    }
}

/// The mailbox that an address leads to, as far as everybody agrees on it: without tag, in the form that is compared. And
/// its domain.
pub(crate) fn fold(address: &str) -> (String, String) {
    let normalised = EmailAddress::parse(address).map_or_else(
        |_| address.to_lowercase(),
        |address| address.normalised().to_owned(),
    );
    let (local, domain) = normalised.rsplit_once('@').unwrap_or((&normalised, ""));
    let mailbox = match local.split_once('+') {
        Some((mailbox, _)) if !mailbox.is_empty() => mailbox,
        _ => local,
    };
    (format!("{mailbox}@{domain}"), domain.to_owned())
}

/// What one client is counted as: an address, or the IPv6 network that one subscriber has.
fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().into_iter().take(8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use crate::environment::Timestamp;
    use uuid::Uuid;

    fn context(actor: Actor, ip: Option<&str>) -> Context {
        Context {
            actor,
            ip: ip.map(|ip| ip.parse().unwrap()),
            ..Context::operator(Timestamp::from_seconds(0))
        }
    }

    fn subjects(to: &str, about: About, by: &Context) -> Vec<BudgetSubject> {
        let account = Some(account::Id::from_uuid(Uuid::from_u128(1)));
        let budgets = Settings::default().budgets(to, about, account, by);
        budgets.into_iter().map(|budget| budget.subject).collect()
    }

    #[test]
    fn spellings_and_tags_of_one_mailbox_are_one() {
        checks!("T130");
        let by = context(Actor::Anonymous, None);
        let plain = subjects("anna@example.com", About::Verification, &by);
        for to in [
            "Anna@Example.com",
            "anna+1@example.com",
            "ANNA+a+b@example.com",
            "anna+@example.com",
            "ａnna+x@example.com",
        ] {
            assert_eq!(subjects(to, About::Verification, &by), plain, "{to}");
        }
        for to in ["hanna@example.com", "+anna@example.com", "anna@example.org"] {
            assert_ne!(subjects(to, About::Verification, &by), plain, "{to}");
        }
        assert_eq!(fold("+anna@example.com").0, "+anna@example.com");
    }

    #[test]
    fn a_subscribers_ipv6_addresses_are_one_client() {
        checks!("T130");
        let at = |ip| {
            subjects(
                "a@b.example",
                About::Verification,
                &context(Actor::Anonymous, Some(ip)),
            )
        };
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[test]
    fn everybody_is_counted_but_the_operator() {
        checks!("T130");
        let id = account::Id::from_uuid(Uuid::from_u128(2));
        let many = |actor, about| subjects("a@b.example", about, &context(actor, Some("192.0.2.1"))).len();
        for (actor, about, count) in [
            (Actor::Operator, About::Verification, 0),
            (Actor::Anonymous, About::Verification, 4),
            (Actor::Anonymous, About::AlreadyRegistered, 4),
            (Actor::Anonymous, About::NewDevice, 1),
            (Actor::Account(id), About::Verification, 4),
            (Actor::Account(id), About::Invitation, 4),
            (Actor::System, About::KeyExpiring, 1),
        ] {
            assert_eq!(many(actor, about), count, "{actor:?} {about:?}");
        }
    }
}
