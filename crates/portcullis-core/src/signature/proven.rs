//! Who signed, once that is proven.

use std::sync::Arc;
use std::time::Duration;

use super::BodyDigest;
use crate::environment::Timestamp;

/// Who signed what was let in: what a handler may know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signer {
    /// Whose key it is, as the program's [`Keys`](super::Keys) say; `None` for a signed URL, which this program signed itself.
    pub caller: Option<Arc<str>>,
    /// The id of the key; `None` for a signed URL.
    pub key_id: Option<String>,
    /// When it was signed, by the signer's clock; `None` for a signed URL.
    pub created: Option<Timestamp>,
    /// The signature's own `tag`, if it has one.
    pub tag: Option<String>,
    /// Whom a signed URL was made for, if that was said. Whoever has the address may use it; whether the subject still may, nobody
    /// has asked.
    pub subject: Option<String>,
}

/// A signature that was good.
#[derive(Debug, Clone)]
pub struct Proven {
    pub(super) signer: Arc<Signer>,
    pub(super) permissions: Arc<[String]>,
    pub(super) digest: Option<BodyDigest>,
    pub(super) by: By,
}

/// What it was good by.
#[derive(Debug, Clone)]
pub(super) enum By {
    /// A caller's key, which was asked for at this moment.
    Key {
        base: Arc<[u8]>,
        signature: Arc<[u8]>,
        asked_at: Timestamp,
    },
    /// An address that is good until this moment.
    Url { until: Timestamp },
}

impl Proven {
    /// Who signed.
    pub fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }

    /// Whether it was a URL that was signed, not a request.
    pub const fn is_url(&self) -> bool {
        matches!(self.by, By::Url { .. })
    }

    /// What the body must hash to; `None` where there is none, or where it isn't spoken of.
    pub fn digest(&self) -> Option<&BodyDigest> {
        self.digest.as_ref()
    }

    /// The names of what the signer may do.
    pub(crate) fn permissions(&self) -> &Arc<[String]> {
        &self.permissions
    }

    /// Whether it is good at this moment without another look: a key may be taken away, and an address ends.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        match self.by {
            By::Key { asked_at, .. } => asked_at <= now && now < asked_at.plus(ASKED_EVERY),
            By::Url { until } => now < until,
        }
    }
}

/// How long a key counts as known while a body comes.
const ASKED_EVERY: Duration = Duration::from_secs(1);
