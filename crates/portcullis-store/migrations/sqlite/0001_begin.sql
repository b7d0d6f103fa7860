-- Times are microseconds since 1970 in UTC, ids UUIDs as 16 bytes, tokens their SHA-256 only.

CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email TEXT,
    email_normalised TEXT UNIQUE,
    username TEXT,
    username_normalised TEXT UNIQUE,
    state TEXT NOT NULL,
    email_verified_at BIGINT,
    stamp BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK ((email IS NULL) = (email_normalised IS NULL)),
    CHECK ((username IS NULL) = (username_normalised IS NULL))
) WITHOUT ROWID;

-- Apart from the accounts, so that no statement about accounts can bring a hash along.
CREATE TABLE passwords (
    account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE verifications (
    digest BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email_normalised TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
) WITHOUT ROWID;
CREATE INDEX verifications_account ON verifications (account_id);
CREATE INDEX verifications_expiry ON verifications (expires_at);

CREATE TABLE setup (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    digest BLOB NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    stamp BLOB NOT NULL,
    token BLOB UNIQUE,
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
) WITHOUT ROWID;
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    digest BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    successor BLOB
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE revocations (
    id BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX revocations_expiry ON revocations (expires_at);

CREATE TABLE permissions (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE roles (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE role_permissions (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL REFERENCES permissions (name) ON DELETE CASCADE,
    PRIMARY KEY (role, permission)
) WITHOUT ROWID;
CREATE INDEX role_permissions_permission ON role_permissions (permission);

CREATE TABLE role_parents (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    parent TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, parent),
    CHECK (role <> parent)
) WITHOUT ROWID;
CREATE INDEX role_parents_parent ON role_parents (parent);

CREATE TABLE account_roles (
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (account_id, role)
) WITHOUT ROWID;
CREATE INDEX account_roles_role ON account_roles (role);

-- No foreign keys: the log outlives what it speaks of.
CREATE TABLE audit_events (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    account_id BLOB,
    session_id BLOB,
    ip TEXT,
    user_agent TEXT,
    trace BLOB,
    detail TEXT
) WITHOUT ROWID;
CREATE INDEX audit_events_account ON audit_events (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX audit_events_actor ON audit_events (actor, id);
CREATE INDEX audit_events_action ON audit_events (action, id);
CREATE INDEX audit_events_trace ON audit_events (trace) WHERE trace IS NOT NULL;

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    sealed BLOB NOT NULL,
    phase TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    delete_at BIGINT
) WITHOUT ROWID;
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (algorithm) WHERE phase = 'current';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (algorithm) WHERE phase = 'next';

-- AUTOINCREMENT: a number is never given twice, also after the newest rows were swept.
CREATE TABLE invalidations (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject BLOB,
    at BIGINT NOT NULL
);
CREATE INDEX invalidations_age ON invalidations (at);

-- Rows that a transaction locks before it changes a whole graph or ring.
CREATE TABLE locks (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO locks (name) VALUES ('roles'), ('keys');

INSERT INTO roles (name, description) VALUES ('administrator', 'May do everything');
