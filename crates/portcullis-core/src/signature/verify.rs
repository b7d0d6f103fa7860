//! From a signed request to who signed it.

use std::fmt;
use std::sync::Arc;

use super::field::{self, Bare, Value};
use super::key::is_good;
use super::parameters::Parameters;
use super::proven::{By, Proven, Signer};
use super::refused::{SignatureError, Unsigned};
use super::settings::{InvalidSettings, Settings};
use super::{BodyDigest, Component, Keys, KnownKey, Nonce, Nonces, Request, base};
use crate::defends;
use crate::environment::Timestamp;

/// Role: verifier of signed requests.
#[derive(Clone)]
pub struct SignatureVerifier {
    keys: Arc<dyn Keys>,
    nonces: Arc<dyn Nonces>,
    settings: Arc<Settings>,
}

/// What a request claims of its signature, in whichever form.
pub(super) struct Claimed {
    pub(super) key_id: String,
    pub(super) nonce: String,
    pub(super) created: Timestamp,
    pub(super) expires: Option<Timestamp>,
    pub(super) alg: Option<String>,
    pub(super) tag: Option<String>,
    /// The bytes that are signed.
    pub(super) base: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) digest: Option<BodyDigest>,
}

impl SignatureVerifier {
    /// Verifies with these keys, and remembers there what was used.
    ///
    /// # Errors
    /// [`InvalidSettings`]: what is asked for would protect nothing, or can't be kept.
    pub fn new(
        keys: Arc<dyn Keys>,
        nonces: Arc<dyn Nonces>,
        settings: Settings,
    ) -> Result<Self, InvalidSettings> {
        settings.check()?;
        Ok(Self {
            keys,
            nonces,
            settings: Arc::new(settings),
        })
    }

    /// What is asked of signatures.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the request is signed, in a form that is read here. Whether well, nobody has looked.
    pub fn is_signed(&self, request: &Request<'_>) -> bool {
        self.is_signed_by_fields(request) || self.uses_simple_form(request)
    }

    fn is_signed_by_fields(&self, request: &Request<'_>) -> bool {
        [SIGNATURE, INPUT]
            .iter()
            .any(|name| request.fields.combined(name).is_some())
    }

    fn uses_simple_form(&self, request: &Request<'_>) -> bool {
        let simple = self.settings.simple.as_ref();
        simple.is_some_and(|simple| simple.is_used(request.fields))
    }

    /// Who signed the request, at `now`. Takes its nonce: the same signature is good no more. `has_body` says whether bytes follow
    /// that the signature must cover; they are compared by whoever reads them ([`Proven::digest`]).
    ///
    /// # Errors
    /// [`SignatureError::Refused`] if the signature isn't good, [`SignatureError::Fault`] if that can't be found out.
    pub async fn verify(
        &self,
        request: &Request<'_>,
        has_body: bool,
        now: Timestamp,
    ) -> Result<Proven, SignatureError> {
        let claimed = self.read(request, has_body)?;
        self.check_times(&claimed, now)?;
        let known = self.keys.find(&claimed.key_id).await?;
        let known = known_signer(known, &claimed)?;
        if !has_body && claimed.digest.as_ref().is_some_and(|digest| !digest.matches(b"")) {
            return Err(Unsigned::OtherBody.into());
        }
        let until = claimed
            .created
            .plus(self.settings.max_age)
            .plus(self.settings.leeway);
        let parts = [claimed.key_id.as_bytes(), claimed.nonce.as_bytes()];
        let nonce = Nonce::new("signed request", &parts, until);
        defends!("T255");
        if !self.nonces.take(nonce, now).await? {
            return Err(Unsigned::Replayed.into());
        }
        Ok(Proven {
            signer: Arc::new(Signer {
                caller: Some(Arc::clone(known.caller())),
                key_id: Some(claimed.key_id),
                created: Some(claimed.created),
                tag: claimed.tag,
                subject: None,
            }),
            permissions: Arc::clone(known.permissions()),
            digest: claimed.digest.filter(|_| has_body),
            by: By::Key {
                base: claimed.base.into(),
                signature: claimed.signature.into(),
                asked_at: now,
            },
        })
    }

    /// The same later in a request that was good when it began: whether the key is still the caller's.
    ///
    /// # Errors
    /// As [`SignatureVerifier::verify`]; an address whose time is over is refused.
    pub async fn again(&self, proven: &Proven, now: Timestamp) -> Result<Proven, SignatureError> {
        let By::Key { base, signature, .. } = &proven.by else {
            return proven.still(now);
        };
        let key_id = proven.signer.key_id.as_deref().unwrap_or_default();
        let known = self.keys.find(key_id).await?;
        let good = is_good(known.as_ref(), base, signature);
        match known.filter(|known| good && Some(known.caller()) == proven.signer.caller.as_ref()) {
            Some(known) => Ok(Proven {
                permissions: Arc::clone(known.permissions()),
                by: By::Key {
                    base: Arc::clone(base),
                    signature: Arc::clone(signature),
                    asked_at: now,
                },
                ..proven.clone()
            }),
            None => Err(Unsigned::Bad.into()),
        }
    }

    /// What the request claims, read strictly; nothing of it is believed.
    fn read(&self, request: &Request<'_>, has_body: bool) -> Result<Claimed, Unsigned> {
        defends!("T262");
        let simple = self
            .settings
            .simple
            .as_ref()
            .filter(|_| self.uses_simple_form(request));
        match (simple, self.is_signed_by_fields(request)) {
            (Some(_), true) => Err(Unsigned::Several),
            (Some(simple), false) => simple.read(request, has_body),
            (None, _) => self.read_fields(request, has_body),
        }
    }

    fn read_fields(&self, request: &Request<'_>, has_body: bool) -> Result<Claimed, Unsigned> {
        let input = text(request, INPUT)?;
        let (name, raw, covered, parameters) = self.choose(&input)?;
        let signature = signature_of(&text(request, SIGNATURE)?, name)?;
        let components = components(covered)?;
        self.check_covered(&components, has_body)?;
        let base =
            base::base(request, &components, raw).map_err(|absent| Unsigned::Absent(absent.to_string()))?;
        let digest = match components.contains(&Component::content_digest()) {
            true => Some(BodyDigest::parse(&text(
                request,
                super::component::CONTENT_DIGEST,
            )?)?),
            false => None,
        };
        Ok(Claimed {
            key_id: parameters.key_id,
            nonce: parameters.nonce,
            created: parameters.created,
            expires: parameters.expires,
            alg: parameters.alg,
            tag: parameters.tag,
            base,
            signature,
            digest,
        })
    }

    /// The one signature that counts: its label, its parameters as they were received, what it covers and says.
    fn choose<'t>(&self, input: &'t str) -> Result<(&'t str, &'t str, Vec<String>, Parameters), Unsigned> {
        let mut members = field::dictionary(input).ok_or(Unsigned::MALFORMED)?;
        if let Some(tag) = &self.settings.tag {
            members.retain(|member| {
                let said = member.parameters.iter().find(|(name, _)| *name == "tag");
                matches!(said, Some((_, Bare::Text(said))) if said == tag)
            });
        }
        let mut members = members.into_iter();
        let member = members.next().ok_or_else(|| {
            let tag = self.settings.tag.as_deref().unwrap_or_default();
            Unsigned::Lacks(format!("the tag {tag}"))
        })?;
        if members.next().is_some() {
            return Err(Unsigned::Several);
        }
        let Value::Texts(covered) = member.value else {
            return Err(Unsigned::MALFORMED);
        };
        let parameters = Parameters::read(member.parameters)?;
        Ok((member.name, member.raw, covered, parameters))
    }

    /// Everything that must be covered is.
    fn check_covered(&self, components: &[Component], has_body: bool) -> Result<(), Unsigned> {
        defends!("T257");
        let digest = has_body.then(Component::content_digest);
        let missing = self
            .settings
            .required
            .iter()
            .chain(&digest)
            .find(|needed| !components.contains(needed));
        match missing {
            Some(missing) => Err(Unsigned::lacks(missing.as_str())),
            None => Ok(()),
        }
    }

    /// Good from the leeway before it was made to the leeway after its end; at the very end it isn't any more.
    fn check_times(&self, claimed: &Claimed, now: Timestamp) -> Result<(), Unsigned> {
        defends!("T259");
        let Settings { max_age, leeway, .. } = *self.settings;
        if claimed.created > now.plus(leeway) {
            return Err(Unsigned::Early);
        }
        let oldest = claimed.created.plus(max_age);
        let end = claimed.expires.map_or(oldest, |expires| expires.min(oldest));
        if now >= end.plus(leeway) {
            return Err(Unsigned::Expired);
        }
        Ok(())
    }
}

impl fmt::Debug for SignatureVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureVerifier")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The key, if there is one and the signature is its own, by the algorithm that the request names if it names one.
fn known_signer(known: Option<KnownKey>, claimed: &Claimed) -> Result<KnownKey, Unsigned> {
    defends!("T263");
    let good = is_good(known.as_ref(), &claimed.base, &claimed.signature);
    let named = |known: &KnownKey| claimed.alg.as_deref().is_none_or(|alg| alg == known.alg());
    known.filter(|known| good && named(known)).ok_or(Unsigned::Bad)
}

/// A field's text, if it is there, is ASCII and isn't endless.
fn text(request: &Request<'_>, name: &'static str) -> Result<String, Unsigned> {
    let value = request
        .fields
        .combined(name)
        .ok_or_else(|| Unsigned::lacks(name))?;
    let long = Unsigned::Malformed(name, "it is too long, or has other characters than ASCII");
    if value.len() > MAX_FIELD || !value.is_ascii() {
        return Err(long);
    }
    String::from_utf8(value.into_owned()).map_err(|_| long)
}

/// The signature of this label.
fn signature_of(field: &str, label: &str) -> Result<Vec<u8>, Unsigned> {
    let malformed = Unsigned::Malformed(
        "Signature",
        "it must read like sig1=:…: with the signature in base64",
    );
    let members = field::dictionary(field).ok_or_else(|| malformed.clone())?;
    let member = members
        .into_iter()
        .find(|member| member.name == label)
        .ok_or_else(|| malformed.clone())?;
    match member.value {
        Value::One(Bare::Bytes(bytes)) => Ok(bytes),
        _ => Err(malformed),
    }
}

fn components(names: Vec<String>) -> Result<Vec<Component>, Unsigned> {
    let mut components = Vec::with_capacity(names.len());
    for name in names {
        let Ok(component) = Component::parse(&name) else {
            return Err(Unsigned::UnknownComponent(name));
        };
        if components.contains(&component) {
            return Err(Unsigned::Twice(name));
        }
        components.push(component);
    }
    Ok(components)
}

const SIGNATURE: &str = "signature";
const INPUT: &str = "signature-input";

/// How long a field of signatures may be, in bytes.
const MAX_FIELD: usize = 4_096;
