//! Behind a pooler that shares the server's sessions among its clients, by session or by transaction.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod postgres;

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::audit::{self, Context, EventFilter, Occurrence};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::key;
use portcullis_store::Database;

use crate::postgres::{Borrowed, fresh, patient, server};

/// The poolers' addresses without a database, if the tests were given them: by session, then by transaction.
#[allow(
    clippy::disallowed_methods,
    reason = "this is where the tests are told of their poolers"
)]
#[allow(clippy::print_stderr, reason = "whoever runs the tests wants to know")]
fn poolers() -> Vec<String> {
    let names = [
        "PORTCULLIS_TEST_PGBOUNCER",
        "PORTCULLIS_TEST_PGBOUNCER_TRANSACTION",
    ];
    let found: Vec<String> = names.iter().filter_map(|name| std::env::var(name).ok()).collect();
    if found.len() < names.len() {
        eprintln!(
            "skipped: no PgBouncer; run `cargo xtask test`, or set {}",
            names.join(" and ")
        );
    }
    found
}

/// The database of this address, by way of the pooler.
fn through(pooler: &str, url: &str) -> String {
    let (_, name) = url.rsplit_once('/').unwrap();
    format!("{pooler}/{name}")
}

async fn append(database: &Database, detail: String) -> Result<(), Fault> {
    let refusal = Occurrence {
        action: audit::Action::LoginRefused,
        account: None,
        session: None,
        detail,
    };
    audit::Store::append(database, refusal, Context::system(Timestamp::from_seconds(1))).await
}

// Shows: OP-2
/// Two nodes, so that the statements of one would meet those of the other on the sessions they share.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_behind_a_pooler_read_and_write_what_they_mean() {
    checks!("T163");
    let Some(server) = server() else { return };
    for pooler in poolers() {
        let url = fresh(&server).await;
        let _kept = Borrowed(url.clone());
        let address = through(&pooler, &url);
        let settings = patient();
        let (one, two) = tokio::join!(
            Database::open_with(&address, &settings),
            Database::open_with(&address, &settings)
        );
        let nodes = [one.unwrap(), two.unwrap()];
        let _followers = nodes
            .each_ref()
            .map(|node| node.follow(Duration::from_millis(50)));
        let calls = (0..200_usize).map(|number| {
            let node = nodes[number % 2].clone();
            tokio::spawn(async move {
                append(&node, format!("call {number}")).await?;
                key::Store::load(&node).await?;
                node.writable().await
            })
        });
        for call in join_all(calls).await {
            call.unwrap().unwrap();
        }
        let listed = audit::Store::list(&nodes[0], EventFilter::default(), 1_000)
            .await
            .unwrap();
        assert_eq!(listed.len(), 200, "{pooler}");
        for node in &nodes {
            assert!(node.freshness() < Duration::from_secs(5), "{pooler}");
            node.close().await;
        }
    }
}

#[tokio::test]
async fn what_a_pooler_refuses_is_no_server_that_can_t_be_reached() {
    let Some(server) = server() else { return };
    for pooler in poolers() {
        let url = fresh(&server).await;
        let _kept = Borrowed(url.clone());
        let address = format!("{}?options=-c%20work_mem%3D8MB", through(&pooler, &url));
        let fault = Database::open(&address).await.unwrap_err();
        assert!(
            matches!(&fault, Fault::Other(text) if text.contains("Poolers") && text.contains("options")),
            "{fault}"
        );
    }
}
