//! What pages may load and run: Content Security Policies with nonces.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use portcullis_core::defends;

use crate::Problem;
use crate::enforcer::RequestContext;

/// The Content Security Policy of HTML pages, in the place of the default, by which a page loads and runs nothing.
///
/// `'nonce'` stands for a nonce that is new for every request; [`CspNonce`] gives it to the handler:
///
/// ```
/// use axum::response::Html;
/// use portcullis::{Api, Csp, CspNonce, Public};
///
/// async fn home(_: Public, nonce: CspNonce) -> Html<String> {
///     Html(format!("<!doctype html><title>Home</title><script nonce=\"{nonce}\">document.title += '!'</script>"))
/// }
/// let api: Api = Api::new("Home", "1.0")
///     .get("/", home)
///     .csp(Csp::new("default-src 'self'; script-src 'nonce'; base-uri 'none'; frame-ancestors 'none'"));
/// ```
///
/// A handler that sets the header itself is left alone. Answers that aren't HTML keep the default.
///
/// Source: CSP Level 3 §2.3
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Csp(Cow<'static, str>);

impl Csp {
    /// The policy as its header has it, with `'nonce'` where the nonce is to be.
    pub fn new(policy: impl Into<Cow<'static, str>>) -> Self {
        Self(policy.into())
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn error(&self) -> Option<&'static str> {
        let mut names: Vec<&str> = Vec::new();
        let directives = self
            .0
            .split(';')
            .map(str::trim)
            .filter(|directive| !directive.is_empty());
        for directive in directives {
            let name = directive.split_ascii_whitespace().next().unwrap_or_default();
            if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
                return Some("each directive begins with a name in lower case, such as script-src");
            }
            if names.contains(&name) {
                return Some("a directive comes twice: browsers read the first only");
            }
            names.push(name);
        }
        if names.is_empty() {
            return Some("it says nothing; leave it out for the default, by which a page loads nothing");
        }
        if HeaderValue::try_from(self.0.as_ref()).is_err() || !self.0.is_ascii() || self.0.contains(',') {
            return Some("it is a header's value: one line of ASCII without commas");
        }
        None
    }

    fn header(&self, context: &RequestContext) -> Option<HeaderValue> {
        defends!("T188");
        if !self.0.contains(PLACE) {
            return HeaderValue::try_from(self.0.as_ref()).ok();
        }
        let source = format!("'nonce-{}'", context.csp_nonce());
        HeaderValue::try_from(self.0.replace(PLACE, &source)).ok()
    }
}

/// Where a policy has the nonce.
const PLACE: &str = "'nonce'";

/// The nonce of this request, for the `nonce` attribute of a page's scripts and styles, where the route's [`Csp`] has one.
/// 128 bits in Base64.
#[derive(Clone)]
pub struct CspNonce(Box<str>);

impl std::fmt::Display for CspNonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for CspNonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CspNonce(…)")
    }
}

impl<S: Sync> FromRequestParts<S> for CspNonce {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = RequestContext::of(&parts.extensions)?;
        Ok(Self(context.csp_nonce().into()))
    }
}

impl crate::describe::Input for CspNonce {}

/// Gives a page the route's policy; `false` if it is a page that will load nothing because nobody gave it one.
pub(super) fn dress(headers: &mut HeaderMap, policy: Option<&Csp>, context: &RequestContext) -> bool {
    if !is_page(headers) || headers.contains_key(CONTENT_SECURITY_POLICY) {
        return true;
    }
    let Some(header) = policy.and_then(|policy| policy.header(context)) else {
        return false;
    };
    headers.insert(CONTENT_SECURITY_POLICY, header);
    true
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.and_then(|kind| kind.get(..9))
        .is_some_and(|essence| essence.eq_ignore_ascii_case(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_browsers_would_read_otherwise_is_refused() {
        for policy in [
            "default-src 'self'",
            "default-src 'none'; script-src 'self' 'nonce'; style-src 'nonce'; upgrade-insecure-requests;",
        ] {
            assert_eq!(Csp::new(policy).error(), None, "{policy}");
        }
        for policy in [
            "",
            " ; ",
            "Default-Src 'self'",
            "'self'",
            "default-src 'self'; script-src a; default-src b",
            "default-src 'self'\r\nx-evil: 1",
            "default-src 'self', script-src *",
            "default-src bücher.example",
        ] {
            assert!(Csp::new(policy).error().is_some(), "{policy}");
        }
    }
}
