//! Lists: all of one, or a page with the cursor of the next.
//!
//! A page is asked for with one more than it shows: whether there is a next one is seen, not guessed from a full page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::plan::by_hand;
use crate::{Json, Problem};

/// Which page of a list, and how much of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The `next_cursor` of the page before.
    #[schemars(with = "Option<Uuid>", transform = by_hand)]
    pub cursor: Option<String>,
    /// How many: 1 to 200, 50 unless said otherwise.
    #[schemars(range(min = 1, max = 200), transform = by_hand)]
    pub limit: Option<u32>,
}

impl Page {
    /// How many are shown.
    pub fn limit(&self) -> Result<Limit, Problem> {
        match self.limit {
            None => Ok(Limit(50)),
            Some(limit @ 1..=200) => Ok(Limit(limit)),
            Some(_) => Err(Problem::bad_request("invalid_limit", "limit goes from 1 to 200")),
        }
    }

    /// The id the cursor names.
    pub fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let unreadable = || Problem::bad_request("invalid_cursor", "use a next_cursor as it was given");
        self.cursor
            .as_deref()
            .map(|text| text.parse().map_err(|_| unreadable()))
            .transpose()
    }
}

/// How many a page shows.
#[derive(Debug, Clone, Copy)]
pub struct Limit(u32);

impl Limit {
    /// How many to ask for.
    pub fn and_one(self) -> u32 {
        self.0 + 1
    }
}

/// A list, or a page of one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct Items<T> {
    /// What there is.
    items: Vec<T>,
    /// For the next page; absent on the last.
    next_cursor: Option<String>,
}

impl<T> Items<T> {
    /// The whole list at once: there is no next page.
    pub fn whole(items: Vec<T>) -> Json<Self> {
        Json(Self {
            items,
            next_cursor: None,
        })
    }

    /// A page of what was found when [one more](Limit::and_one) was asked for; what comes next is named by the last one's
    /// cursor.
    pub fn page(mut items: Vec<T>, limit: Limit, cursor: impl Fn(&T) -> String) -> Json<Self> {
        let shown = limit.0 as usize;
        let more = items.len() > shown;
        items.truncate(shown);
        let next_cursor = items.last().filter(|_| more).map(cursor);
        Json(Self { items, next_cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_last_page_has_no_cursor() {
        for (found, shown, cursor) in [(0, 0, None), (1, 1, None), (2, 2, None), (3, 2, Some("1"))] {
            let Json(page) = Items::page((0..found).collect(), Limit(2), i32::to_string);
            assert_eq!(
                (page.items.len(), page.next_cursor.as_deref()),
                (shown, cursor),
                "{found}"
            );
        }
        assert_eq!(Limit(200).and_one(), 201);
    }
}
