//! The form: what was sent, what is wrong with it, how it is shown again.

use askama::Template;
use http::StatusCode;
use portcullis_core::account::{EmailAddress, Registration, RegistrationError, Username};
use portcullis_core::secret::SecretText;
use portcullis_identity::Portcullis;

use super::Sent;
use crate::ui::layout::Page;
use crate::ui::sentence;

/// What is wrong, in the order of the fields.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

/// One thing that is wrong.
pub(super) struct Fault {
    pub(super) field: &'static str,
    pub(super) says: String,
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn note(&mut self, field: &'static str, says: impl Into<String>) {
        self.0.push(Fault {
            field,
            says: sentence(&says.into()),
        });
    }

    fn check<T>(&mut self, field: &'static str, parsed: Result<T, impl std::fmt::Display>) -> Option<T> {
        parsed.map_err(|error| self.note(field, error.to_string())).ok()
    }

    /// Notes the rules that the password breaks.
    pub(super) fn check_password(&mut self, portcullis: &Portcullis, form: &Registration) {
        for broken in portcullis.registrar().check(form) {
            self.note("password", broken.to_string());
        }
        self.0
            .sort_by_key(|fault| FIELDS.iter().position(|field| *field == fault.field));
    }

    /// Notes why the registrar refused.
    pub(super) fn refused(&mut self, error: &RegistrationError) {
        if let RegistrationError::Taken { email, username } = error {
            if *email {
                self.note("email", "an account has proven this address already");
            }
            if *username {
                self.note("username", "an account has this user name already");
            }
        } else {
            self.note("email", error.to_string());
        }
    }
}

/// Reads the fields; what is wrong is noted.
pub(super) fn registration(sent: &Sent, faults: &mut Faults) -> Registration {
    let email = if sent.email.is_empty() {
        faults.note("email", "enter an e-mail address");
        None
    } else {
        faults.check("email", EmailAddress::parse(&sent.email))
    };
    let username = if sent.username.is_empty() {
        None
    } else {
        faults.check("username", Username::parse(&sent.username))
    };
    if sent.password.expose() != sent.password_again.expose() {
        faults.note("password_again", "the two passwords differ");
    }
    Registration {
        email,
        username,
        password: sent.password.clone(),
    }
}

/// The page with the form.
#[derive(Template)]
#[template(path = "setup/form.html")]
pub(super) struct FormPage<'s> {
    token: &'s str,
    email: &'s str,
    username: &'s str,
    errors: Vec<Fault>,
}

/// A field as the template shows it.
struct Field<'f> {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: &'static str,
    value: &'f str,
    autocomplete: &'static str,
    required: bool,
    focus: bool,
    described_by: String,
    errors: Vec<(String, &'f str)>,
}

impl<'s> FormPage<'s> {
    /// Nothing was entered yet.
    pub(super) fn empty(token: &'s str) -> Self {
        Self {
            token,
            email: "",
            username: "",
            errors: Vec::new(),
        }
    }

    /// What was entered, passwords aside, with what is wrong.
    pub(super) fn again(sent: &'s Sent, faults: Faults) -> Self {
        let Sent {
            token,
            email,
            username,
            ..
        } = sent;
        Self {
            token: SecretText::expose(token),
            email,
            username,
            errors: faults.0,
        }
    }

    pub(super) fn page(&self, status: StatusCode) -> Page {
        Page::new(status, self)
    }

    fn fields(&self) -> [Field<'_>; 4] {
        [
            self.field("email", "E-mail address", "", "email", self.email, "username"),
            self.field(
                "username",
                "User name (optional)",
                "",
                "text",
                self.username,
                "off",
            ),
            self.field(
                "password",
                "Password",
                "A long sentence is better than a short riddle.",
                "password",
                "",
                NEW,
            ),
            self.field(
                "password_again",
                "The same password again",
                "",
                "password",
                "",
                NEW,
            ),
        ]
    }

    fn field<'f>(
        &'f self,
        name: &'static str,
        label: &'static str,
        hint: &'static str,
        kind: &'static str,
        value: &'f str,
        autocomplete: &'static str,
    ) -> Field<'f> {
        let own = self.errors.iter().filter(|error| error.field == name);
        let errors: Vec<(String, &str)> = own
            .enumerate()
            .map(|(index, error)| (format!("{name}-error-{index}"), error.says.as_str()))
            .collect();
        let hint_id = (!hint.is_empty()).then(|| format!("{name}-hint"));
        let ids: Vec<String> = hint_id
            .into_iter()
            .chain(errors.iter().map(|(id, _)| id.clone()))
            .collect();
        let first = self.errors.first().map_or("email", |error| error.field);
        Field {
            name,
            label,
            hint,
            kind,
            value,
            autocomplete,
            required: name != "username",
            focus: first == name,
            described_by: ids.join(" "),
            errors,
        }
    }
}

/// The fields in their order on the page.
const FIELDS: [&str; 4] = ["email", "username", "password", "password_again"];

const NEW: &str = "new-password";
