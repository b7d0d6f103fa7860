//! Small programs, one per pattern, each runnable and each tested.
//!
//! ```text
//! cargo run -p examples --example first           a program of thirty lines: accounts, logins, one route
//! cargo run -p examples --example hello           accounts, logins, roles and documentation in one file
//! cargo run -p examples --example existing_axum   an axum router that exists already, behind one rule
//! cargo run -p examples --example password        register, log in, and what a token opens
//! cargo run -p examples --example basic           HTTP Basic where a signature allows it, alone and mixed with tokens
//! cargo run -p examples --example opaque_session  a session in a cookie, its CSRF token, and a basket for anybody
//! cargo run -p examples --example session_access_control   what a session may do, now and not at its login
//! cargo run -p examples --example jwt_hs256       signed tokens of one service: a shared secret
//! cargo run -p examples --example jwt_rs256       signed tokens that others verify: published keys that rotate
//! cargo run -p examples --example api_keys        keys for programs, within what their owner may
//! cargo run -p examples --example jwt_or_api_key  one route, several kinds of credential
//! cargo run -p examples --example scopes          a login that asks for less than its account may do
//! cargo run -p examples --example rbac            roles that code makes, and gives to an account
//! cargo run -p examples --example abac_policy     policies as data: role, age of the login, hour and address
//! cargo run -p examples --example resource_owner  notes with owners, sharing, and a list by one question
//! cargo run -p examples --example multi_tenant    organizations whose projects never meet
//! cargo run -p examples --example own_tables      tables of the program's own, and one transaction over all
//! cargo run -p examples --example hooks           code of the program's own when somebody registers or logs in
//! cargo run -p examples --example remote_issuer   the same handlers beside their accounts, and without them
//! cargo run -p examples --example versioning      versions with documents of their own, the old one on its way out
//! cargo run -p examples --example sub_apps        parts with documents of their own, and a router that knows nothing of them
//! cargo run -p examples --example docs_branding   the documentation with a name, a logo and paths of one's own
//! cargo run -p examples --example middleware      layers around everything and around one route, their order, and who called
//! cargo run -p examples --example dependency_overrides   what handlers depend on, and what a test puts in its place
//! cargo run -p examples --example ip_lists        who may call a route by where they come from
//! cargo run -p examples --example rate_limit      how often a route may be called, by address, by user, at a cost
//! cargo run -p examples --example tiers           what plans allow, changed while the program runs
//! cargo run -p examples --example hmac_requests   requests that partners sign, each good once
//! cargo run -p examples --example signed_urls     links that open a file for a while, or once
//! cargo run -p examples --example validation      what comes in, checked by what documents it
//! ```
//! The programs are in `examples/examples/`, and each keeps its database where it is started, under its own name. A test
//! in `examples/tests/` drives each one's `api()` through the test kit, as the test of your own program would;
//! `documented.rs` starts them as processes and makes the calls that their texts show.
