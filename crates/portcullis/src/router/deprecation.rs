//! What becomes of a version: since when it is deprecated, until when it answers, and what takes its place.
//!
//! Source: RFC 9745 (Deprecation), RFC 8594 (Sunset), RFC 8288 (Link)

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, map_response};
use axum::response::Response;
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use portcullis_core::defends;

use super::around::Around;
use super::{Api, ApiError, path};
use crate::route::{Segment, segments};

/// That routes are deprecated: still there, and not for long.
///
/// ```
/// # use portcullis::{Api, Public};
/// use portcullis::router::Deprecation;
///
/// async fn list(_: Public) -> &'static str { "[]" }
/// let v1: Api = Api::new("Notes", "1.4").get("/notes", list).deprecated(
///     Deprecation::since("2026-06-01").sunset("2027-01-01").link("https://example.com/to-v2").successor("/v2"),
/// );
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Deprecation {
    since: String,
    sunset: Option<String>,
    link: Option<String>,
    successor: Option<String>,
}

impl Deprecation {
    /// Since when: a day (`2026-06-01`, from its first second in UTC), or a moment (`2026-06-01T12:00:00Z`). It may be to come.
    pub fn since(when: impl Into<String>) -> Self {
        Self {
            since: when.into(),
            sunset: None,
            link: None,
            successor: None,
        }
    }

    /// When it will be gone, not before it is deprecated. It is said, and nothing is switched off then.
    pub fn sunset(mut self, when: impl Into<String>) -> Self {
        self.sunset = Some(when.into());
        self
    }

    /// The address of a page that says what to do: absolute, or a path.
    pub fn link(mut self, address: impl Into<String>) -> Self {
        self.link = Some(address.into());
        self
    }

    /// The address of what takes its place: absolute, or a path.
    pub fn successor(mut self, address: impl Into<String>) -> Self {
        self.successor = Some(address.into());
        self
    }

    /// What every answer carries and what the document says, or what is wrong.
    fn settled(self) -> Result<(HeaderMap, String), String> {
        Ok((self.headers()?, self.said()))
    }

    /// The headers of every answer, or what is wrong.
    fn headers(&self) -> Result<HeaderMap, String> {
        defends!("T206");
        let since = moment(&self.since)?;
        let mut headers = HeaderMap::new();
        let value = |text: String| HeaderValue::try_from(text).map_err(|error| error.to_string());
        headers.insert(DEPRECATION, value(format!("@{}", since.as_second()))?);
        if let Some(sunset) = &self.sunset {
            let at = moment(sunset)?;
            if at < since {
                return Err(format!(
                    "it ends at {sunset}, before it is deprecated at {}",
                    self.since
                ));
            }
            headers.insert(
                SUNSET,
                value(at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())?,
            );
        }
        for (address, relation) in [
            (&self.link, "deprecation"),
            (&self.successor, "successor-version"),
        ] {
            let Some(address) = address else { continue };
            if !is_address(address) {
                return Err(format!("{address:?} is no absolute URL and no path"));
            }
            headers.append(LINK, value(format!("<{address}>; rel=\"{relation}\""))?);
        }
        Ok(headers)
    }

    /// The same in words.
    fn said(&self) -> String {
        let mut text = format!("**Deprecated** since {}", self.since);
        if let Some(sunset) = &self.sunset {
            text.push_str(&format!(", there until {sunset}"));
        }
        text.push('.');
        if let Some(successor) = &self.successor {
            text.push_str(&format!(" Use `{successor}` instead."));
        }
        if let Some(link) = &self.link {
            text.push_str(&format!(" [What to do]({link})."));
        }
        text
    }
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// Deprecates all routes and mounted routers so far, of which it wasn't said yet. Each of their answers, refusals included,
    /// carries `Deprecation`, `Sunset` and `Link`, and the document says `deprecated`.
    pub fn deprecated(mut self, deprecation: Deprecation) -> Self {
        let (headers, said) = match deprecation.settled() {
            Ok(settled) => settled,
            Err(why) => {
                self.errors.push(ApiError::Deprecation(why));
                return self;
            }
        };
        self.below.said.push(headers.clone());
        let around = Around::new(map_response(move |mut response: Response| {
            let headers = headers.clone();
            async move {
                say(&headers, &mut response);
                response
            }
        }));
        let routes = self
            .routes
            .iter_mut()
            .map(|route| (&mut route.text.deprecated, &mut route.around));
        let mounts = self
            .mounts
            .iter_mut()
            .map(|mount| (&mut mount.deprecated, &mut mount.around));
        for (known, layers) in routes.chain(mounts).filter(|(known, _)| known.is_none()) {
            *known = Some(said.clone());
            layers.push(around.clone());
        }
        self
    }
}

fn say(headers: &HeaderMap, response: &mut Response) {
    for (name, value) in headers {
        response.headers_mut().append(name, value.clone());
    }
}

/// Below which prefixes everything is deprecated, so that it is said where there is no route, too.
#[derive(Clone, Default)]
pub(super) struct Below {
    /// What is said of routes of this API.
    said: Vec<HeaderMap>,
    /// What is said below a prefix.
    prefixes: Vec<(String, HeaderMap)>,
}

impl Below {
    /// Takes over what is known of an API that comes below `prefix`: of all of it, if each of its routes is deprecated, and all in
    /// the same words.
    pub(super) fn nest<S>(&mut self, prefix: &str, api: &Api<S>) {
        let below = api.below.prefixes.iter();
        self.prefixes
            .extend(below.map(|(inner, headers)| (path::join(prefix, inner), headers.clone())));
        let routes = api.routes.iter().map(|route| route.text.deprecated.is_some());
        let mut all = routes.chain(api.mounts.iter().map(|mount| mount.deprecated.is_some()));
        let prefix = prefix.trim_end_matches('/');
        if let ([headers], true, false) = (
            &*api.below.said,
            all.all(|deprecated| deprecated),
            prefix.is_empty(),
        ) {
            self.prefixes.push((prefix.to_owned(), headers.clone()));
        }
    }

    /// What is said below the longest of the prefixes that a path is below.
    fn of(&self, path: &str) -> Option<&HeaderMap> {
        let within = self.prefixes.iter().filter(|(prefix, _)| is_below(prefix, path));
        within
            .max_by_key(|(prefix, _)| segments(prefix).count())
            .map(|(_, headers)| headers)
    }
}

/// Around what answers where there is no route: says it there too.
pub(super) async fn say_below(State(below): State<Arc<Below>>, request: Request, next: Next) -> Response {
    let said = below.of(request.uri().path()).cloned();
    let mut response = next.run(request).await;
    if let Some(headers) = said {
        say(&headers, &mut response);
    }
    response
}

fn is_below(prefix: &str, path: &str) -> bool {
    let mut pieces = path.trim_start_matches('/').split('/');
    segments(prefix).all(|wanted| {
        pieces.next().is_some_and(|piece| match wanted {
            Segment::Literal(text) => text == piece,
            Segment::Parameter(_) | Segment::Rest(_) => !piece.is_empty(),
        })
    })
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || {
        // A time without an offset would be taken for its day.
        let day = Some(text).filter(|text| text.len() == "2026-06-01".len())?;
        let midnight = day.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(midnight.timestamp())
    };
    let moment = text.parse().ok().or_else(day);
    moment.ok_or_else(|| {
        format!("{text:?} is no day and no moment, such as 2026-06-01 or 2026-06-01T12:00:00Z")
    })
}

/// Whether a text is an address that stays inside of its brackets.
fn is_address(text: &str) -> bool {
    let written = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let absolute = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    text.bytes().all(written) && (absolute || text.starts_with('/') && !text.starts_with("//"))
}

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn moments_are_said_as_the_rfcs_say_them() {
        let whole = Deprecation::since("2024-06-30")
            .sunset("2024-06-30T23:59:59Z")
            .link("https://example.com/a?b=c")
            .successor("/v2");
        let headers = whole.headers().unwrap();
        assert_eq!(headers["deprecation"], "@1719705600");
        assert_eq!(headers["sunset"], "Sun, 30 Jun 2024 23:59:59 GMT");
        let links: Vec<_> = headers.get_all("link").iter().collect();
        assert_eq!(
            links,
            [
                "<https://example.com/a?b=c>; rel=\"deprecation\"",
                "</v2>; rel=\"successor-version\""
            ]
        );
        assert!(
            Deprecation::since("2024-06-30")
                .sunset("2024-06-30")
                .headers()
                .is_ok()
        );
        let early = Deprecation::since("1969-12-31").headers().unwrap();
        assert_eq!(early["deprecation"], "@-86400");
    }

    #[test]
    fn what_is_said_wrongly_is_refused() {
        checks!("T206");
        let day = || Deprecation::since("2026-06-01");
        for wrong in [
            Deprecation::since("soon"),
            Deprecation::since("2026-02-30"),
            Deprecation::since("2026-06-01T12:00:00"),
            day().sunset("2026-05-31"),
            day().sunset("later"),
            day().link("page"),
            day().link("//evil.example"),
            day().link("javascript:alert(1)"),
            day().link("/a>; rel=\"next"),
            day().successor("/v2\r\nX-Injected: 1"),
            day().successor("/v 2"),
        ] {
            assert!(wrong.headers().is_err(), "{wrong:?}");
        }
    }
}
