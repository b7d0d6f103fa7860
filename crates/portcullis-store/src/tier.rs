//! Tiers: limits by the name of a plan.

use portcullis_core::audit::{self, Action, Context};
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::throttle::Limits;
use portcullis_core::tier::{Kept, Store};

use crate::Database;
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::params;

portcullis_core::tier_port!();

async fn set_tiers(tx: &mut Tx<'_>, kept: &Kept, by: &Context) -> Result<(), Fault> {
    tx.query(
        "SELECT name FROM portcullis_locks WHERE name = 'tiers' FOR UPDATE",
        params![],
    )
    .await?;
    tx.execute("DELETE FROM portcullis_tiers", params![]).await?;
    let sql = "INSERT INTO portcullis_tiers (name, limits, is_default) VALUES ($1, $2, $3)";
    let mut said = Vec::with_capacity(kept.tiers.len());
    for (name, limits) in &kept.tiers {
        let text = limits.to_string();
        tx.execute(sql, params![name, &text, i64::from(*name == kept.default)])
            .await?;
        said.push(format!("{name}: {text}"));
    }
    tx.record(by, Entry::of(Action::TiersSet).detail(said.join("; ")));
    tx.invalidate(Invalidation::Tiers, by.at);
    Ok(())
}

async fn tiers(on: &Database) -> Result<Option<Kept>, Fault> {
    let sql = "SELECT name, limits, is_default FROM portcullis_tiers ORDER BY name";
    let mut kept: Option<Kept> = None;
    for mut row in on.read(sql, params![]).await? {
        let (name, text): (String, String) = (row.take()?, row.take()?);
        let limits = Limits::parse(&text).map_err(|why| Fault::Corrupt(format!("the tier {name}: {why}")))?;
        let kept = kept.get_or_insert_with(|| Kept {
            default: String::new(),
            tiers: std::collections::BTreeMap::new(),
        });
        if row.take::<bool>()? {
            kept.default.clone_from(&name);
        }
        kept.tiers.insert(name, limits);
    }
    Ok(kept)
}
