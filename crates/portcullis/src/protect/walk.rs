//! What belongs to one request on its way: the gate, the route, the one moment, the trace id, the caller once known, and
//! the organization once selected.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, OriginalUri, Request};
use http::header::{COOKIE, SET_COOKIE};
use http::{Extensions, HeaderMap};
use portcullis_core::authz::{Policies, Principal, Rule};
use portcullis_core::environment::{Environment, Timestamp};
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;
use uuid::Uuid;

use super::Label;
use crate::cookie_session::Outgoing;
use crate::enforcer::organization::Selected;
use crate::enforcer::{Gate, KeyInQuery, Realm, Standing};

/// One request's walk. Kept in the request's extensions, where the enforcers find it, and beside the running
/// task, where a [`Problem`](crate::Problem) finds its trace id and realm wherever it becomes an answer.
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

/// In which form a route says what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Voice {
    /// RFC 9457.
    #[default]
    Problem,
    /// RFC 6749 §5.2: its clients know no other.
    OAuth,
}

/// What is known beside the running task.
struct Current {
    gate: Gate,
    voice: Voice,
    trace: Uuid,
    /// Where the request's anonymous sessions leave their cookies.
    outgoing: RefCell<Vec<Outgoing>>,
    /// The caller whom the access rule let in.
    standing: RefCell<Option<Standing>>,
    /// Whether a refusal is recorded.
    recorded: Cell<bool>,
}

tokio::task_local! {
    static CURRENT: Current;
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

    /// Lets `future` know the trace id and the realm.
    pub(crate) fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.current(), future)
    }

    /// The same for something that doesn't wait.
    pub(crate) fn around_sync<T>(&self, run: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.current(), run)
    }

    fn current(&self) -> Current {
        Current {
            gate: self.gate.clone(),
            voice: self.voice,
            trace: self.trace,
            outgoing: RefCell::default(),
            standing: RefCell::default(),
            recorded: Cell::new(false),
        }
    }

    /// Remembers whom the access rule let in.
    pub(crate) fn stand(standing: Standing) {
        let _ = CURRENT.try_with(|current| current.standing.replace(Some(standing)));
    }

    /// What let the caller in, if a rule did.
    pub(crate) fn standing_rule() -> Option<Rule> {
        let rule = CURRENT.try_with(|current| current.standing.borrow().as_ref().map(Standing::rule));
        rule.ok().flatten()
    }

    /// Remembers that a refusal is recorded.
    pub(crate) fn recorded() {
        let _ = CURRENT.try_with(|current| current.recorded.set(true));
    }

    /// Whether a refusal is recorded.
    pub(crate) fn is_recorded() -> bool {
        CURRENT.try_with(|current| current.recorded.get()).unwrap_or(true)
    }

    /// Whom the access rule let in, if no refusal is recorded.
    pub(crate) fn unrecorded() -> Option<Standing> {
        let taken = CURRENT.try_with(|current| {
            let standing = current.standing.take();
            standing.filter(|_| !current.recorded.get())
        });
        taken.ok().flatten()
    }

    /// Whatever is left in `outgoing` by the end of the request goes out with its answer.
    pub(crate) fn leave(outgoing: &Outgoing) {
        // Outside of a request there is no answer either.
        let _ = CURRENT.try_with(|current| current.outgoing.borrow_mut().push(Arc::clone(outgoing)));
    }

    /// Puts what was left on the answer.
    pub(super) fn send_cookies(headers: &mut HeaderMap) {
        let _ = CURRENT.try_with(|current| {
            for outgoing in current.outgoing.borrow().iter() {
                let mut outgoing = outgoing.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(value) = outgoing.take() {
                    headers.append(SET_COOKIE, value);
                }
            }
        });
    }

    /// How long the request has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.gate.environment().now().since(self.at)
    }

    /// The trace id of the request this task works on.
    pub(crate) fn current_trace() -> Option<Uuid> {
        CURRENT.try_with(|current| current.trace).ok()
    }

    /// The form in which the route of this task says what went wrong.
    pub(crate) fn current_voice() -> Voice {
        CURRENT.try_with(|current| current.voice).unwrap_or_default()
    }

    /// The realm of the request this task works on.
    pub(crate) fn current_realm() -> Option<Realm> {
        CURRENT.try_with(|current| current.gate.realm().clone()).ok()
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
pub(crate) struct Traces {
    counter: AtomicU64,
    tail: u16,
}

impl Traces {
    pub(crate) fn new(environment: &Environment) -> Self {
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
