#!/bin/sh
# schemars 1.2.3 (with serde_json 1.0.154): a constraint on a field whose type has a name is dropped without a word.
#
# Guess before it was run: `#[schemars(length(min = 3))]` on a field of the type `Code(String)` stands beside the `$ref`, as JSON
# Schema 2020-12 allows, or the derive refuses it.
#
# Seen: neither. `length` needs a schema that says `"type": "string"` (or an array) in the same place. On a type that is moved to
# `$defs` there is only the `$ref`, so nothing is added, and the same goes for `Option` of such a type, which becomes `anyOf`.
# `Option<String>` keeps it, because its schema is `"type": ["string", "null"]`. `range` on a text is dropped, too. `extend("minLength" = 3)`
# is written wherever it stands.
#
# So a bound that stands in the code is missing from the document, and whoever validates by the document lets everything through. Here the
# constraint belongs inside of the named type; docs/use-it.md says so.
#
# Needs: cargo, crates.io or a mirror of it. Works in a temporary folder and leaves nothing behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "named"
version = "0.0.0"
edition = "2021"
[dependencies]
schemars = "=1.2.3"
serde_json = "=1.0.154"
[workspace]
TOML
cat > "$folder/src/main.rs" <<'RUST'
#![allow(dead_code)]
use schemars::{schema_for, JsonSchema};

#[derive(JsonSchema)]
struct Code(String);

#[derive(JsonSchema)]
struct Order {
    #[schemars(length(min = 3))]
    plain: String,
    #[schemars(length(min = 3))]
    maybe: Option<String>,
    #[schemars(length(min = 3))]
    named: Code,
    #[schemars(length(min = 3))]
    maybe_named: Option<Code>,
    #[schemars(range(min = 3))]
    text: String,
    #[schemars(extend("minLength" = 3))]
    extended: Code,
}

fn main() {
    let schema = schema_for!(Order);
    for field in ["plain", "maybe", "named", "maybe_named", "text", "extended"] {
        println!("{field} {}", schema.as_value()["properties"][field]);
    }
}
RUST
cd "$folder"
cargo run --quiet > seen
cat > expected <<'SEEN'
plain {"minLength":3,"type":"string"}
maybe {"minLength":3,"type":["string","null"]}
named {"$ref":"#/$defs/Code"}
maybe_named {"anyOf":[{"$ref":"#/$defs/Code"},{"type":"null"}]}
text {"type":"string"}
extended {"$ref":"#/$defs/Code","minLength":3}
SEEN
diff expected seen
echo "schemars 1.2.3: as it was"
