//! What can be wrong with an [`Api`](crate::Api).

use std::fmt;

use http::Method;

use crate::describe::Unchecked;
use crate::protect::CorsError;

/// One thing that is wrong with an [`Api`](crate::Api).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The path isn't one.
    #[error("{path}: {why}")]
    InvalidPath {
        /// The path, as it was registered.
        path: String,
        /// What is wrong with it, and what to change.
        why: &'static str,
    },
    /// Two handlers for one method and path.
    #[error("{method} {path} is registered twice: remove one")]
    Duplicate {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
    },
    /// Two paths that match the same requests with different parameters.
    #[error("{first} and {second} match the same requests: give their parameters the same names")]
    Ambiguous {
        /// The path registered first.
        first: String,
        /// The path registered later.
        second: String,
    },
    /// A resource is decided about where nobody needs to be known.
    #[error("{method} {path} decides about a resource, but lets anybody in: begin with `_: Allow<…>`")]
    NobodyKnown {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
    },
    /// A resource is asked for on a path that doesn't name it.
    #[error("{method} {path} asks for a resource by a parameter that the path lacks: add {{{parameter}}}")]
    Unnamed {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
        /// The name of the parameter that the path lacks.
        parameter: &'static str,
    },
    /// It is decided about a resource before the body is there.
    #[error(
        "{method} {path} decides about a resource before it has read the body: let `Authorized<…, Json<…>>` be the last parameter, and read both from it"
    )]
    DecidedEarly {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
    },
    /// Signatures are asked for where nobody's key is known.
    #[error(
        "{method} {path} takes signed requests, and no keys are known here: name them in the builder, with `signed_requests`"
    )]
    NoKeys {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
    },
    /// What is read has a schema that can't be checked.
    #[error("{method} {path} reads what can't be checked: {why}")]
    Flawed {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
        /// The type, and what to change.
        why: String,
    },
    /// What is read has a schema that asks more than whoever reads it checks.
    #[error(
        "{method} {path} reads a {name} without checking what its schema asks: take `{instead}`, which does"
    )]
    Unchecked {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
        /// The name of the type.
        name: &'static str,
        /// The extractor that checks.
        instead: &'static str,
    },
    /// An action's privilege asks for a member where no organization is selected.
    #[error(
        "{method} {path} asks for {action}, whose privilege is a member's, but selects no organization: begin with `_: Allow<Member>`"
    )]
    NoOrganization {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
        /// The name of the action.
        action: &'static str,
    },
    /// What a route leaves to the policies was never made known to them: they forbid it.
    #[error(
        "the policies don't know {0}, which a route leaves to them: make the router by `Portcullis::router`, or call \
         `declare_actions` first"
    )]
    Undeclared(String),
    /// Two operations of one name: no client could be generated.
    #[error("two routes have the operation id {0}: name one otherwise with `.operation_id(…)`")]
    OperationId(String),
    /// Two types under one name: which one has it depends on the order of the routes, and so would the types of every
    /// generated client.
    #[error(
        "two types are called {0} in the OpenAPI document: give one a name of its own with `#[schemars(rename = \"…\")]`"
    )]
    SchemaName(String),
    /// Which pages of other origins may call is said wrongly.
    #[error("`.cors(…)`: {0}")]
    Cors(CorsError),
    /// A page's policy is said wrongly.
    #[error("`.csp(…)`: {0}")]
    Csp(&'static str),
    /// How often something may be called is said wrongly.
    #[error("{place} is limited wrongly: {why}")]
    RateLimit {
        /// The route, or what else is limited.
        place: String,
        /// What is wrong, and what to write.
        why: String,
    },
    /// From where something may be called is said wrongly.
    #[error("{place} has a list of addresses with a mistake: {why}")]
    Addresses {
        /// The route, or what else is limited.
        place: String,
        /// What is wrong, and what to write.
        why: String,
    },
    /// That routes are deprecated is said wrongly.
    #[error("`.deprecated(…)`: {0}")]
    Deprecation(String),
    /// A handler takes what nobody provides.
    #[error("{method} {path} takes a {name} that nothing provides: add `.provide::<{name}>(…)`")]
    NotProvided {
        /// The HTTP method.
        method: String,
        /// The path, as it was registered.
        path: String,
        /// The name of the type.
        name: &'static str,
    },
    /// Two values of one type are provided.
    #[error("a {0} is provided twice: handlers would take either")]
    ProvidedTwice(&'static str),
    /// One heading of the docs is used for two things.
    #[error(
        "the tag {0} is described twice, differently, or is one of Portcullis' own headings: give your routes another"
    )]
    Tag(String),
    /// An API with CORS of its own was put below another.
    #[error("the API at {0} has CORS of its own: call `.cors(…)` on the one that it is put into")]
    NestedCors(String),
    /// Something was said of a route before there was one.
    #[error("`.{0}(…)` speaks of the route before it: put it after `.get(…)` or another route")]
    NoRoute(&'static str),
}

impl ApiError {
    /// What isn't checked on a route.
    pub(super) fn unchecked(method: &Method, path: &str, unchecked: Unchecked) -> Self {
        let (method, path) = (method.as_str().to_owned(), path.to_owned());
        match unchecked {
            Unchecked::Flaw(flaw) => Self::Flawed {
                method,
                path,
                why: flaw.to_string(),
            },
            Unchecked::Reader { name, instead } => Self::Unchecked {
                method,
                path,
                name,
                instead,
            },
        }
    }
}

/// Everything that is wrong with an [`Api`](crate::Api), one line each.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiErrors(pub Vec<ApiError>);

impl fmt::Debug for ApiErrors {
    /// A `main` that answers an error prints it by this: so it says the same, what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl fmt::Display for ApiErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiErrors {}
