//! A route of the API under test, and how it is called.

use http::Method;
use portcullis_identity::core::authz::{CredentialKind, Kinds, Rule};
use portcullis_identity::enforcer::Caller;
use portcullis_identity::router::Verb;
use portcullis_identity::{Api, Gate};

use super::privileges::{Place, Privileges};
use super::target::Believes;
use super::tenants::HOME;

/// A route that outlives its API.
pub(super) struct Route {
    pub(super) name: String,
    pub(super) rule: Rule,
    /// Those that the route accepts and its gate can honour.
    kinds: Kinds,
    caller: Caller,
    believes: Believes,
    methods: Vec<Method>,
    paths: Vec<String>,
}

impl Route {
    /// Whether the route looks at credentials at all.
    pub(super) fn is_guarded(&self) -> bool {
        self.caller != Caller::Ignored
    }

    /// Whether a caller without a credential is welcome.
    pub(super) fn is_open(&self) -> bool {
        self.caller != Caller::Required
    }

    /// Whether the route reads this kind of credential.
    pub(super) fn accepts(&self, kind: CredentialKind) -> bool {
        self.is_guarded() && self.kinds.accepts(kind)
    }

    /// Whether the rule lets somebody with these privileges in, whose login is so old. Claims make nobody a member.
    pub(super) fn is_satisfied_by(&self, who: &Privileges, age: u32) -> bool {
        who.satisfy(&self.rule, age, self.place())
    }

    /// The statuses of a right refusal of such a caller.
    pub(super) fn refusals(&self, who: &Privileges, age: u32) -> &'static [u16] {
        who.refusals(&self.rule, age, self.place())
    }

    const fn place(&self) -> Place {
        match self.believes {
            Believes::Records => Place::Inside,
            Believes::Claims => Place::Outside,
        }
    }

    /// Whether the path says which organization it is about.
    pub(super) fn names_organization(&self) -> bool {
        self.paths.iter().any(|path| path.contains(HOME))
    }

    /// Every request that reaches the route, with any of these methods.
    pub(super) fn requests(&self, wanted: impl Fn(&Method) -> bool) -> impl Iterator<Item = (&Method, &str)> {
        let methods = self.methods.iter().filter(move |method| wanted(method));
        methods.flat_map(|method| self.paths.iter().map(move |path| (method, path.as_str())))
    }
}

/// All routes, in the order of their registration, as they are behind this gate.
pub(super) fn all(api: &Api, gate: &Gate, parameters: &[(String, String)]) -> Vec<Route> {
    let routes = api.routes().map(|route| {
        let member = route.rule().needs_organization();
        let path = fill(route.path(), parameters, member);
        let (methods, paths) = match route.verb() {
            // A route that answers GET answers HEAD with the same handler.
            Verb::Method(Method::GET) => (vec![Method::GET, Method::HEAD], vec![path]),
            Verb::Method(method) => (vec![method.clone()], vec![path]),
            Verb::Any => (ANY.to_vec(), mounted(route.path(), path)),
        };
        Route {
            name: format!("{} {}", route.verb().as_str(), route.path()),
            rule: *route.rule(),
            kinds: route.kinds().intersection(gate.authenticator().kinds()),
            believes: Believes::of(gate),
            caller: route.caller(),
            methods,
            paths,
        }
    });
    routes.collect()
}

/// Below a mount's prefix everything is behind its rule, and the prefix itself.
fn mounted(template: &str, path: String) -> Vec<String> {
    let prefix = template.trim_end_matches("/{*path}");
    let itself = if prefix.is_empty() { "/" } else { prefix };
    vec![path, itself.to_owned()]
}

/// A rule that asks for a member reads the organization from the path: there it is the cast's own.
fn fill(template: &str, parameters: &[(String, String)], member: bool) -> String {
    let segments = template.split('/').map(|segment| {
        let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return segment;
        };
        let name = name.trim_start_matches('*');
        if member && name == "organization" {
            return HOME;
        }
        let given = parameters.iter().find(|(given, _)| given == name);
        given.map_or(NOBODYS_ID, |(_, value)| value)
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Well-formed as an id, and as a name of nearly anything.
const NOBODYS_ID: &str = "01890000-0000-7000-8000-000000000000";

const ANY: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];
