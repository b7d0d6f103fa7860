//! Requests to a router.

use std::net::{IpAddr, SocketAddr};
use std::panic::Location;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use portcullis_identity::Gate;
use portcullis_identity::core::session::Token;
use serde::Serialize;
use tower::ServiceExt as _;

use crate::answer::Answer;
use crate::documented::Documented;

/// A request on its way to a router.
#[derive(Debug)]
#[must_use = "send it"]
pub struct Request {
    router: Router,
    gate: Option<Gate>,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    peer: Option<IpAddr>,
    documented: Option<Arc<Documented>>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(router: &Router, method: Method, path: &str) -> Self {
        Self {
            router: router.clone(),
            gate: None,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            peer: None,
            documented: None,
        }
    }

    /// The same request to a router behind this gate: a [cookie](Self::cookie) brings its CSRF token along.
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// What is answered is compared with this document.
    pub(crate) fn documented(mut self, document: Option<Arc<Documented>>) -> Self {
        self.documented = document;
        self
    }

    /// Comes from this address; from none that is known unless said otherwise.
    pub fn from_address(mut self, address: &str) -> Self {
        self.peer = Some(address.parse().unwrap());
        self
    }

    /// Adds a header; one that is there already stays.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    /// Presents an API key in `X-API-Key`.
    pub fn api_key(self, key: &str) -> Self {
        self.header("x-api-key", key)
    }

    /// Presents an access token, a session token or an API key as bearer.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Presents an identifier and a password by HTTP Basic, as a program does.
    pub fn basic(self, identifier: &str, password: &str) -> Self {
        let pair = STANDARD.encode(format!("{identifier}:{password}"));
        self.header("authorization", &format!("Basic {pair}"))
    }

    /// Presents a session token in the session cookie, as a page of the same origin does: with its CSRF token, where
    /// the request knows the gate.
    pub fn cookie(self, token: &str) -> Self {
        let gate = self.gate.clone();
        let request = self.bare_cookie(token);
        match (gate, Token::parse(token)) {
            (Some(gate), Some(session)) => {
                let header = gate.cookies().csrf_header().as_str().to_owned();
                request.header(&header, &gate.csrf_token(&session))
            }
            _ => request,
        }
    }

    /// Presents a session token in the session cookie, as a page of the same origin does that forgets the CSRF token.
    pub fn bare_cookie(self, token: &str) -> Self {
        let name = self.gate.as_ref().map(|gate| gate.cookies().session().to_owned());
        let name = name.unwrap_or_else(|| "__Host-portcullis".to_owned());
        self.header("cookie", &format!("{name}={token}"))
            .header("sec-fetch-site", "same-origin")
    }

    /// Gives the request this body, as JSON: anything that serde writes, such as `&json!({ … })` or a form of the program's own.
    ///
    /// # Panics
    /// If it can't be written as JSON, as a map can't whose keys are no text.
    #[track_caller]
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.body = serde_json::to_vec(body).unwrap();
        self.header(header::CONTENT_TYPE.as_str(), "application/json")
    }

    /// Gives the request these fields as its body, as a form.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{}={}", percent(name), percent(value)));
        self.body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        self.header(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")
    }

    /// Gives the request these bytes as its body, of this content type.
    pub fn bytes(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.header(header::CONTENT_TYPE.as_str(), content_type)
    }

    /// Sends it and reads the whole answer.
    #[track_caller]
    pub fn send(self) -> impl Future<Output = Answer> {
        let caller = Location::caller();
        async move {
            let (method, path, documented) =
                (self.method.clone(), self.path.clone(), self.documented.clone());
            let answer = Answer::read(self.respond().await).await;
            if let Some(document) = documented {
                document.assert_describes(&method, &path, &answer, caller);
            }
            answer
        }
    }

    /// Sends it, and reads of the answer what a refusal says.
    pub(crate) async fn send_for_refusal(self) -> Answer {
        Answer::read_refusal(self.respond().await).await
    }

    async fn respond(self) -> Response<Body> {
        let mut request = http::Request::new(Body::from(self.body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        if let Some(peer) = self.peer {
            request
                .extensions_mut()
                .insert(ConnectInfo(SocketAddr::new(peer, 1)));
        }
        self.router.oneshot(request).await.unwrap()
    }
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}
