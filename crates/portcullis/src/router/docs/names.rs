//! What operations and types are called: users' code is full of these names, so they depend on nothing else.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::openapi;
use crate::router::{ApiError, Document, Route};

/// A handler's own name: `list_posts`. Closures have none.
pub(crate) fn handler_name<H>() -> Option<&'static str> {
    let name = std::any::type_name::<H>().rsplit("::").next()?;
    name.starts_with(|c: char| c.is_ascii_lowercase()).then_some(name)
}

/// A handler's name as a summary: `list_posts` becomes "List posts".
pub(crate) fn summary_of<H>() -> Option<Cow<'static, str>> {
    let mut summary = handler_name::<H>()?.replace('_', " ");
    if let Some(first) = summary.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(summary.into())
}

/// The id of every operation: the name given by hand; or the handler's, if it has several words and no other handler has
/// it; or method and path. Where that is what another was given by hand, as `getMe` was, it is the handler's own one word.
pub(super) fn operation_ids<S>(routes: &[&Route<S>]) -> Vec<String> {
    let mut handlers: HashMap<&str, usize> = HashMap::new();
    let unnamed = routes.iter().filter(|route| route.text.id.is_none());
    for name in unnamed.filter_map(|route| route.text.handler) {
        *handlers.entry(name).or_default() += 1;
    }
    let given: BTreeSet<&str> = routes
        .iter()
        .filter_map(|route| route.text.id.as_deref())
        .collect();
    let name = |route: &Route<S>| {
        let own = route.text.handler.filter(|name| handlers.get(name) == Some(&1));
        match (&route.text.id, own) {
            (Some(id), _) => id.clone().into_owned(),
            (None, Some(name)) if name.contains('_') => camel_case(name),
            (None, own) => {
                let method = route.method.as_str().to_ascii_lowercase();
                let id = camel_case(&format!("{method}/{}", path_words(&route.path)));
                match own {
                    Some(name) if given.contains(id.as_str()) => camel_case(name),
                    _ => id,
                }
            }
        }
    };
    routes.iter().map(|route| name(route)).collect()
}

fn path_words(path: &str) -> &str {
    if path == "/" { "root" } else { path }
}

/// `list_posts` and `list/posts` as `listPosts`.
fn camel_case(text: &str) -> String {
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

/// The names that two operations or two types have. Of types it is seen by the document changing with the order of the
/// routes: the generator tells types of one name apart by numbers, as it meets them.
pub(crate) fn ambiguous_names<S>(document: &Document<'_, S>) -> Vec<ApiError> {
    let mut ids = operation_ids(&document.routes);
    ids.sort_unstable();
    let mut twice: Vec<String> = ids
        .windows(2)
        .filter_map(|pair| match pair {
            [one, other] if one == other => Some(one.clone()),
            _ => None,
        })
        .collect();
    twice.dedup();
    let operations = twice.into_iter().map(ApiError::OperationId);
    let forward = openapi::schemas(document.routes.iter().copied());
    let backward = openapi::schemas(document.routes.iter().rev().copied());
    let moved: Vec<&String> = forward
        .iter()
        .filter(|(name, schema)| backward.get(name.as_str()) != Some(*schema))
        .map(|(name, _)| name)
        .collect();
    let types = shared(&moved).into_iter().map(ApiError::SchemaName);
    operations.chain(types).collect()
}

/// The names that were given twice, among those of all schemas that look otherwise in another order: what refers to
/// another type looks otherwise too.
fn shared(moved: &[&String]) -> BTreeSet<String> {
    let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    moved
        .iter()
        .map(|name| stem(name))
        .filter(|stem| moved.iter().any(|name| **name == *stem))
        .filter(|stem| {
            moved.iter().any(|name| {
                name.len() > stem.len() && name.trim_end_matches(|c: char| c.is_ascii_digit()) == stem
            })
        })
        .collect()
}
