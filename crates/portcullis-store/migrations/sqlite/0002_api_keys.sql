ALTER TABLE accounts ADD COLUMN kind TEXT NOT NULL DEFAULT 'person';
CREATE INDEX accounts_services ON accounts (id) WHERE kind = 'service';

-- A key's text is its SHA-256 only; the one before the last rotation stays until its overlap ends.
CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
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
CREATE INDEX api_keys_account ON api_keys (account_id, id);
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE expires_at IS NOT NULL AND warned_at IS NULL;
