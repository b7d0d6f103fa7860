//! What is said of one operation while its handler's types describe themselves.

use std::sync::Arc;

use http::StatusCode;
use portcullis_core::defends;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::{Documented, Needed, Output};
use crate::plan::{Flaw, Plan};
use crate::route::{Asks, Body, How};

/// One operation, while a handler's types describe what they read and answer.
pub struct Operation<'g> {
    schemas: &'g mut SchemaGenerator,
    asks: Vec<Asks>,
    needs: Vec<Needed>,
    parameters: Vec<Value>,
    unnamed: Vec<Value>,
    body: Option<Value>,
    refusals: Answers,
    answers: Answers,
    /// What can't be checked, where somebody asks for it.
    unchecked: Option<Vec<Unchecked>>,
}

/// Why what a type's schema asks isn't checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unchecked {
    /// The schema can't be.
    Flaw(Arc<Flaw>),
    /// Whoever reads it doesn't.
    Reader {
        /// The name of the type.
        name: &'static str,
        /// What reads instead.
        instead: &'static str,
    },
}

/// What a handler's types said in the end.
pub(crate) struct Settled {
    /// What is asked about resources.
    pub(crate) asks: Vec<Asks>,
    /// What the program must provide.
    pub(crate) needs: Vec<Needed>,
    /// The parameters, as the document has them.
    pub(crate) parameters: Vec<Value>,
    /// Schemas of the path's parameters whose names only the path has.
    pub(crate) unnamed: Vec<Value>,
    /// The body, if one is read.
    pub(crate) body: Option<Value>,
    /// The answers by status: `default` for any that isn't named.
    pub(crate) responses: Map<String, Value>,
    /// What is asked of what is read, and isn't checked.
    pub(crate) unchecked: Vec<Unchecked>,
}

impl Settled {
    /// Whether the decision about a resource comes before the body, though the handler reads one.
    pub(crate) fn decides_early(&self) -> bool {
        defends!("T098");
        let unread = |asks: &Asks| {
            matches!(
                asks.how,
                How::One {
                    body: Body::Unread,
                    ..
                }
            )
        };
        self.body.is_some() && self.asks.iter().any(unread)
    }
}

/// Answers, each with its status; none stands for every status that isn't named.
pub(crate) type Answers = Vec<(Option<StatusCode>, Value)>;

impl<'g> Operation<'g> {
    pub(crate) fn new(schemas: &'g mut SchemaGenerator) -> Self {
        Self {
            schemas,
            asks: Vec::new(),
            needs: Vec::new(),
            parameters: Vec::new(),
            unnamed: Vec::new(),
            body: None,
            refusals: Answers::new(),
            answers: Answers::new(),
            unchecked: None,
        }
    }

    /// The same, which also looks for what can't be checked.
    pub(crate) fn looking(schemas: &'g mut SchemaGenerator) -> Self {
        Self {
            unchecked: Some(Vec::new()),
            ..Self::new(schemas)
        }
    }

    /// What is read is checked by the schema of `T`.
    pub(crate) fn checked<T: Documented + 'static>(&mut self) {
        defends!("T200");
        if let Some(unchecked) = &mut self.unchecked
            && let Err(flaw) = Plan::of::<T>(T::schema)
        {
            unchecked.push(Unchecked::Flaw(flaw));
        }
    }

    /// What is read isn't checked: `instead` would.
    pub(crate) fn unchecked<T: Documented>(&mut self, instead: &'static str) {
        defends!("T200");
        if let Some(unchecked) = &mut self.unchecked
            && Plan::make::<T>(T::schema).map_or(true, |plan| plan.declared())
        {
            let name = std::any::type_name::<T>();
            unchecked.push(Unchecked::Reader { name, instead });
        }
    }

    /// The members of `T` are parameters of the query. This describes and checks nothing: read them by
    /// [`Query`](crate::Query), which asks what the schema asks.
    pub fn query<T: Documented>(&mut self) {
        self.members::<T>("query");
    }

    /// The members of `T` are parameters of the path; without members (one value, or a tuple) it is the path's parameters
    /// in their order.
    pub fn path<T: Documented>(&mut self) {
        if !self.members::<T>("path") {
            let schema = T::schema(self.schemas);
            let resolved = self.resolve(schema.as_value());
            let each = resolved.get("prefixItems").and_then(Value::as_array).cloned();
            self.unnamed
                .extend(each.unwrap_or_else(|| vec![schema.to_value()]));
        }
    }

    /// A header is read.
    pub fn header<T: Documented>(&mut self, name: &str, description: &str, required: bool) {
        let schema = T::schema(self.schemas);
        self.parameters.push(json!({
            "in": "header",
            "name": name,
            "description": description,
            "required": required,
            "schema": schema,
            "style": "simple",
        }));
    }

    /// The body is a `T`. This describes and checks nothing: read it by [`Json`](crate::Json) or [`Form`](crate::Form), which
    /// ask what the schema asks.
    pub fn body<T: Documented>(&mut self, media_type: &str) {
        let schema = T::schema(self.schemas);
        self.body = Some(json!({ "content": content(media_type, &schema.to_value()), "required": true }));
    }

    /// A body is read of which nothing is said but its media type; `*/*` is any.
    pub fn plain_body(&mut self, media_type: &str) {
        self.body = Some(json!({ "content": { media_type: {} } }));
    }

    /// Reading the request may be refused with a problem of this status.
    pub fn refusal(&mut self, status: StatusCode, description: &str) {
        self.refusals.push((Some(status), problem(description)));
    }

    /// An answer with a `T`. Without a status it is what any has that isn't named. Two of one status are alternatives.
    pub fn answer<T: Documented>(
        &mut self,
        status: impl Into<Option<StatusCode>>,
        media_type: &str,
        description: &str,
    ) {
        let schema = T::schema(self.schemas).to_value();
        let answer = json!({ "description": description, "content": content(media_type, &schema) });
        self.add(status.into(), answer);
    }

    /// An answer of a media type whose content isn't described.
    pub fn opaque_answer(
        &mut self,
        status: impl Into<Option<StatusCode>>,
        media_type: &str,
        description: &str,
    ) {
        let answer = json!({ "description": description, "content": { media_type: {} } });
        self.add(status.into(), answer);
    }

    /// An answer without a body, or of which nothing more is said.
    pub fn plain_answer(&mut self, status: impl Into<Option<StatusCode>>, description: &str) {
        self.add(status.into(), json!({ "description": description }));
    }

    /// A problem of any status.
    pub(crate) fn problem_answer(&mut self, description: &str) {
        self.add(None, problem(description));
    }

    /// The answers of `T`, all with this status.
    pub fn answers_as<T: Output>(&mut self, status: impl Into<Option<StatusCode>>) {
        let status = status.into();
        for (_, answer) in self.apart::<T>() {
            self.add(status, answer);
        }
    }

    /// The answers of `T`, which may set a header that the document describes under `component`.
    #[doc(hidden)]
    pub fn answers_with_header<T: Output>(&mut self, name: &str, component: &str) {
        for (status, mut answer) in self.apart::<T>() {
            if let Some(members) = answer.as_object_mut() {
                let headers = members.entry("headers").or_insert_with(|| json!({}));
                if let Some(headers) = headers.as_object_mut() {
                    let reference = format!("#/components/headers/{component}");
                    headers.insert(name.to_owned(), json!({ "$ref": reference }));
                }
            }
            self.add(status, answer);
        }
    }

    /// What is asked about resources.
    pub(crate) fn asks(&mut self, asks: Asks) {
        self.asks.push(asks);
    }

    /// What the program must provide.
    pub(crate) fn needs<T: ?Sized + 'static>(&mut self) {
        self.needs.push(Needed::of::<T>());
    }

    /// Whether something said that it reads a body.
    pub(crate) fn reads_body(&self) -> bool {
        self.body.is_some()
    }

    /// Runs `describe`, whose parameters and body may be left out by the caller.
    pub(crate) fn optional(&mut self, describe: impl FnOnce(&mut Self)) {
        let (before, body) = (self.parameters.len(), self.body.take());
        describe(self);
        for parameter in self.parameters.iter_mut().skip(before) {
            if let Some(required) = parameter.get_mut("required") {
                *required = json!(false);
            }
        }
        match &mut self.body {
            Some(body) => {
                if let Some(members) = body.as_object_mut() {
                    members.remove("required");
                }
            }
            none => *none = body,
        }
    }

    /// Reading a body may be refused in these ways.
    pub(crate) fn body_refusals(&mut self) {
        self.refusal(StatusCode::BAD_REQUEST, "The body can't be read");
        self.refusal(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long");
        self.refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body has another media type",
        );
        self.refusal(StatusCode::UNPROCESSABLE_ENTITY, "Some fields are not accepted");
    }

    /// Reading parameters may be refused in these ways.
    pub(crate) fn parameter_refusals(&mut self) {
        self.refusal(StatusCode::BAD_REQUEST, "The parameters can't be read");
        self.refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Some parameters are not accepted",
        );
    }

    /// The answers of `T` alone.
    fn apart<T: Output>(&mut self) -> Answers {
        let before = std::mem::take(&mut self.answers);
        T::answers(self);
        std::mem::replace(&mut self.answers, before)
    }

    fn add(&mut self, status: Option<StatusCode>, answer: Value) {
        match self.answers.iter_mut().find(|(known, _)| *known == status) {
            Some((_, known)) => add_alternatives(known, &answer),
            None => self.answers.push((status, answer)),
        }
    }

    /// `false` if `T` has no members.
    fn members<T: Documented>(&mut self, place: &str) -> bool {
        let schema = T::schema(self.schemas).to_value();
        let resolved = self.resolve(&schema).clone();
        let Some(properties) = resolved.get("properties").and_then(Value::as_object) else {
            return false;
        };
        let required = resolved.get("required").and_then(Value::as_array);
        let style = if place == "path" { "simple" } else { "form" };
        for (name, schema) in properties {
            let mut parameter = Map::new();
            parameter.insert("in".to_owned(), json!(place));
            parameter.insert("name".to_owned(), json!(name));
            if let Some(description) = schema.get("description") {
                parameter.insert("description".to_owned(), description.clone());
            }
            // A path has all of its parameters.
            let needed = place == "path" || required.is_some_and(|required| required.contains(&json!(name)));
            if needed {
                parameter.insert("required".to_owned(), json!(true));
            }
            parameter.insert("schema".to_owned(), schema.clone());
            parameter.insert("style".to_owned(), json!(style));
            self.parameters.push(Value::Object(parameter));
        }
        true
    }

    /// The schema that a reference leads to.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let name = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| reference.rsplit('/').next());
        name.and_then(|name| self.schemas.definitions().get(name))
            .unwrap_or(schema)
    }

    /// What was said in the end: an answer of the handler replaces a refusal of the same status.
    pub(crate) fn settle(self) -> Settled {
        let mut responses = Map::new();
        let all = self.refusals.into_iter().chain(self.answers);
        for (status, answer) in all {
            let status = status.map_or_else(|| "default".to_owned(), |status| status.as_str().to_owned());
            responses.insert(status, answer);
        }
        Settled {
            asks: self.asks,
            needs: self.needs,
            parameters: self.parameters,
            unnamed: self.unnamed,
            body: self.body,
            responses,
            unchecked: self.unchecked.unwrap_or_default(),
        }
    }
}

/// A problem, described once for all operations.
pub(crate) fn problem(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": description, "content": content("application/problem+json", &schema) })
}

fn content(media_type: &str, schema: &Value) -> Value {
    json!({ media_type: { "schema": schema } })
}

/// Of one media type, bodies of several schemas are alternatives.
fn add_alternatives(known: &mut Value, more: &Value) {
    let Some(more) = more.get("content").and_then(Value::as_object) else {
        return;
    };
    let Some(known) = known.as_object_mut() else {
        return;
    };
    let content = known.entry("content").or_insert_with(|| json!({}));
    for (media_type, media) in more {
        let Some(content) = content.as_object_mut() else {
            return;
        };
        let Some(here) = content.get_mut(media_type) else {
            content.insert(media_type.clone(), media.clone());
            continue;
        };
        if let (Some(one), Some(other)) = (here.get_mut("schema"), media.get("schema"))
            && one != other
        {
            match one.get_mut("oneOf").and_then(Value::as_array_mut) {
                Some(several) if several.contains(other) => {}
                Some(several) => several.push(other.clone()),
                None => *one = json!({ "oneOf": [one.clone(), other] }),
            }
        }
    }
}

impl std::fmt::Debug for Operation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operation").finish_non_exhaustive()
    }
}
