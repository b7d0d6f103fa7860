//! What policies may name.

mod read;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use self::read::UnknownSchema;
use crate::attribute::{Definition, Kind};
use crate::authz::resource::{FieldKind, ORGANIZATION, OWNER, ResourceField, ResourceKind};
use crate::authz::valid_permission_name;

/// What an application declares to its policies.
#[derive(Debug, Clone, Default)]
pub struct Declarations {
    actions: BTreeMap<String, ()>,
    kinds: Vec<&'static ResourceKind>,
    attributes: Vec<Definition>,
}

impl Declarations {
    /// Declarations of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares an action on the application as a whole.
    pub fn action(&mut self, name: &str) {
        self.actions.insert(name.to_owned(), ());
    }

    /// Declares a kind of resource with its actions.
    pub fn kind(&mut self, kind: &'static ResourceKind) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// Declares an attribute of accounts, if policies may name it.
    pub fn attribute(&mut self, definition: Definition) {
        if definition.in_policies && !self.attributes.iter().any(|known| known.name == definition.name) {
            self.attributes.push(definition);
            self.attributes.sort_by_key(|definition| definition.name);
        }
    }

    /// The attributes of accounts that policies may name, by name.
    pub fn attributes(&self) -> &[Definition] {
        &self.attributes
    }

    /// The actions on the application as a whole.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }

    /// The kinds of resources.
    pub fn kinds(&self) -> &[&'static ResourceKind] {
        &self.kinds
    }
}

/// Why declarations make no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeclaration {
    /// The name of a kind.
    #[error(
        "the resource kind `{0}` needs another name: a letter followed by letters, digits and `_`, and none that policies use already"
    )]
    Kind(String),
    /// Two kinds of one name.
    #[error("two resource kinds are named `{0}`: rename one of them")]
    Twice(String),
    /// The name of a field.
    #[error(
        "the field `{field}` of `{kind}` needs another name: every resource has `id`, `owner` and `organization`, and a name stands once"
    )]
    Field {
        /// The name of the resource kind that has the field.
        kind: String,
        /// The name that the field was given.
        field: String,
    },
    /// The name of an action.
    #[error(
        "`{0}` is no name of an action: it has 3 to 64 of a-z 0-9 _ - . and at least one colon inside, such as posts:edit"
    )]
    Action(String),
    /// The language refuses it for another reason.
    #[error("the declarations make no schema: {0}")]
    Language(String),
}

/// The schema that policies are checked against.
#[derive(Debug, Clone)]
pub struct Schema {
    declarations: Declarations,
    text: String,
    pub(super) cedar: cedar_policy::Schema,
}

impl Schema {
    /// Generates the schema that policies are checked against from what code declares.
    ///
    /// # Errors
    /// [`InvalidDeclaration`]: a name can't be one, or stands twice.
    pub fn of(declarations: Declarations) -> Result<Self, InvalidDeclaration> {
        check(&declarations)?;
        let text = text_of(&declarations);
        let (cedar, _) = cedar_policy::Schema::from_cedarschema_str(&text)
            .map_err(|error| InvalidDeclaration::Language(error.to_string()))?;
        Ok(Self {
            declarations,
            text,
            cedar,
        })
    }

    /// The schema as Cedar writes it, for people and their editors.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it was generated from.
    pub fn declarations(&self) -> &Declarations {
        &self.declarations
    }

    /// Every action with the kind of resource it is done to; `None` is the application as a whole.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, Option<&'static ResourceKind>)> {
        let whole = self.declarations.actions().map(|action| (action, None));
        let kinds = self.declarations.kinds.iter();
        whole.chain(kinds.flat_map(|kind| kind.actions.iter().map(|action| (*action, Some(*kind)))))
    }
}

fn check(declarations: &Declarations) -> Result<(), InvalidDeclaration> {
    for (index, kind) in declarations.kinds.iter().enumerate() {
        if !is_identifier(kind.name) || TAKEN.contains(&kind.name) {
            return Err(InvalidDeclaration::Kind(kind.name.to_owned()));
        }
        if declarations
            .kinds
            .iter()
            .take(index)
            .any(|earlier| earlier.name == kind.name)
        {
            return Err(InvalidDeclaration::Twice(kind.name.to_owned()));
        }
        for (index, field) in kind.fields.iter().enumerate() {
            let twice = kind
                .fields
                .iter()
                .take(index)
                .any(|earlier| earlier.name == field.name);
            if twice || [ID, OWNER, ORGANIZATION, ""].contains(&field.name) {
                return Err(InvalidDeclaration::Field {
                    kind: kind.name.to_owned(),
                    field: field.name.to_owned(),
                });
            }
        }
    }
    let on_kinds = declarations.kinds.iter().flat_map(|kind| kind.actions).copied();
    let mut actions = declarations.actions().chain(on_kinds);
    match actions.find(|name| !valid_permission_name(name)) {
        Some(name) => Err(InvalidDeclaration::Action(name.to_owned())),
        None => Ok(()),
    }
}

fn is_identifier(name: &str) -> bool {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    begins
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn text_of(declarations: &Declarations) -> String {
    let mut text = BEGIN.to_owned();
    for Definition { name, kind, .. } in &declarations.attributes {
        let _ = writeln!(text, "  {name}?: {},", type_of(field_kind(*kind)));
    }
    text.push_str(BASE);
    for kind in &declarations.kinds {
        entity(&mut text, kind);
    }
    let mut actions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in declarations.actions() {
        actions.entry(name).or_default().push(APPLICATION);
    }
    for kind in &declarations.kinds {
        for name in kind.actions {
            let resources = actions.entry(name).or_default();
            if !resources.contains(&kind.name) {
                resources.push(kind.name);
            }
        }
    }
    for (name, resources) in actions {
        let resources = resources.join(", ");
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "\naction \"{name}\" appliesTo {{ principal: [Account], resource: [{resources}], context: DecisionContext }};\n"
        );
    }
    text
}

fn entity(text: &mut String, kind: &ResourceKind) {
    let _ = write!(
        text,
        "\nentity {} {{\n  id: String,\n  owner?: Account,\n  organization?: Organization,\n",
        kind.name
    );
    for field in kind.fields {
        let _ = writeln!(text, "  {},", attribute(field));
    }
    text.push_str("};\n");
}

fn attribute(field: &ResourceField) -> String {
    let optional = if field.optional { "?" } else { "" };
    let kind = type_of(field.kind);
    format!("\"{}\"{optional}: {kind}", field.name.escape_default())
}

const fn type_of(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Bool => "Bool",
        FieldKind::Long => "Long",
        FieldKind::Text => "String",
        FieldKind::Account => ACCOUNT,
        FieldKind::Organization => TENANT,
        FieldKind::TextSet => "Set<String>",
    }
}

/// How policies see a type of attributes.
const fn field_kind(kind: Kind) -> FieldKind {
    match kind {
        Kind::Text => FieldKind::Text,
        Kind::Integer => FieldKind::Long,
        Kind::Flag => FieldKind::Bool,
        Kind::Texts => FieldKind::TextSet,
    }
}

const KINDS: [Kind; 4] = [Kind::Text, Kind::Integer, Kind::Flag, Kind::Texts];

const FIELD_KINDS: [FieldKind; 6] = [
    FieldKind::Bool,
    FieldKind::Long,
    FieldKind::Text,
    FieldKind::Account,
    FieldKind::Organization,
    FieldKind::TextSet,
];

/// The names of the entity types that every schema has.
pub(super) const ACCOUNT: &str = "Account";
pub(super) const ROLE: &str = "Role";
pub(super) const TENANT: &str = "Organization";
pub(super) const APPLICATION: &str = "Application";

/// The attribute with a resource's id.
pub(super) const ID: &str = "id";

/// Names that mean something else in a policy.
const TAKEN: &[&str] = &[
    ACCOUNT,
    ROLE,
    TENANT,
    APPLICATION,
    "Action",
    "DecisionContext",
    "Bool",
    "Boolean",
    "Long",
    "String",
    "Set",
    "Record",
    "Entity",
    "Extension",
    "datetime",
    "duration",
    "decimal",
    "ipaddr",
];

/// What every schema begins with; the attributes that the program declares follow.
const BEGIN: &str = "\
// Who calls. An account is in its roles (`principal in Role::\"editor\"`), unless its credential is narrowed by scopes.
entity Role;
entity Account in [Role] {
  email?: String,
  email_verified: Bool,
  username?: String,
  // active, unverified
  state: String,
";

/// What every schema has after them.
const BASE: &str = "\
};

// A tenant.
entity Organization;

// What an action is done to that names no resource: `Application::\"application\"`.
entity Application;

// When, from where, with what.
type DecisionContext = {
  now: datetime,
  ip?: ipaddr,
  user_agent?: String,
  // The login was made with two factors.
  mfa: Bool,
  // How long ago the login was made; absent for keys and stored passwords.
  login_age_seconds?: Long,
  // jwt, session, api-key, basic
  credential: String,
  // The organization that the request selects, if the caller is its member, and the caller's roles there.
  organization?: Organization,
  org_roles: Set<String>,
  // The permissions the credential may use, and whether scopes narrow them.
  permissions: Set<String>,
  scoped: Bool,
};
";
