//! One request's context: everything that is known of it, in one place, from the layer around its route to its last line in
//! the log.
//!
//! Flow: [`RequestContext::begin`] reads what the head of the request says; enforcers add who calls, what let them in and
//! which organization it is for ([`Snapshot`]); whoever records, decides or answers looks here.
//!
//! Invariants: one per request, behind one [`Arc`], in the request's extensions and beside the running task
//! ([`request`]); nobody keeps a copy of a part of it, but for a [`CallerContext`](super::CallerContext), which must not change under a
//! handler. What is learnt later stands behind a lock that is never held across an `await`.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, OriginalUri, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{COOKIE, SET_COOKIE, USER_AGENT};
use http::{Extensions, HeaderMap, HeaderValue, Method, Uri};
use portcullis_core::audit::{Actor, Context};
use portcullis_core::authn::Verified;
use portcullis_core::authz::{DecisionContext, Policies, Principal, Rule};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::organization::Selector;
use portcullis_core::scopes::Scopes;
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;
use uuid::Uuid;

use super::audit_context::printable;
use super::counting::Counting;
use super::denials::Denial;
use super::organization::Selected;
use super::scheme::Presented;
use super::signed::SignedBody;
use super::{Gate, KeyInQuery};
use crate::Problem;
use crate::host;
use crate::rates::Rates;
use crate::request::{self, Answered, Realm, Voice};
use crate::route::Label;

/// What is known of one request.
pub(crate) struct RequestContext {
    pub(crate) gate: Gate,
    pub(crate) label: Label,
    pub(crate) trace: Uuid,
    pub(crate) method: Method,
    /// The address that the request came from, behind all trusted proxies.
    pub(crate) client: Option<IpAddr>,
    /// The host that it is for, if it can be told.
    pub(crate) host: Result<host::Named, host::Invalid>,
    /// What was taken out of the address.
    pub(crate) key_in_query: KeyInQuery,
    voice: Voice,
    begun: Timestamp,
    user_agent: Option<HeaderValue>,
    /// The address as it was sent, where a cookie came along whose path may matter.
    sent_to: Option<Uri>,
    /// Whether the route leaves something to the policies.
    asks_policies: bool,
    /// The header that the caller's credential stood in; nothing if it stood in the address.
    pub(super) presented: OnceLock<Presented>,
    /// What the session token that was presented is stored as, if one was.
    pub(super) session_token: OnceLock<Digest<SessionToken>>,
    /// The organizations that the request names, if the rule asks for one.
    pub(super) named: OnceLock<Vec<Selector>>,
    /// What let the caller in, if a rule did.
    rule: OnceLock<LetIn>,
    snapshot: Mutex<Snapshot>,
    /// Whether a refusal is recorded.
    recorded: AtomicBool,
    outgoing: Mutex<Vec<Outgoing>>,
    /// Whether a part of the body is still to come.
    body_owed: AtomicBool,
    /// Whether the body was longer than the route takes.
    body_too_large: AtomicBool,
    /// What the caller is answered who was let in, and refused when the body had come.
    refused_late: OnceLock<Problem>,
    /// What the body must be, where it is signed.
    pub(crate) signed_body: SignedBody,
    /// What the page's own scripts are known by, once somebody asked for it.
    csp_nonce: OnceLock<Box<str>>,
    /// How often the route may be called, if that is limited.
    pub(crate) rates: Option<Counting>,
}

/// Who calls and where, as of one moment: what is decided, explained and recorded together agrees.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) at: Timestamp,
    pub(super) caller: Option<Verified>,
    pub(super) selected: Selected,
    /// The policies that were in force at the moment; `None` where none are asked, or where they never change.
    policies: Option<Arc<dyn Policies>>,
}

/// A rule that let the caller in, and the next one that did.
struct LetIn {
    rule: Rule,
    then: OnceLock<Box<LetIn>>,
}

impl LetIn {
    const fn by(rule: Rule) -> Self {
        Self {
            rule,
            then: OnceLock::new(),
        }
    }
}

impl Snapshot {
    fn at(at: Timestamp, policies: Option<Arc<dyn Policies>>) -> Self {
        Self {
            at,
            caller: None,
            selected: Selected::Nothing,
            policies,
        }
    }

    /// Goes on at this moment, with these policies: for what is decided late.
    pub(super) fn renew(&mut self, at: Timestamp, policies: Option<Arc<dyn Policies>>) {
        self.at = at;
        self.policies = policies;
    }

    /// Whether it was these policies that were asked, if there are any.
    pub(super) fn is_by(&self, policies: Option<&Arc<dyn Policies>>) -> bool {
        let both = self.policies.as_ref().zip(policies);
        both.is_some_and(|(then, now)| Arc::ptr_eq(then, now))
    }

    /// The caller, if one is known.
    pub(super) fn principal(&self) -> Option<&Arc<Principal>> {
        self.caller.as_ref().map(Verified::principal)
    }
}

/// The `Set-Cookie` that a request leaves behind, if any.
pub(crate) type Outgoing = Arc<Mutex<Option<HeaderValue>>>;

impl RequestContext {
    /// Begins at the present moment, with the policies of then if the route asks any. A key in the address is taken out of
    /// it.
    pub(crate) fn begin(
        gate: &Gate,
        label: &Label,
        voice: Voice,
        asks_policies: bool,
        rates: Option<&Arc<Rates>>,
        request: &mut Request,
    ) -> Arc<Self> {
        let key_in_query = KeyInQuery::take(request, gate.api_key_places(), gate.api_key_format());
        let begun = gate.environment().now();
        let policies = asks_policies.then(|| gate.policies().snapshot()).flatten();
        Arc::new(Self {
            gate: gate.clone(),
            label: label.clone(),
            trace: gate.traces().next(begun),
            method: request.method().clone(),
            client: client(gate, request),
            host: host::of(request.headers(), request.uri()),
            key_in_query,
            voice,
            begun,
            user_agent: request.headers().get(USER_AGENT).cloned(),
            sent_to: sent_to(request),
            asks_policies,
            presented: OnceLock::new(),
            session_token: OnceLock::new(),
            named: OnceLock::new(),
            rule: OnceLock::new(),
            snapshot: Mutex::new(Snapshot::at(begun, policies)),
            recorded: AtomicBool::new(false),
            outgoing: Mutex::default(),
            body_owed: AtomicBool::new(false),
            body_too_large: AtomicBool::new(false),
            refused_late: OnceLock::new(),
            signed_body: SignedBody::default(),
            csp_nonce: OnceLock::new(),
            rates: rates.map(Counting::of),
        })
    }

    /// The context of the request with these extensions.
    ///
    /// # Errors
    /// 500 outside an [`Api`](crate::Api).
    pub(crate) fn of(extensions: &Extensions) -> Result<&Arc<Self>, Problem> {
        extensions
            .get()
            .ok_or_else(|| Problem::internal("a handler runs outside of `Api::into_router`"))
    }

    /// Lets `future` know of the request.
    pub(crate) fn around<F: Future>(self: &Arc<Self>, future: F) -> impl Future<Output = F::Output> + use<F> {
        request::scope(Arc::clone(self) as _, future)
    }

    /// The same for something that doesn't wait.
    pub(crate) fn around_sync<T>(self: &Arc<Self>, run: impl FnOnce() -> T) -> T {
        request::sync_scope(Arc::clone(self) as _, run)
    }

    /// Who calls and where, as it is known by now. Held for a few instructions, never across an `await`.
    pub(crate) fn snapshot(&self) -> MutexGuard<'_, Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The policies that are in force by now, where any are asked.
    pub(super) fn policies_now(&self) -> Option<Arc<dyn Policies>> {
        self.asks_policies
            .then(|| self.gate.policies().snapshot())
            .flatten()
    }

    /// Remembers that the rule lets in whoever calls, beside what let them in before: a layer may have asked less.
    pub(super) fn let_in(&self, rule: Rule) {
        defends!("T240");
        let Err(next) = self.rule.set(LetIn::by(rule)) else {
            return;
        };
        let (mut next, mut last) = (Box::new(next), self.rule.get());
        while let Some(earlier) = last {
            match earlier.then.set(next) {
                Ok(()) => return,
                Err(back) => next = back,
            }
            last = earlier.then.get().map(Box::as_ref);
        }
    }

    /// What let the caller in first, if a rule did.
    pub(super) fn rule(&self) -> Option<&Rule> {
        self.rules().next()
    }

    /// Everything that let the caller in.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        let first = self.rule.get();
        std::iter::successors(first, |let_in| let_in.then.get().map(Box::as_ref)).map(|let_in| &let_in.rule)
    }

    /// Whom a rule let in, if one did and knows.
    pub(super) fn let_in_as(&self) -> Option<Arc<Principal>> {
        let caller = self.snapshot().principal().map(Arc::clone);
        caller.filter(|_| self.rule.get().is_some())
    }

    /// What the page's own scripts are known by: the same all through the request.
    pub(crate) fn csp_nonce(&self) -> &str {
        self.csp_nonce.get_or_init(|| {
            let bytes: [u8; 16] = self.gate.environment().bytes();
            STANDARD.encode(bytes).into()
        })
    }

    /// Says whether a part of the body is still to come.
    pub(crate) fn owe_body(&self, owed: bool) {
        self.body_owed.store(owed, Ordering::Relaxed);
    }

    /// Whether the caller still owes a part of the body: decides whose fault a time-out is.
    pub(crate) fn is_body_owed(&self) -> bool {
        self.body_owed.load(Ordering::Relaxed)
    }

    /// Remembers that the body was longer than the route takes.
    pub(crate) fn cut_body(&self) {
        self.body_too_large.store(true, Ordering::Relaxed);
    }

    /// Whether the body was longer than the route takes, and somebody read it that far.
    pub(crate) fn is_body_cut(&self) -> bool {
        self.body_too_large.load(Ordering::Relaxed)
    }

    /// Remembers what the caller is answered, whatever the handler makes of it.
    pub(crate) fn refuse_late(&self, problem: Problem) {
        self.refused_late.get_or_init(|| problem);
    }

    /// What the caller is answered who was let in, and refused when the body had come.
    pub(crate) fn refused_late(&self) -> Option<&Problem> {
        self.refused_late.get()
    }

    /// What a decision looks at besides the caller.
    pub(super) fn decision_context<'a>(&'a self, snapshot: &'a Snapshot) -> DecisionContext<'a> {
        let user_agent = self.user_agent.as_ref();
        let policies = snapshot.policies.as_deref();
        DecisionContext {
            ip: self.client,
            user_agent: user_agent.and_then(|value| value.to_str().ok()),
            policies: policies.unwrap_or_else(|| self.gate.policies()),
            ..snapshot.selected.decision_context(snapshot.at)
        }
    }

    /// When, who, from where, with what: what is recorded of the request.
    pub(super) fn signature(&self, snapshot: &Snapshot) -> Context {
        let principal = snapshot.principal();
        Context {
            at: snapshot.at,
            actor: principal.map_or(Actor::Anonymous, |who| Actor::Account(who.id())),
            scopes: principal.map_or(Scopes::Everything, |who| who.scopes().clone()),
            api_key: principal.and_then(|who| who.api_key()),
            ip: self.client,
            user_agent: self.user_agent.as_ref().map(printable),
            trace: Some(self.trace),
        }
    }

    /// Records a refusal: whatever becomes of the record, one refusal is recorded once.
    pub(super) fn record(&self, denial: &Denial<'_>, by: Context) {
        self.recorded.store(true, Ordering::Relaxed);
        self.gate.denials().record(denial, by);
    }

    /// Whether a refusal is recorded.
    pub(super) fn is_recorded(&self) -> bool {
        self.recorded.load(Ordering::Relaxed)
    }

    /// Whatever is left in `outgoing` by the end of the request goes out with its answer.
    pub(crate) fn leave(&self, outgoing: Outgoing) {
        let mut all = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(outgoing);
    }

    /// Puts on the answer what was left.
    pub(crate) fn send_cookies(&self, headers: &mut HeaderMap) {
        let all = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        for outgoing in all.iter() {
            let mut outgoing = outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = outgoing.take() {
                headers.append(SET_COOKIE, value);
            }
        }
    }

    /// The path as the client sent it, before anything was taken off its front, where cookies came along.
    pub(super) fn path(&self) -> Option<&str> {
        self.sent_to.as_ref().map(Uri::path)
    }

    /// Whether the request names this machine as its host.
    pub(crate) fn names_this_machine(&self) -> bool {
        let host = self.host.as_ref().ok().and_then(host::Named::as_deref);
        host.is_some_and(host::is_this_machine)
    }

    /// How long the request has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.gate.environment().now().since(self.begun)
    }
}

impl Answered for RequestContext {
    fn trace(&self) -> Uuid {
        self.trace
    }

    fn voice(&self) -> Voice {
        self.voice
    }

    fn realm(&self) -> &Realm {
        self.gate.realm()
    }
}

fn sent_to(request: &Request) -> Option<Uri> {
    if !request.headers().contains_key(COOKIE) {
        return None;
    }
    let original = request.extensions().get::<OriginalUri>();
    Some(original.map_or(request.uri(), |original| &original.0).clone())
}

/// Where the request came from. Whatever knows an address has it from here.
fn client(gate: &Gate, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(gate.proxies().client(peer.ip(), request.headers()))
}
