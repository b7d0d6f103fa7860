-- Times are microseconds since 1970 in UTC, tokens their SHA-256 only.

CREATE TABLE accounts (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT,
    email_normalised TEXT UNIQUE,
    username TEXT,
    username_normalised TEXT UNIQUE,
    state TEXT NOT NULL,
    email_verified_at BIGINT,
    stamp UUID NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK ((email IS NULL) = (email_normalised IS NULL)),
    CHECK ((username IS NULL) = (username_normalised IS NULL))
);

-- Apart from the accounts, so that no statement about accounts can bring a hash along.
CREATE TABLE passwords (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    sealed BYTEA NOT NULL
);

CREATE TABLE verifications (
    digest BYTEA NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email_normalised TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX verifications_account ON verifications (account_id);
CREATE INDEX verifications_expiry ON verifications (expires_at);

CREATE TABLE setup (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    digest BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    stamp UUID NOT NULL,
    token BYTEA UNIQUE,
    user_agent TEXT,
    ip TEXT,
    name TEXT,
    method TEXT NOT NULL,
    scopes TEXT,
    authenticated_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_why TEXT
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    digest BYTEA NOT NULL PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    successor BYTEA
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE revocations (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revocations_expiry ON revocations (expires_at);

CREATE TABLE permissions (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
);

CREATE TABLE roles (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
);

CREATE TABLE role_permissions (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL REFERENCES permissions (name) ON DELETE CASCADE,
    PRIMARY KEY (role, permission)
);
CREATE INDEX role_permissions_permission ON role_permissions (permission);

CREATE TABLE role_parents (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    parent TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, parent),
    CHECK (role <> parent)
);
CREATE INDEX role_parents_parent ON role_parents (parent);

CREATE TABLE account_roles (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (account_id, role)
);
CREATE INDEX account_roles_role ON account_roles (role);

-- No foreign keys: the log outlives what it speaks of.
CREATE TABLE audit_events (
    id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    account_id UUID,
    session_id UUID,
    ip TEXT,
    user_agent TEXT,
    trace UUID,
    detail TEXT
);
CREATE INDEX audit_events_account ON audit_events (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX audit_events_actor ON audit_events (actor, id);
CREATE INDEX audit_events_action ON audit_events (action, id);
CREATE INDEX audit_events_trace ON audit_events (trace) WHERE trace IS NOT NULL;

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    phase TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    delete_at BIGINT
);
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (algorithm) WHERE phase = 'current';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (algorithm) WHERE phase = 'next';

-- Numbers are given before the commit, so they become visible out of order: a reader goes by the transaction that
-- wrote a row, and reads again from the oldest one that was still running.
CREATE TABLE invalidations (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid BIGINT NOT NULL DEFAULT (CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)),
    kind TEXT NOT NULL,
    subject UUID,
    at BIGINT NOT NULL
);
CREATE INDEX invalidations_xid ON invalidations (xid);
CREATE INDEX invalidations_age ON invalidations (at);

-- Rows that a transaction locks before it changes a whole graph or ring.
CREATE TABLE locks (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO locks (name) VALUES ('roles'), ('keys');

INSERT INTO roles (name, description) VALUES ('administrator', 'May do everything');
