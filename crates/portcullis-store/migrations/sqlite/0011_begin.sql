-- Times are microseconds since 1970 in UTC, ids UUIDs as 16 bytes, tokens their SHA-256 only.

CREATE TABLE portcullis_accounts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email TEXT,
    email_normalised TEXT UNIQUE,
    username TEXT,
    username_normalised TEXT UNIQUE,
    state TEXT NOT NULL,
    email_verified_at BIGINT,
    stamp BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'person',
    CHECK ((email IS NULL) = (email_normalised IS NULL)),
    CHECK ((username IS NULL) = (username_normalised IS NULL))
) WITHOUT ROWID;

-- Apart from the accounts, so that no statement about accounts can bring a hash along.
CREATE TABLE portcullis_passwords (
    account_id BLOB NOT NULL PRIMARY KEY REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE portcullis_verifications (
    digest BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    email_normalised TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    tries BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX portcullis_verifications_account ON portcullis_verifications (account_id);
CREATE INDEX portcullis_verifications_expiry ON portcullis_verifications (expires_at);

CREATE TABLE portcullis_setup (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    digest BLOB NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE portcullis_sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
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
CREATE INDEX portcullis_sessions_account ON portcullis_sessions (account_id);
CREATE INDEX portcullis_sessions_expiry ON portcullis_sessions (expires_at);
CREATE INDEX portcullis_sessions_ended ON portcullis_sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE portcullis_refresh_tokens (
    digest BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES portcullis_sessions (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    successor BLOB
) WITHOUT ROWID;
CREATE INDEX portcullis_refresh_tokens_session ON portcullis_refresh_tokens (session_id);
CREATE INDEX portcullis_refresh_tokens_expiry ON portcullis_refresh_tokens (expires_at);

CREATE TABLE portcullis_revocations (
    id BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX portcullis_revocations_expiry ON portcullis_revocations (expires_at);

CREATE TABLE portcullis_permissions (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE portcullis_roles (
    name TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE portcullis_role_permissions (
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL REFERENCES portcullis_permissions (name) ON DELETE CASCADE,
    PRIMARY KEY (role, permission)
) WITHOUT ROWID;
CREATE INDEX portcullis_role_permissions_permission ON portcullis_role_permissions (permission);

CREATE TABLE portcullis_role_parents (
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    parent TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, parent),
    CHECK (role <> parent)
) WITHOUT ROWID;
CREATE INDEX portcullis_role_parents_parent ON portcullis_role_parents (parent);

CREATE TABLE portcullis_account_roles (
    account_id BLOB NOT NULL REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    PRIMARY KEY (account_id, role)
) WITHOUT ROWID;
CREATE INDEX portcullis_account_roles_role ON portcullis_account_roles (role);

-- No foreign keys: the log outlives what it speaks of.
CREATE TABLE portcullis_audit_events (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    account_id BLOB,
    session_id BLOB,
    ip TEXT,
    user_agent TEXT,
    trace BLOB,
    detail TEXT,
    api_key_id BLOB
) WITHOUT ROWID;
CREATE INDEX portcullis_audit_events_account ON portcullis_audit_events (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX portcullis_audit_events_actor ON portcullis_audit_events (actor, id);
CREATE INDEX portcullis_audit_events_action ON portcullis_audit_events (action, id);
CREATE INDEX portcullis_audit_events_trace ON portcullis_audit_events (trace) WHERE trace IS NOT NULL;

CREATE TABLE portcullis_signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    sealed BLOB NOT NULL,
    phase TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    delete_at BIGINT
) WITHOUT ROWID;
CREATE UNIQUE INDEX portcullis_signing_keys_current ON portcullis_signing_keys (algorithm) WHERE phase = 'current';
CREATE UNIQUE INDEX portcullis_signing_keys_next ON portcullis_signing_keys (algorithm) WHERE phase = 'next';

-- AUTOINCREMENT: a number is never given twice, also after the newest rows were swept.
CREATE TABLE portcullis_invalidations (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject BLOB,
    at BIGINT NOT NULL
);
CREATE INDEX portcullis_invalidations_age ON portcullis_invalidations (at);

-- Rows that a transaction locks before it changes a whole graph or ring.
CREATE TABLE portcullis_locks (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO portcullis_locks (name) VALUES ('roles'), ('keys');

CREATE INDEX portcullis_accounts_services ON portcullis_accounts (id) WHERE kind = 'service';

-- A key's text is its SHA-256 only; the one before the last rotation stays until its overlap ends.
CREATE TABLE portcullis_api_keys (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    hint TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    previous BLOB UNIQUE,
    previous_until BIGINT,
    expires_at BIGINT,
    enabled BIGINT NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    networks TEXT NOT NULL,
    rate TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    last_used_ip TEXT,
    warned_at BIGINT,
    CHECK ((previous IS NULL) = (previous_until IS NULL))
) WITHOUT ROWID;
CREATE INDEX portcullis_api_keys_account ON portcullis_api_keys (account_id, id);
CREATE INDEX portcullis_api_keys_expiry ON portcullis_api_keys (expires_at) WHERE expires_at IS NOT NULL AND warned_at IS NULL;

CREATE TABLE portcullis_organizations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Every slug an organization ever had: nobody else gets it, or old links would lead to a stranger.
CREATE TABLE portcullis_organization_slugs (
    slug TEXT NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES portcullis_organizations (id)
) WITHOUT ROWID;
CREATE INDEX portcullis_organization_slugs_organization ON portcullis_organization_slugs (organization_id);

CREATE TABLE portcullis_organization_members (
    organization_id BLOB NOT NULL REFERENCES portcullis_organizations (id) ON DELETE CASCADE,
    account_id BLOB NOT NULL REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, account_id)
) WITHOUT ROWID;
CREATE INDEX portcullis_organization_members_account ON portcullis_organization_members (account_id);

CREATE TABLE portcullis_organization_roles (
    organization_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    PRIMARY KEY (organization_id, account_id, role),
    FOREIGN KEY (organization_id, account_id) REFERENCES portcullis_organization_members (organization_id, account_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX portcullis_organization_roles_account ON portcullis_organization_roles (account_id, role);
CREATE INDEX portcullis_organization_roles_role ON portcullis_organization_roles (role);

CREATE TABLE portcullis_organization_invitations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    digest BLOB NOT NULL UNIQUE,
    organization_id BLOB NOT NULL REFERENCES portcullis_organizations (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_normalised TEXT NOT NULL,
    invited_by BLOB REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (organization_id, email_normalised)
) WITHOUT ROWID;
CREATE INDEX portcullis_organization_invitations_by ON portcullis_organization_invitations (invited_by);
CREATE INDEX portcullis_organization_invitations_expiry ON portcullis_organization_invitations (expires_at);

CREATE TABLE portcullis_organization_invitation_roles (
    invitation_id BLOB NOT NULL REFERENCES portcullis_organization_invitations (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    PRIMARY KEY (invitation_id, role)
) WITHOUT ROWID;
CREATE INDEX portcullis_organization_invitation_roles_role ON portcullis_organization_invitation_roles (role);

-- One resource of an application shared with an account, a role or an organization. The resource itself is the
-- application's: no foreign key leads there.
CREATE TABLE portcullis_grants (
    kind TEXT NOT NULL,
    resource TEXT NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    account_id BLOB REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    role TEXT REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    organization_id BLOB,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (kind, resource, subject, action)
) WITHOUT ROWID;
-- With the end at their end: without it, SQLite goes through every grant of the kind rather than look up those of somebody.
CREATE INDEX portcullis_grants_account ON portcullis_grants (account_id, kind, action, resource, expires_at) WHERE account_id IS NOT NULL;
CREATE INDEX portcullis_grants_role ON portcullis_grants (role, kind, action, resource, expires_at) WHERE role IS NOT NULL;
CREATE INDEX portcullis_grants_organization ON portcullis_grants (organization_id, kind, action, resource, expires_at) WHERE organization_id IS NOT NULL;
CREATE INDEX portcullis_grants_expiry ON portcullis_grants (expires_at) WHERE expires_at IS NOT NULL;

-- Why requests were refused. No foreign keys: a record outlives what it speaks of, for some days.
CREATE TABLE portcullis_decisions (
    trace BLOB NOT NULL PRIMARY KEY CHECK (length(trace) = 16),
    at BIGINT NOT NULL,
    account_id BLOB,
    record TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX portcullis_decisions_known ON portcullis_decisions (at) WHERE account_id IS NOT NULL;
CREATE INDEX portcullis_decisions_unknown ON portcullis_decisions (at) WHERE account_id IS NULL;

-- How far something that costs others, such as a letter, has been used up: the moment from which on nothing is. The
-- subject is a digest of a purpose and whom it is about. A row whose moment has passed says nothing any more.
CREATE TABLE portcullis_budgets (
    subject BLOB PRIMARY KEY,
    due INTEGER NOT NULL
);
CREATE INDEX portcullis_budgets_due ON portcullis_budgets (due);

CREATE INDEX portcullis_audit_events_api_key ON portcullis_audit_events (api_key_id, id) WHERE api_key_id IS NOT NULL;

-- Texts of API keys whose overlap is over are found to be forgotten.
CREATE INDEX portcullis_api_keys_former ON portcullis_api_keys (previous_until) WHERE previous_until IS NOT NULL;

-- Addresses that accounts say are theirs and haven't proven. Several accounts may claim one address; the first proof takes
-- it from all others. What stands in accounts is proven, or was written by the version before.
CREATE TABLE portcullis_email_claims (
    account_id BLOB NOT NULL PRIMARY KEY REFERENCES portcullis_accounts (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_normalised TEXT NOT NULL,
    claimed_at BIGINT NOT NULL,
    claimed_from TEXT,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX portcullis_email_claims_address ON portcullis_email_claims (email_normalised, account_id);
CREATE INDEX portcullis_email_claims_expiry ON portcullis_email_claims (expires_at);
CREATE INDEX portcullis_accounts_unproven ON portcullis_accounts (id) WHERE email IS NOT NULL AND email_verified_at IS NULL;

-- What is done after an answer and must not be forgotten. The payload is sealed under the master key for the job's id, and
-- gone with the job. It may be taken from run_at on: while a worker holds the lease, that is when the lease runs out.
CREATE TABLE portcullis_jobs (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    account_id BLOB,
    payload BLOB NOT NULL,
    run_at BIGINT NOT NULL,
    lease BLOB,
    attempts BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX portcullis_jobs_due ON portcullis_jobs (kind, run_at, id);

-- What user names look like (UTS 39): of names that can't be told apart only one is given away. An account has a look for
-- its name as it is compared, and one as it is shown. Those of before get theirs when a server starts.
CREATE TABLE portcullis_username_looks (
    look TEXT NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES portcullis_accounts (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX portcullis_username_looks_account ON portcullis_username_looks (account_id);

-- Every role with itself and with all that it inherits, over however many steps. The verbs that change the graph keep it.
CREATE TABLE portcullis_role_closure (
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    inherited TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, inherited)
) WITHOUT ROWID;
CREATE INDEX portcullis_role_closure_inherited ON portcullis_role_closure (inherited, role);

INSERT INTO portcullis_roles (name, description) VALUES
    ('administrator', 'May do everything'),
    ('organization-owner', 'May do everything in an organization');
INSERT INTO portcullis_role_closure (role, inherited) SELECT name, name FROM portcullis_roles;
