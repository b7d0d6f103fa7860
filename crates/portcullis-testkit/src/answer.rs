//! What a router answers.

use axum::body::Body;
use http::header::HeaderValue;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

/// What a router answered.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// Reads the whole answer.
    pub(crate) async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    /// Reads a refusal whole, and of everything else the head: a stream that lets somebody in may never end.
    pub(crate) async fn read_refusal(response: Response<Body>) -> Self {
        if response.status().as_u16() >= 400 {
            return Self::read(response).await;
        }
        let (parts, _) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: Vec::new(),
        }
    }

    /// The HTTP status as a number.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// A header's text; empty if there is none.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        match self.headers.get(name).map(HeaderValue::to_str) {
            None => "",
            Some(Ok(text)) => text,
            Some(Err(_)) => panic!("the header {name} is no text"),
        }
    }

    /// All headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body is no text: {error}"),
        }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&self.body)),
        }
    }

    /// A problem's `code`, or an OAuth `error`; empty if there is neither.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = body.get("code").or_else(|| body.get("error"));
        code.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The same answer, after asserting its status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}", self.text());
        self
    }

    /// The same answer, after asserting that it is a refusal of this status, and that it is for the reason which the stable
    /// code names: a problem's `code`, or an OAuth `error`.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status(), &*self.code()), (status, code), "{}", self.text());
        self
    }
}
