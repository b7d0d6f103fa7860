//! The server as a process: how fast it starts and how much memory it keeps.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use portcullis_identity::core::environment::Timestamp;

use super::Plan;
use crate::child::{self, Running};
use crate::deployment::{expect, runtime};
use crate::load::{self, Connection};
use crate::report::{Budget, Line};
use crate::{machine, population};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let program = plan.server.as_deref();
    let name = program.and_then(Path::file_name).map_or_else(
        || "stand-in".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    runtime()?.block_on(async {
        let folder = plan.temporary()?;
        // The first start makes the schema and the keys.
        Running::start(program, folder.path()).await?.stop()?;
        let (mut starts, mut idle) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds(5, 15) {
            let server = Running::start(program, folder.path()).await?;
            starts.push(server.started_in.as_secs_f64() * 1e3);
            tokio::time::sleep(SETTLE).await;
            idle.push(resident(&server)?);
            server.stop()?;
        }
        let environment = portcullis_identity::environment::system();
        let sessions = plan.pick(100, 100_000, 100_000);
        let used = with_sessions(program, folder.path(), sessions, environment.now()).await?;
        Ok(vec![
            Line::absolute(
                format!("start to first answer, migrated database ({name})"),
                "ms",
                &starts,
                Budget::AtMost(150.0),
            ),
            Line::absolute(
                format!("resident memory, idle ({name})"),
                "MB",
                &idle,
                Budget::AtMost(30.0),
            ),
            Line::absolute(
                format!("resident memory, {sessions} sessions used once each ({name})"),
                "MB",
                &[used],
                Budget::AtMost(90.0),
            ),
        ])
    })
}

async fn with_sessions(
    program: Option<&Path>,
    folder: &Path,
    sessions: usize,
    now: Timestamp,
) -> Result<f64> {
    population::write(&child::database(folder), sessions, now)?;
    let server = Running::start(program, folder).await?;
    let callers = Connection::several(CALLERS, server.address).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for (number, mut connection) in callers.into_iter().enumerate() {
        tasks.spawn(async move {
            for user in (number..sessions).step_by(CALLERS) {
                let token = population::session_token(user).expose();
                let request = load::get("/auth/me", Some(token.as_str()));
                expect(connection.ask(&request).await?, 200)?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    tokio::time::sleep(SETTLE).await;
    let used = resident(&server)?;
    server.stop()?;
    Ok(used)
}

fn resident(server: &Running) -> Result<f64> {
    machine::resident_mb(server.id()).context("the server's memory can't be read: /proc is needed")
}

const CALLERS: usize = 16;

/// What starts with the server has ended by then.
const SETTLE: Duration = Duration::from_millis(300);
