//! What belongs to one request on its way: the gate, the route, the one moment, the trace id, the caller once known, and
//! the organization once selected.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, OriginalUri, Request};
use http::Extensions;
use http::header::COOKIE;
use portcullis_core::authz::{Policies, Principal, Rule};
use portcullis_core::environment::{Environment, Timestamp};
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;
use uuid::Uuid;

use super::organization::Selected;
use super::standing::Standing;
use super::{Gate, KeyInQuery};
use crate::request::{self, Voice};
use crate::route::Label;

/// One request's walk. Kept in the request's extensions, where the enforcers find it. What a
/// [`Problem`](crate::Problem) needs of it stands beside the running task, too ([`request`]).
#[derive(Clone)]
pub(crate) struct Walk {
    pub(crate) gate: Gate,
    pub(crate) label: Label,
    pub(crate) voice: Voice,
    pub(crate) at: Timestamp,
    pub(crate) trace: Uuid,
    /// The address that the request came from, behind all trusted proxies.
    pub(crate) client: Option<IpAddr>,
    /// The path as it was sent, where a cookie came along whose path may matter.
    pub(crate) path: Option<Arc<str>>,
    /// Whether the request names this machine as its host.
    pub(crate) names_this_machine: bool,
    pub(crate) principal: Option<Arc<Principal>>,
    /// What the session token that was presented is stored as, if one was.
    pub(crate) session_token: Option<Digest<SessionToken>>,
    pub(crate) selected: Selected,
    /// What was taken out of the address.
    pub(crate) key_in_query: KeyInQuery,
    /// The policies that were in force when the request came, or was renewed: all that is decided and explained of it
    /// agrees.
    policies: Option<Arc<dyn Policies>>,
}

/// What is known beside the running task of whom it works for.
#[derive(Default)]
struct Known {
    /// The caller whom the access rule let in.
    standing: RefCell<Option<Standing>>,
    /// Whether a refusal is recorded.
    recorded: Cell<bool>,
}

tokio::task_local! {
    static KNOWN: Known;
}

impl Walk {
    /// Begins at the present moment, with the policies of then if any are asked.
    pub(crate) fn begin(gate: &Gate, label: &Label, voice: Voice, policies: bool, request: &Request) -> Self {
        let at = gate.environment().now();
        Self {
            gate: gate.clone(),
            label: label.clone(),
            voice,
            at,
            trace: gate.traces().next(at),
            client: client(gate, request),
            path: path(request),
            names_this_machine: false,
            principal: None,
            session_token: None,
            selected: Selected::Nothing,
            key_in_query: KeyInQuery::Nothing,
            policies: policies.then(|| gate.policies().snapshot()).flatten(),
        }
    }

    /// Goes on at the present moment, with the policies that are in force by now: for what is decided late.
    pub(crate) fn renew(&mut self) {
        self.at = self.gate.environment().now();
        self.policies = self.gate.policies().snapshot();
    }

    /// What decides where a rule names an action.
    pub(crate) fn policies(&self) -> &dyn Policies {
        self.policies.as_deref().unwrap_or_else(|| self.gate.policies())
    }

    /// The walk of the request with these extensions; `None` outside an [`Api`](crate::Api).
    pub(crate) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Lets `future` know what [`request`] tells, and whom the access rule lets in.
    pub(crate) fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        request::scope(self.facts(), KNOWN.scope(Known::default(), future))
    }

    /// The same for something that doesn't wait.
    pub(crate) fn around_sync<T>(&self, run: impl FnOnce() -> T) -> T {
        request::sync_scope(self.facts(), || KNOWN.sync_scope(Known::default(), run))
    }

    fn facts(&self) -> request::Facts {
        request::Facts::new(self.trace, self.voice, self.gate.realm().clone())
    }

    /// Remembers whom the access rule let in.
    pub(crate) fn stand(standing: Standing) {
        let _ = KNOWN.try_with(|known| known.standing.replace(Some(standing)));
    }

    /// What let the caller in, if a rule did.
    pub(crate) fn standing_rule() -> Option<Rule> {
        let rule = KNOWN.try_with(|known| known.standing.borrow().as_ref().map(Standing::rule));
        rule.ok().flatten()
    }

    /// Remembers that a refusal is recorded.
    pub(crate) fn recorded() {
        let _ = KNOWN.try_with(|known| known.recorded.set(true));
    }

    /// Whether a refusal is recorded.
    pub(crate) fn is_recorded() -> bool {
        KNOWN.try_with(|known| known.recorded.get()).unwrap_or(true)
    }

    /// Whom the access rule let in, if no refusal is recorded.
    pub(crate) fn unrecorded() -> Option<Standing> {
        let taken = KNOWN.try_with(|known| {
            let standing = known.standing.take();
            standing.filter(|_| !known.recorded.get())
        });
        taken.ok().flatten()
    }

    /// How long the request has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.gate.environment().now().since(self.at)
    }
}

/// The path as the client sent it, before anything was taken off its front.
fn path(request: &Request) -> Option<Arc<str>> {
    let original = request
        .extensions()
        .get::<OriginalUri>()
        .map(|original| original.0.path());
    let cookies = request.headers().contains_key(COOKIE);
    cookies.then(|| original.unwrap_or_else(|| request.uri().path()).into())
}

/// Where the request came from. Whatever knows an address has it from here.
fn client(gate: &Gate, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(gate.proxies().client(peer.ip(), request.headers()))
}

/// Makes trace ids: UUID v7 whose random part is a counter, scrambled by a bijection and a start drawn once. They
/// name requests, they are no secrets, and they cost no system call each.
///
/// Source: RFC 9562 §5.7, §6.2
pub(super) struct Traces {
    counter: AtomicU64,
    tail: u16,
}

impl Traces {
    pub(super) fn new(environment: &Environment) -> Self {
        Self {
            counter: AtomicU64::new(u64::from_le_bytes(environment.bytes())),
            tail: u16::from_le_bytes(environment.bytes()),
        }
    }

    fn next(&self, at: Timestamp) -> Uuid {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let [a, b, c, d, e, f, g, h] = scramble(count).to_le_bytes();
        let [y, z] = self.tail.to_le_bytes();
        let millis = u64::try_from(at.as_micros() / 1_000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &[y, z, a, b, c, d, e, f, g, h]).into_uuid()
    }
}

/// A bijection on 64 bits that spreads neighbours apart (the finalizer of SplitMix64).
const fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
