//! The policies in force.

use axum::extract::State;
use jiff::Timestamp as Moment;
use portcullis_core::authz::PoliciesRead;
use portcullis_core::environment::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::composition::Portcullis;
use crate::policies::{FunctionStatus, PoliciesError, PolicyFlaw, PolicyStatus};
use crate::{Allow, Api, Json};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/policies", show)
        .summary("Which policies are in force, and why others are not")
        .operation_id("getPolicies")
        .description(
            "On the node that answers: files, functions of the program, generation, notes, and why a later change is not in force.",
        )
}

/// The policies in force on this node.
#[derive(Debug, Serialize, JsonSchema)]
struct PoliciesInForce {
    /// How often policies were put in force since the start; 0 means never.
    generation: u64,
    /// When they were read, RFC 3339.
    #[schemars(with = "Option<Moment>")]
    loaded_at: Option<Timestamp>,
    /// Their files, by name.
    files: Vec<String>,
    /// How many there are in the files.
    policies: usize,
    /// Those that are functions of the program: what they are for is said in its code, and changes with it.
    functions: Vec<FunctionView>,
    /// What is worth knowing: policies that never apply, and those that lists can't use.
    notes: Vec<FlawView>,
    /// Why a later change is not in force.
    last_error: Option<LoadFailure>,
}

/// A policy that is a function of the program.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PolicyFunction")]
struct FunctionView {
    /// What explanations call it.
    name: &'static str,
    /// The actions that it speaks of.
    actions: Vec<&'static str>,
    /// Where it stands: `code`.
    source: InCode,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum InCode {
    Code,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PolicyFlaw")]
struct FlawView {
    /// The file's name in the folder of the policies.
    file: String,
    /// The line, from 1.
    line: usize,
    /// The character in the line, from 1.
    column: usize,
    /// What is wrong.
    message: String,
}

/// A change that was refused.
#[derive(Debug, Serialize, JsonSchema)]
struct LoadFailure {
    /// When it was tried, RFC 3339.
    #[schemars(with = "Moment")]
    at: Timestamp,
    /// What is wrong, a line for each fault.
    detail: String,
    /// The faults with their places, if the files could be read.
    flaws: Vec<FlawView>,
}

impl From<FunctionStatus> for FunctionView {
    fn from(function: FunctionStatus) -> Self {
        Self {
            name: function.name,
            actions: function.actions,
            source: InCode::Code,
        }
    }
}

impl From<&PolicyFlaw> for FlawView {
    fn from(flaw: &PolicyFlaw) -> Self {
        Self {
            file: flaw.file.clone(),
            line: flaw.line,
            column: flaw.column,
            message: flaw.message.clone(),
        }
    }
}

impl From<(Timestamp, PoliciesError)> for LoadFailure {
    fn from((at, error): (Timestamp, PoliciesError)) -> Self {
        let flaws = match &error {
            PoliciesError::Wrong { flaws, .. } => flaws.iter().map(FlawView::from).collect(),
            _ => Vec::new(),
        };
        Self {
            at,
            detail: error.to_string(),
            flaws,
        }
    }
}

async fn show(_: Allow<PoliciesRead>, State(portcullis): State<Portcullis>) -> Json<PoliciesInForce> {
    let PolicyStatus {
        generation,
        loaded_at,
        files,
        policies,
        functions,
        notes,
        failure,
    } = portcullis.policy_status();
    Json(PoliciesInForce {
        generation,
        loaded_at,
        files,
        policies,
        functions: functions.into_iter().map(FunctionView::from).collect(),
        notes: notes.iter().map(FlawView::from).collect(),
        last_error: failure.map(LoadFailure::from),
    })
}
