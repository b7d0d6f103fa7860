//! Claims in exactly the form in which they are written here: members in their order, no spaces, no escapes.
//!
//! Nearly every payload that is read was written by [`serialise`](super::serialise), so it is compared member by member with
//! what would have been written: no member is looked for, none is set aside. Whatever differs, if only by a space, isn't
//! read here; the strict reader reads it from its beginning, and what it refuses it refuses.
//!
//! **Invariant:** what is read here, the strict reader reads as the same.

use uuid::Uuid;

use super::AccessClaims;
use super::wire::{LAST_SECOND, TOKEN_USE, is_reserved, scopes_of};
use crate::environment::Timestamp;
use crate::key::strict;
use crate::session::Method;
use crate::{account, session, token};

/// The claims, if this is how they would have been written.
pub(super) fn read(payload: &str) -> Option<AccessClaims> {
    let mut rest = Rest(payload);
    let issuer = rest.text("{\"iss\":\"")?;
    let audience = rest.text(",\"aud\":\"")?;
    let client = rest.optional(",\"client_id\":\"")?;
    let account = rest.id(",\"sub\":\"")?;
    let id = rest.id(",\"jti\":\"")?;
    let session = rest.id(",\"sid\":\"")?;
    let stamp = rest.id(",\"stamp\":\"")?;
    let issued_at = rest.moment(",\"iat\":")?;
    let not_before = match rest.0.starts_with(",\"nbf\":") {
        true => Some(rest.moment(",\"nbf\":")?),
        false => None,
    };
    let expires_at = rest.moment(",\"exp\":")?;
    let authenticated_at = rest.moment(",\"auth_time\":")?;
    rest.text(",\"acr\":\"")?;
    let method = Method::parse(rest.text(",\"amr\":[\"")?)?;
    rest.literal("]")?;
    let scopes = match rest.optional(",\"scope\":\"")? {
        Some(scopes) => Some(scopes_of(scopes)?),
        None => None,
    };
    if rest.text(",\"token_use\":\"")? != TOKEN_USE {
        return None;
    }
    Some(AccessClaims {
        issuer: issuer.to_owned(),
        audience: vec![audience.to_owned()],
        client: client.map(str::to_owned),
        account: account::Id::from_uuid(account),
        id: token::Id::from_uuid(id),
        session: session::Id::from_uuid(session),
        stamp: account::Stamp::from_uuid(stamp),
        issued_at,
        not_before,
        expires_at,
        authenticated_at,
        method,
        scopes,
        extra: rest.extra()?,
    })
}

/// What wasn't read yet.
struct Rest<'p>(&'p str);

impl<'p> Rest<'p> {
    fn literal(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// A string behind `name`, which ends with its first quote.
    fn text(&mut self, name: &str) -> Option<&'p str> {
        self.literal(name)?;
        let special = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ';
        let end = self.0.bytes().position(special)?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix('"')?;
        Some(text)
    }

    /// The same, if the name is there.
    fn optional(&mut self, name: &str) -> Option<Option<&'p str>> {
        if self.0.starts_with(name) {
            self.text(name).map(Some)
        } else {
            Some(None)
        }
    }

    fn id(&mut self, name: &str) -> Option<Uuid> {
        self.literal(name)?;
        let (id, rest) = self.0.split_at_checked(36)?;
        self.0 = rest.strip_prefix('"')?;
        Uuid::try_parse_ascii(id.as_bytes()).ok()
    }

    /// Whole seconds.
    fn moment(&mut self, name: &str) -> Option<Timestamp> {
        self.literal(name)?;
        let bytes = self.0.as_bytes();
        let digits = bytes
            .iter()
            .take(DIGITS + 1)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        if digits == 0 || digits > DIGITS || (digits > 1 && number.starts_with('0')) {
            return None;
        }
        self.0 = rest;
        let value = |sum: i64, digit: u8| sum * 10 + i64::from(digit - b'0');
        let seconds = number.bytes().fold(0, value);
        // What may follow is checked by whoever reads next: a fraction, an exponent is none of it.
        (seconds <= LAST_SECOND).then(|| Timestamp::from_seconds(seconds))
    }

    /// All members that are left, none of which is the issuer's to set.
    fn extra(self) -> Option<serde_json::Map<String, serde_json::Value>> {
        if self.0 == "}" {
            return Some(serde_json::Map::new());
        }
        let members = self.0.strip_prefix(',')?;
        let mut object = String::with_capacity(members.len() + 1);
        object.push('{');
        object.push_str(members);
        let extra = strict::object(object.as_bytes())?;
        (!extra.is_empty() && !extra.keys().any(|name| is_reserved(name))).then_some(extra)
    }
}

/// As many digits as the latest moment has.
const DIGITS: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::super::tests::sample;
    use super::super::{parse, serialise};
    use super::*;
    use crate::checks;

    /// Claims in every form that an issuer of ours writes.
    fn claims() -> impl Strategy<Value = AccessClaims> {
        let texts = (
            "[ -~äö]{0,12}",
            "[a-z:/\\\\\"]{1,12}",
            proptest::option::of("[a-z]{0,8}"),
        );
        let scopes = proptest::option::of(proptest::collection::vec("[a-z:]{1,6}", 0..3));
        let moments = (0..=LAST_SECOND, proptest::option::of(0..20_i64), 0..20_i64);
        let extra = proptest::collection::btree_map("[a-z]{2,10}", "[a-z\"]{0,5}", 0..3);
        (texts, scopes, moments, extra).prop_map(
            |((issuer, audience, client), scopes, (end, begin, at), extra)| {
                let extra = extra.into_iter().filter(|(name, _)| !is_reserved(name));
                AccessClaims {
                    issuer,
                    audience: vec![audience],
                    client,
                    scopes,
                    expires_at: Timestamp::from_seconds(end),
                    not_before: begin.map(Timestamp::from_seconds),
                    issued_at: Timestamp::from_seconds(at),
                    extra: extra.map(|(name, text)| (name, json!([text]))).collect(),
                    ..sample()
                }
            },
        )
    }

    #[test]
    fn what_is_issued_is_read_here() {
        for extra in [json!({}), json!({"roles": ["editor"], "x": {"y": [1, null]}})] {
            let mut claims = sample();
            claims.extra = extra.as_object().cloned().unwrap();
            let written = serialise(&claims).unwrap();
            assert_eq!(read(std::str::from_utf8(&written).unwrap()), Some(claims));
        }
    }

    #[test]
    fn what_differs_is_left_to_the_strict_reader() {
        checks!("T004");
        let written = String::from_utf8(serialise(&sample()).unwrap()).unwrap();
        let with = |from: &str, to: &str| {
            assert!(written.contains(from), "{from}");
            written.replacen(from, to, 1)
        };
        for other in [
            with("{", "{ "),
            with("1900", "01900"),
            with("1900", "1900.0"),
            with("1900", "-1"),
            with("1900", "253402300800"),
            with("1900", "1900e0"),
            with("1900", "\"1900\""),
            with("\"access\"", "\"refresh\""),
            with("\"access\"}", "\"access\",}"),
            with("\"access\"}", "\"access\",\"exp\":1}"),
            with("\"access\"}", "\"access\",\"x\":1,\"x\":1}"),
            with("\"access\"}", "\"access\"}}"),
            with("\"access\"}", "\"access\"} "),
            with("\"access\"}", "\"access\""),
            with("[\"pwd\"]", "[\"pwd\",\"otp\"]"),
            with("[\"pwd\"]", "\"pwd\""),
            with("api", "\\u0061pi"),
            with("api", "a\u{1}pi"),
            with("\"api\"", "[\"api\"]"),
            with("00000001", "0000000g"),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
        for end in 0..written.len() {
            assert_eq!(read(&written[..end]), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_here_is_what_the_strict_reader_reads(
            claims in claims(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), "[\"{}\\[\\],:0-9a-z\\\\ ]"), 0..3),
        ) {
            let mut text = String::from_utf8(serialise(&claims).unwrap()).unwrap();
            prop_assert_eq!(parse(text.as_bytes()), Ok(claims));
            for (at, to) in changes {
                let at = at.index(text.len());
                if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                    text.replace_range(at..=at, &to);
                }
            }
            if let Some(read) = read(&text) {
                prop_assert_eq!(super::super::wire::strictly(&text), Ok(read), "{}", text);
            }
        }
    }

    #[test]
    fn extra_members_of_the_issuer_are_not_read_here() {
        let written = String::from_utf8(serialise(&sample()).unwrap()).unwrap();
        let mut whole: Map<String, Value> = serde_json::from_str(&written).unwrap();
        for name in super::super::wire::RESERVED {
            let value = whole.remove(name).unwrap_or(json!(1));
            let member = format!(",\"{name}\":{value}}}");
            let twice = written.strip_suffix('}').unwrap().to_owned() + &member;
            assert_eq!(read(&twice), None, "{twice}");
        }
    }
}
