//! One declaration for each key of a section.
//!
//! What [`section!`] is told makes the struct that holds the values, the function that reads them, what `config show` and
//! `--help` say, and the key's row in `docs/operations.md`. Nothing of it is written a second time.

/// Declares a section: its struct, and in its file's module `KEYS` and `Section::declared`, which reads all keys in
/// their order.
///
/// ```text
/// section! {
///     /// How long sessions live, and where opaque ones are kept.
///     pub(crate) struct Sessions {
///         /// How long they live: the library's own settings, filled here and handed on whole.
///         settings: login::Settings,
///     }
///     "sessions.idle" => settings.idle, span(minutes(1)..=days(365)),
///         "how long a session may stay unused";
///     "sessions.store" => store: SessionStore = SessionStore::default(), text(parse, show),
///         "where opaque sessions are kept";
/// }
/// ```
///
/// - In the braces stand *settings of a library*. They begin as their `Default`, so a key of theirs (`settings.idle`) has
///   its default there and nowhere else.
/// - A key *of the server's own* has its type and default here, and becomes a field. The default may name whatever stands
///   before it; so may the form.
/// - The *form* ([`form`](super::form)) says how the text is read, shown and bounded.
/// - The sentence says what the key sets. `default "…"` after it puts words in the manual's column where the value depends
///   on something else, and `manual "…"` a longer meaning, in Markdown, in place of the sentence.
/// - `struct Mail(server: &Server)` takes what was read before.
///
/// What several keys must fulfil together stands in a function below the declaration.
macro_rules! section {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $section:ident $(($known:ident: $known_type:ty))? {
            $( $(#[$of_library:meta])* $library:ident: $library_type:ty, )*
        }
        $(
            $name:literal => $field:ident $(. $part:ident)? $(: $type:ty = $default:expr)?, $form:expr,
                $about:literal $(, default $words:literal)? $(, manual $manual:literal)?;
        )+
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone)]
        $visibility struct $section {
            $( $(#[$of_library])* pub(crate) $library: $library_type, )*
            $( $( #[doc = $about] pub(crate) $field: $type, )? )+
        }

        impl $section {
            /// Reads every key of the section into its place.
            fn declared(from: &mut $crate::config::reader::Reader $(, $known: $known_type)?) -> Self {
                $( let mut $library = <$library_type>::default(); )*
                $(
                    $( let mut $field: $type = $default; )?
                    from.read($name, &$form, &mut $field $(. $part)?);
                )+
                Self {
                    $($library,)*
                    $( $( $field: std::convert::identity::<$type>($field), )? )+
                }
            }
        }

        /// The section's keys, in their order.
        pub(super) const KEYS: &[$crate::config::key::Key] = &[
            $( $crate::config::key::Key {
                name: $name,
                about: $about,
                default: concat!($($words)?),
                manual: concat!($($manual)?),
            }, )+
        ];
    };
}

pub(super) use section;
