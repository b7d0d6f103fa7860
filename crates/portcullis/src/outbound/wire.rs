//! One request and its answer on a connection of its own.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use portcullis_core::text::shown_up_to;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use url::{Position, Url};

use super::{Document, FetchError};

/// Asks for `url` and reads the answer.
pub(super) async fn exchange<S>(
    stream: S,
    url: &Url,
    media_types: &[&str],
    most: usize,
) -> Result<Document, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error| FetchError::Protocol(url.to_string(), error);
    let handshake = http1::Builder::new()
        .max_buf_size(MOST_HEAD)
        .max_headers(MOST_HEADERS)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(broken)?;
    // The set ends the connection's task when this function ends, however it ends.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let answer = sender
        .send_request(request(url, media_types))
        .await
        .map_err(broken)?;
    let (head, body) = check_head(answer, url, media_types)?;
    let body = read(&head, body, url, most).await?;
    Ok(Document {
        body,
        max_age: max_age(&head),
    })
}

/// The address and the types wanted: nothing else of ours goes out.
fn request(url: &Url, media_types: &[&str]) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    // What `Url` has parsed is a URI too, and its host a header.
    if let Ok(path) = url[Position::BeforePath..Position::AfterQuery].parse() {
        *request.uri_mut() = path;
    }
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let accept = media_types.join(", ");
    let headers: [(HeaderName, &str); 4] = [
        (HOST, host),
        (ACCEPT, &accept),
        (USER_AGENT, concat!("portcullis/", env!("CARGO_PKG_VERSION"))),
        (CONNECTION, "close"),
    ];
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

fn check_head(
    answer: Response<Incoming>,
    url: &Url,
    media_types: &[&str],
) -> Result<(HeaderMap, Incoming), FetchError> {
    let (head, body) = answer.into_parts();
    if head.status.is_redirection() {
        return Err(FetchError::Redirect(url.to_string(), head.status));
    }
    if head.status != http::StatusCode::OK {
        return Err(FetchError::Status(url.to_string(), head.status));
    }
    let said = head.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let said = String::from_utf8_lossy(said.unwrap_or_default());
    let essence = said.split(';').next().unwrap_or_default().trim();
    if !media_types
        .iter()
        .any(|wanted| wanted.eq_ignore_ascii_case(essence))
    {
        let shown = shown_up_to(essence, 64);
        return Err(FetchError::MediaType(url.to_string(), shown));
    }
    Ok((head.headers, body))
}

/// Reads the body as long as it isn't too long; what the length header promises is believed at once.
async fn read(head: &HeaderMap, mut body: Incoming, url: &Url, most: usize) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge(url.to_string(), most);
    let promised = head
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if promised.is_some_and(|length: u64| length > most as u64) {
        return Err(too_large());
    }
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchError::Protocol(url.to_string(), error))?;
        let Some(data) = frame.data_ref() else { continue };
        if read.len() + data.len() > most {
            return Err(too_large());
        }
        read.extend_from_slice(data);
    }
    Ok(read)
}

/// How long the answer may be kept. An answer that must not be kept may be kept for no time.
///
/// Source: RFC 9111 §5.2.2
fn max_age(head: &HeaderMap) -> Option<Duration> {
    let mut longest = None;
    for value in head.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(Duration::ZERO),
                "max-age" => {
                    let seconds = value.trim().trim_matches('"').parse().ok();
                    // Said twice, the shorter counts.
                    longest = match (longest, seconds.map(Duration::from_secs)) {
                        (Some(known), Some(said)) => Some(said.min(known)),
                        (known, said) => known.or(said),
                    };
                }
                _ => {}
            }
        }
    }
    longest
}

const MOST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_word_on_caching_counts() {
        for (said, kept) in [
            (&[][..], None),
            (&["max-age=300"], Some(300)),
            (&["public, MAX-AGE=\"300\""], Some(300)),
            (&["public", "max-age=60"], Some(60)),
            (&["max-age=300, max-age=60"], Some(60)),
            (&["max-age=60, no-store"], Some(0)),
            (&["no-cache"], Some(0)),
            (&["max-age=-1"], None),
            (&["max-age=forever"], None),
            (&["s-maxage=60"], None),
        ] {
            let mut head = HeaderMap::new();
            for value in said {
                head.append(CACHE_CONTROL, value.parse().unwrap());
            }
            assert_eq!(max_age(&head), kept.map(Duration::from_secs), "{said:?}");
        }
    }
}
