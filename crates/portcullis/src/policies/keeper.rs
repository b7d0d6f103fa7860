//! Loads policies and remembers what came of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use portcullis_core::attribute::{Declared, Definition};
use portcullis_core::authz::function::{InvalidFunction, PolicyFunction};
use portcullis_core::authz::policy::{Declarations, Flaw, Live, Schema, Set, Source};
use portcullis_core::authz::{NoPolicies, Policies, ResourceKind};
use portcullis_core::environment::Timestamp;
use portcullis_core::{audit, defends};
use tokio::sync::Mutex;

use super::functions::Functions;
use super::{Asked, PoliciesError, PolicyFlaw, PolicyStatus, change, folder};

/// Keeps the policies of a deployment. Cloning it gives the same.
#[derive(Clone, Default)]
pub struct Keeper {
    folder: Option<PathBuf>,
    kinds: Vec<&'static ResourceKind>,
    attributes: Vec<Definition>,
    functions: Functions,
    live: Arc<Live>,
    /// One load at a time; what it knows of the last one.
    work: Arc<Mutex<Work>>,
    status: Arc<std::sync::Mutex<PolicyStatus>>,
}

#[derive(Default)]
struct Work {
    /// Everything that was declared so far.
    asked: Asked,
    /// What the policies are checked against, once the routes are known.
    schema: Option<Schema>,
    /// What was last loaded, or tried to.
    tried: Option<Result<Vec<Source>, PoliciesError>>,
    /// What the last look found, if it was something else.
    seen: Option<Result<Vec<Source>, PoliciesError>>,
    /// The files in force.
    in_force: Option<change::Digests>,
}

impl Keeper {
    pub fn folder(mut self, folder: PathBuf) -> Self {
        self.folder = Some(folder);
        self
    }

    pub fn kinds(mut self, kinds: &[&'static ResourceKind]) -> Self {
        self.kinds.extend(kinds);
        self
    }

    pub fn attributes(mut self, declared: &Declared) -> Self {
        self.attributes.extend(declared.in_policies());
        self
    }

    pub fn function(mut self, function: PolicyFunction) -> Self {
        self.functions.push(function);
        self
    }

    /// Whether what was given before any route is known is right.
    pub fn check_functions(&self) -> Result<(), InvalidFunction> {
        self.functions.check()
    }

    /// What decides by the policies in force; without a folder, nothing is permitted but by functions.
    pub fn provider(&self) -> Arc<dyn Policies> {
        self.functions.beside(match &self.folder {
            Some(_) => Arc::clone(&self.live) as _,
            None => Arc::new(NoPolicies),
        })
    }

    pub fn status(&self) -> PolicyStatus {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        PolicyStatus {
            functions: self.functions.status(),
            ..status
        }
    }

    /// What the application declares, with what its routes ask.
    fn schema(&self, asked: &Asked) -> Result<Schema, PoliciesError> {
        let mut declarations = Declarations::new();
        asked
            .actions
            .iter()
            .for_each(|action| declarations.action(action));
        self.attributes
            .iter()
            .for_each(|definition| declarations.attribute(*definition));
        let kinds = self.kinds.iter().chain(&asked.kinds);
        kinds.for_each(|kind| declarations.kind(kind));
        Schema::of(declarations).map_err(|error| PoliciesError::Declarations(error.to_string()))
    }

    /// The schema as Cedar writes it.
    pub fn schema_text(&self, asked: &Asked) -> Result<String, PoliciesError> {
        Ok(self.schema(asked)?.text().to_owned())
    }

    /// What would be noted of the policies in a folder; they are not put in force.
    pub async fn check(&self, asked: &Asked, at: PathBuf) -> Result<Vec<PolicyFlaw>, PoliciesError> {
        check(self.schema(asked)?, at, &self.functions).await
    }

    pub async fn declare(
        &self,
        asked: &Asked,
        log: &dyn audit::Store,
        now: Timestamp,
    ) -> Result<(), PoliciesError> {
        let mut work = self.work.lock().await;
        let all = work.asked.clone().and(asked);
        self.functions.fit(&all, &self.kinds)?;
        let actions = asked.actions.iter().copied();
        let left: Vec<_> = actions
            .filter(|action| !self.functions.speak_of(action))
            .collect();
        let Some(folder) = &self.folder else {
            // Nothing is permitted by policy, so nothing needs a schema.
            impermissible(&left);
            work.asked = all;
            return Ok(());
        };
        let schema = self.schema(&all)?;
        let known = work.schema.as_ref().map(Schema::text);
        if known != Some(schema.text()) || self.live.current().is_none() {
            if work.schema.is_none() {
                // Nothing is in force yet: a later look may put it right.
                work.schema = Some(schema.clone());
                work.asked = all.clone();
            }
            let found = still(folder).await;
            let before = work.schema.replace(schema);
            if let Err(error) = self.put(&mut work, folder, found, log, now).await {
                work.schema = before;
                return Err(error);
            }
            for note in self.status().notes {
                tracing::warn!("{note}");
            }
        }
        work.asked = all;
        let permissible = |action: &&str| self.live.current().is_some_and(|set| set.can_permit(action));
        impermissible(
            &left
                .into_iter()
                .filter(|action| !permissible(action))
                .collect::<Vec<_>>(),
        );
        Ok(())
    }

    pub async fn reload(&self, log: &dyn audit::Store, now: Timestamp) -> Result<(), PoliciesError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let mut work = self.work.lock().await;
        let found = still(folder).await;
        self.put(&mut work, folder, found, log, now).await
    }

    pub async fn watch(&self, log: &dyn audit::Store, now: Timestamp) -> Result<(), PoliciesError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let mut work = self.work.lock().await;
        if work.schema.is_none() {
            return Ok(());
        }
        let found = Some(read(folder.clone()).await);
        // A file that is being written differs from look to look.
        if found == work.tried || work.seen != found {
            work.seen = found;
            return Ok(());
        }
        match found {
            Some(found) => self.put(&mut work, folder, found, log, now).await,
            None => Ok(()),
        }
    }

    /// Puts what was found in force, if it is right; keeps the last good policies otherwise.
    async fn put(
        &self,
        work: &mut Work,
        folder: &Path,
        found: Result<Vec<Source>, PoliciesError>,
        log: &dyn audit::Store,
        now: Timestamp,
    ) -> Result<(), PoliciesError> {
        defends!("T061");
        let Some(schema) = work.schema.clone() else {
            return Ok(());
        };
        work.tried = Some(found.clone());
        work.seen = None;
        let loaded = match found {
            Ok(sources) => self.take(work, schema, sources, folder, log, now).await,
            Err(error) => Err(error),
        };
        loaded.inspect_err(|error| {
            let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
            status.failure = Some((now, error.clone()));
        })
    }

    async fn take(
        &self,
        work: &mut Work,
        schema: Schema,
        sources: Vec<Source>,
        folder: &Path,
        log: &dyn audit::Store,
        now: Timestamp,
    ) -> Result<(), PoliciesError> {
        let files: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        let digests = change::digests(&sources);
        let set = load(schema, sources, folder.display().to_string()).await?;
        self.functions.differ_from(set.names())?;
        if work.in_force.as_ref() != Some(&digests) {
            let recorded = change::record(self.live.current().as_deref(), &set, &digests, log, now).await;
            // At the next look it is tried again.
            recorded.inspect_err(|_| work.tried = None)?;
            work.in_force = Some(digests);
        }
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        *status = PolicyStatus {
            generation: status.generation + 1,
            loaded_at: Some(now),
            files,
            policies: set.summary().policies,
            functions: Vec::new(),
            notes: set.notes().iter().map(PolicyFlaw::from).collect(),
            failure: None,
        };
        self.live.put(set);
        Ok(())
    }
}

/// The same against the schema of another program.
pub async fn check_against(schema: &str, at: PathBuf) -> Result<Vec<PolicyFlaw>, PoliciesError> {
    let schema = Schema::read(schema).map_err(|error| PoliciesError::Declarations(error.to_string()))?;
    check(schema, at, &Functions::default()).await
}

async fn check(schema: Schema, at: PathBuf, functions: &Functions) -> Result<Vec<PolicyFlaw>, PoliciesError> {
    let sources = read(at.clone()).await?;
    let set = load(schema, sources, at.display().to_string()).await?;
    functions.differ_from(set.names())?;
    Ok(set.notes().iter().map(PolicyFlaw::from).collect())
}

fn impermissible(actions: &[&str]) {
    for action in actions {
        tracing::warn!(
            action,
            "a route asks the policies for an action that none of them can permit"
        );
    }
}

/// The files once they are the same at two looks: one that is being written is not taken for whole.
async fn still(folder: &Path) -> Result<Vec<Source>, PoliciesError> {
    let mut before = read(folder.to_owned()).await;
    for _ in 0..LOOKS {
        let again = read(folder.to_owned()).await;
        if again == before {
            return again;
        }
        before = again;
    }
    Err(PoliciesError::Unreadable {
        folder: folder.display().to_string(),
        reason: "the files change while they are read".to_owned(),
    })
}

/// How often changing files are looked at again.
const LOOKS: usize = 5;

async fn read(at: PathBuf) -> Result<Vec<Source>, PoliciesError> {
    let folder = at.display().to_string();
    let read = tokio::task::spawn_blocking(move || folder::read(&at)).await;
    read.unwrap_or_else(|error| {
        Err(PoliciesError::Unreadable {
            folder,
            reason: error.to_string(),
        })
    })
}

/// Parses and checks beside the requests: hundreds of policies take a while.
async fn load(schema: Schema, sources: Vec<Source>, folder: String) -> Result<Set, PoliciesError> {
    let loaded = tokio::task::spawn_blocking(move || Set::load(&schema, &sources)).await;
    match loaded {
        Ok(Ok(set)) => Ok(set),
        Ok(Err(report)) => Err(PoliciesError::Wrong {
            folder,
            flaws: report.0.iter().map(PolicyFlaw::from).collect(),
        }),
        Err(error) => Err(PoliciesError::Unreadable {
            folder,
            reason: error.to_string(),
        }),
    }
}

impl From<&Flaw> for PolicyFlaw {
    fn from(flaw: &Flaw) -> Self {
        Self {
            file: flaw.file.clone(),
            line: flaw.line,
            column: flaw.column,
            message: flaw.message.clone(),
        }
    }
}
