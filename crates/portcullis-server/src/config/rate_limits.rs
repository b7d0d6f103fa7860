//! How often clients may call, and where that is counted.

use portcullis_core::throttle::Limits;
use portcullis_identity::RateCounts;
use portcullis_identity::rates::LimitHeaders;

use super::form::{SecretFile, optional, secret, text};
use super::reader::Reader;
use super::redis::{self, Passwords};
use super::section::section;

section! {
    /// How often clients may call, and where that is counted.
    pub(crate) struct RateLimits {}
    "rate_limits.per_address" => per_address: Option<Limits> = None,
        optional(|text| Limits::parse(text).map_err(|error| error.to_string()), Limits::to_string),
        "how often an address may call, such as \"600/minute; burst 100\"",
        manual "how often each client's address (of IPv6 each network of 64 bits) may call this server in all, health left \
            out: such as `600/minute; burst 100` or `20/second, 5000/hour`. Without it nothing limits an address";
    "rate_limits.headers" => headers: LimitHeaders = LimitHeaders::default(),
        text(parse_headers, show_headers),
        "what answers tell of limits: draft, x-ratelimit or off",
        manual "in which headers answers tell what is left of a limit: `draft` (`RateLimit`, `RateLimit-Policy`), `x-ratelimit` \
            (what older clients read) or `off`. `Retry-After` is on every refusal";
    "rate_limits.counts" => counts: RateCounts = RateCounts::default(),
        text(|text| parse(text, Passwords::Refused), show),
        "where calls are counted: own or redis://HOST:PORT/",
        manual "where calls and uses of API keys are counted: `own` (each node for itself) or `redis://host:port/` (all nodes \
            together; while it is away each goes on by itself, and `/health/ready` says so)";
    "rate_limits.counts_file" => counts_file: Option<SecretFile> = None, secret(),
        "file that holds the address of Redis, where it has a password",
        manual "a file with the address of Redis, where it has a password";
}

impl RateLimits {
    pub(super) fn read(from: &mut Reader) -> Self {
        let mut limits = Self::declared(from);
        limits.look_into_file(from);
        limits
    }

    /// An address with a password comes from a file.
    fn look_into_file(&mut self, from: &mut Reader) {
        let Some(file) = &self.counts_file else { return };
        if from.is_set("rate_limits.counts") {
            from.fail(
                "rate_limits.counts_file",
                "set rate_limits.counts or rate_limits.counts_file, not both",
            );
        }
        match parse(file.text.expose(), Passwords::Allowed) {
            Ok(counts) => self.counts = counts,
            Err(says) => from.fail("rate_limits.counts_file", says),
        }
        from.reshow("rate_limits.counts", show(&self.counts));
    }
}

fn parse(text: &str, passwords: Passwords) -> Result<RateCounts, String> {
    match text {
        "own" => Ok(RateCounts::Own),
        _ => redis::parse(text, passwords, "own", "rate_limits.counts_file").map(RateCounts::Redis),
    }
}

fn show(counts: &RateCounts) -> String {
    match counts {
        RateCounts::Own => "own".to_owned(),
        RateCounts::Redis(address) => redis::show(address),
        _ => "another".to_owned(),
    }
}

fn parse_headers(text: &str) -> Result<LimitHeaders, String> {
    match text {
        "draft" => Ok(LimitHeaders::Draft),
        "x-ratelimit" => Ok(LimitHeaders::XRateLimit),
        "off" => Ok(LimitHeaders::Off),
        _ => Err("must be draft, x-ratelimit or off".to_owned()),
    }
}

fn show_headers(headers: &LimitHeaders) -> String {
    match headers {
        LimitHeaders::Draft => "draft",
        LimitHeaders::XRateLimit => "x-ratelimit",
        LimitHeaders::Off => "off",
        _ => "another",
    }
    .to_owned()
}
