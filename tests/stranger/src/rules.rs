//! Rules of its own: what passwords are refused, who exports, which link leads where.

use std::time::Duration;

use portcullis_identity::core::authz::Verdict;
use portcullis_identity::core::token::Purpose;
use portcullis_identity::{
    ActionName as _, Allow, Api, Builder, Path, Policy, Portcullis, Problem, Public, Result, Role, State, actions,
};
use serde::{Deserialize, Serialize};

use crate::notes::{NotesRead, Writer};

actions! { pub ExportNotes = "notes:export"; }

/// What is asked of passwords, and who exports.
pub fn settings(builder: Builder) -> Builder {
    builder
        .password_rule(|password, _account| {
            if password.expose().to_lowercase().contains("notes") {
                return Err("don't use the name of this program".to_owned());
            }
            Ok(())
        })
        .policy("writers-export-by-day", &[ExportNotes::NAME], |question| {
            let hour = question.context.now.as_seconds() / 3_600 % 24;
            if question.holds::<Role<Writer>>() && (8..18).contains(&hour) {
                Verdict::Permitted
            } else {
                Verdict::Silent
            }
        })
}

async fn export(_: Allow<Policy<ExportNotes>>) -> &'static str {
    "all notes"
}

/// What the link to a note says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Link {
    note: usize,
}

const LINK: Purpose<Link> = Purpose::new("note-link");

async fn link(
    who: Allow<NotesRead>,
    State(portcullis): State<Portcullis>,
    Path(note): Path<usize>,
) -> Result<String> {
    let tokens = portcullis.tokens_for(LINK);
    let token = tokens.sign(&Link { note }, Some(who.id()), Duration::from_secs(300));
    token.map_err(Problem::internal)
}

async fn follow(_: Public, State(portcullis): State<Portcullis>, Path(token): Path<String>) -> Result<String> {
    let link = portcullis.tokens_for(LINK).verify(&token).map_err(|_| Problem::not_found())?;
    Ok(format!("note {}", link.claims.note))
}

/// The routes that go by them.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Rules", "1.0")
        .get("/export", export)
        .post("/notes/{id}/link", link)
        .get("/links/{token}", follow)
        .with_state(portcullis.clone())
}
