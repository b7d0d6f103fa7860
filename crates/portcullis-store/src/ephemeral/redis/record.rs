//! A session as a Redis hash: one text field each, a field that is absent for what isn't known.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use portcullis_core::account::{self, Stamp};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::secret::Digest;
use portcullis_core::session::{Device, Id, Method, Session, SessionToken};

/// A hash as Redis answers it; empty if there is none.
pub(super) type Fields = HashMap<String, String>;

/// A key is kept this long after its session would have timed out: clocks differ, and the caller's checks.
pub(super) const GRACE_MILLIS: u64 = 60_000;

/// For how many milliseconds Redis keeps a session that was seen just now.
pub(super) fn lasts_for(session: &Session) -> u64 {
    let left = session.expires_at.since(session.last_seen_at).min(session.idle);
    let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    millis.min(LONGEST_MILLIS).saturating_add(GRACE_MILLIS)
}

/// Fields and values, one after the other.
pub(super) fn write(session: &Session, token: &Digest<SessionToken>) -> Result<Vec<String>, Fault> {
    let scopes = session.scopes.as_ref().map(serde_json::to_string).transpose();
    let scopes = scopes.map_err(|e| Fault::Other(format!("scopes can't be written: {e}")))?;
    let idle = i64::try_from(session.idle.as_micros()).unwrap_or(i64::MAX);
    let micros = |moment: Timestamp| Some(moment.as_micros().to_string());
    let fields = [
        ("id", Some(session.id.to_string())),
        ("account", Some(session.account.to_string())),
        ("stamp", Some(session.stamp.to_string())),
        ("token", Some(hex(token))),
        ("user_agent", session.device.user_agent.clone()),
        ("ip", session.device.ip.map(|ip| ip.to_string())),
        ("name", session.device.name.clone()),
        ("method", Some(session.method.amr().to_owned())),
        ("scopes", scopes),
        ("authenticated_at", micros(session.authenticated_at)),
        ("last_seen_at", micros(session.last_seen_at)),
        ("idle", Some(idle.to_string())),
        ("expires_at", micros(session.expires_at)),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(name, value)| Some([name.to_owned(), value?]));
    Ok(known.flatten().collect())
}

/// Reads what [`write`] wrote; `None` for an empty hash.
pub(super) fn read(mut fields: Fields) -> Result<Option<Session>, Fault> {
    if fields.is_empty() {
        return Ok(None);
    }
    session(&mut fields).map(Some)
}

fn session(fields: &mut Fields) -> Result<Session, Fault> {
    Ok(Session {
        id: parsed::<Id>(fields, "id")?,
        account: parsed::<account::Id>(fields, "account")?,
        stamp: parsed::<Stamp>(fields, "stamp")?,
        device: Device {
            user_agent: fields.remove("user_agent"),
            ip: fields
                .remove("ip")
                .map(|ip| ip.parse())
                .transpose()
                .map_err(|_| corrupt("ip"))?,
            name: fields.remove("name"),
        },
        method: Method::parse(&text(fields, "method")?).ok_or_else(|| corrupt("method"))?,
        scopes: fields
            .remove("scopes")
            .map(|scopes| serde_json::from_str(&scopes))
            .transpose()
            .map_err(|_| corrupt("scopes"))?,
        authenticated_at: parsed(fields, "authenticated_at").map(Timestamp::from_micros)?,
        last_seen_at: parsed(fields, "last_seen_at").map(Timestamp::from_micros)?,
        idle: parsed(fields, "idle").map(Duration::from_micros)?,
        expires_at: parsed(fields, "expires_at").map(Timestamp::from_micros)?,
    })
}

/// An id as a script answers it.
pub(super) fn id(text: &str) -> Result<Id, Fault> {
    text.parse().map_err(|_| corrupt("id"))
}

pub(super) fn hex(token: &Digest<SessionToken>) -> String {
    token
        .as_bytes()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn text(fields: &mut Fields, name: &str) -> Result<String, Fault> {
    fields.remove(name).ok_or_else(|| corrupt(name))
}

fn parsed<T: std::str::FromStr>(fields: &mut Fields, name: &str) -> Result<T, Fault> {
    text(fields, name)?.parse().map_err(|_| corrupt(name))
}

fn corrupt(field: &str) -> Fault {
    Fault::Corrupt(format!("the field {field} of a session in Redis"))
}

/// Ten years, in milliseconds: nothing is kept for longer, and no sum overflows.
const LONGEST_MILLIS: u64 = 315_360_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn sample() -> Session {
        Session {
            id: Id::from_uuid(Uuid::from_u128(1)),
            account: account::Id::from_uuid(Uuid::from_u128(2)),
            stamp: Stamp::from_uuid(Uuid::from_u128(3)),
            device: Device {
                user_agent: Some("Ünï Browser/2 🦀".into()),
                ip: Some([192, 0, 2, 1].into()),
                name: None,
            },
            method: Method::Password,
            scopes: Some(Vec::new()),
            authenticated_at: Timestamp::from_micros(1_700_000_000_000_001),
            last_seen_at: Timestamp::from_micros(1_700_000_000_000_002),
            idle: Duration::from_secs(1_800),
            expires_at: Timestamp::from_micros(1_700_000_003_600_002),
        }
    }

    fn fields(session: &Session) -> Fields {
        let token = Digest::from_slice(&[0xab; 32]).unwrap();
        let flat = write(session, &token).unwrap();
        flat.chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect()
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let mut session = sample();
        for scopes in [None, Some(Vec::new()), Some(vec!["a b".into(), "\"".into()])] {
            session.scopes = scopes;
            assert_eq!(read(fields(&session)).unwrap(), Some(session.clone()));
        }
        assert_eq!(read(Fields::new()).unwrap(), None);
    }

    #[test]
    fn a_field_that_is_missing_or_wrong_is_corrupt_and_never_a_default() {
        let good = fields(&sample());
        for name in [
            "id",
            "account",
            "stamp",
            "method",
            "authenticated_at",
            "last_seen_at",
            "idle",
            "expires_at",
        ] {
            let mut missing = good.clone();
            missing.remove(name);
            assert!(
                matches!(read(missing), Err(Fault::Corrupt(_))),
                "{name} is missing"
            );
        }
        for name in good
            .keys()
            .filter(|name| !["token", "user_agent"].contains(&name.as_str()))
        {
            let mut wrong = good.clone();
            wrong.insert(name.clone(), "-x".into());
            assert!(matches!(read(wrong), Err(Fault::Corrupt(_))), "{name} is wrong");
        }
    }

    #[test]
    fn a_key_outlives_its_session_by_the_grace_and_nothing_lives_for_ever() {
        let mut session = sample();
        assert_eq!(lasts_for(&session), 3_600 + GRACE_MILLIS);
        session.expires_at = Timestamp::from_micros(i64::MAX);
        assert_eq!(lasts_for(&session), 1_800_000 + GRACE_MILLIS);
        session.idle = Duration::MAX;
        assert_eq!(lasts_for(&session), LONGEST_MILLIS + GRACE_MILLIS);
        session.expires_at = session.last_seen_at;
        assert_eq!(lasts_for(&session), GRACE_MILLIS);
    }
}
