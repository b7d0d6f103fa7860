//! `authz.lock`: every route and its rule, for review.

use std::fmt::Write as _;

use portcullis_core::authz::CredentialKind;

use crate::route::{Caller, RouteInfo, asked};

/// One line a route, sorted by path and method, in columns.
pub(super) fn render<'a>(routes: impl Iterator<Item = RouteInfo<'a>>) -> String {
    let mut lines: Vec<[String; 4]> = routes.map(|route| line(&route)).collect();
    lines.sort_by(|a, b| {
        let [method_a, path_a, ..] = a;
        let [method_b, path_b, ..] = b;
        (path_a, method_a).cmp(&(path_b, method_b))
    });
    let width =
        |column: fn(&[String; 4]) -> &String| lines.iter().map(|l| column(l).len()).max().unwrap_or(0);
    let widths = (width(|[m, ..]| m), width(|[_, p, ..]| p), width(|[_, _, r, _]| r));
    let mut text = HEADER.to_owned();
    for [method, path, rule, kinds] in &lines {
        let (m, p, r) = widths;
        let line = format!("{method:m$}  {path:p$}  {rule:r$}  {kinds}");
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn line(route: &RouteInfo<'_>) -> [String; 4] {
    let kinds: Vec<_> = route.kinds().iter().map(CredentialKind::as_str).collect();
    let via = match route.caller() {
        Caller::Ignored => String::new(),
        Caller::Optional => format!("may come via {}", kinds.join(", ")),
        Caller::Required => format!("via {}", kinds.join(", ")),
    };
    let ends: Vec<_> = std::iter::once(via.as_str())
        .chain(route.addresses().iter().map(String::as_str))
        .chain(route.limits().iter().map(String::as_str))
        .collect();
    let end = ends.join("; ").trim_start_matches("; ").to_owned();
    [
        route.verb().as_str().to_owned(),
        route.path().to_owned(),
        asked(route.rule(), route.asks()),
        end,
    ]
}

const HEADER: &str = "\
# Who may call what: method, path, rule, accepted credentials.
# Made from the handlers' types; a test compares it. Review every change of it.
";
